"""Findings turn into protection: workflows subscribe to events and plan actions, the engine carries them out once.

`workflows/` decide (one file each), `actions/` change the outside world (one file each: permissions, before, apply,
verify, undo), `engine.py` runs them durably, within limits, in the mode that was chosen, and keeps an audit log.
Nothing is changed in the mode `observe`, which is the default.
"""

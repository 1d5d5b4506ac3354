"""What runs on a host: the modules' engines, on the rules as the manager's API spells them.

It imports `model`, `scan` and itself, and nothing else of Sakimori, so that a host needs no more.
"""

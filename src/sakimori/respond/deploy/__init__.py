"""Responses in a user's account: the function's bundle, what is deployed with it, and how it comes and goes.

`design.py` says what is deployed, `sources.py` which events arrive, `permissions.py` what the function may do;
`cloudformation.py` and `terraform.py` write it down, `bundle.py` packs the function, `stack.py` plans, applies and
removes. What is ours is known by its names and tags; nothing else is touched.
"""

"""What can go wrong when people are to be told."""

from __future__ import annotations


class NotifyError(Exception):
    """A message cannot be sent, or a route is not usable; the message says which, why and what to do."""

"""What can go wrong here."""

from __future__ import annotations


class RespondError(Exception):
    """A response cannot be carried out as asked; the message says what, why and what to do."""


class Busy(RespondError):
    """Another process is at the same run just now."""


class Passing(RespondError):
    """What may be over the next time: a budget that is used up, a breaker that is open, a manager that is away."""


class Undone(RespondError):
    """An undo is refused: says what is other than it was left."""

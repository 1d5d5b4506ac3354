"""Tickets: one for each finding or run, made once, commented when there is news, closed when it is over.

A ticket carries a label that is made from what it is about, by which it is found again: if we were killed after it was
made and before we knew, there is still only one.
"""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message, Worded, plain

OVER = ("finding-resolved", "finding-suppressed", "run-done", "run-ended")
"""The kinds of messages that close a ticket."""

GONE = 404

_SAFE = re.compile(r"[A-Za-z0-9_-]{1,200}")


class Desk(Protocol):
    """A ticket system. Each method raises NotifyError."""

    def find(self, label: str) -> str:
        """The key of the ticket that has the label; "" if there is none."""
        ...

    def create(self, said: Worded, label: str, message: Message) -> str:
        """Makes a ticket; gives its key."""
        ...

    def comment(self, key: str, said: Worded) -> None:
        """Adds a comment."""
        ...

    def close(self, key: str, said: Worded) -> None:
        """Closes it, with a comment."""
        ...

    def reopen(self, key: str, said: Worded) -> None:
        """Opens it again, with a comment."""
        ...


def tell(desk: Desk, message: Message, said: Worded) -> str:
    """Makes or changes the ticket that a message is about; gives its key, "" if none is needed. Raises NotifyError."""
    label = label_of(message)
    if message.reference:
        try:
            _change(desk, message.reference, message, said)
            return message.reference
        except NotifyError as error:
            if error.status != GONE:
                raise  # somebody has deleted it: there may be another, or one is made
    key = desk.find(label)
    if key and message.kind != "finding-new":
        _change(desk, key, message, said)
    if not key and message.kind not in OVER:
        key = desk.create(said, label, message)
    return key


def _change(desk: Desk, key: str, message: Message, said: Worded) -> None:
    if message.kind in OVER:
        desk.close(key, said)
    elif message.kind == "finding-again":
        desk.reopen(key, said)
    else:
        desk.comment(key, said)


def label_of(message: Message) -> str:
    """The label of the ticket that a message is about."""
    about = message.about or message.key
    return f"sakimori-{about if _SAFE.fullmatch(about) else hashlib.sha256(about.encode()).hexdigest()[:32]}"


def refusal(texts: list[object]) -> str:
    """What a ticket system says of why, as one line."""
    return "; ".join(plain(str(text))[:200] for text in texts if text)[:600]

"""Microsoft Teams: a webhook of a workflow ("Post to a channel when a webhook request is received"), with a card.

Source: Adaptive Cards, schema 1.4. Values stand in fact sets and in text blocks whose Markdown is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.notify.message import Message, Worded, pieces, shown
from sakimori.notify.outside import post

SETTINGS = {"url": True, "private": False, "ca": False}
IAM_ACTIONS: tuple[str, ...] = ()
PEOPLE = True

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-!<>|~])")


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Posts the message."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [part for each in (said, *said.items) for part in _of(each)],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    post(settings["url"], {"type": "message", "attachments": [attachment]}, settings)


def _of(said: Worded) -> Iterator[dict[str, Any]]:
    yield {"type": "TextBlock", "text": escaped(said.title), "weight": "Bolder", "wrap": True, "separator": True}
    if said.lines:
        facts = [{"title": label, "value": _linked(value)} for label, value in said.lines]
        yield {"type": "FactSet", "facts": facts}


def _linked(text: str) -> str:
    return "".join(f"[{escaped(shown(piece))}]({piece})" if ours else escaped(piece) for piece, ours in pieces(text))


def escaped(text: str) -> str:
    """Text whose marks are no Markdown."""
    return _MARKS.sub(r"\\\1", text)

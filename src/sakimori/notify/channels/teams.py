"""Microsoft Teams: a webhook of a workflow ("Post to a channel when a webhook request is received"), with a card.

Source: Adaptive Cards, schema 1.4. Values stand in fact sets and in text blocks whose Markdown is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sakimori.notify.message import Message, Worded
from sakimori.notify.post import post

SETTINGS = {"url": True, "private": False}
IAM_ACTIONS: tuple[str, ...] = ()

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-!<>|~])")


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Posts the message."""
    facts = [{"title": label, "value": escaped(value)} for label, value in said.lines]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": escaped(said.title), "weight": "Bolder", "wrap": True},
            {"type": "FactSet", "facts": facts},
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    post(settings["url"], body={"type": "message", "attachments": [attachment]}, private=bool(settings.get("private")))


def escaped(text: str) -> str:
    """Text whose marks are no Markdown."""
    return _MARKS.sub(r"\\\1", text)

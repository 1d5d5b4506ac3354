"""Slack: an incoming webhook (and what is compatible with it, such as Mattermost).

Source: "Sending messages using incoming webhooks" and "Escaping text" (Slack API): &, < and > are escaped, so that no
value becomes a link or mentions anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.notify.message import Message, Worded
from sakimori.notify.post import post

SETTINGS = {"url": True, "private": False}
IAM_ACTIONS: tuple[str, ...] = ()


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Posts the message."""
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": f"*{escaped(said.title)}*"}}]
    blocks += [
        {"type": "section", "text": {"type": "plain_text", "text": f"{label}: {value}"[:3000], "emoji": False}}
        for label, value in said.lines
    ]
    post(settings["url"], body={"text": escaped(said.title), "blocks": blocks}, private=bool(settings.get("private")))


def escaped(text: str) -> str:
    """Text that Slack shows as it is. The marks of formatting get a zero-width neighbour."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"{letter}\u2060" if letter in "*_~`" else letter for letter in text)[:3000]

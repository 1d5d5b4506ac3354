"""Slack: an incoming webhook (and what is compatible with it, such as Mattermost).

Source: "Sending messages using incoming webhooks", "Formatting text for app surfaces" and "Blocks" (Slack API): &, <
and > are escaped, so that no value becomes a link or mentions anybody; `verbatim` turns off what makes links of names;
at most 50 blocks a message, 3,000 characters each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.notify.message import Message, Worded, pieces, shown
from sakimori.notify.outside import post

SETTINGS = {"url": True, "private": False, "ca": False}
IAM_ACTIONS: tuple[str, ...] = ()
PEOPLE = True

LONGEST_BLOCK = 3000


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Posts the message."""
    blocks = [*_of(said), *map(_in_one, said.items)]
    post(settings["url"], {"text": escaped(said.title), "blocks": blocks}, settings)


def _of(said: Worded) -> Iterator[dict[str, Any]]:
    """A title, and a block a line."""
    yield _marked(f"*{escaped(said.title)}*")
    for label, value in said.lines:
        text = f"{label}: {value}"
        if any(ours for _, ours in pieces(text)):
            yield _marked(_with_links(text))
        else:
            yield _section({"type": "plain_text", "text": text[:LONGEST_BLOCK], "emoji": False})


def _in_one(said: Worded) -> dict[str, Any]:
    """A message of a digest: one block, so that many fit."""
    lines = (f"{label}: {value}" for label, value in said.lines)
    return _marked("\n".join([f"*{escaped(said.title)}*", *map(_with_links, lines)]))


def _with_links(text: str) -> str:
    return "".join(_linked(piece) if ours else escaped(piece) for piece, ours in pieces(text))


def _linked(address: str) -> str:
    return f"<{_escaped(address)}|{_escaped(shown(address))}>"


def _marked(text: str) -> dict[str, Any]:
    return _section({"type": "mrkdwn", "text": text[:LONGEST_BLOCK], "verbatim": True})


def _section(text: dict[str, Any]) -> dict[str, Any]:
    return {"type": "section", "text": text}


def escaped(text: str) -> str:
    """Text that Slack shows as it is. The marks of formatting get a neighbour without width."""
    return "".join(f"{letter}\u2060" if letter in "*_~`" else letter for letter in _escaped(text))[:LONGEST_BLOCK]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

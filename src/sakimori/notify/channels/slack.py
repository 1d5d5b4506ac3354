"""Slack: an incoming webhook (and what is compatible with it, such as Mattermost).

Source: "Sending messages using incoming webhooks", "Formatting text for app surfaces" and "Blocks" (Slack API): &, <
and > are escaped, so that no value becomes a link or mentions anybody; `verbatim` turns off what makes links of names;
at most 50 blocks a message, 3,000 characters each, 40,000 of `text`.
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

LONGEST_BLOCK = 3000

_EVERYBODY = re.compile(r"@(?=(?:here|channel|all|everyone)\b)", re.IGNORECASE)
"""Mattermost tells everybody of these, wherever they stand."""


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Posts the message."""
    blocks = [*_of(said), *map(_in_one, said.items)]
    post(settings["url"], {"text": _all(said), "blocks": blocks}, settings)


def _all(said: Worded) -> str:
    """What is shown where blocks are not (Mattermost, screen readers); of a digest the titles."""
    lines = [said.title, *(f"{label}: {value}" for label, value in said.lines), *(each.title for each in said.items)]
    return "\n".join(map(_with_links, lines))


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
    """A message of a digest: one block, so that many fit. Where it is too long, no line pushes out the others."""
    lines = [escaped(said.title), *(_with_links(f"{label}: {value}") for label, value in said.lines)]
    if sum(map(len, lines)) > LONGEST_BLOCK - 2 * len(lines):
        lines = [_cut(each, LONGEST_BLOCK // len(lines) - 2) for each in lines]
    return _marked("\n".join([f"*{lines[0]}*", *lines[1:]]))


def _cut(line: str, most: int) -> str:
    """The beginning of a line, and its end, where its command is; a line with a link stays as it is."""
    if len(line) <= most or "<http" in line:
        return line
    return f"{line[: most // 2 - 1]}…{line[-(most // 2) :]}"


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
    marked = "".join(f"{letter}\u2060" if letter in "*_~`" else letter for letter in _escaped(text))
    return _EVERYBODY.sub("@\u2060", marked)[:LONGEST_BLOCK]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

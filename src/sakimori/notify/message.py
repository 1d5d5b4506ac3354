"""A message: what happened, to what, who did it, why it matters, what to do; put into words of a language.

Values come from findings, and so from attackers: they are put in as plain text, one after the other, never read as a
template, without control characters, and each channel escapes what its own format would take for more than text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sakimori.model.finding import Finding
from sakimori.model.said import PLACEHOLDER, Made
from sakimori.model.severity import Severity
from sakimori.notify.errors import NotifyError
from sakimori.notify.translation import in_language

TEXTS = Path(__file__).with_name("texts.yml")
LANGUAGES = ("en", "ja")
LONGEST_VALUE = 600

PARTS = ("what", "why", "todo")

OPEN = ("finding-new", "finding-worse", "finding-again")
"""The kinds of messages after which a route takes the finding to be there."""

_OURS = re.compile(r"(https?://\S+)")
_ADDRESS = re.compile(r"://|\bmailto:(?=\S)|(?<![\w:/.-])www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be told. `kind` names its texts, `facts` fill them; `key` is the same for the same news.

    `about` is what it is about (a finding's uid, a run's id), the same for all news of it; `at` is when the news came
    up. `tags` and `owner` are the asset's; `reference` is what a channel called the thing when it was told of it before
    (a ticket's key). A digest holds `items`. `said` is what sentences in `facts` were made of, by the sentence.
    """

    kind: str
    key: str
    severity: Severity
    account: str
    target: str
    who: str
    facts: Mapping[str, str] = field(default_factory=dict)
    subject: Finding | None = None
    about: str = ""
    at: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    reference: str = ""
    items: tuple[Message, ...] = ()
    said: Mapping[str, Made] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Worded:
    """A message in the words of a language; `lines` are (label, text). `items` are those of a digest."""

    title: str
    lines: tuple[tuple[str, str], ...]
    items: tuple[Worded, ...] = ()

    def text(self) -> str:
        """As plain text."""
        own = "\n".join([self.title, "", *(f"{label}: {value}" for label, value in self.lines)])
        return "\n\n".join([own, *(f"- - -\n{each.text()}" for each in self.items)])


@cache
def texts() -> dict[str, Any]:
    """The catalogue."""
    loaded: dict[str, Any] = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    return loaded


def worded(message: Message, language: str, person: str = "", asked: Mapping[str, str] | None = None) -> Worded:
    """The message in a language. `asked` are facts that are made for whoever gets it: signed links, or commands.

    Raises NotifyError for a language or a kind of message that has no texts.
    """
    catalogue = texts()
    kinds = catalogue["messages"]
    if language not in LANGUAGES or message.kind not in kinds:
        raise NotifyError(f"there is no text for {message.kind!r} in {language!r}: there are {', '.join(LANGUAGES)}")
    given = dict(asked or {})
    if "before" in message.facts:
        given["before"] = catalogue["severities"].get(message.facts["before"], {}).get(language, "")
    facts = in_language(message.facts, language, message.said)
    said = {part: filled(kinds[message.kind][part][language], facts, given) for part in PARTS}
    level = catalogue["severities"][message.severity.label][language]
    unknown = catalogue["unknown"]
    values = {
        "severity": level,
        "target": _targets(message) or unknown["target"][language],
        "who": plain(message.who) or unknown["who"][language],
        "why": said["why"],
        "todo": said["todo"],
        "acknowledge": given.get("acknowledge", "") if message.kind != "drill" else "",
        "escalated": filled(catalogue["escalated"][language], message.facts) if "unheard" in message.facts else "",
        "perhaps": catalogue["perhaps"][language] if "perhaps" in message.facts else "",
        "person": plain(person),
    }
    labels = catalogue["labels"]
    lines = tuple((labels[name][language], value) for name, value in values.items() if value)
    return Worded(f"[{level}] {said['what']}", lines)


def _targets(message: Message) -> str:
    """What it is about, and what else."""
    others = plain(message.facts.get("others", ""))
    return f"{plain(message.target)}, {others}" if others else plain(message.target)


def filled(text: str, facts: Mapping[str, str], ours: Mapping[str, str] | None = None) -> str:
    """The text with its placeholders replaced, in one pass: what a value holds is not looked at again.

    `ours` are values that we have made ourselves, which stay as they are.
    """
    own = ours or {}
    return " ".join(PLACEHOLDER.sub(lambda found: own.get(found[1]) or plain(facts.get(found[1], "")), text).split())


def pieces(text: str) -> list[tuple[str, bool]]:
    """The text in pieces, and whether each is an address of our pages: there is no other (see `plain`)."""
    return [(piece, bool(_OURS.fullmatch(piece))) for piece in _OURS.split(text) if piece]


def shown(address: str) -> str:
    """An address of our pages as people see it where its name can be chosen: without the token."""
    return address.partition("?")[0]


def plain(value: str) -> str:
    """The value as one line of text, without what commands a terminal or reorders letters, and not too long.

    Addresses in it are written so that no program makes a link of them: whoever names a resource writes them.
    """
    kept = "".join(
        " " if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else letter for letter in str(value)
    )
    kept = _ADDRESS.sub(lambda found: found[0].replace(":", "[:]").replace(".", "[.]"), " ".join(kept.split()))
    return kept if len(kept) <= LONGEST_VALUE else kept[: LONGEST_VALUE - 1] + "…"

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

from sakimori.model.severity import Severity
from sakimori.notify.errors import NotifyError

TEXTS = Path(__file__).with_name("texts.yml")
LANGUAGES = ("en", "ja")
LONGEST_VALUE = 600

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be told. `kind` names its texts, `facts` fill them; `key` is the same for the same news."""

    kind: str
    key: str
    severity: Severity
    account: str
    target: str
    who: str
    facts: Mapping[str, str] = field(default_factory=dict)
    subject: Any = None


@dataclass(frozen=True, slots=True)
class Worded:
    """A message in the words of a language; `lines` are (label, text)."""

    title: str
    lines: tuple[tuple[str, str], ...]

    def text(self) -> str:
        """As plain text."""
        return "\n".join([self.title, "", *(f"{label}: {value}" for label, value in self.lines)])


@cache
def texts() -> dict[str, Any]:
    """The catalogue."""
    loaded: dict[str, Any] = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    return loaded


def worded(message: Message, language: str, person: str = "") -> Worded:
    """The message in a language. Raises NotifyError for a language or a kind of message that has no texts."""
    catalogue = texts()
    kinds = catalogue["messages"]
    if language not in LANGUAGES or message.kind not in kinds:
        raise NotifyError(f"there is no text for {message.kind!r} in {language!r}: there are {', '.join(LANGUAGES)}")
    said = {part: filled(kinds[message.kind][part][language], message.facts) for part in ("what", "why", "todo")}
    level = catalogue["severities"][message.severity.label][language]
    values = {
        "severity": level,
        "target": plain(message.target),
        "who": plain(message.who),
        "why": said["why"],
        "todo": said["todo"],
        "person": plain(person),
    }
    labels = catalogue["labels"]
    lines = tuple((labels[name][language], value) for name, value in values.items() if value)
    return Worded(f"[{level}] {said['what']}", lines)


def filled(text: str, facts: Mapping[str, str]) -> str:
    """The text with its placeholders replaced, in one pass: what a value holds is not looked at again."""
    return " ".join(_PLACEHOLDER.sub(lambda found: plain(facts.get(found[1], "")), text).split())


def plain(value: str) -> str:
    """The value as one line of text, without what commands a terminal or reorders letters, and not too long."""
    kept = "".join(
        " " if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") else letter for letter in str(value)
    )
    kept = " ".join(kept.split())
    return kept if len(kept) <= LONGEST_VALUE else kept[: LONGEST_VALUE - 1] + "…"

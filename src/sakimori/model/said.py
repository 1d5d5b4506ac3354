"""Sentences that remember what they were made of, so that they can be told in other languages as well.

    say("whether {instance} is protected: {why}", instance=..., why=...)

is the sentence in English, a `str` like any other; the template is what the catalogue of another language knows it by
(`notify/japanese.yml`). Values come from events, and so from attackers: each is put in as it is (but for what no
database holds), once, and never read as a template. A value may itself be such a sentence.

`made_of` gives what sentences were made of, which is kept beside them; `recalled` makes them of it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sakimori.model.text import storable

PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, slots=True)
class Made:
    """What a sentence was made of, as it is kept: its template (or what its parts were joined by), the values (or the
    parts), and which of these are sentences themselves."""

    template: str
    values: Mapping[str, str]
    sentences: tuple[str, ...] = ()


class Said(str):
    """A sentence in English with what it was made of."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, str]


def say(template: str, /, **values: object) -> Said:
    """The sentence of a template, which is a literal text. Raises KeyError for a placeholder without a value."""
    texts = {name: _part(value if isinstance(value, str) else told(value)) for name, value in values.items()}
    return _said(PLACEHOLDER.sub(lambda found: texts[found[1]], template), template, texts)


def told(value: object) -> str:
    """A value as text; an error that was raised with a sentence as that sentence."""
    first = value.args[0] if isinstance(value, BaseException) and value.args else None
    return first if isinstance(first, Said) and first == str(value) else str(value)


def joined(separator: str, parts: Iterable[str]) -> str:
    """Several sentences, or names, as one."""
    given = [_part(part) for part in parts]
    if len(given) < 2:
        return given[0] if given else ""
    return _said(separator.join(given), separator, {str(number): part for number, part in enumerate(given)})


def made_of(texts: Iterable[str]) -> dict[str, Made]:
    """What sentences, and the sentences in them, were made of, by the sentence; texts of others are left out."""
    found: dict[str, Made] = {}
    for text in texts:
        if isinstance(text, Said):
            found |= made_of(text.values.values())
            own = tuple(name for name, value in text.values.items() if isinstance(value, Said))
            found[str(text)] = Made(text.template, {name: str(value) for name, value in text.values.items()}, own)
    return found


def recalled(text: str, made: Mapping[str, Made]) -> str:
    """The sentence that a text is, by what is kept; a text of which nothing is kept as it is."""
    found = made.get(text)
    if found is None:
        return text
    values = {name: recalled(v, made) if name in found.sentences else v for name, v in found.values.items()}
    return _said(text, found.template, values)


def _part(text: str) -> str:
    return text if isinstance(text, Said) else storable(text)


def _said(text: str, template: str, values: Mapping[str, str]) -> Said:
    said = Said(text)
    said.template, said.values = template, values
    return said

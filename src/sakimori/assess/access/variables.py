"""Policy variables: `${aws:username}`, with a default after a comma ("IAM policy elements: Variables and tags")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sakimori.assess.access.globs import Glob

Context = Mapping[str, tuple[str, ...]]
"""The keys of a request, in lower case, each with its values."""

_VARIABLE = re.compile(r"\$\{\s*([^}]*?)\s*\}")
_NAMED = re.compile(r"([^,]+?)\s*(?:,\s*'(.*)')?", re.DOTALL)
_SPECIAL = frozenset("*?$")
_PLAIN = re.compile(r"[^*?$]*")

# Characters of their own for a literal asterisk, question mark and colon, which a pattern would read as more.
_SHIELDS = {"*": "\ue000", "?": "\ue001"}
_UNSHIELDED = {shield: character for character, shield in _SHIELDS.items()}


def has_variables(pattern: str) -> bool:
    return "${" in pattern


def named(pattern: str) -> dict[str, str]:
    """The keys that a pattern takes its variables from, in lower case, each as it is written there."""
    found = (_NAMED.fullmatch(text) for text in _VARIABLE.findall(pattern) if text not in _SPECIAL)
    return {each[1].lower(): each[1] for each in found if each}


def captured(pattern: str, text: str, key: str) -> Iterator[str]:
    """Every value of a key with which a pattern can match the text, and more: what is between what stands around it."""
    found = next((each for each in _VARIABLE.finditer(pattern) if key in named(each[0])), None)
    if found is None:
        return
    before, after = pattern[: found.start()], pattern[found.end() :]
    opening = _PLAIN.match(before)
    starts = [len(before)] if _PLAIN.fullmatch(before) else range(opening.end() if opening else 0, len(text))
    for start in starts:
        ends = [len(text) - len(after)] if _PLAIN.fullmatch(after) else range(start + 1, len(text) + 1)
        yield from (text[start:end] for end in ends if start < end)


def filled_in(pattern: str, context: Context) -> str | None:
    """The pattern with its variables' values, shielded so that none is read as a wildcard; None where one has no value.

    A key with several values is no value: IAM takes variables from keys of one value only.
    """
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        if found[1] in _SPECIAL:
            return shielded(found[1])
        parts = _NAMED.fullmatch(found[1])
        values = context.get(parts[1].lower(), ()) if parts else ()
        if len(values) == 1:
            return shielded(values[0])
        if parts and parts[2] is not None and not values:
            return shielded(parts[2])
        missing = True
        return ""

    text = _VARIABLE.sub(value, pattern)
    return None if missing else text


def anything_filled_in(pattern: str, anything: str = "*") -> str:
    """The pattern with `anything` for every variable: with an asterisk it matches whatever the pattern can.

    What `${*}` and its like mean is shielded.
    """

    def value(found: re.Match[str]) -> str:
        return shielded(found[1]) if found[1] in _SPECIAL else anything

    return _VARIABLE.sub(value, pattern) if has_variables(pattern) else pattern


def shielded(text: str) -> str:
    for character, shield in _SHIELDS.items():
        text = text.replace(character, shield)
    return text


def plain(text: str) -> str:
    """The text without shields, for comparisons that know no wildcards."""
    for shield, character in _UNSHIELDED.items():
        text = text.replace(shield, character)
    return text


def unshielded(glob: Glob) -> Glob:
    """A glob made of shielded text, with the characters that were meant."""
    return tuple(_UNSHIELDED.get(token, token) for token in glob)


def literal_glob(text: str) -> Glob:
    """The text itself as a glob, asterisks and all."""
    return tuple(text)

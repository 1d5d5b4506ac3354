"""Maven's order of versions (Maven POM Reference, "Version Order Specification")."""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any, NamedTuple

_RELEASE = ""
_QUALIFIERS = ("alpha", "beta", "milestone", "rc", "snapshot", _RELEASE, "sp")
_ALIASES = {"cr": "rc", "ga": _RELEASE, "final": _RELEASE, "release": _RELEASE}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
"""What a letter stands for that a digit follows at once."""


class _Token(NamedTuple):
    """`separator` stands before it; `value` is a number or a lower-case qualifier."""

    separator: str
    value: int | str

    @property
    def is_null(self) -> bool:
        return self.value in (0, _RELEASE)


def key(version: str) -> Any:
    """A value that sorts as Maven sorts versions."""
    return _sorted_as_maven(_trimmed(_tokens(version.strip().lower())))


def _tokens(text: str) -> list[_Token]:
    """Split at `.` and `-`, and where digits meet letters, as if a `-` stood there; nothing between two is 0."""
    tokens: list[_Token] = []
    separator = ""
    for piece in re.split(r"([.-])", text):
        if piece in (".", "-"):
            separator = piece
            continue
        parts = re.findall(r"[0-9]+|[^0-9]+", piece) or ["0"]
        for at, part in enumerate(parts):
            before_digit = at + 1 < len(parts)
            tokens.append(_Token(separator if at == 0 else "-", _value(part, before_digit=before_digit)))
    return tokens


def _value(part: str, *, before_digit: bool) -> int | str:
    if part.isascii() and part.isdigit():
        return int(part)
    if before_digit and part in _SHORT:
        return _SHORT[part]
    return _ALIASES.get(part, part)


def _trimmed(tokens: list[_Token]) -> list[_Token]:
    """Without the zeros and release words at the end, and before each hyphen."""
    kept: list[_Token] = []
    for token in reversed(tokens):
        ends_here = not kept or kept[-1].separator == "-"
        if token.is_null and ends_here and (token.separator or len(tokens) > 1):
            continue
        kept.append(token)
    return kept[::-1]


def _compare(left: list[_Token], right: list[_Token]) -> int:
    for a, b in zip_longest(left, right):
        first, second = _rank(a or _padding(b)), _rank(b or _padding(a))
        if first != second:
            return -1 if first < second else 1
    return 0


def _padding(token: _Token) -> _Token:
    """What the shorter version is filled up with: nothing, of the other's kind."""
    return _Token(token.separator, 0 if isinstance(token.value, int) else _RELEASE)


def _rank(token: _Token) -> tuple[int, int, str]:
    """`.qualifier` < `-qualifier` < `-number` < `.number`; qualifiers that are known before those that are not."""
    if isinstance(token.value, int):
        return (3 if token.separator != "-" else 2, token.value, "")
    known = token.value in _QUALIFIERS
    place = _QUALIFIERS.index(token.value) if known else len(_QUALIFIERS)
    return (1 if token.separator == "-" else 0, place, "" if known else token.value)


_sorted_as_maven = cmp_to_key(_compare)

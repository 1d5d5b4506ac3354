"""Alpine's order of versions, as apk-tools compares them: token by token, each with what kind of token follows."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any

_SUFFIXES = {"alpha": -4, "beta": -3, "pre": -2, "rc": -1, "cvs": 0, "svn": 1, "git": 2, "hg": 3, "p": 4}
"""Those before the release are below zero."""


class _Kind(IntEnum):
    """Of two versions that are the same so far, the one whose next token stands further down here is the older."""

    COMPONENT = 0
    DIGITS = 1
    LETTER = 2
    SUFFIX = 3
    SUFFIX_NUMBER = 4
    REVISION = 5
    END = 6
    INVALID = 7


_PRE_RELEASE_FOLLOWS = -100
_MAY_STEP_BACK = frozenset(
    {(_Kind.DIGITS, _Kind.COMPONENT), (_Kind.SUFFIX_NUMBER, _Kind.SUFFIX), (_Kind.LETTER, _Kind.DIGITS)}
)
"""(kind, next kind): elsewhere tokens only go down the list."""


def key(version: str) -> Any:
    """Value and following kind of each token in turn, as one tuple."""
    rest, kind = version.strip(), _Kind.DIGITS
    found: list[int] = []
    while kind not in (_Kind.END, _Kind.INVALID):
        value, kind, rest = _token(kind, rest)
        found += [value, _rank(kind, rest)]
    return tuple(found)


def _rank(following: _Kind, rest: str) -> int:
    if following is _Kind.SUFFIX and _token(following, rest)[0] < 0:
        return _PRE_RELEASE_FOLLOWS
    return -int(following)


def _token(kind: _Kind, text: str) -> tuple[int, _Kind, str]:
    """The value of the token that `text` begins with, what kind follows it, and the text from there on."""
    if not text:
        return 0, _Kind.END, ""
    if kind is _Kind.SUFFIX:
        name = next((name for name in _SUFFIXES if text.startswith(name)), None)
        if name is None:
            return -1, _Kind.INVALID, ""
        return (_SUFFIXES[name], *_next(kind, text[len(name) :]))
    if kind is _Kind.LETTER:
        return (ord(text[0]), *_next(kind, text[1:]))
    if kind is _Kind.COMPONENT and text[0] == "0":  # 1.05 is a decimal fraction: the more zeros, the smaller
        rest = text.lstrip("0")
        following = (_Kind.DIGITS, rest) if _leading_digits(rest) else _next(_Kind.DIGITS, rest)
        return (len(rest) - len(text), *following)
    digits = _leading_digits(text)
    return (int(digits or 0), *_next(kind, text[len(digits) :]))


def _next(kind: _Kind, text: str) -> tuple[_Kind, str]:
    following, rest = _following(kind, text)
    if following < kind and (kind, following) not in _MAY_STEP_BACK:
        return _Kind.INVALID, rest
    return following, rest


def _following(kind: _Kind, text: str) -> tuple[_Kind, str]:
    if not text:
        return _Kind.END, ""
    if kind in (_Kind.COMPONENT, _Kind.DIGITS) and text[0].isascii() and text[0].islower():
        return _Kind.LETTER, text
    if kind is _Kind.LETTER and _leading_digits(text):
        return _Kind.DIGITS, text
    if kind is _Kind.SUFFIX and _leading_digits(text):
        return _Kind.SUFFIX_NUMBER, text
    if text.startswith("-r"):
        return _Kind.REVISION, text[2:]
    if text[0] == "_":
        return _Kind.SUFFIX, text[1:]
    is_component = text[0] == "." and (text[1:2] == "." or bool(_leading_digits(text[1:])))
    return _Kind.COMPONENT if is_component else _Kind.INVALID, text[1:]


def _leading_digits(text: str) -> str:
    found = re.match(r"[0-9]+", text)
    return found[0] if found else ""

"""How package managers sort versions: one function an order, from a version to a key that Python sorts the same way.

A key is nested tuples. Where one version is the beginning of another, an explicit end decides, as it does in the tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_DIGITS = re.compile(r"\d+", re.ASCII)


# ---- Debian


def dpkg(version: str) -> Any:
    """deb-version(7): epoch, upstream version, revision; `~` sorts before the end, letters before everything else."""
    epoch, colon, rest = version.strip().partition(":")
    if not colon or not epoch.isdecimal():
        epoch, rest = "0", version.strip()
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), _dpkg_part(upstream), _dpkg_part(revision)


def _dpkg_part(text: str) -> tuple[Any, ...]:
    """Text and numbers in turn, text first; nothing is as much as 0."""
    parts: list[Any] = []
    for between, number in re.findall(r"(\D*)(\d*)", text or "0", re.ASCII):
        parts += [(*map(_dpkg_order, between), 0), int(number or 0)]
    return tuple(parts)


def _dpkg_order(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 0x11_0000


# ---- RPM

_RPM_PARTS = re.compile(r"[0-9]+|[A-Za-z]+|~|\^", re.ASCII)
_RPM_TILDE, _RPM_END, _RPM_CARET, _RPM_WORD, _RPM_NUMBER = range(5)


def rpm(version: str) -> Any:
    """rpm's rpmvercmp over epoch, version and release: `~` before the end, `^` after it, numbers after words."""
    epoch, colon, rest = version.strip().partition(":")
    if not colon:
        epoch, rest = "0", version.strip()
    upstream, dash, release = rest.partition("-")
    return _rpm_part(epoch), _rpm_part(upstream), _rpm_part(release) if dash else ((_RPM_END,),)


def _rpm_part(text: str) -> tuple[Any, ...]:
    return (*map(_rpm_piece, _RPM_PARTS.findall(text)), (_RPM_END,))


def _rpm_piece(piece: str) -> tuple[Any, ...]:
    if piece == "~":
        return (_RPM_TILDE,)
    if piece == "^":
        return (_RPM_CARET,)
    return (_RPM_NUMBER, int(piece)) if piece.isdigit() else (_RPM_WORD, piece)


# ---- Python

_PEP440 = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>\d*))?"
    r"(?P<post>-(?P<post_bare>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>\d*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.ASCII,
)
_PEP440_PRE = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_BEFORE, _AFTER = -1, 3
"""Beside the kinds of pre-release: before them all, and after them all."""


def pep440(version: str) -> Any:
    """PEP 440 (Version Identification). What is no such version sorts before all that are, as in old setuptools."""
    text = version.strip().lower()
    found = _PEP440.fullmatch(text)
    if found is None:
        return (-1, _legacy_python(text))
    release = _without_trailing_zeros(int(number) for number in found["release"].split("."))
    is_pre, is_post, is_dev = found["pre"] is not None, found["post"] is not None, found["dev"] is not None
    if is_pre:
        pre = (_PEP440_PRE[found["pre"]], int(found["pre_number"] or 0))
    else:
        pre = (_BEFORE if is_dev and not is_post else _AFTER, 0)
    post = int(found["post_bare"] or found["post_number"] or 0) if is_post else -1
    dev = (0, int(found["dev_number"] or 0)) if is_dev else (1, 0)
    return (int(found["epoch"] or 0), release, pre, post, dev, _pep440_local(found["local"]))


def _pep440_local(text: str | None) -> tuple[Any, ...]:
    pieces = re.split(r"[-_.]", text) if text else []
    return tuple((1, "", int(piece)) if piece.isdigit() else (0, piece, 0) for piece in pieces)


def _legacy_python(text: str) -> tuple[str, ...]:
    """The order of setuptools before PEP 440: words below numbers, `final` between pre-releases and what follows."""
    replaced = {"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}
    parts: list[str] = []
    for piece in [each for each in re.split(r"(\d+|[a-z]+|\.|-)", text) if each and each != "."]:
        part = replaced.get(piece, piece)
        part = part.zfill(8) if part.isdigit() else f"*{part}"
        if part.startswith("*"):
            if part < "*final":
                while parts and parts[-1] == "*final-":
                    parts.pop()
            while parts and parts[-1] == "00000000":
                parts.pop()
        parts.append(part)
    return (*parts, "*final")


# ---- Semantic Versioning and its relatives


def semver(version: str) -> Any:
    """semver.org 2.0.0, which npm, Go and Cargo follow; a leading v and missing numbers are allowed, builds equal."""
    numbers, pre, _ = _semver(version)
    return numbers, _pre_release(pre)


def pub(version: str) -> Any:
    """Dart's order: semver, and the build after the `+` counts."""
    numbers, pre, build = _semver(version)
    after = tuple((0, "", int(part)) if part.isdigit() else (1, part, 0) for part in build.split(".") if part)
    return numbers, _pre_release(pre), after


def nuget(version: str) -> Any:
    """NuGet's order: semver with a fourth number, in any case."""
    numbers, pre, _ = _semver(version.lower())
    return numbers, _pre_release(pre)


def _semver(version: str) -> tuple[tuple[int, ...], str, str]:
    """Its numbers without zeros at the end, what follows `-` and what follows `+`."""
    text = version.strip()
    text, _, build = (text[1:] if text[:1] in "vV=" else text).partition("+")
    found = re.match(r"\d+(?:\.\d+)*", text, re.ASCII)
    numbers = _without_trailing_zeros(int(number) for number in found[0].split(".")) if found else ()
    rest = text[found.end() :] if found else text
    return numbers, rest.lstrip("-.") if rest else "", build


def _pre_release(text: str) -> tuple[Any, ...]:
    """A version without one sorts after all that have one; numbers before words."""
    if not text:
        return (1,)
    return (0, *((0, "", int(part)) if _is_number(part) else (1, part, 0) for part in text.split(".")))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


# ---- Products without a package manager

_BEFORE_RELEASE = frozenset(("alpha", "beta", "dev", "pre", "preview", "rc", "snapshot"))


def generic(version: str) -> Any:
    """Numbers and words in turn: `1.0.1-rc1` is older than `1.0.1`, which is older than `1.0.1g` and `1.0.1.2`."""
    pieces = re.findall(r"[0-9]+|[a-z]+", version.strip().lower().removeprefix("v").partition("+")[0], re.ASCII)
    while pieces and not pieces[-1].strip("0"):
        pieces.pop()
    return (*map(_generic_piece, pieces), (1, 0, ""))


def _generic_piece(piece: str) -> tuple[int, int, str]:
    if _is_number(piece):
        return (3, int(piece), "")
    return (0 if piece in _BEFORE_RELEASE else 2, 0, piece)


# ---- Ruby


def rubygems(version: str) -> Any:
    """Gem::Version: numbers and words between dots; a word sorts before a number, trailing zeros count nothing."""
    pieces = re.findall(r"[0-9]+|[a-z]+", version.strip().replace("-", ".pre."), re.IGNORECASE | re.ASCII)
    words = next((at for at, piece in enumerate(pieces) if not piece.isdigit()), len(pieces))
    kept = [*_ruby_trimmed(pieces[:words]), *_ruby_trimmed(pieces[words:])]
    return (*((2, int(piece)) if piece.isdigit() else (0, piece) for piece in kept), (1,))


def _ruby_trimmed(pieces: list[str]) -> list[str]:
    while pieces and not pieces[-1].strip("0"):
        pieces = pieces[:-1]
    return pieces


# ---- PHP

_COMPOSER = (("dev", 0), ("a", 1), ("b", 2), ("RC", 3), ("rc", 3), ("#", 4), ("p", 6))
"""What a word begins with, and its place; numbers stand between `#`, which is also what follows the end, and `p`."""
_COMPOSER_UNKNOWN, _COMPOSER_END, _COMPOSER_NUMBER = -1, 4, 5


def composer(version: str) -> Any:
    """PHP's version_compare, as Composer uses it: unknown words < dev < alpha < beta < RC < end < number < patch."""
    text = version.strip().removeprefix("v").removeprefix("V")
    split = re.sub(r"(?<=\d)(?=[^\d.])|(?<=[^\d.])(?=\d)", ".", re.sub(r"[-_+.]+", ".", text))
    pieces = [_composer_piece(piece) for piece in split.split(".") if piece]
    while pieces and pieces[-1] == (_COMPOSER_END, 0):
        pieces.pop()
    return (*pieces, (_COMPOSER_END, 0), (_COMPOSER_END, 0))


def _composer_piece(piece: str) -> tuple[int, int]:
    if _is_number(piece):
        return (_COMPOSER_NUMBER, int(piece))
    return (next((place for word, place in _COMPOSER if piece.startswith(word)), _COMPOSER_UNKNOWN), 0)


# ---- Numbers only


def numbers(version: str) -> tuple[int, ...]:
    """Haskell's and R's order: the numbers in turn, and of two that begin alike the longer is the newer."""
    return tuple(int(number) for number in _DIGITS.findall(version))


def _without_trailing_zeros(found: Iterable[int]) -> tuple[int, ...]:
    kept = list(found)
    while kept and kept[-1] == 0:
        kept.pop()
    return tuple(kept)

"""Globs as IAM has them, and the exact ways in which several of them can match one string.

A glob is a tuple of tokens: a character, or one of the wildcards below. `atoms` walks the product automaton of all
globs in play and gives every achievable set of matches with a shortest string for it: the method of shared/reference
(network_access_risk.md, B). All automata together are one integer: a bit for each position in each glob.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

ANY = "**"
"""Any run of characters."""
WITHIN = "*:"
"""Any run of characters but colons: an asterisk inside a segment of an ARN."""
ONE = "??"
"""Any one character."""
ONE_WITHIN = "?:"
"""Any one character but a colon."""

Glob = tuple[str, ...]

MAX_STATES = 20_000
"""Where the walk gives up: about a second."""

_FILLERS = "x0abcdefghijklmnopqrstuvwyzABCDEFGHIJKLMNOPQRSTUVWXYZ123456789-_.~+=@"


class TooManyAtoms(Exception):
    """The globs overlap in more ways than the walk may look at."""


def text_glob(pattern: str) -> Glob:
    """`*` and `?` anywhere, as in actions and in StringLike."""
    return tuple(_collapsed({"*": ANY, "?": ONE}.get(character, character) for character in pattern))


def _collapsed(tokens: Iterable[str]) -> Iterator[str]:
    """Without the second of two neighbouring runs, which adds nothing."""
    before = ""
    for token in tokens:
        if not (token in (ANY, WITHIN) and before == ANY):
            yield token
        before = token


@lru_cache(maxsize=65_536)
def matcher(glob: Glob) -> Callable[[str], object]:
    """A test for one glob, by the cheapest means."""
    if glob == (ANY,):
        return _anything
    wild = [index for index, token in enumerate(glob) if len(token) > 1]
    if not wild:
        return "".join(glob).__eq__
    if glob[-1] == ANY and len(wild) == 1:
        prefix = "".join(glob[:-1])
        return lambda text: text.startswith(prefix)
    if all(len(token) == 1 or token == ANY for token in glob):
        return _seeking(glob)
    if sum(token in (ANY, WITHIN) for token in glob) > MAX_RUNS:
        return _stepping(glob)
    return re.compile("".join(map(_expression, glob)), re.DOTALL).fullmatch


MAX_RUNS = 2
"""Of more runs than this, the time that a regular expression takes would be a power of the text's length."""


def _seeking(glob: Glob) -> Callable[[str], bool]:
    """A test for runs of anything between plain texts: each text is looked for after the one before it."""
    texts = [""]
    for token in glob:
        if token == ANY:
            texts.append("")
        else:
            texts[-1] += token
    first, *between, last = texts
    least = len(first) + len(last)

    def test(text: str) -> bool:
        if len(text) < least or not (text.startswith(first) and text.endswith(last)):
            return False
        at, end = len(first), len(text) - len(last)
        for each in between:
            at = text.find(each, at, end)
            if at < 0:
                return False
            at += len(each)
        return True

    return test


def _stepping(glob: Glob) -> Callable[[str], bool]:
    """A test that takes the automaton one step a character, whatever the glob."""
    machine = _automaton([glob])

    def test(text: str) -> bool:
        state = machine.start
        for character in text:
            state = machine.step(state, character)
        return bool(state & machine.accepts[0])

    return test


def _anything(text: str) -> bool:
    return True


def _expression(token: str) -> str:
    return {ANY: ".*", WITHIN: "[^:]*", ONE: ".", ONE_WITHIN: "[^:]"}.get(token) or re.escape(token)


def matches(glob: Glob, text: str) -> bool:
    return bool(matcher(glob)(text))


# ---- the product automaton


@dataclass(frozen=True, slots=True)
class _Automaton:
    """All globs side by side. `literals` maps a character to the positions that it moves on, `others` those of the
    rest."""

    start: int
    stars: int
    stays: int
    stays_at_colon: int
    literals: dict[str, int]
    others: int
    others_at_colon: int
    accepts: tuple[int, ...]
    spans: tuple[int, ...]
    forced: dict[int, str]
    """Where the first glob is at a plain character: no other leads on."""

    def step(self, state: int, character: str) -> int:
        at_colon = character == ":"
        moves = self.literals.get(character, 0) | (self.others_at_colon if at_colon else self.others)
        moved = ((state & moves) << 1) | (state & (self.stays_at_colon if at_colon else self.stays))
        return moved | ((moved & self.stars) << 1)


def _automaton(globs: Sequence[Glob]) -> _Automaton:
    start = stars = stays = stays_at_colon = others = others_at_colon = base = 0
    literals: dict[str, int] = {}
    accepts, spans = [], []
    for glob in globs:
        for offset, token in enumerate(glob):
            bit = 1 << (base + offset)
            if token in (ANY, WITHIN):
                stars |= bit
                stays |= bit
                stays_at_colon |= bit if token == ANY else 0
            elif token in (ONE, ONE_WITHIN):
                others |= bit
                others_at_colon |= bit if token == ONE else 0
            else:
                literals[token] = literals.get(token, 0) | bit
        start |= 1 << base
        accepts.append(1 << (base + len(glob)))
        spans.append(((1 << (len(glob) + 1)) - 1) << base)
        base += len(glob) + 1
    start |= (start & stars) << 1
    forced = {1 << offset: token for offset, token in enumerate(globs[0]) if len(token) == 1}
    return _Automaton(
        start, stars, stays, stays_at_colon, literals, others, others_at_colon, tuple(accepts), tuple(spans), forced
    )


def atoms(
    within: Glob, globs: Sequence[Glob], *, alphabet: str = "", limit: int = MAX_STATES
) -> list[tuple[frozenset[int], str]]:
    """Every achievable set of indexes of `globs` that match one string of `within`, with a shortest such string.

    `alphabet`, where given, holds the only characters that strings are made of. Raises TooManyAtoms.
    """
    machine = _automaton([within, *globs])
    whole, accept_whole = machine.spans[0], machine.accepts[0]
    accepted = 0
    for bit in machine.accepts[1:]:
        accepted |= bit
    filler = _filler(machine, alphabet)
    symbols = [c for c in machine.literals if not alphabet or c in alphabet]
    if ":" not in machine.literals and (not alphabet or ":" in alphabet):
        symbols.append(":")
    found: dict[int, str] = {}
    seen = {machine.start}
    frontier: list[tuple[int, str]] = [(machine.start, "")]
    while frontier:
        following: list[tuple[int, str]] = []
        for state, text in frontier:
            if state & accept_whole:
                found.setdefault(state & accepted, text)
            for character in _useful(machine, state, symbols, filler):
                after = machine.step(state, character)
                if after & whole and after not in seen:
                    seen.add(after)
                    following.append((after, text + character))
        if len(seen) > limit:
            raise TooManyAtoms(f"{len(globs)} patterns overlap in more than {limit:,} ways")
        frontier = following
    return [(_indexes(bits, machine.accepts), text) for bits, text in found.items()]


def _useful(machine: _Automaton, state: int, symbols: list[str], filler: str) -> Iterator[str]:
    """The characters that can lead somewhere of their own from here, and one for all the rest."""
    only = machine.forced.get(state & machine.spans[0])
    if only is not None:
        yield only
        return
    for character in symbols:
        if machine.literals.get(character, 0) & state:
            yield character
    if filler:
        yield filler
    if ":" in symbols and not machine.literals.get(":", 0) & state:
        yield ":"


def _filler(machine: _Automaton, alphabet: str) -> str:
    """A character that no glob names: it stands for all such."""
    for character in alphabet or _FILLERS:
        if character not in machine.literals:
            return character
    if alphabet:
        return ""
    return next(chr(code) for code in range(0x4E00, 0x9FFF) if chr(code) not in machine.literals)


def _indexes(bits: int, accepts: tuple[int, ...]) -> frozenset[int]:
    return frozenset(index for index, accept in enumerate(accepts[1:]) if bits & accept)


def distinct(within: Glob, globs: frozenset[Glob]) -> tuple[str, ...]:
    """A string of `within` for each way in which it can match `globs`; found once. Raises TooManyAtoms."""
    found = _distinct(within, globs)
    if isinstance(found, str):
        raise TooManyAtoms(found)
    return found


@lru_cache(maxsize=65_536)
def _distinct(within: Glob, globs: frozenset[Glob]) -> tuple[str, ...] | str:
    """The strings, or why there are too many: that takes long to find out, too."""
    try:
        return tuple(text for _, text in atoms(within, sorted(glob for glob in globs if not covers(glob, within))))
    except TooManyAtoms as error:
        return str(error)


@lru_cache(maxsize=65_536)
def opening(glob: Glob) -> tuple[str, bool]:
    """The characters before the first wildcard, and whether nothing but a last asterisk follows them."""
    for index, token in enumerate(glob):
        if len(token) > 1:
            return "".join(glob[:index]), token == ANY and index + 1 == len(glob)
    return "".join(glob), False


def covers(glob: Glob, other: Glob) -> bool:
    """Does `glob` plainly match whatever `other` does? Right when it says so."""
    prefix, simple = opening(glob)
    return simple and opening(other)[0].startswith(prefix)


@lru_cache(maxsize=262_144)
def overlap(left: Glob, right: Glob) -> bool:
    """Is there a string that both match?"""
    (one, one_simple), (other, other_simple) = opening(left), opening(right)
    if not (one.startswith(other) or other.startswith(one)):
        return False
    if one_simple and other_simple:
        return True
    if len(one) == len(left):
        return matches(right, one)
    if len(other) == len(right):
        return matches(left, other)
    return _meet(left, right)


def _meet(left: Glob, right: Glob) -> bool:
    machine = _automaton([left, right])
    filler = _filler(machine, "")
    symbols = [*machine.literals] if ":" in machine.literals else [*machine.literals, ":"]
    seen = {machine.start}
    frontier = [machine.start]
    while frontier:
        state = frontier.pop()
        if state & machine.accepts[0] and state & machine.accepts[1]:
            return True
        for character in _useful(machine, state, symbols, filler):
            after = machine.step(state, character)
            if after & machine.spans[0] and after & machine.spans[1] and after not in seen:
                seen.add(after)
                frontier.append(after)
    return False

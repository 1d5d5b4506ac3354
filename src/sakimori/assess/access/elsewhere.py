"""Statements about one resource as statements about another by which it is reached: a bucket's about its access point.

`rewritten` turns patterns of the bucket's ARN into those patterns of the access point's ARN that stand for the same
objects. A policy variable in the part of the pattern that names the bucket becomes a condition on its key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sakimori.assess.access.arns import resource_glob
from sakimori.assess.access.conditions import parse_test
from sakimori.assess.access.globs import ANY, ONE, ONE_WITHIN, WITHIN
from sakimori.assess.access.policy import Statement
from sakimori.assess.access.variables import named

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_PRIVATE = 0xE000
"""The first character of Unicode's private use area."""
_AS_WRITTEN = {ANY: "*", WITHIN: "*", ONE: "?", ONE_WITHIN: "?"}

Demands = tuple[tuple[str, str], ...]
"""What policy variables must be, by their names."""


@dataclass(frozen=True, slots=True)
class Place:
    """A resource, and where it is reached: `arn` at `at`, and what begins with `inside` at `inside_at`."""

    arn: str
    at: str
    inside: str = ""
    inside_at: str = ""


def rewritten(statement: Statement, place: Place) -> Iterator[Statement]:
    """The statement as ones about where the resource is reached; none where it is not about that resource."""
    if statement.resources is None:
        yield statement
        return
    complete = statement.principals is None
    found: dict[Demands, list[str]] = {}
    for pattern in statement.resources:
        for demands, text in _rewritten(pattern, place, complete=complete, variables=statement.variables):
            found.setdefault(demands, []).append(text)
    if statement.not_resources:
        yield statement._replace(resources=tuple(found.get((), ())))
        return
    for demands, texts in found.items():
        tests = tuple(parse_test("StringEquals", key, (value,), False) for key, value in demands)
        yield statement._replace(resources=tuple(dict.fromkeys(texts)), tests=(*statement.tests, *tests))


def _rewritten(pattern: str, place: Place, *, complete: bool, variables: bool) -> Iterator[tuple[Demands, str]]:
    tokens = _tokens(pattern, complete=complete, variables=variables)
    for demands, rest in remainders(tokens, place.arn):
        if all(token in (ANY, WITHIN) for token in rest):
            yield demands, place.at
    for demands, rest in remainders(tokens, place.inside) if place.inside else ():
        yield demands, place.inside_at + "".join(_AS_WRITTEN.get(token, token) for token in rest)


def _tokens(pattern: str, *, complete: bool, variables: bool) -> tuple[str, ...]:
    """The pattern's tokens, in which a policy variable is one."""
    names: dict[str, str] = {}

    def shielded(found: re.Match[str]) -> str:
        token = chr(_PRIVATE + len(names))
        names[token] = found[0]
        return token

    text = _VARIABLE.sub(shielded, pattern) if variables else pattern
    return tuple(names.get(token, token) for token in resource_glob(text, complete=complete))


def remainders(tokens: tuple[str, ...], text: str) -> set[tuple[Demands, tuple[str, ...]]]:
    """What of a pattern is left when it has matched the text: each way in which it can, with what that demands of
    variables. A variable that would end behind the text is left out."""
    states: set[tuple[int, Demands, str]] = {*_skipped(tokens, [(0, (), "")])}
    for character in text:
        states = {*_skipped(tokens, _after(tokens, states, character))}
    return {(demands, tokens[at:]) for at, demands, partial in states if not partial}


State = tuple[int, Demands, str]
"""The token that is next, what is demanded so far, and what the variable that is being read has read."""


def _skipped(tokens: tuple[str, ...], states: Iterable[State]) -> Iterator[State]:
    """The states, and those that come of ending a run or a variable here."""
    waiting = [*states]
    while waiting:
        at, demands, partial = waiting.pop()
        yield at, demands, partial
        if at < len(tokens) and partial:
            waiting.append((at + 1, (*demands, *((key, partial) for key in named(tokens[at]))), ""))
        elif at < len(tokens) and tokens[at] in (ANY, WITHIN):
            waiting.append((at + 1, demands, ""))


def _after(tokens: tuple[str, ...], states: Iterable[State], character: str) -> Iterator[State]:
    for at, demands, partial in states:
        if at >= len(tokens):
            continue
        token = tokens[at]
        if named(token):
            yield at, demands, partial + character
        elif token == ANY or (token == WITHIN and character != ":"):
            yield at, demands, ""
        elif token in (ONE, character) or (token == ONE_WITHIN and character != ":"):
            yield at + 1, demands, ""

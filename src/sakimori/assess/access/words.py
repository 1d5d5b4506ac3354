"""Conditions as a person would say them: `aws:SourceVpce = vpce-1`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sakimori.assess.access.conditions import Test, holds
from sakimori.assess.access.engine import Policies, Request
from sakimori.assess.access.narrowing import statements_of
from sakimori.assess.access.variables import named


def conditions_in_words(
    decisive: Sequence[str], witness: Request, relevant: Policies, tests: Mapping[str, list[Test]]
) -> Iterator[str]:
    """What each decisive key must be: as the allowing statements say it, and as the denying ones must not find it."""
    for key in decisive:
        said: dict[str, None] = {}
        for statement in statements_of(relevant):
            for test in statement.tests:
                if test.name == key and holds(test, witness.context) == statement.allows:
                    said[in_words(test, holds_=statement.allows)] = None
        if not said:
            values = witness.context.get(key, ())
            name = tests[key][0].key if tests[key] else _as_named(key, relevant)
            said[f"{name} = {' and '.join(values)}" if values else f"{name} is absent"] = None
        yield " and ".join(said)


def _as_named(key: str, relevant: Policies) -> str:
    """A key that stands in a pattern of resources, as it is written there."""
    patterns = (pattern for statement in statements_of(relevant) for pattern in statement.resources or ())
    return next((names[key] for names in map(named, patterns) if key in names), key)


_WORDS = {
    "equals": ("=", "is not"),
    "ignore_case": ("=", "is not"),
    "like": ("is like", "is not like"),
    "arn": ("is like", "is not like"),
    "number": ("=", "is not"),
    "number_below": ("<", ">="),
    "number_most": ("<=", ">"),
    "number_above": (">", "<="),
    "number_least": (">=", "<"),
    "date": ("=", "is not"),
    "date_below": ("is before", "is not before"),
    "date_most": ("is not after", "is after"),
    "date_above": ("is after", "is not after"),
    "date_least": ("is not before", "is before"),
    "truth": ("=", "is not"),
    "binary": ("=", "is not"),
    "address": ("is in", "is outside"),
}


def in_words(test: Test, *, holds_: bool) -> str:
    """The test, or its contrary, as a person would say it: `aws:SourceVpce = vpce-1`."""
    if test.family == "null":
        absent = any(value.lower() == "true" for value in test.values)
        return f"{test.key} is {'absent' if absent == holds_ else 'present'}"
    word = _WORDS[test.family][int(test.negated == holds_)]
    every = {"all": "every ", "any": "any "}.get(test.quantifier, "")
    maybe = f", or {test.key} is absent" if test.if_exists and holds_ else ""
    return f"{every}{test.key} {word} {' or '.join(test.values)}{maybe}"

"""The values that are tried for a key: every way in which its tests can turn out has one."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

import pytest

from sakimori.assess.access.conditions import holds, parse_test
from sakimori.assess.access.representatives import ABSENT, TooManyValues, representatives

KEY = "x:key"


def conditions_on_key(*conditions: tuple[str, Any]) -> list[Any]:
    return [
        parse_test(operator, KEY, tuple(values) if isinstance(values, list) else (values,), True)
        for operator, values in conditions
    ]


def outcomes(tests: list[Any], tried: Any) -> set[tuple[bool, ...]]:
    return {tuple(holds(test, {KEY: values} if values else {}) for test in tests) for values in tried}


TEXTS = ["", "a", "b", "ab", "ba", "aab", "A", "x", "arn:aws:iam::1:role/a", "arn:aws:iam::1:user/b"]
NUMBERS = [str(n / 2) for n in range(-4, 14)]
ADDRESSES = ["10.0.0.1", "10.1.0.1", "192.168.0.1", "8.8.8.8", "2001:db8::1", "2001:db9::1"]
MOMENTS = [f"2026-0{month}-01T00:00:00Z" for month in range(1, 7)]


@pytest.mark.parametrize(
    ("operators", "values", "universe"),
    [
        (["StringEquals", "StringNotEquals", "StringLike", "StringEqualsIgnoreCase"], ["a", "ab", "a*", "*b"], TEXTS),
        (["ArnLike", "ArnNotLike"], ["arn:aws:iam::1:role/*", "arn:aws:iam::*:user/b"], TEXTS),
        (["NumericEquals", "NumericLessThan", "NumericGreaterThanEquals"], ["1", "2", "4"], NUMBERS),
        (["IpAddress", "NotIpAddress"], ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"], ADDRESSES),
        (["DateLessThan", "DateGreaterThan", "DateEquals"], ["2026-02-01", "2026-04-01"], MOMENTS),
        (["Bool"], ["true", "false"], ["true", "false"]),
        (["Null"], ["true", "false"], ["a"]),
    ],
)
def test_no_way_of_turning_out_is_missed(operators: list[str], values: list[str], universe: list[str]) -> None:
    random_ = random.Random(8)
    for _ in range(200):
        chosen = [(random_.choice(operators), random_.sample(values, 1)) for _ in range(random_.randrange(1, 4))]
        tests = conditions_on_key(*chosen)
        possible = outcomes(tests, [ABSENT, *((each,) for each in universe if each)])
        assert possible <= outcomes(tests, representatives(tests, {})), chosen


def test_sets_of_values_too() -> None:
    random_ = random.Random(9)
    sets = [each for size in range(4) for each in combinations(("a", "b", "ab", "c"), size)]
    for _ in range(200):
        quantifiers = [random_.choice(("ForAllValues:", "ForAnyValue:")) for _ in range(2)]
        chosen = [(f"{each}StringLike", random_.sample(["a", "b", "a*"], 2)) for each in quantifiers]
        tests = conditions_on_key(*chosen)
        assert outcomes(tests, sets) <= outcomes(tests, representatives(tests, {})), chosen


def test_the_absent_one_comes_first_and_values_are_few() -> None:
    tried = representatives(conditions_on_key(("StringEquals", [f"value {n}" for n in range(50)])), {})
    assert tried[0] == ABSENT
    assert len(tried) <= 52
    assert len(representatives(conditions_on_key(("NumericLessThan", ["1", "2"])), {})) <= 7


def test_variables_are_taken_from_the_context() -> None:
    same = conditions_on_key(("StringEquals", "${x:other}"))
    assert ("b",) in representatives(same, {"x:other": ("b",)})
    assert outcomes(same, representatives(same, {})) == {(False,)}


def test_too_many_values_are_said_to_be() -> None:
    mess = [("ForAnyValue:StringLike", [f"*{a}*" for a in "abcdefgh"])]
    with pytest.raises(TooManyValues):
        representatives(conditions_on_key(*mess), {})

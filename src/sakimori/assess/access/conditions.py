"""Conditions of statements ("IAM JSON policy elements: Condition operators" and "... multiple keys or values").

A Test is one operator on one key; a statement applies when all its tests hold. Of a key that the request lacks, IAM
says: no match, but for the negated operators, for `...IfExists`, for `Null` and for `ForAllValues`, which match.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from sakimori.assess.access.arns import condition_glob
from sakimori.assess.access.globs import Glob, matcher, text_glob
from sakimori.assess.access.variables import Context, filled_in, has_variables, plain, unshielded


class BadCondition(Exception):
    """IAM would not take the condition; the text says why."""


@dataclass(frozen=True, slots=True)
class Test:
    """`quantifier` is "", "all" or "any"; `family` names the comparison, `negated` turns it round."""

    operator: str
    key: str
    values: tuple[str, ...]
    family: str
    negated: bool
    quantifier: str
    if_exists: bool
    variables: bool

    @property
    def name(self) -> str:
        """The key as a request's context has it."""
        return self.key.lower()

    def __str__(self) -> str:
        return f"{self.operator} {self.key} = {' or '.join(self.values)}"


_OPERATORS = {
    "stringequals": ("equals", False),
    "stringnotequals": ("equals", True),
    "stringequalsignorecase": ("ignore_case", False),
    "stringnotequalsignorecase": ("ignore_case", True),
    "stringlike": ("like", False),
    "stringnotlike": ("like", True),
    "numericequals": ("number", False),
    "numericnotequals": ("number", True),
    "numericlessthan": ("number_below", False),
    "numericlessthanequals": ("number_most", False),
    "numericgreaterthan": ("number_above", False),
    "numericgreaterthanequals": ("number_least", False),
    "dateequals": ("date", False),
    "datenotequals": ("date", True),
    "datelessthan": ("date_below", False),
    "datelessthanequals": ("date_most", False),
    "dategreaterthan": ("date_above", False),
    "dategreaterthanequals": ("date_least", False),
    "bool": ("truth", False),
    "binaryequals": ("binary", False),
    "ipaddress": ("address", False),
    "notipaddress": ("address", True),
    "arnequals": ("arn", False),
    "arnlike": ("arn", False),
    "arnnotequals": ("arn", True),
    "arnnotlike": ("arn", True),
    "null": ("null", False),
}
_QUANTIFIERS = {"forallvalues": "all", "foranyvalue": "any"}


def parse_test(operator: str, key: str, values: tuple[Any, ...], variables: bool) -> Test:
    """One operator on one key as a Test, or BadCondition."""
    family, negated, quantifier, if_exists = _operator(operator)
    texts = tuple(map(_text, values))
    if family in _CHECKED:
        for text in texts:
            if not (variables and has_variables(text)) and _reading(family)(text) is None:
                raise BadCondition(f"{text!r} is no {_CHECKED[family]}")
    return Test(
        operator, key, texts, family, negated, quantifier, if_exists, variables and any("${" in t for t in texts)
    )


@lru_cache(maxsize=512)
def _operator(operator: str) -> tuple[str, bool, str, bool]:
    quantifier, _, name = operator.rpartition(":")
    base = name.lower()
    if_exists = base.endswith("ifexists")
    known = _OPERATORS.get(base.removesuffix("ifexists") if if_exists else base)
    if base == "nullifexists":
        raise BadCondition("IfExists does not go with Null: whether the key exists is what Null asks")
    if known is None or (quantifier and quantifier.lower() not in _QUANTIFIERS):
        raise BadCondition('IAM has no such operator: see "IAM JSON policy elements: Condition operators"')
    return (*known, _QUANTIFIERS.get(quantifier.lower(), ""), if_exists)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise BadCondition(f"a value is {type(value).__name__}: it must be text, a number or a truth value")


def holds(test: Test, context: Context) -> bool:
    """Does the request's context meet the test?"""
    values = context.get(test.key.lower(), ())
    if test.family == "null":
        return any((value.lower() == "true") == (not values) for value in test.values)
    if not values:
        return test.if_exists or test.quantifier == "all" or (test.negated and test.quantifier != "any")
    compare = comparison(test, context)
    if test.quantifier == "all":
        # "... or the key value resolves to a null data set, such as an empty string"
        return values == ("",) or all(compare(value) != test.negated for value in values)
    if test.quantifier == "any":
        return any(compare(value) != test.negated for value in values)
    return any(map(compare, values)) != test.negated


def comparison(test: Test, context: Context) -> Callable[[str], bool]:
    """Does one value of the request equal, in the operator's own sense, any value of the policy? Without negation."""
    if not test.variables:
        return _comparison(test.family, test.values)
    return _comparison(test.family, tuple(_filled(test.values, context)))


def _filled(values: Iterable[str], context: Context) -> Iterable[str]:
    return (text for value in values if (text := filled_in(value, context)) is not None)


@lru_cache(maxsize=65_536)
def _comparison(family: str, values: tuple[str, ...]) -> Callable[[str], bool]:
    if family in ("like", "arn"):
        tests = [matcher(test_glob(family, value)) for value in values]
        return lambda text: any(test(text) for test in tests)
    if family == "address":
        networks = [_network(plain(value)) for value in values]
        return lambda text: _inside(text, networks)
    return _COMPARISONS[family](tuple(map(plain, values)))


def test_glob(family: str, value: str) -> Glob:
    """A value of StringLike or ArnLike, variables filled in, as a glob."""
    return unshielded(condition_glob(value) if family == "arn" else text_glob(value))


# ---- comparisons by family


def _one_of(read: Callable[[str], Any]) -> Callable[[tuple[str, ...]], Callable[[str], bool]]:
    """Equality of what `read` makes of both sides; what it cannot read (None) equals nothing."""

    def comparison(values: tuple[str, ...]) -> Callable[[str], bool]:
        wanted = frozenset(map(read, values)) - {None}
        return lambda text: read(text) in wanted

    return comparison


def _ordered(
    read: Callable[[str], float | None], holds: Callable[[float, float], bool]
) -> Callable[[tuple[str, ...]], Callable[[str], bool]]:
    def comparison(values: tuple[str, ...]) -> Callable[[str], bool]:
        bounds = [bound for bound in map(read, values) if bound is not None]

        def test(text: str) -> bool:
            value = read(text)
            return value is not None and any(holds(value, bound) for bound in bounds)

        return test

    return comparison


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
"""What IAM takes for a number; Python's float() would take nan, inf and 1_000 as well."""


def number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


_MONTH = re.compile(r"[12]\d{3}(-\d\d)?", re.ASCII)
"""A year, or a month of one: the first moment of it is meant ("Date and Time Formats", W3C)."""


@lru_cache(maxsize=4096)
def moment(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 date, as W3C writes them down to the year alone, or of a number of seconds (of
    milliseconds past the year 5000)."""
    if _MONTH.fullmatch(text):
        text += "-01" * (2 - text.count("-"))
    seconds = number(text)
    if seconds is not None:
        return seconds / 1000 if seconds > 1e11 else seconds
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=4096)
def _network(text: str) -> Any:
    """An address or a block in CIDR notation; a mask written as an address (10.0.0.0/255.0.0.0) is none."""
    length = text.partition("/")[2]
    try:
        return ip_network(text, strict=False) if not length or length.isdecimal() else None
    except ValueError:
        return None


def _inside(text: str, networks: list[Any]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(network is not None and address in network for network in networks)


def _truth(text: str) -> str | None:
    return text.lower() if text.lower() in ("true", "false") else None


def _itself(text: str) -> str:
    return text


_COMPARISONS: dict[str, Callable[[tuple[str, ...]], Callable[[str], bool]]] = {
    "equals": _one_of(_itself),
    "ignore_case": _one_of(str.lower),
    "truth": _one_of(_truth),
    "binary": _one_of(_binary),
    "number": _one_of(number),
    "number_below": _ordered(number, float.__lt__),
    "number_most": _ordered(number, float.__le__),
    "number_above": _ordered(number, float.__gt__),
    "number_least": _ordered(number, float.__ge__),
    "date": _one_of(moment),
    "date_below": _ordered(moment, float.__lt__),
    "date_most": _ordered(moment, float.__le__),
    "date_above": _ordered(moment, float.__gt__),
    "date_least": _ordered(moment, float.__ge__),
}

_CHECKED = {
    "number": "number",
    "number_below": "number",
    "number_most": "number",
    "number_above": "number",
    "number_least": "number",
    "date": "date",
    "date_below": "date",
    "date_most": "date",
    "date_above": "date",
    "date_least": "date",
    "truth": "truth value (true or false)",
    "null": "truth value (true or false)",
    "address": "IP address or CIDR block",
    "binary": "text in base64",
}


def _reading(family: str) -> Callable[[str], Any]:
    if family.startswith("number"):
        return number
    if family.startswith("date"):
        return moment
    if family == "binary":
        return _binary
    return _network if family == "address" else _truth

"""Condition operators against a plain reading of the user guide ("IAM JSON policy elements: Condition operators",
"... multiple keys or values"): every operator, set operator and `IfExists`, over values that nearly meet."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from sakimori.assess.access.conditions import holds, parse_test

TEXTS = ("", "a", "A", "ab", "a*", "*", "a?", "?", "aXb", "a\nb", "a.b", "[a]", "ä")
NUMBERS = ("0", "1", "1.0", "-1", "10", "9", "1e1", "0.5", ".5", "01", "")
DATES = (
    "2026-01-01T00:00:00Z",
    "2026-01-01",
    "2026-01-01T09:00:00+09:00",
    "1767225600",
    "2025-12-31T23:59:59Z",
    "2026-01-01T00:00:00.5Z",
    "2026-01",
    "2026",
    "2025-12",
)
TRUTHS = ("true", "false", "True", "FALSE")
ADDRESSES = ("10.0.0.1", "10.1.0.0", "11.0.0.1", "::1", "2001:db8::1", "2001:db8:1::", "none")
BLOCKS = ("10.0.0.0/8", "10.0.0.1", "10.1.0.0/16", "2001:db8::/32", "::/0", "0.0.0.0/0", "10.0.0.7/31")
ARNS = (
    "arn:aws:iam::111122223333:role/app",
    "arn:aws:iam::111122223333:role/path/app",
    "arn:aws:s3:::bucket",
    "arn:aws:sns:eu-west-1:111122223333:topic:1",
    "arn:aws:sns:eu-west-1:111122223333:topic",
    "arn:aws-cn:iam::111122223333:role/app",
    "text",
)
ARN_PATTERNS = (
    *ARNS,
    "*",
    "arn:aws:iam::*:role/*",
    "arn:*:iam::1111*3333:role/app",
    "arn:aws:s*:*:*:*",
    "arn:aws:sns:eu-?est-1:111122223333:topic",
    "arn:aws:sns:*:*:topic:?",
    "arn:aws:iam::111122223333:*",
    "arn:aws:*",
)
BINARIES = tuple(base64.b64encode(each).decode() for each in (b"", b"a", b"ab", b"\xff"))


def like(pattern: str, text: str) -> bool:
    """`*` for any text, `?` for one character, all else itself."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def arn_like(pattern: str, text: str) -> bool:
    """Each of the six parts by itself; an asterisk alone is everything."""
    wanted, told = pattern.split(":", 5), text.split(":", 5)
    return pattern == "*" or (len(wanted) == len(told) and all(map(like, wanted, told)))


def moment(text: str) -> float:
    text = text + "-01" * (2 - text.count("-")) if text.count("-") < 2 and len(text) < 8 else text
    if text.isdigit():
        return float(text)
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def numbers(compare: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    return lambda wanted, told: bool(told) and compare(Decimal(told), Decimal(wanted))


def dates(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda wanted, told: compare(moment(told), moment(wanted))


def inside(block: str, text: str) -> bool:
    try:
        return ip_address(text) in ip_network(block, strict=False)
    except ValueError:
        return False


ORDERS = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}
NUMBERS_TOLD, NUMBERS_WANTED = NUMBERS, tuple(each for each in NUMBERS if each)
OPERATORS: dict[str, tuple[Callable[[str, str], bool], tuple[str, ...], tuple[str, ...]]] = {
    "StringEquals": (lambda wanted, told: wanted == told, TEXTS, TEXTS),
    "StringEqualsIgnoreCase": (lambda wanted, told: wanted.lower() == told.lower(), TEXTS, TEXTS),
    "StringLike": (like, TEXTS, TEXTS),
    "Bool": (lambda wanted, told: wanted.lower() == told.lower(), TRUTHS, TRUTHS),
    "BinaryEquals": (lambda wanted, told: wanted == told, BINARIES, BINARIES),
    "IpAddress": (inside, BLOCKS, ADDRESSES),
    "ArnEquals": (arn_like, ARN_PATTERNS, ARNS),
    "ArnLike": (arn_like, ARN_PATTERNS, ARNS),
    **{f"Numeric{name}": (numbers(order), NUMBERS_WANTED, NUMBERS_TOLD) for name, order in ORDERS.items()},
    **{f"Date{name}": (dates(order), DATES, DATES) for name, order in ORDERS.items()},
}
"""By operator: does a value of the policy meet one of the request; values of policies; values of requests."""

NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}


def expected(operator: str, quantifier: str, if_exists: bool, wanted: list[str], told: list[str]) -> bool:
    """What the user guide says of a key with these values; none: a key that the request lacks."""
    meets, _, _ = OPERATORS[NEGATED.get(operator, operator)]
    negated = operator in NEGATED
    if quantifier == "ForAllValues:" and told == [""]:
        return True
    if not told:
        return if_exists or quantifier == "ForAllValues:" or (negated and not quantifier)
    each = [any(meets(value, one) for value in wanted) != negated for one in told]
    if quantifier == "ForAnyValue:":
        return any(each)
    if quantifier == "ForAllValues:":
        return all(each)
    return all(each) if negated else any(each)


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, str, bool, list[str], list[str]]:
    operator = draw(st.sampled_from((*OPERATORS, *NEGATED)))
    _, policy_values, request_values = OPERATORS[NEGATED.get(operator, operator)]
    quantifier = draw(st.sampled_from(("", "ForAllValues:", "ForAnyValue:")))
    wanted = draw(st.lists(st.sampled_from(policy_values), min_size=1, max_size=3))
    told = draw(st.lists(st.sampled_from(request_values), max_size=3 if quantifier else 1))
    return operator, quantifier, draw(st.booleans()), wanted, told


@settings(max_examples=4_000, deadline=None)
@given(questions())
def test_every_operator_means_what_the_user_guide_says(question: tuple[str, str, bool, list[str], list[str]]) -> None:
    operator, quantifier, if_exists, wanted, told = question
    name = quantifier + operator + ("IfExists" if if_exists else "")
    for spelt in (name, name.lower(), name.upper()):
        test = parse_test(spelt, "x:Key", tuple(wanted), variables=True)
        assert holds(test, {"x:key": tuple(told)}) is expected(operator, quantifier, if_exists, wanted, told), spelt


@given(st.sampled_from(("true", "false", "TRUE", True, False)), st.lists(st.sampled_from(TEXTS), max_size=2))
def test_null_asks_whether_the_key_is_there(wanted: str | bool, told: list[str]) -> None:
    test = parse_test("Null", "x:Key", (wanted,), variables=True)
    assert holds(test, {"x:key": tuple(told)}) is ((str(wanted).lower() == "true") is (not told))


@given(st.sampled_from(("StringEquals", "StringLike")), st.sampled_from(TEXTS), st.sampled_from(TEXTS))
def test_what_a_variable_brings_is_never_a_pattern(operator: str, value: str, told: str) -> None:
    """And what has a default takes it where the key is lacking, and nothing where the key has two values."""
    test = parse_test(operator, "x:Key", ("${x:Other, 'none'}",), variables=True)
    assert holds(test, {"x:key": (told,), "x:other": (value,)}) is (told == value)
    assert holds(test, {"x:key": ("none",)})
    assert not holds(test, {"x:key": (told,), "x:other": (value, "more")})
    plain = parse_test(operator, "x:Key", ("${x:Other, 'none'}",), variables=False)
    assert holds(plain, {"x:key": ("${x:Other, 'none'}",)})

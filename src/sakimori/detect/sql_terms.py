"""What both SQL dialects say in the same words: shapes of patterns, borders between numbers, networks as text.

A dialect writes a predicate as a test of one value. What such a test compares with is worked out here, in Python,
from the rule alone, so that the two dialects cannot come to read a rule differently.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sakimori.detect import ir


class Inexpressible(ValueError):
    """A dialect of SQL cannot say a part of a rule without the risk of a wrong answer: `rule: what: why`."""

    def __init__(self, rule: str, what: str, why: str) -> None:
        super().__init__(f"{rule or 'rule'}: {what}: {why}")
        self.rule, self.what, self.why = rule, what, why


@dataclass(frozen=True, slots=True)
class Shape:
    """A pattern as the cheapest test that says it: `text` is already in lower case unless the pattern is cased."""

    test: Literal["equals", "startswith", "endswith", "contains", "anything", "like"]
    text: str


def shape(pattern: ir.Pattern, cased: bool) -> Shape:
    """The pattern's test; for `like`, `text` has SQL's wildcards, with `!` before what is to be taken as it stands."""
    parts = [part if cased or isinstance(part, ir.Wildcard) else part.lower() for part in pattern]
    parts = [part for at, part in enumerate(parts) if part is not ir.Wildcard.MANY or at == 0 or parts[at - 1] != part]
    many = [part is ir.Wildcard.MANY for part in parts]
    if any(part is ir.Wildcard.ONE for part in parts) or any(many[1:-1]):
        return Shape("like", "".join(map(_like, parts)))
    literal = "".join(part for part in parts if isinstance(part, str))
    if many in ([True], [True, True]):
        return Shape("anything", "")
    ends = (many[:1] == [True], many[-1:] == [True])
    tests: dict[tuple[bool, bool], Literal["equals", "startswith", "endswith", "contains"]]
    tests = {(False, False): "equals", (False, True): "startswith", (True, False): "endswith", (True, True): "contains"}
    return Shape(tests[ends], literal)


def like_escaped(text: str) -> str:
    """The text for a LIKE with ESCAPE '!', standing for itself."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _like(part: str | ir.Wildcard) -> str:
    if isinstance(part, ir.Wildcard):
        return "%" if part is ir.Wildcard.MANY else "_"
    return like_escaped(part)


Operator = Literal["<", "<=", ">", ">=", "="]
OPERATORS: dict[str, Operator] = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(frozen=True, slots=True)
class Border:
    """A comparison with a constant of one SQL type; `always` is its answer where the type has no such number."""

    op: Operator
    number: int | float
    always: bool | None = None


def integer_border(op: Operator, number: int | float) -> Border:
    """What `integer op number` is as a comparison among integers, exact at any size."""
    if isinstance(number, int):
        return Border(op, number)
    if math.isnan(number):
        return Border(op, 0, always=False)
    if math.isinf(number):
        return Border(op, 0, always=op in (("<", "<=") if number > 0 else (">", ">=")))
    if number.is_integer():
        return Border(op, int(number))
    if op == "=":
        return Border(op, 0, always=False)
    return Border("<=", math.floor(number)) if op in ("<", "<=") else Border(">=", math.ceil(number))


def double_border(op: Operator, number: int | float) -> Border:
    """What `double op number` is as a comparison among finite doubles, exact where `number` lies between two."""
    if isinstance(number, float):
        if math.isnan(number):
            return Border(op, 0.0, always=False)
        if math.isinf(number):
            return Border(op, 0.0, always=op in (("<", "<=") if number > 0 else (">", ">=")))
        return Border(op, number)
    try:
        nearest = float(number)
    except OverflowError:
        return Border(op, 0.0, always=op in (("<", "<=") if number > 0 else (">", ">=")))
    if nearest == number:
        return Border(op, nearest)
    if op == "=":
        return Border(op, 0.0, always=False)
    if op in ("<", "<="):
        return Border("<=" if nearest < number else "<", nearest)
    return Border(">=" if nearest > number else ">", nearest)


ACCOUNT_WORD = "[0-9A-Za-z_-]+"
"""What `fields.names_other_account` looks for accounts among."""

NUMBER_TEXT = (
    "[\\t-\\r ]*[+-]?(?:[0-9]+(?:_[0-9]+)*(?:\\.(?:[0-9]+(?:_[0-9]+)*)?)?|\\.[0-9]+(?:_[0-9]+)*)"
    "(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?[\\t-\\r ]*"
)
"""The texts that spell a finite number to Python's `float`, in a syntax that RE2 and Java read alike."""

IPV4_TEXT = "(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
"""The IPv4 addresses that Python's `ipaddress` takes: four decimal octets, without leading zeros."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network as a regular expression over the whole of an address's text (IPv4) or 32 hex digits (IPv6)."""

    version: Literal[4, 6]
    expression: str


def network(cidr: str) -> Network | None:
    """The network of RFC 4632 notation, None where `cidr` is none (host bits set, say): nothing is in it."""
    try:
        parsed = ipaddress.ip_network(cidr)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Network):
        digits, rest = divmod(parsed.prefixlen, 4)
        address = parsed.network_address.exploded.replace(":", "").partition("%")[0]
        partly = _hex_class(int(address[digits], 16), 1 << (4 - rest)) if rest else ""
        return Network(6, f"{address[:digits]}{partly}[0-9a-f]{{{32 - digits - bool(rest)}}}")
    octets = []
    for at, octet in enumerate(parsed.network_address.packed):
        fixed = min(max(parsed.prefixlen - 8 * at, 0), 8)
        octets.append(_octets(octet, 1 << (8 - fixed)))
    return Network(4, "\\.".join(octets))


def _hex_class(first: int, count: int) -> str:
    return "[" + "".join(f"{first + at:x}" for at in range(count)) + "]"


def _octets(first: int, count: int) -> str:
    if count == 256:
        return "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
    return "(?:" + "|".join(str(first + at) for at in range(count)) + ")"


def small_escapes(text: str, literal: Callable[[str], str]) -> str:
    r"""SQL: JSON whose writer puts control characters in capital digits (`\u001F`), as orjson writes it."""
    for control in ("0B", "0E", "0F", "1A", "1B", "1C", "1D", "1E", "1F"):
        text = f"replace({text}, {literal(f'{chr(92)}u00{control}')}, {literal(f'{chr(92)}u00{control.lower()}')})"
    return text


_HEXTET = "[0-9A-Fa-f]{1,4}"


def _ipv6_text() -> str:
    """Groups on each side of `::` add up to at most 7; without it there are 8; an IPv4 tail stands for two."""
    ipv4, group = IPV4_TEXT, f"{_HEXTET}:"
    forms = [f"(?:{group}){{7}}{_HEXTET}", f"(?:{group}){{6}}{ipv4}"]
    for left in range(8):
        head = f"(?:{group}){{{left - 1}}}{_HEXTET}" if left else ""
        right = 7 - left
        tails = []
        if right >= 1:
            tails.append(f"(?:{group}){{0,{right - 1}}}{_HEXTET}")
        if right >= 2:
            tails.append(f"(?:{group}){{0,{right - 2}}}{ipv4}")
        forms.append(f"{head}::" + (f"(?:{'|'.join(tails)})?" if tails else ""))
    return f"(?:{'|'.join(forms)})(?:%[^%/]+)?"


IPV6_TEXT = _ipv6_text()
"""The IPv6 addresses that Python's `ipaddress` takes (RFC 4291 section 2.2, with an RFC 4007 zone or without)."""

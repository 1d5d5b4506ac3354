"""The one representation of a rule: what Sigma says, free of Sigma's syntax, for every execution to agree on.

A condition is a tree of And, Or and Not over predicates. A predicate names a field by its path in the CloudTrail
record (`userIdentity.type`) and holds if it holds for *any* value found there; `fields.py` says what is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal

import msgspec

from sakimori.model.severity import Severity


class Wildcard(Enum):
    """The two wildcards of a Sigma string, `*` and `?`."""

    MANY = 0
    ONE = 1


Pattern = tuple[str | Wildcard, ...]
"""A Sigma string, cut at its wildcards: `("arn:", Wildcard.MANY)` is `arn:*`; `()` is the empty string."""


class Text(msgspec.Struct, frozen=True, tag=True):
    """The whole text of a value fits the pattern; letter case counts only if `cased`."""

    field: str
    pattern: Pattern
    cased: bool = False


class Keyword(msgspec.Struct, frozen=True, tag=True):
    """The record's text as a whole fits `*pattern*`."""

    pattern: Pattern
    cased: bool = False


class Regex(msgspec.Struct, frozen=True, tag=True):
    """The pattern (RE2 syntax, `flags` already inside as `(?ims)`) is found somewhere in the value's text."""

    field: str
    pattern: str


class Number(msgspec.Struct, frozen=True, tag=True):
    """The value is this number, or text that spells it."""

    field: str
    number: int | float


class Compare(msgspec.Struct, frozen=True, tag=True):
    """The value is a number, or text that spells one, and stands in this order to `number`."""

    field: str
    op: Literal["lt", "lte", "gt", "gte"]
    number: int | float


class Cidr(msgspec.Struct, frozen=True, tag=True):
    """The value is an IP address in this network (RFC 4632 notation)."""

    field: str
    network: str


class Null(msgspec.Struct, frozen=True, tag=True):
    """The field is missing, or nothing but null is found there."""

    field: str


class Exists(msgspec.Struct, frozen=True, tag=True):
    """The field is there, whatever its value is: also null, or nothing in a list."""

    field: str


class OtherAccount(msgspec.Struct, frozen=True, tag=True):
    """A value's text names an AWS account that is not the record's own: `fields.names_other_account`."""

    field: str


class FieldRef(msgspec.Struct, frozen=True, tag=True):
    """A value's text equals (or starts or ends with, in any letter case) that of a value of another field."""

    field: str
    other: str
    how: Literal["equals", "startswith", "endswith", "contains"] = "equals"


Predicate = Text | Keyword | Regex | Number | Compare | Cidr | Null | Exists | OtherAccount | FieldRef


class And(msgspec.Struct, frozen=True, tag=True):
    children: tuple[Condition, ...]


class Or(msgspec.Struct, frozen=True, tag=True):
    children: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    child: Condition


Condition = And | Or | Not | Predicate


def predicates(condition: Condition) -> Iterator[Predicate]:
    """Every predicate of a condition, in the order in which the rule states them."""
    match condition:
        case And(children) | Or(children):
            for child in children:
                yield from predicates(child)
        case Not(child):
            yield from predicates(child)
        case _:
            yield condition


class RuleTest(msgspec.Struct, frozen=True, tag=True):
    """An embedded test: these records, in time order, do or do not raise a finding of the rule."""

    name: str
    match: bool
    events: tuple[dict[str, Any], ...]


class Meta(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a rule says of itself. `id` is the file's stem (a further document's `name`); `line` counts from 1."""

    id: str
    name: str
    uuid: str
    title: str
    description: str
    severity: Severity
    severity_reason: str = ""
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    author: str = ""
    references: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    asset: tuple[str, ...] = ()
    status: str = ""
    path: str = ""
    line: int = 1


class Rule(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One rule over single records. `reports` is False where it only feeds a correlation."""

    meta: Meta
    condition: Condition
    reports: bool = True


CorrelationKind = Literal["event_count", "value_count", "temporal", "temporal_ordered", "first_seen", "baseline"]
Operator = Literal["lt", "lte", "gt", "gte", "eq", "neq"]


class Combined(msgspec.Struct, frozen=True, tag=True):
    """An expression over rules: `op` of its parts, of which a text is the id of a rule that has a match."""

    op: Literal["and", "or", "not"]
    parts: tuple[str | Combined, ...]


class Correlation(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One rule over the records that other rules matched (Sigma Correlation Rules Specification 2.0, and two of ours).

    `rules` are ids, of rules or of other correlations; `group_by` are field paths or aliases; an alias maps a rule's id
    to its own field path. Times are in seconds. `op` and `count` are the threshold (a range has more than one: those in
    `also` hold as well), `field` what is counted by value or watched for news. `temporal` may have an `expression` in
    place of a threshold; a rule under a `not` has no match within `timespan` before or after the end of the window.
    `first_seen`: the value of `field` is new for the group within `timespan`, and the group has been known for
    `min_history`. `baseline`: the count per bucket of `timespan` reaches `count` and `factor` times the group's
    mean per bucket over the `history` before, of which there is at least `min_history`. With `generate` the rules it
    refers to raise findings of their own as well. `reports` is False where it only feeds another correlation.
    """

    meta: Meta
    kind: CorrelationKind
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: int
    op: Operator = "gte"
    count: float = 1
    also: tuple[tuple[Operator, float], ...] = ()
    expression: str | Combined | None = None
    field: tuple[str, ...] = ()
    aliases: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    min_history: int = 0
    history: int = 0
    factor: float = 0.0
    generate: bool = False
    reports: bool = True

"""Why a finding was raised: its rule and its records, every predicate held against them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sakimori.detect import ir
from sakimori.detect.correlation import chain_of
from sakimori.detect.fields import values
from sakimori.detect.matched import condition_test
from sakimori.detect.rulebook import Rulebook

SHOWN_VALUES = 3
LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of a condition on one record: how deep it stands, what was asked, whether it holds now, what was found.

    `found` is empty for a line that only joins others (`all of`, `any of`, `not`).
    """

    depth: int
    asked: str
    holds: bool
    found: list[Any]


@dataclass(frozen=True, slots=True)
class Explained:
    """One record under one rule: whether the rule's condition holds of it now, and each predicate of it."""

    record_id: str
    time: str
    call: str
    rule: str
    holds: bool
    reasons: list[Reason]


def explain(book: Rulebook, rule_id: str, records: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Explained]:
    """Each record (id, decoded) under the rule, or under those rules of a correlation that match it."""
    ids = {rule_id}.union(*(each.rules for each in chain_of(book.correlations, {rule_id})))
    rules = [rule for rule in book.rules if rule.meta.id in ids]
    for record_id, record in records:
        shown = [rule for rule in rules if condition_test(rule.condition)(record)] or rules[:1]
        for rule in shown:
            yield _explained(rule, record_id, record)


def _explained(rule: ir.Rule, record_id: str, record: dict[str, Any]) -> Explained:
    return Explained(
        record_id,
        str(record.get("eventTime", "")),
        f"{record.get('eventSource', '')} {record.get('eventName', '')}",
        rule.meta.id,
        condition_test(rule.condition)(record),
        list(_reasons(rule.condition, record, 0)),
    )


def _reasons(condition: ir.Condition, record: dict[str, Any], depth: int) -> Iterator[Reason]:
    """The condition line by line. Of alternatives that hold, those that do not are left out: they decided nothing."""
    holds = condition_test(condition)(record)
    match condition:
        case ir.And(children):
            if depth:
                yield Reason(depth - 1, "all of", holds, [])
            for child in children:
                yield from _reasons(child, record, depth + 1 if depth else 1)
        case ir.Or(children):
            deciding = [child for child in children if condition_test(child)(record)] if holds else list(children)
            if len(deciding) == 1:
                yield from _reasons(deciding[0], record, depth)
                return
            yield Reason(max(depth - 1, 0), "any of", holds, [])
            for child in deciding:
                yield from _reasons(child, record, depth + 1)
        case ir.Not(child):
            yield Reason(max(depth - 1, 0), "not", holds, [])
            yield from _reasons(child, record, depth + 1)
        case _:
            field = getattr(condition, "field", None)
            yield Reason(max(depth - 1, 0), asked(condition), holds, values(record, field) if field else [])


def in_words(correlation: ir.Correlation) -> str:
    """What a correlation asks of the records that its rules match."""
    of, span = ", ".join(correlation.rules), f"{correlation.timespan:,} s"
    each = f" for each {', '.join(correlation.group_by)}" if correlation.group_by else ""
    limits = ((correlation.op, correlation.count), *correlation.also)
    enough = " and ".join(f"{_SIGNS.get(op, op)} {count:g}" for op, count in limits)
    match correlation.kind:
        case "event_count":
            return f"records of {of} within {span}{each}: {enough}"
        case "value_count":
            return f"different values of {', '.join(correlation.field)} in {of} within {span}{each}: {enough}"
        case "temporal" if correlation.expression is not None:
            return f"matches within {span}{each} of {_spelt(correlation.expression)}"
        case "temporal":
            return f"different rules of {of} within {span}{each}: {enough}"
        case "temporal_ordered":
            return f"{', then '.join(correlation.rules)} within {span}{each}"
        case "first_seen":
            return f"{', '.join(correlation.field)} of {of} not seen{each} in the {span} before"
        case "baseline":
            least = f"{correlation.count:g} and {correlation.factor:g} times the mean"
            return f"records of {of} in {span}{each}: at least {least}"


def _spelt(expression: str | ir.Combined) -> str:
    if isinstance(expression, str):
        return expression
    parts = [_spelt(part) if isinstance(part, str) else f"({_spelt(part)})" for part in expression.parts]
    return f"not {parts[0]}" if expression.op == "not" else f" {expression.op} ".join(parts)


def asked(predicate: ir.Predicate) -> str:
    """A predicate in words close to the rule's own."""
    match predicate:
        case ir.Text(field, pattern, cased):
            return f"{field} is {_pattern(pattern)}{' (case counts)' if cased else ''}"
        case ir.Keyword(pattern, _):
            return f"the record contains {_pattern(pattern)}"
        case ir.Regex(field, pattern):
            return f"{field} matches /{pattern}/"
        case ir.Number(field, number):
            return f"{field} is the number {number}"
        case ir.Compare(field, op, number):
            return f"{field} {_SIGNS[op]} {number}"
        case ir.Cidr(field, network):
            return f"{field} is an address in {network}"
        case ir.Null(field):
            return f"{field} is missing or null"
        case ir.OtherAccount(field):
            return f"{field} names an account that is not the record's own"
        case ir.Exists(field):
            return f"{field} is there"
        case ir.FieldRef(field, other, how):
            return f"{field} {how} what stands in {other}"


_SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "=", "neq": "not"}


def _pattern(pattern: ir.Pattern) -> str:
    written = "".join(part if isinstance(part, str) else "*" if part is ir.Wildcard.MANY else "?" for part in pattern)
    return repr(written)

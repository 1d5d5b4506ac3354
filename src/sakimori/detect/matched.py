"""Which values of a record made a condition hold: what a finding shows, and what `explain` spells out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import simdjson

from sakimori.detect import ir
from sakimori.detect.evaluate import Test, ValueTest, closure, value_test
from sakimori.detect.fields import Record, plain, values

LONGEST_VALUE = 500
"""Characters of a matched value that a finding carries; the record itself has the rest."""

Show = Callable[[Record, dict[str, Any]], None]


def build(condition: ir.Condition) -> Callable[[Record], dict[str, Any]]:
    """A function that gives, of a record for which the condition holds, field path -> the value that fits.

    Of alternatives those that hold count; what must not hold shows nothing.
    """
    show = _show(condition)

    def matched(record: Record) -> dict[str, Any]:
        found: dict[str, Any] = {}
        show(record, found)
        return found

    return matched


def _show(condition: ir.Condition) -> Show:
    match condition:
        case ir.And(children):
            return _each([_show(child) for child in children])
        case ir.Or(children):
            return _each([_if_holds(child) for child in children])
        case ir.Not() | ir.Null() | ir.Keyword():
            return lambda record, found: None
        case ir.FieldRef(field, _, _):
            return _value_at(field, lambda value: value is not None)
        case _:
            return _value_at(condition.field, value_test(condition))


def _each(shows: list[Show]) -> Show:
    def show(record: Record, found: dict[str, Any]) -> None:
        for each in shows:
            each(record, found)

    return show


def _if_holds(condition: ir.Condition) -> Show:
    show = _show(condition)
    if not isinstance(condition, (ir.And, ir.Or, ir.Not, ir.FieldRef)):
        return show  # it shows only what fits
    holds = condition_test(condition)

    def test(record: Record, found: dict[str, Any]) -> None:
        if holds(record):
            show(record, found)

    return test


def condition_test(condition: ir.Condition) -> Test:
    """Whether a condition holds, without compiling it: for the few records that are shown."""
    match condition:
        case ir.And(children):
            tests = [condition_test(child) for child in children]
            return lambda record: all(test(record) for test in tests)
        case ir.Or(children):
            tests = [condition_test(child) for child in children]
            return lambda record: any(test(record) for test in tests)
        case ir.Not(child):
            inner = condition_test(child)
            return lambda record: not inner(record)
        case _:
            return closure(condition)


def _value_at(field: str, fits: ValueTest) -> Show:
    first, _, second = field.partition(".")
    deep = "." in second

    def show(record: Record, found: dict[str, Any]) -> None:
        value = None if deep else record.get(first)
        if second and not deep:
            value = value.get(second) if value.__class__ in (dict, simdjson.Object) else None
        if value.__class__ is not str or not fits(value):
            value = next((each for each in values(record, field) if fits(each)), None)
        if value is not None:
            found.setdefault(field, _short(value))

    return show


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "..."
    if isinstance(value, (dict, list)):
        from sakimori.detect.fields import text

        return _short(text(value))
    return plain(value)

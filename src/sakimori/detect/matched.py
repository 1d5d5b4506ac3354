"""Which values of a record made a condition hold: what a finding shows, and what `explain` spells out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sakimori.detect import ir
from sakimori.detect.evaluate import Test, ValueTest, closure, value_test
from sakimori.detect.fields import Record, string_at, values

LONGEST_VALUE = 500
"""Characters of a matched value that a finding carries; the record itself has the rest."""

Show = Callable[[Record, dict[str, Any]], None]


def build(condition: ir.Condition) -> Callable[[Record], dict[str, Any]]:
    """A function that gives, of a record for which the condition holds, field path -> the value that fits.

    Of alternatives those that hold count; what must not hold shows nothing.
    """
    shows = [
        (field or "", string_at(field) if field else lambda record: None, _show(part))
        for part, field in _held(condition)
    ]

    def matched(record: Record) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field, read, otherwise in shows:
            value = read(record)
            if value is None:
                otherwise(record, found)
            elif field not in found:
                found[field] = value if len(value) <= LONGEST_VALUE else _short(value)
        return found

    return matched


def plain_parts(condition: ir.Condition) -> dict[str, ir.Condition] | None:
    """The fields whose values are what `build`'s function gives, wherever each is one string of no great length; and of
    each the first part of the condition that is about it. None if it takes a closer look.
    """
    parts: dict[str, ir.Condition] = {}
    for part, field in _held(condition):
        if field is None:
            return None
        parts.setdefault(field, part)
    return parts


def pattern_of(condition: ir.Condition) -> ir.Regex | None:
    """The regular expression without which the condition never holds; None if there is none, or more than one."""
    found = [part for part, _ in _held(condition) if isinstance(part, ir.Regex)]
    return found[0] if len(found) == 1 else None


def _held(condition: ir.Condition) -> Iterator[tuple[ir.Condition, str | None]]:
    """The parts of a condition that is known to hold, each with its field if a string that stands alone there is what
    fits; what must not hold shows nothing."""
    match condition:
        case ir.And(children):
            for child in children:
                yield from _held(child)
        case ir.Or(children):
            fields = {child.field if isinstance(child, ir.Text) else None for child in children}
            yield condition, fields.pop() if len(fields) == 1 else None
        case ir.Text(field) | ir.Regex(field) | ir.Cidr(field):
            yield condition, field
        case ir.Not() | ir.Null() | ir.Keyword():
            return
        case _:
            yield condition, None


def _show(condition: ir.Condition) -> Show:
    match condition:
        case ir.And(children):
            return _each([_show(child) for child in children])
        case ir.Or(children):
            return _each([_if_holds(child) for child in children])
        case ir.Not() | ir.Null() | ir.Keyword():
            return lambda record, found: None
        case ir.FieldRef(field) | ir.Exists(field) | ir.OtherAccount(field):
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
    if not isinstance(condition, (ir.And, ir.Or, ir.Not, ir.FieldRef, ir.Exists, ir.OtherAccount)):
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
    string = string_at(field)

    def show(record: Record, found: dict[str, Any]) -> None:
        value = string(record)
        if value is None or not fits(value):
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
    return value

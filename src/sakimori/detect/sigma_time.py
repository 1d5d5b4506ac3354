"""Sigma's time modifiers (`eventTime|hour: 3`) as regular expressions over the time's text, which all executions have.

The text is ISO 8601's, as CloudTrail writes it (`2026-11-20T08:30:00Z`); its numbers are taken as they stand, in
whatever zone that is (Sigma Modifiers 2.1, "Time Modifiers").
"""

from __future__ import annotations

import operator

from sigma.types import TimestampPart

from sakimori.detect import ir

_PLACES: dict[TimestampPart, tuple[str, range, str]] = {
    TimestampPart.YEAR: ("", range(1970, 2200), "-"),
    TimestampPart.MONTH: (r"\d{4}-", range(1, 13), "-"),
    TimestampPart.DAY: (r"\d{4}-\d\d-", range(1, 32), "(?:[T ]|$)"),
    TimestampPart.HOUR: (r"\d{4}-\d\d-\d\d[T ]", range(24), ":"),
    TimestampPart.MINUTE: (r"\d{4}-\d\d-\d\d[T ]\d\d:", range(60), r"(?:\D|$)"),
}
"""Part of a time -> what stands before it, the numbers that it can be, what follows."""

_RELATIONS = {"lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge, "eq": operator.eq}


def in_time(field: str, part: TimestampPart, op: str, number: int) -> ir.Regex:
    """Holds if this part of the time at the field stands in this order to the number.

    Raises ValueError, with the reason, for what no time can fulfil, and for weeks.
    """
    name = part.name.lower()
    if part not in _PLACES:
        raise ValueError(f"the time modifier {name} is not supported: its days differ from year to year")
    before, possible, after = _PLACES[part]
    fitting = [f"{each:02}" for each in possible if _RELATIONS[op](each, number)]
    if not fitting:
        raise ValueError(f"no {name} is {op} {number}: it is between {possible[0]} and {possible[-1]}")
    return ir.Regex(field, f"^{before}(?:{'|'.join(fitting)}){after}")

"""Budgets and breakers in a table of DynamoDB: all functions of a deployment, and whoever works on it, keep to them
together.

A line is an item with a version: it is written only if nobody else has written it since it was read ("Optimistic
locking with version number", DynamoDB developer guide). The time is the machine's; Lambda's clocks agree.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from sakimori.model.said import say
from sakimori.respond.errors import Passing
from sakimori.respond.guard import Line
from sakimori.respond.table import Item, Table

T = TypeVar("T")

TRIES = 40
LONGEST_PAUSE = 0.5
MICROSECONDS = 1_000_000
"""DynamoDB's numbers are whole here, as everywhere in the table."""


class TableLines:
    """The lines in a table."""

    def __init__(
        self,
        table: Table,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._table, self._clock, self._sleep = table, clock, sleep

    def change(self, api: str, account: str, how: Callable[[Line, float], tuple[Line, T]]) -> T:
        """See guard.Lines. Raises Passing where others do not let it come through, and AwsError."""
        for attempt in range(TRIES):
            item = self._table.get("line", f"{api}#{account}")
            found = _line(item)
            line, answer = how(found, self._clock())
            if line == found or self._table.swap("line", f"{api}#{account}", item, **_values(line)):
                return answer
            self._sleep(random.uniform(0, min(LONGEST_PAUSE, 0.005 * 2**attempt)))  # noqa: S311 - no secret
        where = say("{api} in account {account}", api=api, account=account or say("unknown"))
        raise Passing(say("the budget of {api} was changed by others {count} times", api=where, count=TRIES))


def _line(item: Item | None) -> Line:
    if item is None:
        return Line()
    return Line(item["due"] / MICROSECONDS, item["failures"], item["open_until"] / MICROSECONDS)


def _values(line: Line) -> dict[str, int]:
    whole = {"due": round(line.due * MICROSECONDS), "open_until": round(line.open_until * MICROSECONDS)}
    return {**whole, "failures": line.failures}

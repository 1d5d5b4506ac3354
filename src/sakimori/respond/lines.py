"""Budgets and breakers in the ledger: all processes, on all machines that share it, keep to them together.

The time is the database's where it has a clock of its own, so that machines whose clocks differ agree.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine, func, select, update

from sakimori.respond import tables
from sakimori.respond.guard import Line
from sakimori.store.database import explained, insert_new

T = TypeVar("T")


def database_time(connection: Connection) -> float:
    """Seconds since 1970 by PostgreSQL's clock; SQLite has the machine's."""
    if connection.dialect.name != "postgresql":
        return time.time()
    return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())


class LedgerLines:
    """The lines in an open ledger's database."""

    def __init__(self, engine: Engine, clock: Callable[[Connection], float] = database_time) -> None:
        self._engine, self._clock = engine, clock
        self._lock = threading.Lock()

    def change(self, api: str, account: str, how: Callable[[Line, float], tuple[Line, T]]) -> T:
        """See guard.Lines. The row is locked meanwhile, and no other is. Raises LedgerError."""
        c = tables.lines.c
        mine = (c.api == api) & (c.account == account)
        query = select(c.due, c.failures, c.open_until).where(mine).with_for_update()
        with self._lock, explained(self._engine), self._engine.begin() as connection:
            row = connection.execute(query).first()
            if row is None:
                new = {"api": api, "account": account, "due": 0.0, "failures": 0, "open_until": 0.0}
                connection.execute(insert_new(connection, tables.lines), new)
                row = connection.execute(query).one()
            found = Line(*row)
            line, answer = how(found, self._clock(connection))
            if line != found:
                values = {"due": line.due, "failures": line.failures, "open_until": line.open_until}
                connection.execute(update(tables.lines).where(mine).values(values))
            return answer

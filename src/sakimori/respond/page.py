"""A page of the book of responses: transactions, one at a time in a process, and the audit log that they write."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from sakimori.respond import audit
from sakimori.store.database import reading, writing

LEASE = timedelta(minutes=10)
"""How long a process has a run for itself, from each step that it takes."""

OURSELVES = "sakimori"


def stamp() -> str:
    """The time as the book writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def held_until() -> str:
    """Until when a run is held that is taken now."""
    return (datetime.now(UTC) + LEASE).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Page:
    """What the book's pages have in common. `key` makes the audit log's chain; its head is kept in the file `head`."""

    def __init__(self, engine: Engine, key: bytes, head: Path) -> None:
        self.engine = engine
        self._key = key
        self._head = audit.Head(head)
        self._lock = threading.Lock()

    def audited(self) -> audit.Audited:
        """Whether the audit log is whole."""
        head = self._head.read()  # before the log, which only grows
        with reading(self.engine) as connection:
            return audit.verify(connection, self._key, head)

    def entries(self, run: str = "", since: int = 0) -> list[audit.Entry]:
        """The audit log's entries, of one run or all."""
        with reading(self.engine) as connection:
            return list(audit.entries(connection, run, since))

    def note(self, by: str, what: str, run: str, body: Mapping[str, Any]) -> None:
        """Adds an entry that comes with no change of the book."""
        with self.writing() as (_, note):
            note(by, what, run, body)

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A transaction, one at a time in this process: SQLite would have the others sleep, and not for short."""
        with self._lock, writing(self.engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[tuple[Connection, Any]]:
        """A transaction with the pen for the audit log: `note(by, what, run, body)`."""
        head: list[tuple[int, str]] = []
        with self.alone() as connection:

            def note(by: str, what: str, run: str, body: Mapping[str, Any]) -> None:
                head.append(audit.append(connection, self._key, stamp(), by, what, run, dict(body)))

            yield connection, note
        if head:
            self._head.keep(*head[-1])

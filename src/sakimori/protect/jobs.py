"""Jobs: one task on one computer each, in a table, so that none is forgotten whatever is killed.

A job is `queued`, then `running` under a lease, then `done` or `failed` with a message. Whoever runs it must renew the
lease or finish; a lease that ends puts the job back, and after ATTEMPTS it has failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from sakimori.protect import tables
from sakimori.protect.clock import now
from sakimori.store.text import storable

ATTEMPTS = 3
HOUR = 3_600_000

_jobs = tables.jobs


@dataclass(frozen=True, slots=True)
class Entry:
    """A job as the table has it. `computer` is 0 for what concerns none; times are milliseconds since 1970."""

    id: int
    tenant: int
    computer: int
    type: str
    task: int
    parameters: Mapping[str, Any]
    state: str
    message: str
    result: Mapping[str, Any]
    attempts: int
    created_at: int
    lease_until: int
    deadline: int
    finished_at: int


def queue(
    connection: Connection,
    tenant: int,
    computers: Iterable[int],
    type: str,
    *,
    task: int = 0,
    parameters: Mapping[str, Any] | None = None,
    patience: int = 24 * HOUR,
) -> int:
    """Queues a job for each computer and returns how many. They fail if nobody takes them within `patience` (ms)."""
    at = now()
    rows = [
        {
            "tenant": tenant,
            "computer": computer,
            "type": type,
            "task": task,
            "parameters": orjson.dumps(parameters or {}).decode(),
            "state": "queued",
            "message": "",
            "result": "{}",
            "attempts": 0,
            "created_at": at,
            "lease_until": 0,
            "deadline": at + patience,
            "finished_at": 0,
        }
        for computer in computers
    ]
    if rows:
        connection.execute(insert(_jobs), rows)
    return len(rows)


def take(connection: Connection, id: int, *, lease: int) -> Entry | None:
    """Takes a queued job for `lease` milliseconds; None if someone else has it or it is over."""
    taken = connection.execute(
        update(_jobs)
        .where(_jobs.c.id == id, _jobs.c.state == "queued")
        .values(state="running", lease_until=now() + lease, attempts=_jobs.c.attempts + 1)
    )
    return get(connection, id) if taken.rowcount else None


def renew(
    connection: Connection, ids: Iterable[int], *, lease: int, tenant: int | None = None, computer: int | None = None
) -> None:
    """Says that these jobs are still being done; with a computer, only that computer's."""
    statement = update(_jobs).where(_jobs.c.id.in_(sorted(set(ids))[:500]), _jobs.c.state == "running")
    if computer is not None:
        statement = statement.where(_jobs.c.tenant == tenant, _jobs.c.computer == computer)
    connection.execute(statement.values(lease_until=now() + lease))


def finish(connection: Connection, id: int, *, failed: bool, message: str, result: Mapping[str, Any]) -> bool:
    """Ends a job. False if it was over already: then what came of it must not be stored again."""
    ended = connection.execute(
        update(_jobs)
        .where(_jobs.c.id == id, _jobs.c.state.in_(("queued", "running")))
        .values(
            state="failed" if failed else "done",
            message=storable(message)[:4_000],
            result=orjson.dumps(result).decode(),
            lease_until=0,
            finished_at=now(),
        )
    )
    return bool(ended.rowcount)


def recover(connection: Connection) -> None:
    """Puts back jobs whose lease has ended; those that were tried often enough, or waited too long, have failed."""
    at = now()
    lost = (_jobs.c.state == "running") & (_jobs.c.lease_until < at)
    connection.execute(
        update(_jobs)
        .where(lost & (_jobs.c.attempts >= ATTEMPTS))
        .values(
            state="failed",
            message=f"given up after {ATTEMPTS} attempts: each time, what ran it ended without an answer",
            lease_until=0,
            finished_at=at,
        )
    )
    connection.execute(
        update(_jobs)
        .where(lost)
        .values(state="queued", message="what ran it ended without an answer; tried again", lease_until=0)
    )
    connection.execute(
        update(_jobs)
        .where(_jobs.c.state == "queued", _jobs.c.deadline < at)
        .values(state="failed", message="no agent took it in time", lease_until=0, finished_at=at)
    )


def needs_recovery(connection: Connection) -> bool:
    """Whether `recover` would find something."""
    at = now()
    lost = (_jobs.c.state == "running") & (_jobs.c.lease_until < at)
    late = (_jobs.c.state == "queued") & (_jobs.c.deadline < at)
    return connection.execute(select(_jobs.c.id).where(lost | late).limit(1)).first() is not None


def get(connection: Connection, id: int) -> Entry | None:
    row = connection.execute(select(_jobs).where(_jobs.c.id == id)).first()
    return _entry(row) if row is not None else None


def of_tenant(
    connection: Connection, tenant: int, *, computer: int = 0, after: int = 0, limit: int = 1_000
) -> list[Entry]:
    """A tenant's jobs, by ID."""
    statement = select(_jobs).where(_jobs.c.tenant == tenant, _jobs.c.id > after)
    if computer:
        statement = statement.where(_jobs.c.computer == computer)
    return [_entry(row) for row in connection.execute(statement.order_by(_jobs.c.id).limit(limit))]


def queued(connection: Connection, *, limit: int = 10_000) -> list[tuple[int, int, int, str]]:
    """(id, tenant, computer, type) of what waits, the oldest first."""
    statement = (
        select(_jobs.c.id, _jobs.c.tenant, _jobs.c.computer, _jobs.c.type)
        .where(_jobs.c.state == "queued")
        .order_by(_jobs.c.id)
        .limit(limit)
    )
    return [(row.id, row.tenant, row.computer, row.type) for row in connection.execute(statement)]


def open_of_task(connection: Connection, tenant: int, task: int) -> bool:
    """Whether a scheduled task has jobs that are not over."""
    found = connection.execute(
        select(_jobs.c.id)
        .where(_jobs.c.tenant == tenant, _jobs.c.task == task, _jobs.c.state.in_(("queued", "running")))
        .limit(1)
    ).first()
    return found is not None


def open_types(connection: Connection, tenant: int, computers: Iterable[int]) -> dict[int, list[str]]:
    """What is queued or running for computers."""
    wanted = sorted(set(computers))
    found: dict[int, list[str]] = {}
    for start in range(0, len(wanted), 500):
        rows = connection.execute(
            select(_jobs.c.computer, _jobs.c.type)
            .where(
                _jobs.c.tenant == tenant,
                _jobs.c.computer.in_(wanted[start : start + 500]),
                _jobs.c.state.in_(("queued", "running")),
            )
            .order_by(_jobs.c.id)
        )
        for computer, type in rows:
            found.setdefault(computer, []).append(type)
    return found


def fail_open(connection: Connection, tenant: int, computer: int, message: str) -> None:
    """Ends what waits or runs for a computer."""
    connection.execute(
        update(_jobs)
        .where(_jobs.c.tenant == tenant, _jobs.c.computer == computer, _jobs.c.state.in_(("queued", "running")))
        .values(state="failed", message=message, lease_until=0, finished_at=now())
    )


def _entry(row: Row[Any]) -> Entry:
    found = row._asdict()
    return Entry(**{**found, "parameters": orjson.loads(found["parameters"]), "result": orjson.loads(found["result"])})

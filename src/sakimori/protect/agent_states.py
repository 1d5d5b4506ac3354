"""What is known of each agent: when it was last heard of, and what it said of itself.

Heart-beats come by the hundred a second. They are kept in memory and written together every few seconds, so that a
thousand cost one transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select, update

from sakimori.protect import tables
from sakimori.protect.clock import now

MISSED_BEATS = 3
"""An agent is taken to be off-line when it has not been heard of for so many intervals."""


@dataclass(frozen=True, slots=True)
class AgentState:
    """One computer's agent. `status` is what it last said: {"modules": {module: {"state", "message"}}, ...}."""

    computer: int
    last_seen: int
    address: str
    status: Mapping[str, Any]
    isolated: bool
    policy_requested: int
    policy_sent: int

    def is_alive(self, interval_seconds: int) -> bool:
        return now() - self.last_seen <= MISSED_BEATS * interval_seconds * 1_000


class Beats:
    """Heart-beats that are not written yet. Safe between threads."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, int], tuple[int, str, str]] = {}
        self._lock = threading.Lock()

    def beat(self, tenant: int, computer: int, address: str, status: str) -> None:
        """`status` is JSON."""
        with self._lock:
            self._waiting[tenant, computer] = (now(), address, status)

    def waiting(self, tenant: int, computer: int) -> tuple[int, str, str] | None:
        return self._waiting.get((tenant, computer))

    def take(self) -> dict[tuple[int, int], tuple[int, str, str]]:
        """What is to be written now."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
        return taken

    def put_back(self, taken: Mapping[tuple[int, int], tuple[int, str, str]]) -> None:
        """What could not be written waits again, unless something newer has come."""
        with self._lock:
            self._waiting = {**taken, **self._waiting}


_agents = tables.agents
_STATES = select(
    _agents.c.computer,
    _agents.c.last_seen,
    _agents.c.address,
    _agents.c.status,
    _agents.c.isolated,
    _agents.c.policy_requested,
    _agents.c.policy_sent,
).where(_agents.c.tenant == bindparam("of_tenant"), _agents.c.computer.in_(bindparam("computers", expanding=True)))


def write(connection: Connection, beats: Mapping[tuple[int, int], tuple[int, str, str]]) -> None:
    agents = tables.agents
    statement = (
        update(agents)
        .where(agents.c.tenant == bindparam("of_tenant"), agents.c.computer == bindparam("of_computer"))
        .values(last_seen=bindparam("seen"), address=bindparam("from_address"), status=bindparam("said"))
    )
    connection.execute(
        statement,
        [
            {"of_tenant": tenant, "of_computer": computer, "seen": seen, "from_address": address, "said": status}
            for (tenant, computer), (seen, address, status) in beats.items()
        ],
    )


def states(connection: Connection, tenant: int, computers: Iterable[int], beats: Beats) -> dict[int, AgentState]:
    """The agents of these computers; a computer without one is left out."""
    wanted = sorted(set(computers))
    found: dict[int, AgentState] = {}
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        rows = connection.execute(_STATES, {"of_tenant": tenant, "computers": some})
        for row in rows:
            newer = beats.waiting(tenant, row.computer)
            seen, address, status = newer or (row.last_seen, row.address, row.status)
            found[row.computer] = AgentState(
                row.computer,
                seen,
                address,
                orjson.loads(status) if status else {},
                bool(row.isolated),
                row.policy_requested,
                row.policy_sent,
            )
    return found

"""What is known of each agent: when it was last heard of, and what it said of itself.

Heart-beats come by the hundred a second. They are kept in memory and written together every few seconds, so that a
thousand cost one transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, update

from sakimori.protect import tables
from sakimori.protect.clock import now
from sakimori.store.database import fetched

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
        self._leaving: dict[tuple[int, int], tuple[int, str, str]] = {}
        self._lock = threading.Lock()

    def beat(self, tenant: int, computer: int, address: str, status: str) -> None:
        """`status` is JSON."""
        with self._lock:
            self._waiting[tenant, computer] = (now(), address, status)

    def waiting(self, tenant: int, computer: int) -> tuple[int, str, str] | None:
        with self._lock:
            return self._waiting.get((tenant, computer)) or self._leaving.get((tenant, computer))

    @contextmanager
    def taken(self) -> Iterator[Mapping[tuple[int, int], tuple[int, str, str]]]:
        """What is to be written within. Until it is, it is known here; if that fails, it waits again."""
        with self._lock:
            self._leaving, self._waiting = self._waiting, {}
        try:
            yield self._leaving
        except BaseException:
            with self._lock:
                self._waiting = {**self._leaving, **self._waiting}
            raise
        finally:
            with self._lock:
                self._leaving = {}


_STATES = (
    "SELECT computer, last_seen, address, status, isolated, policy_requested, policy_sent FROM protect_agents "
    "WHERE tenant = :tenant AND computer IN "
)


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
        some = {f"c{number}": computer for number, computer in enumerate(wanted[start : start + 500])}
        places = ", ".join(f":{name}" for name in some)
        for computer, *kept, isolated, requested, sent in fetched(
            connection, f"{_STATES}({places})", {"tenant": tenant, **some}
        ):
            seen, address, status = beats.waiting(tenant, computer) or kept
            found[computer] = AgentState(
                computer, seen, address, orjson.loads(status) if status else {}, bool(isolated), requested, sent
            )
    return found

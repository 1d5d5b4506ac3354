"""The agents' side of the API. Heart-beats touch no table: they are gathered in memory and written together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import msgspec
import orjson
from starlette.requests import Request

from sakimori.protect import agents_api, jobs, outcomes
from sakimori.protect.agents_api import BEAT, Agent, Event
from sakimori.protect.clock import now
from sakimori.protect.engine import AGENT_LEASE_MS
from sakimori.protect.errors import Invalid, NotAllowed, NotFound
from sakimori.protect.manager import Manager
from sakimori.store.database import reading, writing

T = TypeVar("T")
MOST_EVENTS = 5_000
_LATEST = 1 << 53


class Runner(Protocol):
    def __call__(self, what: Callable[[], T]) -> Awaitable[T]: ...


class AgentService:
    """Answers agents. It gets the service's own threads to read and to write in."""

    def __init__(self, manager: Manager, in_writer: Runner, in_reader: Runner) -> None:
        self._manager = manager
        self._in_writer = in_writer
        self._in_reader = in_reader

    async def answer(self, request: Request, path: str, body: bytes) -> Any:
        agent = self._manager.agents.recognise(request.headers)
        words = path.removeprefix("/sakimori/agents/").strip("/").split("/")
        match request.method, words:
            case "POST", ["heartbeat"]:
                return await self._heartbeat(agent, request.client.host if request.client else "", body)
            case "POST", ["events"]:
                return await self._events(agent, body)
            case "GET", ["policy"]:
                return await self._in_reader(lambda: self._policy(agent))
            case "POST", ["tasks", id] if id.isascii() and id.isdigit() and len(id) < 19:
                return await self._answered(agent, int(id), body)
            case _, ["heartbeat" | "events" | "policy"] | ["tasks", _]:
                raise NotAllowed(f"{request.method} is not possible here")
            case _:
                raise NotFound(f"there is nothing at {path[:200]}")

    async def _heartbeat(self, agent: Agent, address: str, body: bytes) -> Mapping[str, Any]:
        try:
            beat = BEAT.decode(body or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"the heart-beat is not what it should be: {error}") from None
        status = msgspec.json.encode({"modules": beat.modules, "policyVersion": beat.policyVersion}).decode()
        self._manager.beats.beat(agent.tenant, agent.computer, address, status)
        tasks: list[Any] = []
        waiting = self._manager.task_engine.waiting.get((agent.tenant, agent.computer))
        if waiting or beat.running:
            tasks = await self._in_writer(lambda: self._take(agent, waiting or [], beat.running))
        return {"tasks": tasks, "nextHeartbeatSeconds": self._manager.heartbeat_seconds}

    def _take(self, agent: Agent, waiting: list[int], running: list[int]) -> list[Any]:
        with writing(self._manager.engine) as connection:
            own = [id for id in running[:100] if 0 < id < _LATEST]
            jobs.renew(connection, own, lease=AGENT_LEASE_MS, tenant=agent.tenant, computer=agent.computer)
            return agents_api.take_jobs(connection, agent, waiting)

    async def _events(self, agent: Agent, body: bytes) -> Mapping[str, int]:
        events = _read(body, list[Event], "events must be a list of objects with module and key")
        if len(events) > MOST_EVENTS:
            raise Invalid(f"{len(events)} events at once; {MOST_EVENTS} are the most")
        found = [msgspec.to_builtins(event) for event in events]
        for event in found:
            if not 0 <= event["ruleID"] < _LATEST or not 0 <= event["time"] < _LATEST:
                raise Invalid("ruleID and time must be numbers of at most 53 bits")
            event["time"] = event["time"] or now()
        return {"added": await self._in_writer(lambda: self._add(agent, found))}

    def _add(self, agent: Agent, events: list[dict[str, Any]]) -> int:
        with writing(self._manager.engine) as connection:
            return outcomes.add_events(connection, agent.tenant, agent.computer, events)

    def _policy(self, agent: Agent) -> Mapping[str, Any]:
        with reading(self._manager.engine) as connection:
            return agents_api.in_force(connection, agent, self._manager.policies, self._manager.catalogue)

    async def _answered(self, agent: Agent, id: int, body: bytes) -> Mapping[str, Any]:
        answer = _read(body, dict[str, Any], "the answer to a task must be a JSON object")
        if answer.get("state") not in ("done", "failed"):
            raise Invalid('the answer to a task must be {"state": "done" or "failed", ...}')
        for name, kind in (("events", list), ("notEvaluated", list), ("host", dict)):
            if not isinstance(answer.get(name) or kind(), kind):
                raise Invalid(f"{name} in the answer to a task must be {'a list' if kind is list else 'an object'}")
        return await self._in_writer(lambda: self._end(agent, id, answer))

    def _end(self, agent: Agent, id: int, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        with reading(self._manager.engine) as connection:
            entry = jobs.get(connection, id)
        if entry is None or (entry.tenant, entry.computer) != (agent.tenant, agent.computer):
            raise NotFound(f"there is no task with ID {id}")
        self._manager.task_engine.answered(entry, answer)
        with reading(self._manager.engine) as connection:
            ended = jobs.get(connection, id)
        return {"ID": id, "state": ended.state if ended else "failed", "message": ended.message if ended else ""}


def _read(body: bytes, kind: type[T], must: str) -> T:
    """What an agent sent, with numbers past 64 bits as fractions, for nothing that keeps it can hold them."""
    try:
        return msgspec.convert(orjson.loads(body), kind)
    except (orjson.JSONDecodeError, msgspec.ValidationError) as error:
        raise Invalid(f"{must}: {error}") from None

"""The API over HTTP: recognises who calls, counts, checks rights, runs the operation, and answers in JSON.

Reads of a few rows from SQLite happen at once; everything else in threads, writes one after the other.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs

import orjson
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from sakimori.protect import keys, modes, openapi, routes, storage
from sakimori.protect.agent_service import AgentService
from sakimori.protect.calls import Call, Operation
from sakimori.protect.clock import now
from sakimori.protect.errors import Forbidden, Invalid, NotFound, ProtectError, TooLarge
from sakimori.protect.keys import Holder
from sakimori.protect.manager import Manager
from sakimori.protect.seed import PRIMARY
from sakimori.protect.usage import Made
from sakimori.store.database import LedgerError, explained, reading, writing

LARGEST_BODY = 8 << 20
NO_CONTENT, UNAVAILABLE = 204, 503
PREFIX = "/api"
VERSION = "v1"

T = TypeVar("T")

log = logging.getLogger("sakimori.protect")

_HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Service:
    """An ASGI application for everything under `/api`."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._writer = ThreadPoolExecutor(1, "protect write")
        self._readers = ThreadPoolExecutor(4, "protect read")
        self._at_once = manager.engine.dialect.name == "sqlite"
        self._own: Connection | None = None
        self._agents = AgentService(manager, self._in_writer, self._in_reader)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answered(Request(scope, receive))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answered(self, request: Request) -> Answer:
        try:
            return await self._answer(request)
        except ProtectError as error:
            return _json(error.status, {"message": error.message}, error.headers)
        except LedgerError as error:
            log.error("%s %s: %s", request.method, request.url.path, error)
            message = "the manager's ledger cannot be reached or written now: try again"
            return _json(UNAVAILABLE, {"message": message}, {"Retry-After": "5"})
        except Exception:
            log.exception("%s %s", request.method, request.url.path)
            return _json(500, {"message": "the manager made a mistake; its log says which"})

    async def _answer(self, request: Request) -> Answer:
        path = request.scope["path"].removeprefix(PREFIX)
        if path == "/openapi.json" and request.method == "GET":
            return _reply(200, openapi.encoded())
        if path.startswith("/sakimori/agents/"):
            return _json(200, await self._agents.answer(request, path, await _body(request)))
        holder = await self._holder(request)
        started, status, shown = time.perf_counter(), 500, None
        operation: Operation | None = None
        query: Mapping[str, Sequence[str]] = {}
        try:
            operation, ids = routes.route(request.method, path)
            self._count(holder)
            _check_version(request.headers.get("api-version"))
            call_body = _decoded(await _body(request))
            query = _query(request.scope["query_string"])
            shown, warnings = await self._run(operation, holder, ids, query, call_body)
            status = NO_CONTENT if shown is None else 200
            return _json(status, shown, _warned(warnings))
        except ProtectError as error:
            status = error.status
            raise
        except LedgerError:
            status = UNAVAILABLE
            raise
        finally:
            if operation is not None:
                self._note(request, holder, operation, started, status, shown, query)

    async def _holder(self, request: Request) -> Holder:
        presented = keys.presented(request.headers)
        known = self._manager.keys.known(presented)
        if known is not None:
            return known
        if not self._manager.keys.is_remembered(presented):
            tenant, id, _ = keys.parse(presented)
            address = request.client.host if request.client else ""
            self._manager.meter.count((("sign in", tenant, id, address), self._manager.limits.sign_ins))
            return await self._in_reader(lambda: self._manager.keys.recognise(presented))
        return self._manager.keys.recognise(presented)

    def _count(self, holder: Holder) -> None:
        limits = self._manager.limits
        self._manager.meter.count(
            (("key", holder.tenant, holder.key), limits.key),
            (("tenant", holder.tenant), limits.tenant),
            ("node", limits.node),
        )

    async def _run(
        self,
        operation: Operation,
        holder: Holder,
        ids: Mapping[str, Any],
        query: Mapping[str, Sequence[str]],
        body: Any,
    ) -> tuple[Any, list[str]]:
        holder.role.must(operation.right)
        if operation.primary and holder.tenant != PRIMARY:
            raise Forbidden("only the primary tenant manages tenants")
        call = Call(self._manager, None, holder, ids, query, body)  # type: ignore[arg-type]  # set in the transaction
        run = self._write if operation.writes else self._read

        def ran() -> Any:
            try:
                return run(operation, call)
            except StopIteration as error:  # which no future can carry: nobody would be answered
                raise RuntimeError(f"{operation.name} ended unexpectedly") from error

        if operation.writes:
            shown = await self._in_writer(ran)
            self._manager.policies.changed()
        elif self._at_once and operation.quick(body):
            shown = self._read_here(operation, call)
        else:
            shown = await self._in_reader(ran)
        return shown, call.warnings

    def _write(self, operation: Operation, call: Call) -> Any:
        with writing(self._manager.engine) as connection:
            call.connection = connection
            _check_reach(operation, call)
            with modes.acting(f"API key {call.holder.key}", operation.name):
                return operation.run(call)

    def _read(self, operation: Operation, call: Call) -> Any:
        with reading(self._manager.engine) as connection:
            call.connection = connection
            _check_reach(operation, call)
            return operation.run(call)

    def _read_here(self, operation: Operation, call: Call) -> Any:
        """Reads in the event loop's own thread, on a connection that stays open."""
        if self._own is None:
            self._own = self._manager.engine.connect().execution_options(reads=True)
        try:
            with explained(self._manager.engine), self._own.begin():
                call.connection = self._own
                _check_reach(operation, call)
                return operation.run(call)
        except LedgerError:
            self._own.invalidate()
            self._own = None
            raise

    async def _in_writer(self, what: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, what)

    async def _in_reader(self, what: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, what)

    def _note(
        self,
        request: Request,
        holder: Holder,
        operation: Operation,
        started: float,
        status: int,
        shown: Any,
        query: Mapping[str, Sequence[str]],
    ) -> None:
        items = next((len(value) for value in shown.values() if isinstance(value, list)), 1) if shown else 0
        self._manager.usage.add(
            holder.tenant,
            Made(
                operation.name,
                request.method,
                now(),
                int((time.perf_counter() - started) * 1_000),
                status,
                "Authorization" if "authorization" in request.headers else "api-secret-key",
                ",".join(query.get("expand", ()))[:200],
                items,
            ),
        )


@functools.lru_cache(maxsize=1_000)
def _query(text: bytes) -> Mapping[str, Sequence[str]]:
    """The parameters behind the path: a client asks with the same ones again and again."""
    return parse_qs(text.decode("latin-1"), keep_blank_values=True)


def _check_version(version: str | None) -> None:
    if version is not None and version.strip().lower() != VERSION:
        raise Invalid(f"this manager speaks api-version {VERSION}, not {version[:40]!r}")


def _check_reach(operation: Operation, call: Call) -> None:
    """What the role does not reach is not there."""
    role = call.holder.role
    if operation.reach == "computer" and role.computers is not None:
        id = call.id("computerID")
        body = storage.get_or_none(call.connection, call.tenant, "computers", id)
        if body is None or not role.reaches_computer(id, body):
            raise NotFound(f"there is no Computer with ID {id}")
    if operation.reach == "policy" and not role.reaches_policy(call.id("policyID")):
        raise NotFound(f"there is no Policy with ID {call.id('policyID')}")


async def _body(request: Request) -> bytes:
    """The whole body. Raises TooLarge before more than LARGEST_BODY is held."""
    if request.method in ("GET", "DELETE"):
        return b""
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > LARGEST_BODY:
        raise TooLarge(f"the body is larger than {LARGEST_BODY} bytes")
    chunks, size, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Invalid("the client went away before the body was whole")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > LARGEST_BODY:
            raise TooLarge(f"the body is larger than {LARGEST_BODY} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _decoded(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"the body is not JSON: {error}") from None


def _json(status: int, shown: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return _reply(status, b"" if shown is None else orjson.dumps(shown), headers)


def _reply(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    found = [*_HEADERS]
    if status != NO_CONTENT:
        found += [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
    if headers:
        found += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return Answer(status, found, body)


def _warned(warnings: list[str]) -> dict[str, str]:
    if not warnings:
        return {}
    text = "; ".join(warnings).encode("ascii", "replace").decode().replace('"', "'")
    return {"Warning": f'299 - "{"".join(letter for letter in text if letter.isprintable())[:500]}"'}

"""Which calls were made: kept for a month, written together every few seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import msgspec
import orjson
from sqlalchemy import Connection, Engine, create_engine, delete, insert, select

from sakimori.protect import search, storage, tables
from sakimori.protect.calls import Call, Operation, Shape
from sakimori.protect.clock import now
from sakimori.protect.declare import READ, Resource, Rights, moment, number, structs, text
from sakimori.protect.objects import FILTER, Shown, plain
from sakimori.store.database import LedgerError, insert_rows, writing
from sakimori.store.tables import metadata

KEPT_MS = 31 * 86_400_000
MOST_WAITING = 50_000
MOST_SEARCHED = 10_000
"""How many of the newest calls a list or a search looks at."""

METRICS = Resource(
    "apiusagemetrics",
    "ApiUsageMetric",
    "apiUsageMetrics",
    "",
    "Calls of the API.",
    (
        text("apiType", search=True),
        text("action", search=True),
        text("method", search=True),
        moment("date", search=True),
        text("tenantGUID", search=True),
        number("duration", search=True),
        number("statusCode", search=True),
        text("authenticationMethod", search=True),
        text("expandParameter", search=True),
        number("responseItemCount", search=True),
    ),
    Rights("platformRights/systemInformationRights/canViewSystemInformation"),
    READ,
)


class Made(msgspec.Struct, frozen=True, gc=False):
    """A call that was made. `date` is in milliseconds since 1970, `duration` in milliseconds."""

    action: str
    method: str
    date: int
    duration: int
    statusCode: int
    authenticationMethod: str
    expandParameter: str
    responseItemCount: int


class Usage:
    """Calls that are not written yet. Safe between threads."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Made]] = []
        self._lock = threading.Lock()

    def add(self, tenant: int, made: Made) -> None:
        with self._lock:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append((tenant, made))

    def flush(self, engine: Engine) -> None:
        """Writes what waits in a transaction of its own; what cannot be written goes on waiting. Raises LedgerError."""
        if not self._waiting:
            return
        taken = self._take()
        try:
            with writing(engine) as connection:
                _write(connection, taken)
        except LedgerError:
            with self._lock:
                self._waiting = [*taken, *self._waiting][-MOST_WAITING:]
            raise

    def write(self, connection: Connection) -> None:
        """Writes what waits in the caller's transaction."""
        _write(connection, self._take())

    def _take(self) -> list[tuple[int, Made]]:
        with self._lock:
            taken, self._waiting = self._waiting, []
        return taken


def _write(connection: Connection, taken: Sequence[tuple[int, Made]]) -> None:
    """Writes calls and forgets those that are old."""
    rows = [(tenant, made.date, msgspec.json.encode(made).decode()) for tenant, made in taken]
    if rows:
        insert_rows(connection, insert(tables.usage), ("tenant", "at", "body"), rows)
        connection.execute(delete(tables.usage).where(tables.usage.c.at < now() - KEPT_MS))


def operations() -> Iterator[Operation]:
    gives = Shape("APIUsageMetrics", (structs("apiUsageMetrics", METRICS.model, number("ID"), *METRICS.fields),))
    yield Operation(
        "GET",
        "/apiusagemetrics",
        "list_api_usage_metrics",
        METRICS.id,
        "Lists calls.",
        _list,
        right=METRICS.rights.view,
        writes=True,
        gives=gives,
    )
    yield Operation(
        "POST",
        "/apiusagemetrics/search",
        "search_api_usage_metrics",
        METRICS.id,
        "Finds calls by criteria.",
        _search,
        right=METRICS.rights.view,
        writes=True,
        takes=FILTER,
        gives=gives,
    )


def _list(call: Call) -> Shown:
    return _found(call, search.Query())


def _search(call: Call) -> Shown:
    return _found(call, search.parse(METRICS, call.body))


def _found(call: Call, query: search.Query) -> Shown:
    """Calls are too many to be indexed as they come: the newest are, when somebody asks, in a database in memory."""
    call.manager.usage.write(call.connection)
    usage = tables.usage
    rows = call.connection.execute(
        select(usage.c.id, usage.c.body)
        .where(usage.c.tenant == call.tenant)
        .order_by(usage.c.id.desc())
        .limit(MOST_SEARCHED)
    ).all()
    same = {"apiType": "REST", "tenantGUID": call.manager.guid(call.tenant)}
    metrics = [{**same, **orjson.loads(row.body), "_id": row.id} for row in reversed(rows)]
    aside = create_engine("sqlite://")
    try:
        with aside.begin() as connection:
            metadata.create_all(connection, tables=[tables.objects, tables.values, tables.counters])
            storage.make_many(connection, call.tenant, METRICS, metrics)
            found = storage.find(connection, call.tenant, METRICS, query)
    finally:
        aside.dispose()
    return {METRICS.many: [plain(METRICS, metric["_id"], metric) for _, metric in found]}

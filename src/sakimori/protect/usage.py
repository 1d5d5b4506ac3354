"""Which calls were made: kept for a month, written together every few seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, create_engine, delete, insert, select

from sakimori.protect import search, storage, tables
from sakimori.protect.calls import Call, Operation, Shape
from sakimori.protect.clock import now
from sakimori.protect.declare import READ, Resource, Rights, moment, number, structs, text
from sakimori.protect.objects import FILTER, Shown, plain
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


class Usage:
    """Calls that are not written yet. Safe between threads."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Mapping[str, Any]]] = []
        self._lock = threading.Lock()

    def add(self, tenant: int, metric: Mapping[str, Any]) -> None:
        with self._lock:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append((tenant, metric))

    def write(self, connection: Connection) -> None:
        """Writes what waits and forgets what is old."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        if taken:
            usage = tables.usage
            connection.execute(
                insert(usage),
                [
                    {"tenant": tenant, "at": metric["date"], "body": orjson.dumps(metric).decode()}
                    for tenant, metric in taken
                ],
            )
            connection.execute(delete(usage).where(usage.c.at < now() - KEPT_MS))

    @property
    def is_waiting(self) -> bool:
        return bool(self._waiting)


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
    metrics = [{**orjson.loads(row.body), "_id": row.id} for row in reversed(rows)]
    aside = create_engine("sqlite://")
    try:
        with aside.begin() as connection:
            metadata.create_all(connection, tables=[tables.objects, tables.values, tables.counters])
            storage.make_many(connection, call.tenant, METRICS, metrics)
            found = storage.find(connection, call.tenant, METRICS, query)
    finally:
        aside.dispose()
    return {METRICS.many: [plain(METRICS, metric["_id"], metric) for _, metric in found]}

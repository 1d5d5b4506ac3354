"""Objects of every resource in the ledger: made, found, changed, removed, always within one tenant.

All functions work in the caller's transaction. An object is a dict of its values as the API names them; names that
begin with `_` are the manager's own and are never shown.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, Select, bindparam, delete, insert, select, update

from sakimori.protect import modes, tables, values
from sakimori.protect.declare import Resource
from sakimori.protect.errors import Invalid, NotFound
from sakimori.protect.search import Query, version_holds
from sakimori.store.database import fetched

Body = dict[str, Any]


def make(
    connection: Connection, tenant: int, resource: Resource, body: Mapping[str, Any], *, parent: int = 0, id: int = 0
) -> int:
    """Stores a new object and returns its ID: the next one, or the one that is asked for. Raises Invalid."""
    _refuse_taken(connection, tenant, resource, body, 0)
    id = _next_id(connection, tenant, resource, wanted=id)
    if modes.is_watched(resource.id):
        modes.note(connection, tenant, resource.id, id, None, body)
    connection.execute(
        insert(tables.objects),
        {"tenant": tenant, "resource": resource.id, "id": id, "parent": parent, "body": _encoded(body)},
    )
    _index(connection, tenant, resource, id, body)
    return id


def make_many(connection: Connection, tenant: int, resource: Resource, bodies: Iterable[Mapping[str, Any]]) -> range:
    """Stores many new objects at once, without a look at their names, and returns their IDs."""
    found = list(bodies)
    if not found:
        return range(0)
    first = _next_id(connection, tenant, resource, count=len(found)) - len(found) + 1
    ids = range(first, first + len(found))
    connection.execute(
        insert(tables.objects),
        [
            {"tenant": tenant, "resource": resource.id, "id": id, "parent": 0, "body": _encoded(body)}
            for id, body in zip(ids, found, strict=True)
        ],
    )
    rows = [row for id, body in zip(ids, found, strict=True) for row in values.rows(resource, tenant, id, body)]
    if rows:
        connection.execute(insert(tables.values), rows)
    return ids


def get(connection: Connection, tenant: int, resource: Resource, id: int, *, parent: int | None = None) -> Body:
    """An object. Raises NotFound."""
    body = get_or_none(connection, tenant, resource.id, id, parent=parent)
    if body is None:
        raise NotFound(f"there is no {resource.model} with ID {id}")
    return body


_GET = "SELECT body, parent FROM protect_objects WHERE tenant = :tenant AND resource = :resource AND id = :id"


def get_or_none(
    connection: Connection, tenant: int, resource: str, id: int, *, parent: int | None = None
) -> Body | None:
    row = next(fetched(connection, _GET, {"tenant": tenant, "resource": resource, "id": id}), None)
    if row is None or (parent is not None and row[1] != parent):
        return None
    body: Body = orjson.loads(row[0])
    return body


def get_many(connection: Connection, tenant: int, resource: str, ids: Iterable[int]) -> dict[int, Body]:
    """The objects with these IDs; those that do not exist are left out."""
    wanted = sorted(set(ids))
    found: dict[int, Body] = {}
    objects = tables.objects
    for start in range(0, len(wanted), 500):
        some = select(objects.c.id, objects.c.body).where(
            objects.c.tenant == tenant, objects.c.resource == resource, objects.c.id.in_(wanted[start : start + 500])
        )
        found |= {row.id: orjson.loads(row.body) for row in connection.execute(some)}
    return found


def existing(connection: Connection, tenant: int, resource: str, ids: Collection[int]) -> set[int]:
    """Those of the IDs that exist."""
    wanted = sorted(set(ids))
    found: set[int] = set()
    objects = tables.objects
    for start in range(0, len(wanted), 500):
        some = select(objects.c.id).where(
            objects.c.tenant == tenant, objects.c.resource == resource, objects.c.id.in_(wanted[start : start + 500])
        )
        found |= set(connection.execute(some).scalars())
    return found


def all_ids(connection: Connection, tenant: int, resource: str) -> list[int]:
    """The IDs of all objects of a resource."""
    objects = tables.objects
    wanted = select(objects.c.id).where(objects.c.tenant == tenant, objects.c.resource == resource)
    return list(connection.execute(wanted.order_by(objects.c.id)).scalars())


def replace(connection: Connection, tenant: int, resource: Resource, id: int, body: Mapping[str, Any]) -> None:
    """Stores what an object has become. Raises Invalid."""
    _refuse_taken(connection, tenant, resource, body, id)
    if modes.is_watched(resource.id):
        modes.note(connection, tenant, resource.id, id, get_or_none(connection, tenant, resource.id, id), body)
    objects = tables.objects
    connection.execute(
        update(objects)
        .where(objects.c.tenant == tenant, objects.c.resource == resource.id, objects.c.id == id)
        .values(body=_encoded(body))
    )
    _forget(connection, tenant, resource.id, id)
    _index(connection, tenant, resource, id, body)
    touch(connection, tenant, resource.id)


def remove(connection: Connection, tenant: int, resource: Resource, id: int) -> None:
    """Removes an object. Raises NotFound."""
    objects = tables.objects
    gone = connection.execute(
        delete(objects).where(objects.c.tenant == tenant, objects.c.resource == resource.id, objects.c.id == id)
    )
    if not gone.rowcount:
        raise NotFound(f"there is no {resource.model} with ID {id}")
    _forget(connection, tenant, resource.id, id)
    touch(connection, tenant, resource.id)


def find(
    connection: Connection,
    tenant: int,
    resource: Resource,
    query: Query,
    *,
    parent: int | None = None,
    only: str = "",
) -> list[tuple[int, Body]]:
    """The objects that a query asks for, by ID. `only` is a further condition on `o`, with the query's parameters."""
    found: list[tuple[int, Body]] = []
    for id, body in _matching(connection, tenant, resource, query, parent, only):
        if all(_version_fits(body, path, sign, wanted) for path, sign, wanted in query.versions):
            found.append((id, body))
            if len(found) == query.limit:
                break
    return found


def _matching(
    connection: Connection, tenant: int, resource: Resource, query: Query, parent: int | None, only: str
) -> Iterator[tuple[int, Body]]:
    conditions = ["o.tenant = :tenant", "o.resource = :resource", *query.conditions]
    parameters = query.parameters | {"tenant": tenant, "resource": resource.id}
    if parent is not None:
        conditions.append("o.parent = :parent")
        parameters["parent"] = parent
    if only:
        conditions.append(only)
    limit = "" if query.versions else f" LIMIT {query.limit}"
    # Names and signs in it are the declarations', never the client's; values are bound.
    statement = f"SELECT o.id, o.body FROM protect_objects o WHERE {' AND '.join(conditions)} ORDER BY o.id{limit}"  # noqa: S608
    for id, body in fetched(connection, statement, parameters):
        yield id, orjson.loads(body)


def _version_fits(body: Mapping[str, Any], path: str, sign: str, wanted: str) -> bool:
    value: Any = body
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, Mapping) else None
    return version_holds(value, sign, wanted)


def revisions(connection: Connection, tenant: int, *resources: str) -> tuple[int, ...]:
    """Numbers that go up with every change to the collections."""
    rows = connection.execute(_revisions(resources), {"tenant": tenant})
    found: dict[str, int] = {row.resource: row.revision for row in rows}
    return tuple(found.get(resource, 0) for resource in resources)


@functools.cache
def _revisions(resources: tuple[str, ...]) -> Select[Any]:
    counters = tables.counters
    wanted = select(counters.c.resource, counters.c.revision)
    return wanted.where(counters.c.tenant == bindparam("tenant"), counters.c.resource.in_(resources))


def touch(connection: Connection, tenant: int, resource: str) -> None:
    """Says that the collection has changed."""
    counters = tables.counters
    connection.execute(
        update(counters)
        .where(counters.c.tenant == tenant, counters.c.resource == resource)
        .values(revision=counters.c.revision + 1)
    )


def _next_id(connection: Connection, tenant: int, resource: Resource, *, wanted: int = 0, count: int = 1) -> int:
    """The highest of `count` new IDs, or `wanted`. An ID that was given once is never given again."""
    counters = tables.counters
    here = (counters.c.tenant == tenant) & (counters.c.resource == resource.id)
    last = connection.execute(select(counters.c.last).where(here)).scalar()
    if last is None:
        last = resource.reserved
        connection.execute(insert(counters), {"tenant": tenant, "resource": resource.id, "last": last, "revision": 0})
    id = wanted or last + count
    connection.execute(update(counters).where(here).values(last=max(last, id), revision=counters.c.revision + 1))
    return id


def _refuse_taken(connection: Connection, tenant: int, resource: Resource, body: Mapping[str, Any], id: int) -> None:
    shown = tables.values
    for field in resource.fields:
        value = body.get(field.name)
        if not field.unique or value is None:
            continue
        head, whole, _ = values.entry(field, value)
        taken = connection.execute(
            select(shown.c.id).where(
                shown.c.tenant == tenant,
                shown.c.resource == resource.id,
                shown.c.field == field.name,
                shown.c.head == head,
                shown.c.whole == whole if whole is not None else shown.c.whole.is_(None),
                shown.c.id != id,
            )
        ).scalar()
        if taken is not None:
            raise Invalid(f"{resource.model} {taken} has the {field.name} {str(value)[:80]!r} already: choose another")


def _index(connection: Connection, tenant: int, resource: Resource, id: int, body: Mapping[str, Any]) -> None:
    rows = values.rows(resource, tenant, id, body)
    if rows:
        connection.execute(insert(tables.values), rows)


def _forget(connection: Connection, tenant: int, resource: str, id: int) -> None:
    shown = tables.values
    connection.execute(delete(shown).where(shown.c.tenant == tenant, shown.c.resource == resource, shown.c.id == id))


def _encoded(body: Mapping[str, Any]) -> str:
    return orjson.dumps(body).decode()

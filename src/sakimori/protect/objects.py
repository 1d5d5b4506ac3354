"""The operations that every declared resource has: list, create, search, describe, modify, delete.

What a resource does beyond keeping its values is a `Behaviour` of functions, which get the call and work in its
transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sakimori.protect import accept, search, storage, tables
from sakimori.protect.calls import NOTHING, Call, Operation, Shape
from sakimori.protect.declare import (
    CREATE,
    DELETE,
    DESCRIBE,
    LIST,
    MODIFY,
    SEARCH,
    Field,
    Resource,
    choice,
    flag,
    indexed,
    number,
    structs,
    text,
)
from sakimori.protect.errors import Invalid, NotFound
from sakimori.protect.resources import all_resources
from sakimori.protect.search import Query
from sakimori.protect.storage import Body
from sakimori.protect.values import at

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a resource does of its own.

    `create` and `modify` get what would be stored and return what is; `created` and `modified` come after it is stored
    and return what to show besides; `show` makes what is shown of many objects at once. `query` are the parameters that
    it takes in the query of every operation that returns objects.
    """

    create: Callable[[Call, Body], Body] | None = None
    created: Callable[[Call, int, Body], Shown] | None = None
    modify: Callable[[Call, int, Body, Body], Body] | None = None
    modified: Callable[[Call, int, Body, Body], Shown] | None = None
    delete: Callable[[Call, int, Body], None] | None = None
    show: Callable[[Call, list[tuple[int, Body]]], list[Shown]] | None = None
    query: tuple[Field, ...] = ()
    primary: bool = False


FILTER = Shape(
    "SearchFilter",
    (
        number("maxItems"),
        structs(
            "searchCriteria",
            "SearchCriteria",
            text("fieldName"),
            flag("booleanTest"),
            choice("numericTest", " ".join(search.NUMERIC)),
            Field("numericValue", "decimal"),
            choice("stringTest", "equal not-equal"),
            text("stringValue"),
            flag("stringWildcards"),
            choice("choiceTest", "equal not-equal"),
            text("choiceValue"),
            number("firstDateValue"),
            flag("firstDateInclusive"),
            number("lastDateValue"),
            flag("lastDateInclusive"),
            flag("nullTest"),
            choice("versionTest", " ".join(search.NUMERIC)),
            text("versionValue"),
            number("idValue"),
            choice("idTest", " ".join(search.NUMERIC)),
        ),
        flag("sortByObjectID"),
    ),
)


def plain(resource: Resource, id: int, body: Mapping[str, Any]) -> Shown:
    """An object as the API shows it: its declared fields, without secrets, and its ID."""
    shown = shown_fields(resource.fields, body)
    shown["ID"] = id
    return shown


def shown_fields(fields: tuple[Field, ...], body: Mapping[str, Any]) -> Shown:
    shown: Shown = {}
    for each in fields:
        value = body.get(each.name)
        if value is None or each.secret:
            continue
        if each.fields:
            value = [shown_fields(each.fields, one) for one in value] if each.many else shown_fields(each.fields, value)
        elif each.kind == "settings":
            value = {name: {"value": setting} for name, setting in value.items()}
        shown[each.name] = value
    return shown


def show(call: Call, resource: Resource, behaviour: Behaviour, found: list[tuple[int, Body]]) -> list[Shown]:
    if behaviour.show is not None:
        return behaviour.show(call, found)
    return [plain(resource, id, body) for id, body in found]


def operations(resource: Resource, behaviour: Behaviour) -> Iterator[Operation]:
    """The operations of a resource, as its declaration says."""
    parent = all_resources()[resource.parent] if resource.parent else None
    base = (f"/{parent.id}/{{{parent.key}}}" if parent else resource.prefix) + f"/{resource.id}"
    one = f"{base}/{{{resource.key}}}"
    many, single = Shape(resource.model, resource.fields, resource.many), Shape(resource.model, resource.fields)
    words = _words(resource.model)
    reach = {"computers": "computer", "policies": "policy"}.get(parent.id if parent else resource.id, "")
    own = _Operations(resource, behaviour, parent)
    table = {
        LIST: ("GET", base, f"list_{resource.id}", f"Lists all: {resource.title}", own.all, NOTHING, many),
        CREATE: ("POST", base, f"create_{words}", "Makes a new one.", own.create, single, single),
        SEARCH: ("POST", f"{base}/search", f"search_{resource.id}", "Finds by criteria.", own.matching, FILTER, many),
        DESCRIBE: ("GET", one, f"describe_{words}", "Shows one.", own.describe, NOTHING, single),
        MODIFY: (
            "POST",
            one,
            f"modify_{words}",
            "Changes what is sent, and leaves the rest.",
            own.modify,
            single,
            single,
        ),
        DELETE: ("DELETE", one, f"delete_{words}", "Removes one.", own.delete, NOTHING, NOTHING),
    }
    for kind in resource.operations:
        method, path, name, says, run, takes, gives = table[kind]
        yield Operation(
            method,
            path,
            name,
            resource.id,
            says,
            run,
            right=resource.rights.of(kind),
            writes=kind in (CREATE, MODIFY, DELETE),
            takes=takes,
            gives=gives,
            query=behaviour.query if kind != DELETE else (),
            reach=reach if kind in (DESCRIBE, MODIFY, DELETE) or parent else "",
            primary=behaviour.primary,
            quick=search.is_selective if kind == SEARCH else _always if kind == DESCRIBE else _never,
        )


def _always(_body: Any) -> bool:
    return True


def _never(_body: Any) -> bool:
    return False


def _words(model: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", model).lower()


class _Operations:
    """The operations bound to one resource."""

    def __init__(self, resource: Resource, behaviour: Behaviour, parent: Resource | None) -> None:
        self._resource = resource
        self._behaviour = behaviour
        self._parent = parent

    def all(self, call: Call) -> Shown:
        return self._found(call, Query())

    def matching(self, call: Call) -> Shown:
        return self._found(call, search.parse(self._resource, call.body))

    def describe(self, call: Call) -> Shown:
        id = call.id(self._resource.key)
        body = storage.get(call.connection, call.tenant, self._resource, id, parent=self._parent_id(call))
        return self._one(call, id, body)

    def create(self, call: Call) -> Shown:
        parent = self._parent_id(call)
        if self._parent is not None and parent is not None:
            storage.get(call.connection, call.tenant, self._parent, parent)
        self._warn(call)
        body = accept.created(self._resource, call.body)
        if self._behaviour.create:
            body = self._behaviour.create(call, body)
        _refuse_dangling(call, self._resource, body, {})
        id = storage.make(call.connection, call.tenant, self._resource, body, parent=parent or 0)
        extra = self._behaviour.created(call, id, body) if self._behaviour.created else {}
        return self._one(call, id, storage.get(call.connection, call.tenant, self._resource, id)) | extra

    def modify(self, call: Call) -> Shown:
        id = call.id(self._resource.key)
        before = storage.get(call.connection, call.tenant, self._resource, id, parent=self._parent_id(call))
        self._warn(call)
        after = accept.modified(self._resource, call.body, before)
        if self._behaviour.modify:
            after = self._behaviour.modify(call, id, before, after)
        _refuse_dangling(call, self._resource, after, before)
        storage.replace(call.connection, call.tenant, self._resource, id, after)
        extra = self._behaviour.modified(call, id, before, after) if self._behaviour.modified else {}
        kept = storage.get_or_none(call.connection, call.tenant, self._resource.id, id)
        return self._one(call, id, after if kept is None else kept) | extra

    def delete(self, call: Call) -> None:
        id = call.id(self._resource.key)
        body = storage.get(call.connection, call.tenant, self._resource, id, parent=self._parent_id(call))
        _refuse_used(call, self._resource, id)
        if body.get("_builtin"):
            raise Invalid(f"{self._resource.model} {id} belongs to the built-in catalogue and cannot be deleted")
        if self._behaviour.delete:
            self._behaviour.delete(call, id, body)
        storage.remove(call.connection, call.tenant, self._resource, id)

    def _found(self, call: Call, query: Query) -> Shown:
        only = ""
        if self._resource.id == "computers":
            only = call.holder.role.computers_sql()
        elif self._resource.id == "policies":
            only = call.holder.role.policies_sql()
        parent = self._parent_id(call)
        if self._parent is not None and parent is not None:
            storage.get(call.connection, call.tenant, self._parent, parent)
        found = storage.find(call.connection, call.tenant, self._resource, query, parent=parent, only=only)
        if len(found) == search.MOST_ITEMS:
            call.warnings.append(f"there may be more than these {search.MOST_ITEMS}: page by ID with /search")
        return {self._resource.many: show(call, self._resource, self._behaviour, found)}

    def _one(self, call: Call, id: int, body: Body) -> Shown:
        return show(call, self._resource, self._behaviour, [(id, body)])[0]

    def _parent_id(self, call: Call) -> int | None:
        return call.id(self._parent.key) if self._parent is not None else None

    def _warn(self, call: Call) -> None:
        unknown = accept.unknown_fields(self._resource, call.body)
        if unknown:
            call.warnings.append(f"{self._resource.model} has no {', '.join(unknown[:20])}: ignored")


def _refuse_dangling(call: Call, resource: Resource, body: Body, before: Body) -> None:
    """Every new reference must lead to an object of the tenant."""
    wanted: dict[str, dict[int, str]] = {}
    for path, field in indexed(resource).items():
        if field.refers:
            old = set(_numbers(before, path))
            wanted.setdefault(field.refers, {}).update({id: path for id in _numbers(body, path) if id not in old})
    for refers, ids in wanted.items():
        ids.pop(0, None)
        there = storage.existing(call.connection, call.tenant, refers, ids) if ids else set()
        for id, path in ids.items():
            if id not in there:
                raise Invalid(f"{path} is {id}, and there is no {all_resources()[refers].model} with that ID")


def _numbers(body: Mapping[str, Any], path: str) -> Iterator[int]:
    yield from at(body, path.split("/"))


def _refuse_used(call: Call, resource: Resource, id: int) -> None:
    """What another object refers to stays."""
    shown = tables.values
    for other in all_resources().values():
        for path, field in indexed(other).items():
            if field.refers != resource.id:
                continue
            user = call.connection.execute(
                shown.select()
                .with_only_columns(shown.c.id)
                .where(
                    shown.c.tenant == call.tenant,
                    shown.c.resource == other.id,
                    shown.c.field == path,
                    shown.c.number == id,
                )
                .limit(1)
            ).scalar()
            if user is not None and not (other is resource and user == id):
                raise Invalid(
                    f"{resource.model} {id} is in use: {other.model} {user} names it in {path}; change that first"
                )


def must_exist(call: Call, resource: str, ids: set[int]) -> None:
    """Raises NotFound for the first ID that is not there."""
    missing = ids - storage.existing(call.connection, call.tenant, resource, ids)
    if missing:
        raise NotFound(f"there is no {all_resources()[resource].model} with ID {min(missing)}")

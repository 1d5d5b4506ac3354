"""The language in which resources are declared.

A resource is data: its fields, what can be done with it, and which right each of that needs. Its routes, validation,
search, paging, storage, OpenAPI and page in the docs all come from the declaration.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["text", "number", "decimal", "flag", "choice", "moment", "struct", "settings"]
"""A `number` is an integer of 64 bits, a `moment` one in milliseconds since 1970; `settings` is name -> {"value"}."""

Search = Literal["String", "Numeric", "Choice", "Boolean", "Date", "Text and number"]
"""By which test of a search criterion a field may be looked for."""

LIST, CREATE, SEARCH, DESCRIBE, MODIFY, DELETE = "list", "create", "search", "describe", "modify", "delete"
ALL = (LIST, CREATE, SEARCH, DESCRIBE, MODIFY, DELETE)
READ = (LIST, SEARCH, DESCRIBE)

_SEARCHED_AS: dict[Kind, Search] = {
    "text": "String",
    "number": "Numeric",
    "decimal": "Numeric",
    "flag": "Boolean",
    "choice": "Choice",
    "moment": "Date",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource, or of a struct in one.

    `values` are a choice's; `refers` is the resource whose ID a number holds (0 for none); `fields` and `model` are a
    struct's. A `secret` is taken and never shown again. `kept` is the table and column that hold a value which changes
    too often to be part of the object. Only a text that is searchable can be `unique` among a resource's objects.
    """

    name: str
    kind: Kind
    many: bool = False
    values: tuple[str, ...] = ()
    search: Search | None = None
    required: bool = False
    read_only: bool = False
    secret: bool = False
    unique: bool = False
    default: Any = None
    refers: str = ""
    fields: tuple[Field, ...] = ()
    model: str = ""
    kept: tuple[str, str] | None = None
    says: str = ""

    def __post_init__(self) -> None:
        if self.unique and (self.kind != "text" or self.many or not self.search or self.kept):
            raise ValueError(f"{self.name} cannot be unique: only one searchable text is looked up before it is stored")


@dataclass(frozen=True, slots=True)
class Rights:
    """Which right of a role each kind of operation needs, `group/subgroup/right`; "" needs only a valid key."""

    view: str = ""
    create: str = ""
    edit: str = ""
    delete: str = ""

    def of(self, operation: str) -> str:
        return {CREATE: self.create, MODIFY: self.edit, DELETE: self.delete}.get(operation, self.view)


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """A collection under `/api`.

    `id` is its path (behind `prefix`), `model` one object's name, `many` the key of a list's reply, `key` the name of
    the path's parameter. `parent` is the resource under whose objects it is nested. IDs up to `reserved` belong to the
    built-in catalogue, so that its rules have the same IDs everywhere.
    """

    id: str
    model: str
    many: str
    key: str
    title: str
    fields: tuple[Field, ...]
    rights: Rights
    operations: tuple[str, ...] = ALL
    parent: str = ""
    prefix: str = ""
    reserved: int = 0

    def field(self, name: str) -> Field:
        return next(each for each in self.fields if each.name == name)

    def searchable(self) -> Mapping[str, Field]:
        """The fields that criteria may name, a struct's with `/` between the names."""
        return _searchable(self)


@functools.cache
def indexed(resource: Resource) -> Mapping[str, Field]:
    """The fields whose values are indexed: those that can be searched for, and references."""
    return dict(_indexed(resource.fields, ""))


@functools.cache
def _searchable(resource: Resource) -> Mapping[str, Field]:
    return {path: field for path, field in indexed(resource).items() if field.search}


def _indexed(fields: tuple[Field, ...], above: str) -> Iterator[tuple[str, Field]]:
    for each in fields:
        if each.search or each.refers:
            yield above + each.name, each
        if each.fields:
            yield from _indexed(each.fields, f"{above}{each.name}/")


def editing(group: str, things: str, *, edit: str = "Properties", view: bool = False) -> Rights:
    """The rights of a group that names them as most do: canCreateNewX, canDeleteX, canEditOneProperties, canViewX."""
    one = things[:-3] + "y" if things.endswith("ies") else things.removesuffix("s")
    return Rights(
        view=f"{group}/canView{things}" if view else "",
        create=f"{group}/canCreateNew{things}",
        edit=f"{group}/canEdit{one}{edit}" if edit == "Properties" else f"{group}/canEdit{things}",
        delete=f"{group}/canDelete{things}",
    )


# ---- fields


def text(name: str, *, search: bool = False, **more: Any) -> Field:
    return _field(name, "text", search, more)


def texts(name: str, *, search: bool = False, **more: Any) -> Field:
    return _field(name, "text", search, more | {"many": True})


def number(name: str, *, search: bool = False, **more: Any) -> Field:
    return _field(name, "number", search, more)


def numbers(name: str, **more: Any) -> Field:
    return Field(name, "number", many=True, **more)


def flag(name: str, *, search: bool = False, **more: Any) -> Field:
    return _field(name, "flag", search, more)


def flags(name: str, **more: Any) -> Field:
    return Field(name, "flag", many=True, **more)


def moment(name: str, *, search: bool = False, **more: Any) -> Field:
    return _field(name, "moment", search, more)


def choice(name: str, values: str, *, search: bool = False, **more: Any) -> Field:
    """One of the values, which are given with spaces between them."""
    return _field(name, "choice", search, more | {"values": tuple(values.split())})


def choices(name: str, values: str, **more: Any) -> Field:
    return Field(name, "choice", many=True, values=tuple(values.split()), **more)


def struct(name: str, model: str, *fields: Field, **more: Any) -> Field:
    return Field(name, "struct", model=model, fields=fields, **more)


def structs(name: str, model: str, *fields: Field, **more: Any) -> Field:
    return Field(name, "struct", many=True, model=model, fields=fields, **more)


def settings(name: str, model: str, **more: Any) -> Field:
    return Field(name, "settings", model=model, **more)


def reference(name: str, resource: str, *, search: bool = True, **more: Any) -> Field:
    """The ID of an object of a resource."""
    return number(name, search=search, refers=resource, **more)


def read_only(*fields: Field) -> tuple[Field, ...]:
    return tuple(replace(each, read_only=True) for each in fields)


def _field(name: str, kind: Kind, search: bool, more: dict[str, Any]) -> Field:
    return Field(name, kind, search=_SEARCHED_AS[kind] if search else None, **more)

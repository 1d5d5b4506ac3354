"""The searchable values of an object, as the index keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.protect.declare import Field, Resource, indexed
from sakimori.protect.tables import HEAD


def rows(resource: Resource, tenant: int, id: int, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row of `protect_values` for each distinct value of each indexed field that has one."""
    found: dict[tuple[str, str | None, str | None, float | None], None] = {}
    for path, field in indexed(resource).items():
        if field.kept is None:
            for value in at(body, path.split("/")):
                head, whole, number = entry(field, value)
                found[path, head, whole, number] = None
    return [
        {
            "tenant": tenant,
            "resource": resource.id,
            "field": path,
            "id": id,
            "head": head,
            "whole": whole,
            "number": number,
        }
        for path, head, whole, number in found
    ]


def entry(field: Field, value: Any) -> tuple[str | None, str | None, float | None]:
    """A value as (head, whole, number)."""
    if isinstance(value, bool):
        return None, None, float(value)
    if isinstance(value, int | float):
        return None, None, float(value)
    lower = str(value).lower()
    number = _number(lower) if field.search == "Text and number" else None
    return lower[:HEAD], lower if len(lower) > HEAD else None, number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None


def at(value: Any, path: list[str]) -> Iterator[Any]:
    """The values at a path of names, through every list on the way."""
    if value is None:
        return
    if isinstance(value, list):
        for each in value:
            yield from at(each, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        yield from at(value.get(path[0]), path[1:])

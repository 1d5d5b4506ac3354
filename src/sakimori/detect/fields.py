"""What a field path finds in a record, and the text that a found value is compared as: the ground of every execution.

A path walks objects by key; where a list stands in the way it goes on into every element. What it ends on are the
values: a list counts as its elements *and* as itself (its JSON text), an object as its JSON text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Protocol

import orjson

Json = Any
"""None, bool, int, float, str, list[Json] or dict[str, Json]: what a JSON parser returns."""


class Record(Protocol):
    """A record: a dict, or something that becomes Python values only where it is looked into, and has `whole()`."""

    def get(self, key: str, /) -> Any: ...


def values(record: Record, path: str) -> list[Json]:
    """Every value at `path`, lists opened. What is missing gives nothing or a null."""
    keys = _keys(path)
    value: Any = record
    for at, key in enumerate(keys):
        if value.__class__ is dict or at == 0:
            value = value.get(key)
        elif isinstance(value, list):
            return list(_walk(value, keys, at))
        else:
            return []
    return list(_walk(value, keys, len(keys))) if isinstance(value, list) else [value]


def is_there(record: Record, path: str) -> bool:
    """Whether the path leads to anything at all, be it null."""
    return any(True for _ in _walk(whole(record), _keys(path), 0))


def names_other_account(record: Record, path: str) -> bool:
    """Whether a text at the path names an AWS account, twelve digits that stand alone, that is none of those in the
    record's `recipientAccountId`."""
    own = {text(value) for value in values(record, "recipientAccountId")}
    texts = (found for value in values(record, path) if (found := text(value)) is not None)
    return any(
        len(word) == ACCOUNT_DIGITS and word.isdigit() and word not in own
        for found in texts
        for word in _WORD.findall(found)
    )


ACCOUNT_DIGITS = 12

_WORD = re.compile(r"[0-9A-Za-z_-]+")


@lru_cache(maxsize=4096)
def _keys(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


@lru_cache(maxsize=4096)
def string_at(path: str) -> Callable[[Record], str | None]:
    """A function that gives what stands at `path` if that is one string, else None: the quick look that mostly does."""
    first, *rest = _keys(path)

    def own(record: Record) -> str | None:
        value = record.get(first)
        return value if value.__class__ is str else None

    def string(record: Record) -> str | None:
        value = record.get(first)
        for key in rest:
            if value.__class__ is not dict:
                return None
            value = value.get(key)
        return value if value.__class__ is str else None

    return string if rest else own


def whole(record: Record) -> dict[str, Json]:
    """All of a record, as plain Python."""
    if isinstance(record, dict):
        return record
    found: dict[str, Json] = record.whole()  # type: ignore[attr-defined]  # the protocol is what a dict has, too
    return found


def _walk(value: Json, keys: tuple[str, ...], at: int) -> Iterator[Json]:
    if isinstance(value, list):
        if at == len(keys):
            yield value
        for element in value:
            yield from _walk(element, keys, at)
    elif at == len(keys):
        yield value
    elif isinstance(value, dict) and keys[at] in value:
        yield from _walk(value[keys[at]], keys, at + 1)


def text(value: Json) -> str | None:
    r"""The text that a value is compared as, or None for null.

    Booleans read `true` and `false`, numbers as JSON writes them; objects and lists are their compact JSON, with
    `\"` read as `"`, so that a policy document inside a JSON string reads like one in the open.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return None
    if isinstance(value, (dict, list)):
        return record_text(value)
    return orjson.dumps(value).decode()


def record_text(value: Json) -> str:
    """A record's (or any object's) text: what keywords search."""
    return orjson.dumps(value).decode().replace('\\"', '"')


def number(value: Json) -> float | int | None:
    """The number that a value is or spells, else None. Booleans are not numbers; nan and infinity spell none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str) and value.isascii():
        try:
            found = float(value)
        except ValueError:
            return None
        return found if found - found == 0 else None
    return None

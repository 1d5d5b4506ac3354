"""The little language of declarations: paths into an answer, and templates that are filled from one.

A path is names joined by dots; `[]` behind a name goes into each member of a list, or each value of a map:
`Groups[].GroupId`. A template is text with paths in braces: `vpc/{VpcId}`; `{@account}` and `{@region}` come from the
place, `{^id}` from the parent item, `{}` is the item itself, `{/QueueUrl}` what stands behind its last slash,
`{#version}` the number that its text is, and `{OwnerId?@account}` takes the first of its alternatives that is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template is filled from: the item, the place's values, and the item that it was found under."""

    item: Any
    place: Mapping[str, str]
    parent: Any = None


@cache
def steps(path: str) -> tuple[tuple[str, bool], ...]:
    """The names in a path, each with whether it goes into every member."""
    return tuple((step.removesuffix("[]"), step.endswith("[]")) for step in path.split(".")) if path else ()


def find_all(value: Any, path: str) -> list[Any]:
    """Everything that the path leads to; what is not there is left out. The empty path leads to the value itself."""
    found = [value]
    for name, each in steps(path):
        found = list(_step(found, name, each))
    return found


def _step(values: list[Any], name: str, each: bool) -> Iterator[Any]:
    for value in values:
        inner = value.get(name) if name and isinstance(value, Mapping) else None if name else value
        if each and isinstance(inner, (list, Mapping)):
            yield from inner.values() if isinstance(inner, Mapping) else inner
        elif inner is not None and not each:
            yield inner


def find(value: Any, path: str) -> Any:
    """The first thing that the path leads to, or None."""
    found = find_all(value, path)
    return found[0] if found else None


def fill(template: Any, scope: Scope) -> Any:
    """The template filled: text, or the value itself where the template is a single `{path}`; lists and maps inside.

    None where a path of it leads nowhere.
    """
    if isinstance(template, str):
        return _fill_text(template, scope)
    if isinstance(template, Mapping):
        return {key: fill(value, scope) for key, value in template.items()}
    if isinstance(template, (list, tuple)):
        return [fill(value, scope) for value in template]
    return template


def _fill_text(template: str, scope: Scope) -> Any:
    single = _PLACEHOLDER.fullmatch(template)
    if single:
        return _value(single[1], scope)
    texts = []
    end = 0
    for found in _PLACEHOLDER.finditer(template):
        value = _value(found[1], scope)
        if value is None:
            return None
        texts += [template[end : found.start()], str(value)]
        end = found.end()
    return "".join([*texts, template[end:]])


def _value(alternatives: str, scope: Scope) -> Any:
    for path in alternatives.split("?"):
        value = _one(path, scope)
        if value is not None:
            return value
    return None


def _one(path: str, scope: Scope) -> Any:
    if path.startswith("/"):
        value = _one(path[1:], scope)
        return None if value is None else str(value).rpartition("/")[2]
    if path.startswith("#"):
        value = str(_one(path[1:], scope))
        return int(value) if value.isdecimal() else None
    if path.startswith("@"):
        return scope.place.get(path[1:])
    if path.startswith("^"):
        return find(scope.parent, path[1:])
    return find(scope.item, path)

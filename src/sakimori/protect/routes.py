"""All operations of the API, and the way from a method and a path to one of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sakimori.protect import (
    assignments,
    computers,
    details,
    objects,
    people,
    policies,
    promotion_api,
    reports,
    sakimori_api,
    settings_api,
    usage,
    workloads,
)
from sakimori.protect.calls import Operation
from sakimori.protect.errors import NotAllowed, NotFound
from sakimori.protect.objects import Behaviour
from sakimori.protect.resources import all_resources
from sakimori.protect.tasks import BEHAVIOUR as SCHEDULED_TASKS

BEHAVIOURS: Mapping[str, Behaviour] = {
    "computers": computers.BEHAVIOUR,
    "policies": policies.BEHAVIOUR,
    "scheduledtasks": SCHEDULED_TASKS,
    "reports": reports.BEHAVIOUR,
    **people.BEHAVIOURS,
    **workloads.BEHAVIOURS,
}
"""The resources that do more than keep what they are given."""

_LARGEST_ID = (1 << 63) - 1


@functools.cache
def all_operations() -> tuple[Operation, ...]:
    """Every operation, those of resources first."""
    declared = (
        operation
        for resource in all_resources().values()
        for operation in objects.operations(resource, BEHAVIOURS.get(resource.id, Behaviour()))
    )
    others = (assignments, details, settings_api, people, workloads, usage, sakimori_api, promotion_api, reports)
    return (*declared, *(operation for module in others for operation in module.operations()))


@dataclass(slots=True)
class _Node:
    words: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    operations: dict[str, Operation] = field(default_factory=dict)


@functools.cache
def _tree() -> _Node:
    root = _Node()
    for operation in all_operations():
        node = root
        for part in operation.path.strip("/").split("/"):
            if part.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.words.setdefault(part, _Node())
        if operation.method in node.operations:
            raise ValueError(f"two operations for {operation.method} {operation.path}")
        node.operations[operation.method] = operation
    return root


def route(method: str, path: str) -> tuple[Operation, dict[str, Any]]:
    """The operation and its path's parameters. Raises NotFound or NotAllowed."""
    parts = path.strip("/").split("/")
    node: _Node | None = _tree()
    given: list[str] = []
    for part in parts:
        assert node is not None
        following = node.words.get(part)
        if following is None:
            following = node.parameter
            given.append(part)
        if following is None:
            raise NotFound(f"there is nothing at /api{path[:200]}")
        node = following
    operation = node.operations.get(method) if node is not None else None
    if operation is None:
        if node is None or not node.operations:
            raise NotFound(f"there is nothing at /api{path[:200]}")
        allowed = ", ".join(sorted(node.operations))
        raise NotAllowed(f"{method} is not possible at /api{path[:200]}; what is: {allowed}", {"Allow": allowed})
    return operation, _parameters(operation.path, given)


def _parameters(template: str, given: list[str]) -> dict[str, Any]:
    names = [part[1:-1] for part in template.strip("/").split("/") if part.startswith("{")]
    found: dict[str, Any] = {}
    for name, text in zip(names, given, strict=True):
        if not name.endswith("ID"):
            found[name] = text
        elif text.isascii() and text.isdigit() and int(text[:20]) <= _LARGEST_ID and len(text) < 20:
            found[name] = int(text)
        else:
            raise NotFound(f"{name} is a number, not {text[:80]!r}")
    return found

"""What of an asset's config its history is about: not what moves by itself, and order only where it means something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sakimori.discover.declare import Service
from sakimori.discover.paths import steps
from sakimori.store.discovered import Settled

_EACH, _ORDERED = "[]", "#"
_MOVES: dict[str, Any] = {}
"""The end of a path to what moves."""


def settings_of(service: Service) -> Settled:
    """A function that gives, of a type of asset and its config, what is compared: all but what moves by itself. A list
    whose order means something is a map by position."""
    moving: dict[str, set[str]] = {}
    ordered: dict[str, set[str]] = {}
    for _, resource in service.resources():
        moving.setdefault(resource.type, set()).update(resource.moving)
        ordered.setdefault(resource.type, set()).update(resource.ordered)
    trees = {type: _tree(moving[type], ordered[type]) for type in moving}

    def settled(type: str, config: Mapping[str, Any]) -> Mapping[str, Any]:
        tree = trees.get(type)
        return {**_settled(config, tree)} if tree else config

    return settled


def _tree(moving: Iterable[str], ordered: Iterable[str]) -> dict[str, Any]:
    """The paths as a tree of names, in which `[]` stands for each member."""
    root: dict[str, Any] = {}
    for path in ordered:
        _grow(root, path)[_ORDERED] = True
    for path in moving:
        above, _, name = path.rpartition(".")
        _grow(root, above)[name] = _MOVES
    return root


def _grow(root: dict[str, Any], path: str) -> dict[str, Any]:
    node = root
    for name, each in steps(path):
        node = node.setdefault(name, {})
        node = node.setdefault(_EACH, {}) if each else node
    return node


def _settled(value: Any, node: dict[str, Any]) -> Any:
    each = node.get(_EACH)
    if isinstance(value, Mapping):
        below = ((key, inner, node.get(key, each)) for key, inner in value.items())
        return {key: _settled(inner, child) if child else inner for key, inner, child in below if child is not _MOVES}
    if isinstance(value, list):
        members = [_settled(member, each) for member in value] if each else value
        return {str(place): member for place, member in enumerate(members)} if _ORDERED in node else members
    return value

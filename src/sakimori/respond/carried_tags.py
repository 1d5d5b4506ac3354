"""The tags that go with the function: of every asset that discovery found, those by which routes choose and by which
people are named.

What is acted on, and what AWS tells the tags of, is known without.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from sakimori.model.asset import Inventory
from sakimori.notify.routes import Route
from sakimori.notify.sender import People

LARGEST = 8_000_000
"""Bytes of JSON: the function has 256 MB, and an inventory goes with it as well."""

FILE = "tags.json.zlib"
"""Its name beside the function's settings."""


def wanted(routes: Iterable[Route], people: People) -> frozenset[str]:
    """The names of tags that somebody asks for."""
    found, given = set[str](), list(routes)
    for route in given:
        found |= {tag.partition("=")[0] for tag in route.tags} | set(route.tags)
    if people.by_owner or any(route.owners for route in given):
        found |= set(people.tags)
    return frozenset(found)


def packed(inventory: Inventory, names: frozenset[str]) -> bytes | None:
    """What goes with the function; None where it is too much."""
    tags = {
        asset.uid: own
        for asset in inventory
        if (own := {name: value for name, value in asset.tags.items() if name in names})
    }
    text = json.dumps(tags, separators=(",", ":"), sort_keys=True)
    return zlib.compress(text.encode(), 9) if len(text) <= LARGEST else None


@cache
def carried(folder: Path) -> Mapping[str, Mapping[str, str]]:
    """The tags in the function's settings, by asset."""
    place = folder / FILE
    found: dict[str, dict[str, str]] = json.loads(zlib.decompress(place.read_bytes())) if place.is_file() else {}
    return found

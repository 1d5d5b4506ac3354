"""What stands at a path in the description of an asset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def values_at(config: Any, path: str) -> Iterator[str]:
    """The texts at a path such as `Versions[].Data.Role`."""
    key, _, rest = path.partition(".")
    listed = key.endswith("[]")
    found = config.get(key.removesuffix("[]")) if hasattr(config, "get") else None
    for each in (found or ()) if listed else (found,):
        if rest:
            yield from values_at(each, rest)
        elif isinstance(each, str) and each:
            yield each

"""What stands at a path in the description of an asset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def values_at(config: Any, path: str) -> Iterator[str]:
    """The texts at a path such as `Versions[].Data.Role`, or `Resources[name=role].value`: of those of this name."""
    step, _, rest = path.partition(".")
    key, listed, condition = step.partition("[")
    member, chosen, wanted = condition.removesuffix("]").partition("=")
    found: Any = config.get(key) if hasattr(config, "get") else None
    for each in (found or ()) if listed else (found,):
        if chosen and (not hasattr(each, "get") or each.get(member) != wanted):
            continue
        if rest:
            yield from values_at(each, rest)
        elif isinstance(each, str) and each:
            yield each

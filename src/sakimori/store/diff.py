"""What changed between two JSON values, as a person would say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

Change = dict[str, Any]
"""`{"path": "State.Name", "before": ..., "after": ...}`; for a list `{"path", "removed": [...], "added": [...]}`.
`before` or `after` is missing where there was, or is, nothing."""


def changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """The changes, in the order of the keys. AWS answers lists in any order: at any depth only their members count."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            below = f"{path}.{key}" if path else key
            if key not in after:
                yield {"path": below, "before": before[key]}
            elif key not in before:
                yield {"path": below, "after": after[key]}
            else:
                yield from changes(before[key], after[key], below)
    elif isinstance(before, list) and isinstance(after, list):
        removed, added = _members(before, after), _members(after, before)
        if removed or added:
            yield {"path": path, "removed": removed, "added": added}
    elif before != after:
        yield {"path": path, "before": before, "after": after}


def _members(values: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """The members that are not among the others, each as often as it is missing there."""
    left = Counter(canonical(_sorted(other)) for other in others)
    missing = []
    for value in values:
        key = canonical(_sorted(value))
        if left[key]:
            left[key] -= 1
        else:
            missing.append(value)
    return missing


def _sorted(value: Any) -> Any:
    """The value with the members of every list in it in one order."""
    if isinstance(value, Mapping):
        return {key: _sorted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted(map(_sorted, value), key=canonical)
    return value


def canonical(value: Any) -> bytes:
    """JSON in which equal values are equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)

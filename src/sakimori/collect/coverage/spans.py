"""Stretches of time, as (start, end) pairs in order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime

Span = tuple[datetime, datetime]


def joined(spans: Sequence[Span]) -> list[Span]:
    """The same time in as few spans as can be; `spans` may overlap and come in any order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def inside(span: Span, spans: Sequence[Span]) -> bool:
    """Whether one of `spans` (as `joined` gives them) holds the whole of `span`."""
    at = _first_ending_after(span[0], spans)
    return at < len(spans) and spans[at][0] <= span[0] and span[1] <= spans[at][1]


def touches(span: Span, spans: Sequence[Span]) -> bool:
    """Whether any of `spans` (as `joined` gives them) shares time with `span`."""
    at = _first_ending_after(span[0], spans)
    return at < len(spans) and spans[at][0] < span[1]


def _first_ending_after(time: datetime, spans: Sequence[Span]) -> int:
    at = bisect_left(spans, (time, time))
    return at - 1 if at and spans[at - 1][1] > time else at

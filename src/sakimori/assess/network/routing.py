"""Route tables: the longest prefix wins, compiled to disjoint ranges of destinations."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sakimori.assess.network.addresses import Range, overlap

STATIC, PREFIX_LIST, PROPAGATED = 2, 1, 0
"""Which of two routes of the same prefix wins (VPC user guide, "Route priority"): the higher."""


@dataclass(frozen=True, slots=True)
class Route:
    """One destination and where it leads.

    `kind` is the sort of target (`local`, `igw`, `nat`, ..., or `unmodelled`), `target` its id; `id` names the route in
    answers. For transit gateways the target is an attachment's id.
    """

    id: str
    family: int
    span: Range
    kind: str
    target: str
    active: bool = True
    rank: int = STATIC


@dataclass(slots=True)
class RouteTable:
    """Routes of one table. `missing` says why its routes are not known: "" where they are.

    `doubts` are routes whose destinations are not in the snapshot: any destination may be theirs.
    """

    id: str
    routes: list[Route] = field(default_factory=list)
    doubts: list[tuple[Route, str]] = field(default_factory=list)
    missing: str = ""
    _compiled: dict[int, tuple[list[int], list[tuple[Range, Route]]]] = field(default_factory=dict)

    def lookup(self, family: int, ip: int) -> Route | None:
        """The route that a packet to `ip` takes."""
        starts, pieces = self._pieces(family)
        index = bisect_right(starts, ip) - 1
        if index >= 0 and ip <= pieces[index][0][1]:
            return pieces[index][1]
        return None

    def split(self, family: int, ranges: Iterable[Range]) -> Iterator[tuple[Route | None, tuple[Range, ...]]]:
        """The ranges by the route that they take; None for what no route covers."""
        ranges = tuple(ranges)
        found: dict[Route, list[Range]] = {}
        rest = list(ranges)
        _, pieces = self._pieces(family)
        for span, route in pieces:
            shared = overlap(ranges, [span])
            if shared:
                found.setdefault(route, []).extend(shared)
        for route, spans in found.items():
            yield route, tuple(spans)
        uncovered = _gaps(rest, [span for span, _ in pieces])
        if uncovered:
            yield None, uncovered

    def _pieces(self, family: int) -> tuple[list[int], list[tuple[Range, Route]]]:
        compiled = self._compiled.get(family)
        if compiled is None:
            pieces = _longest_prefixes([route for route in self.routes if route.family == family])
            compiled = self._compiled[family] = [span[0] for span, _ in pieces], pieces
        return compiled


def _longest_prefixes(routes: list[Route]) -> list[tuple[Range, Route]]:
    """Disjoint ranges in order. CIDR blocks nest or do not touch, so a stack of the open ones is enough."""
    best: dict[Range, Route] = {}
    for route in routes:
        standing = best.get(route.span)
        if standing is None or route.rank > standing.rank:
            best[route.span] = route
    pieces: list[tuple[Range, Route]] = []
    open_: list[tuple[int, Route]] = []
    at = 0

    def close_until(limit: int) -> int:
        position = at
        while open_ and open_[-1][0] < limit:
            end, route = open_.pop()
            if position <= end:
                pieces.append(((position, end), route))
                position = end + 1
        return position

    for span in sorted(best, key=lambda each: (each[0], -each[1])):
        at = close_until(span[0])
        if open_ and at < span[0]:
            pieces.append(((at, span[0] - 1), open_[-1][1]))
        at = span[0]
        open_.append((span[1], best[span]))
    close_until(1 << 129)
    return pieces


def _gaps(ranges: list[Range], covered: list[Range]) -> tuple[Range, ...]:
    gaps: list[Range] = []
    for low, high in ranges:
        for start, end in covered:
            if end < low:
                continue
            if start > high:
                break
            if start > low:
                gaps.append((low, start - 1))
            low = max(low, end + 1)
        if low <= high:
            gaps.append((low, high))
    return tuple(gaps)

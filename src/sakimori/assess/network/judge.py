"""Which packets get through a way: sets met one after the other, on the way there and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sakimori.assess.network.filters import Doubt
from sakimori.assess.network.legs import Way
from sakimori.assess.network.space import EMPTY, Space, meet, rules
from sakimori.assess.network.stages import UNKNOWN, Chain, Stage
from sakimori.assess.network.topology import Interface

REACHABLE, UNREACHABLE, UNCERTAIN = "reachable", "unreachable", "unknown"


@dataclass(slots=True)
class Judgement:
    """What became of the packets of a query on one way.

    `spaces` are the sets behind each leg, in that leg's own coordinates; for an unreachable way they end where it died:
    at `died`, met on the way back if `returning`, in leg `leg`. `target` is the interface that was asked about.
    """

    answer: str
    way: Way
    query: Space
    spaces: list[Space]
    died: Stage | None = None
    leg: int = 0
    returning: bool = False
    reasons: tuple[str, ...] = ()
    target: Interface | None = None


def judge(way: Way, query: Space) -> Judgement:
    """Reachable if any packet passes for certain, unknown if any may, else unreachable with the stage it died at."""
    sure = _run(way, query, doubtful=False)
    if sure.died is None:
        return sure
    if not _has_doubts(way):
        return _first_death(way, query, sure)
    maybe = _run(way, query, doubtful=True)
    if maybe.died is not None:
        return _first_death(way, query, maybe)
    maybe.answer = UNCERTAIN
    maybe.reasons = _reasons(way, maybe.spaces)
    return maybe


def _run(way: Way, query: Space, *, doubtful: bool, back: bool = True) -> Judgement:
    running = query
    spaces: list[Space] = []
    for index, leg in enumerate(way):
        for returning, chain in ((False, leg.forward), (True, leg.back if back else None)):
            if chain is None:
                continue
            for stage in chain.stages:
                running = meet(running, stage.total if doubtful else stage.space)
                if not running:
                    return Judgement(UNREACHABLE, way, query, spaces, stage, index, returning)
            if chain.end == UNKNOWN:
                if not doubtful:
                    return Judgement(UNCERTAIN, way, query, spaces, _UNKNOWN_END, index, returning)
                spaces.append(running)
                return Judgement(UNCERTAIN, way, query, spaces)
        spaces.append(running)
        if leg.rewrite is not None:
            running = leg.rewrite.forward(running)
    return Judgement(REACHABLE, way, query, spaces)


_UNKNOWN_END = Stage("unknown", "", 0, EMPTY)


def _has_doubts(way: Way) -> bool:
    return any(
        chain.end == UNKNOWN or any(stage.doubtful for stage in chain.stages)
        for leg in way
        for chain in (leg.forward, leg.back)
        if chain is not None
    )


def _first_death(way: Way, query: Space, found: Judgement) -> Judgement:
    """Packets go all the way there before a reply comes back: a stage of the way there is met first."""
    if len(way) == 1 or not found.returning:
        return found
    onward = _run(way, query, doubtful=True, back=False)
    return onward if onward.died is not None else found


def _reasons(way: Way, spaces: list[Space]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for leg in way[: len(spaces)]:
        for chain in (leg.forward, leg.back):
            for reason in chain.unknown if chain is not None else ():
                found[reason] = None
    for space in spaces:
        for each in space[:1]:
            for rule in rules(each[8]):
                if isinstance(rule, Doubt):
                    found[rule.reason] = None
    return tuple(found)


def blocking(judgement: Judgement) -> Iterator[tuple[Stage, int, bool]]:
    """Every stage that would let nothing of the query pass by itself, with its leg and whether it meets replies.

    The first one met is among them, even if it only stops what the stages before it had left.
    """
    asked = judgement.query
    for index, leg in enumerate(judgement.way):
        for returning, chain in ((False, leg.forward), (True, leg.back)):
            for stage in chain.stages if chain is not None else ():
                if stage is judgement.died or not meet(asked, stage.total):
                    yield stage, index, returning
        if leg.rewrite is not None:
            asked = leg.rewrite.forward(asked)


def there(judgement: Judgement) -> tuple[list[str], list[list[int]]]:
    """The path there, the whole of it or as far as packets get, and where in it each leg's nodes are."""
    way = judgement.way
    if judgement.died is None or judgement.returning:
        return joined([leg.forward.nodes for leg in way])
    parts = [leg.forward.nodes for leg in way[: judgement.leg]]
    return joined([*parts, way[judgement.leg].forward.nodes[: judgement.died.depth]])


def back(judgement: Judgement) -> tuple[list[str], list[list[int]]]:
    """The path of the replies, the last leg's first; empty where no packet arrives."""
    if judgement.died is not None and not judgement.returning:
        return [], []
    parts: list[list[str]] = []
    for index in range(len(judgement.way) - 1, -1, -1):
        chain = judgement.way[index].back
        if chain is None:
            return [], []
        if judgement.died is not None and index == judgement.leg:
            return joined([*parts, chain.nodes[: judgement.died.depth]])
        parts.append(chain.nodes)
    return joined(parts)


def joined(parts: list[list[str]]) -> tuple[list[str], list[list[int]]]:
    """One path of the legs: the node that rewrites ends one and starts the next. Between two gateways, the internet is
    no place of its own."""
    path: list[str] = []
    places: list[list[int]] = []
    for nodes in parts:
        if path and nodes and path[-1] == nodes[0] == "internet":
            path.pop()
            places.append([len(path) - 1])
            nodes = nodes[1:]
        else:
            places.append([])
        for node in nodes:
            if not path or path[-1] != node:
                path.append(node)
            places[-1].append(len(path) - 1)
    return path, places


def chains(way: Way) -> Iterator[tuple[int, Chain, bool]]:
    """Every chain with its leg, in the order of travel; the last says whether it is on the way back."""
    for index, leg in enumerate(way):
        yield index, leg.forward, False
    for index in range(len(way) - 1, -1, -1):
        chain = way[index].back
        if chain is not None:
            yield index, chain, True

"""A witness: one concrete packet of the final set, as it is on every leg, and the rules that let it pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sakimori.assess.network.addresses import text
from sakimori.assess.network.filters import Doubt
from sakimori.assess.network.judge import Judgement, back, chains, there
from sakimori.assess.network.legs import Leg
from sakimori.assess.network.space import ICMP, ICMP6, TCP, UDP, Box, Space, box, meet, rules
from sakimori.assess.network.stages import Flow

Point = tuple[int, int, int, int]
"""Address, protocol, server port, client port."""

NAMES = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmpv6"}
_LIKELY_CLIENT = 49152
"""The lowest port of the range that systems choose client ports from (RFC 6335)."""


def points(judgement: Judgement) -> list[Point]:
    """The witness on each leg, the first one first: the last set is asked first, for it is the smallest."""
    found: list[Point] = []
    for index in range(len(judgement.spaces) - 1, -1, -1):
        space = judgement.spaces[index]
        if found:
            space = meet(space, (_before(judgement.way, index, found[-1]),))
        found.append(pick(space))
    return found[::-1]


def _before(way: Sequence[Leg], index: int, point: Point) -> Box:
    """What a packet must have been before the rewrite behind leg `index` to be `point` after it."""
    leg, following = way[index], way[index + 1]
    rewrite = leg.rewrite
    ip, protocol, server, client = point
    same_open = (leg.flow.src is None, leg.flow.dst is None) == (following.flow.src is None, following.flow.dst is None)
    open_ = leg.flow.src is None or leg.flow.dst is None
    asked: dict[str, tuple[int, int]] = {}
    if rewrite is None or (rewrite.port is not None and not rewrite.keeps_client):
        return box()
    if same_open and open_:
        asked["ip"] = (ip, ip)
    asked["protocol"] = (protocol, protocol)
    if rewrite.port is None:
        asked["server"] = (server, server)
    if not rewrite.translates or protocol in (ICMP, ICMP6):
        asked["client"] = (client, client)
    return box(**asked)


def pick(space: Space) -> Point:
    """A packet of the set, of the kind that people know: TCP before UDP, from a port that systems choose."""
    for protocol in (TCP, UDP, ICMP, ICMP6):
        for each in space:
            if each[2] <= protocol <= each[3]:
                return _point(each, protocol)
    return _point(space[0], space[0][2])


def _point(each: Box, protocol: int) -> Point:
    server, client = each[4], each[6]
    if protocol in (TCP, UDP):
        server = max(server, 1) if each[5] else server
        client = max(client, _LIKELY_CLIENT) if each[7] >= _LIKELY_CLIENT else each[7]
    elif protocol in (ICMP, ICMP6):
        echo = 8 if protocol == ICMP else 128
        server = echo if each[4] <= echo <= each[5] else server
    return each[0], protocol, server, client


def packet(flow: Flow, point: Point) -> dict[str, Any]:
    """The packet as it is sent on one leg; empty where neither end is known."""
    if flow.src is None and flow.dst is None:
        return {}
    ip, protocol, server, client = point
    first = flow.ranges[0][0] if flow.ranges else 0
    open_ = next((max(low, min(ip, high)) for low, high in flow.ranges if ip <= high), first)
    found: dict[str, Any] = {
        "src": text(flow.src if flow.src is not None else open_, flow.family),
        "dst": text(flow.dst if flow.dst is not None else open_, flow.family),
        "protocol": NAMES.get(protocol, str(protocol)),
    }
    if protocol in (TCP, UDP):
        found["src_port"], found["dst_port"] = client, server
    elif protocol in (ICMP, ICMP6):
        found["type"], found["code"] = server, client
    return found


def passed(judgement: Judgement, witness: Sequence[Point]) -> Iterator[dict[str, Any]]:
    """What lets the witness pass, in the order of travel: `step` counts the nodes of the path (or of that back)."""
    _, there_places = there(judgement)
    _, back_places = back(judgement)
    for leg, chain, returning in chains(judgement.way):
        if leg >= len(witness):
            continue
        places = back_places[len(judgement.way) - 1 - leg] if returning else there_places[leg]
        for stage in chain.stages:
            ids = [str(each) for each in _rules_at(stage.total, witness[leg]) if not isinstance(each, Doubt)]
            if ids:
                step = places[max(0, min(stage.depth, len(places)) - 1)]
                yield {"component": stage.component, "step": step, "rules": ids, "returning": returning}


def _rules_at(space: Space, point: Point) -> list[Any]:
    for each in space:
        if all(each[2 * i] <= point[i] <= each[2 * i + 1] for i in range(4)):
            return list(rules(each[8]))
    return []

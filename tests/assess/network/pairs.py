"""np-guard's expected pairs, put to the engine port by port."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sakimori.assess.network.engine import Engine, Question
from sakimori.assess.network.judge import REACHABLE
from sakimori.assess.network.resolve import hosts
from sakimori.assess.network.space import FULL, TCP, Space, box, covers, join, meet, minus, union

LINE = re.compile(r"^(\S+)\[([\d.]+)\] => (\S+)\[([\d.]+)\] : (.*)$")
EVERY_PORT = (0, 65535)


@dataclass(frozen=True, slots=True)
class Pair:
    source: str
    target: str
    space: Space


def expected(text: str) -> dict[tuple[str, str], Space]:
    """What each instance may send to each other one, by their addresses. Lines with `*` get no response."""
    found: dict[tuple[str, str], Space] = {}
    for line in text.splitlines():
        match = LINE.match(line.strip())
        if not match or match[5].endswith("*"):
            continue
        key = match[2], match[4]
        found[key] = join(found.get(key, ()), connections(match[5].strip()))
    return found


def connections(text: str) -> Space:
    """`All Connections`, or `protocol: TCP src-ports: 1-9,11 dst-ports: 80; protocol: ...`."""
    if text == "All Connections":
        return FULL
    boxes: list[Space] = []
    for part in text.split(";"):
        name = re.search(r"protocol: (\w+)", part)
        assert name is not None, text
        protocol = {"TCP": 6, "UDP": 17, "ICMP": 1}[name[1]]
        for client in _ports(part, "src-ports"):
            for server in _ports(part, "dst-ports"):
                boxes.append((box(protocol=(protocol, protocol), client=client, server=server),))
    return union(boxes)


def _ports(text: str, key: str) -> Iterator[tuple[int, int]]:
    found = re.search(rf"{key}: ([\d,-]+)", text)
    for each in found[1].split(",") if found else ():
        low, _, high = each.partition("-")
        yield int(low), int(high or low)
    if not found:
        yield EVERY_PORT


def allowed(engine: Engine, source: str, target: str) -> Space:
    """Every packet that the engine lets from one address to the other, with its reply."""
    sources = hosts(engine.net, source, source=True)
    targets = hosts(engine.net, target, source=False)
    found: list[Space] = []
    for judgement in engine.judgements(sources, targets, Question(source, target)):
        if judgement.answer == REACHABLE:
            found.append(judgement.spaces[0])
    return union(found)


def same(left: Space, right: Space) -> bool:
    """Whether both hold the same packets of TCP; and, of other protocols, either both all or the ones named."""
    tcp: Space = (box(protocol=(TCP, TCP), client=(1, 65535)),)
    return covers(meet(left, tcp), meet(right, tcp)) and covers(meet(right, tcp), meet(left, tcp))


def difference(left: Space, right: Space) -> str:
    return f"only expected: {minus(left, right)[:3]}; only answered: {minus(right, left)[:3]}"

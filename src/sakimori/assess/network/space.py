"""Sets of packets: unions of boxes over (remote address, protocol, server port, client port).

The remote address is the one end of a conversation that a query leaves open; where both ends are known, boxes span all
addresses. For ICMP the type stands in the place of the server port and the code in that of the client port. A space is
a tuple of boxes; every box carries the trail of the rules that made it, so that a point of a set knows who let it pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

TOP = (1 << 128) - 1
"""The highest address of either family."""

PORTS = 65535
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58

Trail = Any
"""None, one rule (a string or a Doubt), or a pair of trails."""

Box = tuple[int, int, int, int, int, int, int, int, Trail]
"""(lowest, highest) address, protocol, server port and client port, then the trail."""

Space = tuple[Box, ...]

EMPTY: Space = ()


def box(
    ip: tuple[int, int] = (0, TOP),
    protocol: tuple[int, int] = (0, 255),
    server: tuple[int, int] = (0, PORTS),
    client: tuple[int, int] = (0, PORTS),
    trail: Trail = None,
) -> Box:
    return (*ip, *protocol, *server, *client, trail)


FULL: Space = (box(),)


def meet(left: Space, right: Space) -> Space:
    """What is in both. Trails are joined in this order."""
    if left is FULL:
        return right
    if right is FULL:
        return left
    found = []
    for a0, a1, a2, a3, a4, a5, a6, a7, a_trail in left:
        for b0, b1, b2, b3, b4, b5, b6, b7, b_trail in right:
            if a0 > b1 or b0 > a1 or a2 > b3 or b2 > a3 or a4 > b5 or b4 > a5 or a6 > b7 or b6 > a7:
                continue
            found.append(
                (
                    a0 if a0 > b0 else b0,
                    a1 if a1 < b1 else b1,
                    a2 if a2 > b2 else b2,
                    a3 if a3 < b3 else b3,
                    a4 if a4 > b4 else b4,
                    a5 if a5 < b5 else b5,
                    a6 if a6 > b6 else b6,
                    a7 if a7 < b7 else b7,
                    a_trail if b_trail is None else b_trail if a_trail is None else (a_trail, b_trail),
                )
            )
    return tuple(found)


def minus(left: Space, right: Space) -> Space:
    """What is in `left` and not in `right`, in disjoint pieces if `left` was disjoint."""
    pieces = list(left)
    for cut in right:
        pieces = [piece for whole in pieces for piece in _without(whole, cut)]
        if not pieces:
            break
    return tuple(pieces)


def _without(whole: Box, cut: Box) -> Iterable[Box]:
    for low in (0, 2, 4, 6):
        if whole[low] > cut[low + 1] or cut[low] > whole[low + 1]:
            return (whole,)
    pieces = []
    rest = list(whole)
    for low in (0, 2, 4, 6):
        high = low + 1
        if rest[low] < cut[low]:
            pieces.append(_replaced(rest, high, cut[low] - 1))
            rest[low] = cut[low]
        if rest[high] > cut[high]:
            pieces.append(_replaced(rest, low, cut[high] + 1))
            rest[high] = cut[high]
    return pieces


def _replaced(whole: list[Any], index: int, value: int) -> Box:
    copy = list(whole)
    copy[index] = value
    return tuple(copy)


def join(left: Space, right: Space) -> Space:
    """What is in either; where both have a packet, the trail of `left` stands."""
    return left + minus(right, left) if left else right


def union(spaces: Iterable[Space]) -> Space:
    """What is in any, in disjoint boxes."""
    whole: Space = EMPTY
    for space in spaces:
        for each in space:
            whole = join(whole, minus((each,), whole))
    return whole


def covers(space: Space, other: Space) -> bool:
    return not minus(other, space)


def contains(space: Space, ip: int, protocol: int, server: int, client: int) -> bool:
    return any(
        b[0] <= ip <= b[1] and b[2] <= protocol <= b[3] and b[4] <= server <= b[5] and b[6] <= client <= b[7]
        for b in space
    )


def at(space: Space, ip: int) -> Space:
    """The packets whose remote address is `ip`, as a set over all addresses."""
    return tuple([(0, TOP, *b[2:]) for b in space if b[0] <= ip <= b[1]])


def any_address(space: Space) -> Space:
    return tuple([(0, TOP, *b[2:]) for b in space])


def any_client(space: Space, low: int, high: int) -> Space:
    """The same packets, sent from any client port of the range: what an address translation does to a set."""
    return tuple([(*b[:6], low, high, b[8]) if b[2] != ICMP and b[2] != ICMP6 else b for b in space])


def addresses(ranges: Iterable[tuple[int, int]], trail: Trail = None) -> Space:
    return tuple(box(ip=each, trail=trail) for each in ranges)


def rules(trail: Trail) -> Iterator[Any]:
    """The rules of a trail, in the order in which they were met."""
    stack = [trail]
    while stack:
        top = stack.pop()
        if type(top) is tuple:
            stack.append(top[1])
            stack.append(top[0])
        elif top is not None:
            yield top


def size(space: Space) -> int:
    """How many packets are in a disjoint space."""
    return sum((b[1] - b[0] + 1) * (b[3] - b[2] + 1) * (b[5] - b[4] + 1) * (b[7] - b[6] + 1) for b in space)

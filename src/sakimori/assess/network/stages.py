"""What a packet meets on its way: stages, and chains of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sakimori.assess.network.addresses import Range, text
from sakimori.assess.network.filters import Doubt, GroupSet
from sakimori.assess.network.space import EMPTY, FULL, Space, addresses, box
from sakimori.assess.network.topology import Interface, Subnet

INTERNET_NODE = "internet"
MOST_HOPS = 24
"""Packets that are routed more often than this go round in circles."""


@dataclass(slots=True)
class Stage:
    """One set that packets must be in to pass. `depth` counts the nodes of the path when it is met.

    `space` is what passes for certain, `doubtful` what may. `why` says what it means that it lets nothing pass.
    """

    component: str
    id: str
    depth: int
    space: Space
    why: str = ""
    doubtful: Space = EMPTY
    ids: Sequence[str] = ()
    filter: Any = None

    @property
    def total(self) -> Space:
        return self.space + self.doubtful if self.doubtful else self.space


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets in one direction of a conversation. One of the two addresses may be open (None): then it is in `ranges`.

    `sender` is the interface that they come from, `groups` its security groups where rules see them. `home` is the
    subnet or VPC of a sender that is no known interface: replies that get there have arrived.
    """

    family: int
    src: int | None
    dst: int | None
    reply: bool = False
    ranges: tuple[Range, ...] = ()
    groups: tuple[str, ...] = ()
    sender: Interface | None = None
    home: str = ""

    def target_text(self) -> str:
        return text(self.dst, self.family) if self.dst is not None else "the addresses asked for"

    def to(self, dst: int) -> Flow:
        return replace(self, dst=dst)

    def seen_without_groups(self) -> Flow:
        return replace(self, groups=()) if self.groups else self

    def within(self, ranges: tuple[Range, ...]) -> Flow:
        return replace(self, ranges=ranges)


DEAD, UNKNOWN, INTERFACE, INTERNET, NAT, BOUNDARY, SERVICE, PLACE = (
    "dead",
    "unknown",
    "interface",
    "internet",
    "nat",
    "boundary",
    "service",
    "place",
)
"""How chains end."""


@dataclass(slots=True)
class Chain:
    """The nodes that packets pass, the stages that they meet, and where that ends.

    `at` is what they reached: an interface, a NAT gateway, a boundary's id. `unknown` says why an end is unknown.
    """

    nodes: list[str] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    end: str = DEAD
    at: Any = None
    ranges: tuple[Range, ...] = ()
    unknown: list[str] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    routed: int = 0
    zone: str = ""

    def copy(self) -> Chain:
        return replace(
            self,
            nodes=list(self.nodes),
            stages=list(self.stages),
            unknown=list(self.unknown),
            caveats=list(self.caveats),
        )

    def visit(self, node: str) -> None:
        if not self.nodes or self.nodes[-1] != node:
            self.nodes.append(node)

    def pass_rule(self, component: str, id: str, ranges: tuple[Range, ...] | None = None) -> None:
        """A stage that all packets pass, or those to or from the ranges, and that names itself in the answer."""
        space = (box(trail=id),) if ranges is None else addresses(ranges, id)
        self.stages.append(Stage(component, id, len(self.nodes), space))

    def block(self, component: str, id: str, why: str) -> Chain:
        """Nothing gets further than this."""
        self.stages.append(Stage(component, id, len(self.nodes), EMPTY, why))
        self.end = DEAD
        return self

    def doubt(self, component: str, id: str, reason: str) -> None:
        """What follows may or may not happen."""
        maybe = (box(trail=Doubt(reason)),)
        self.stages.append(Stage(component, id, len(self.nodes), EMPTY, reason, maybe))

    def give_up(self, reason: str) -> Chain:
        """What happens from here is not known."""
        self.end = UNKNOWN
        self.unknown.append(reason)
        return self

    def nacl(self, subnet: Subnet, direction: str, flow: Flow, peer: int | None) -> None:
        if subnet.nacl is None:
            self.doubt("network_acl", subnet.id, f"the network ACL of {subnet.id} is not in the snapshot")
            return
        space = subnet.nacl.space(direction, flow.family, reply=flow.reply, peer=peer)
        way = "inbound" if direction == "ingress" else "outbound"
        why = f"{way} rules of the network ACL of {subnet.id}"
        if space is not FULL:
            check = (subnet.nacl, direction, flow.family, flow.reply, peer)
            self.stages.append(Stage("network_acl", subnet.nacl.id, len(self.nodes), space, why, filter=check))

    def guard(
        self, guard: GroupSet, direction: str, flow: Flow, peer: int | None, peer_groups: Sequence[str], node: str
    ) -> None:
        """The security groups of an interface, for a request. Replies pass them: they are stateful.

        Interfaces without groups are those of services that have no use for them: everything passes.
        """
        if not guard.ids:
            return
        space, doubtful = guard.space(direction, flow.family, peer=peer, peer_groups=peer_groups)
        way = "inbound" if direction == "ingress" else "outbound"
        ids = guard.ids
        why = f"no {way} rule of {' or '.join(ids)} on {node} allows it"
        self.stages.append(Stage("security_group", ids[0], len(self.nodes), space, why, doubtful, ids=ids))

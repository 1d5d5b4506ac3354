"""The ends of queries, and the legs that ways between them are made of."""

from __future__ import annotations

from dataclasses import dataclass

from sakimori.assess.network.addresses import Range
from sakimori.assess.network.space import EMPTY, TCP, Space, any_client, box
from sakimori.assess.network.stages import Chain, Flow
from sakimori.assess.network.topology import Boundary, Interface

TRANSLATED_PORTS = (1024, 65535)
"""The source ports that NAT gateways and load balancers send from (VPC guide, "NAT gateways"; ELB guides)."""

ADDRESS, FUNCTION, UNSEEN = "address", "function", "unseen"

MOST_REWRITES = 4
"""Packets that are translated more often than this go round in circles."""


@dataclass(frozen=True, slots=True)
class Host:
    """One end of a query.

    `kind` is interface, internet, boundary, address (nothing here is known to have it), subnet or vpc (any host that
    could be there), function (a Lambda function, as a target of load balancers: `place` is its ARN), unseen (a load
    balancer of which no interface is known). `ip` is None where any address of `ranges` may be meant.
    """

    kind: str
    family: int
    ip: int | None
    ranges: tuple[Range, ...] = ()
    interface: Interface | None = None
    place: str = ""
    boundary: Boundary | None = None
    asked: int | None = None
    rewritten: int = 0
    """The address that the query names, public or private: no other and no load balancer stands for it then.

    `rewritten` counts the translations that a packet has been through."""

    @property
    def node(self) -> str:
        if self.interface is not None:
            return self.interface.node
        return self.place or (self.boundary.id if self.boundary else self.kind)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What happens to the header between two legs, as a map between sets of packets."""

    id: str
    port: int | None = None
    keeps_client: bool = True
    translates: bool = False

    def forward(self, space: Space) -> Space:
        """The set after the rewrite."""
        if self.port is None:
            return any_client(space, *TRANSLATED_PORTS) if self.translates else space
        if not space:
            return EMPTY
        if not self.keeps_client:
            return (box(protocol=(TCP, TCP), server=(self.port, self.port), client=TRANSLATED_PORTS),)
        return tuple((*each[:4], self.port, self.port, *each[6:]) for each in space)


@dataclass(slots=True)
class Leg:
    """Packets between two rewrites, there and back. `rewrite` is what follows."""

    flow: Flow
    forward: Chain
    back: Chain | None
    rewrite: Rewrite | None = None


Way = list[Leg]

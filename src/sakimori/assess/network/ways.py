"""Ways from one host to another: legs between rewrites of the header, each with the way back of its replies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sakimori.assess.network.addresses import V4, Range, text
from sakimori.assess.network.filters import EGRESS, INGRESS
from sakimori.assess.network.space import EMPTY, TCP, Space, any_client, box
from sakimori.assess.network.stages import (
    BOUNDARY,
    DEAD,
    ELSEWHERE,
    INTERFACE,
    INTERNET,
    INTERNET_NODE,
    NAT,
    PLACE,
    SERVICE,
    UNKNOWN,
    Chain,
    Flow,
    Stage,
)
from sakimori.assess.network.topology import (
    Balancer,
    Boundary,
    Interface,
    Listener,
    NatGateway,
    Target,
    TargetGroup,
    Topology,
)
from sakimori.assess.network.walk import Walker

TRANSLATED_PORTS = (1024, 65535)
"""The source ports that NAT gateways and load balancers send from (VPC guide, "NAT gateways"; ELB guides)."""

ADDRESS = "address"

MOST_REWRITES = 4
"""Packets that are translated more often than this go round in circles."""


@dataclass(frozen=True, slots=True)
class Host:
    """One end of a query.

    `kind` is interface, internet, boundary, address (nothing here is known to have it), subnet or vpc (any host that
    could be there). `ip` is None where any address of `ranges` may be meant.
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


@dataclass(frozen=True, slots=True)
class Ways:
    """Finds ways through one topology."""

    net: Topology

    def between(self, source: Host, target: Host) -> Iterator[Way]:
        """Every way from source to target, the plain ones first, then those through load balancers."""
        interface = target.interface
        node = interface is not None and interface.kind == "balancer"
        if source.family == target.family and source.kind != "internet" and not node:
            ip = target.ip if target.asked is None else target.asked
            yield from self._direct(source, target, ip, target.ranges)
        if interface is None or target.ip is None:
            if source.kind == "internet" and target.ip is not None:
                yield from self._direct(source, target, target.ip, ())
            return
        if interface.kind == "balancer":
            yield from self._to_node(source, interface, target)
            return
        if source.family == target.family:
            public = interface.public.get(target.ip) if target.family == V4 else target.ip
            if source.kind == "internet":
                yield from self._from_internet(source, target, public)
            elif target.family == V4 and public is not None and source.kind == "interface" and target.asked is None:
                yield from self._direct(source, target, public, ())
        if target.asked is not None:
            return
        for balancer, listener, group, to in self.net.fronts.get(interface.id, ()):
            if to.interface is interface and to.ip == target.ip:
                yield from self._through(source, balancer, listener, group, to)

    def _from_internet(self, source: Host, target: Host, public: int | None) -> Iterator[Way]:
        if public is not None and target.asked in (None, public):
            yield from self._direct(source, target, public, ())
            return
        assert target.interface is not None
        assert target.ip is not None
        chain = Chain([INTERNET_NODE])
        shown = text(target.ip, target.family)
        why = f"{shown} of {target.interface.node} is no address that the internet knows"
        chain.block("address", target.interface.id, why)
        vpc = target.interface.subnet.vpc
        if not vpc.igw:
            chain.stages.append(
                Stage("internet_gateway", vpc.id, len(chain.nodes), EMPTY, f"{vpc.id} has no internet gateway")
            )
        flow = Flow(target.family, None, target.ip, ranges=source.ranges)
        yield [Leg(flow, chain, None)]

    # One leg after the other.

    def _direct(self, source: Host, target: Host, ip: int | None, ranges: tuple[Range, ...]) -> Iterator[Way]:
        """From `source` to the address `ip`, or any of the ranges."""
        flow, chains = self._walk(source, target, ip, ranges)
        for chain in chains:
            yield from self._onward(source, target, flow, chain)

    def _walk(self, source: Host, target: Host, ip: int | None, ranges: tuple[Range, ...]) -> tuple[Flow, list[Chain]]:
        walker = Walker(self.net)
        sender = source.interface
        flow = Flow(
            source.family,
            source.ip,
            ip,
            ranges=ranges if ip is None else source.ranges,
            groups=sender.groups if sender is not None and source.kind == "interface" else (),
            sender=sender,
            home=source.place,
        )
        if sender is not None:
            return flow, walker.from_interface(flow, sender)
        if source.kind == "internet":
            return flow, walker.from_internet(flow)
        if source.boundary is not None:
            return flow, walker.from_boundary(flow, source.boundary)
        if source.kind == "subnet":
            return flow, walker.from_subnet(flow, self.net.subnets[source.place])
        return flow, walker.from_vpc(flow, self.net.vpcs[source.place])

    def _onward(self, source: Host, target: Host, flow: Flow, chain: Chain) -> Iterator[Way]:
        ranges = chain.ranges or flow.ranges
        if chain.end == NAT and source.rewritten == MOST_REWRITES:
            chain.block("nat_gateway", chain.at.id, f"{chain.at.id} translates again and again: routes go in circles")
        if chain.end == NAT:
            nat: NatGateway = chain.at
            assert nat.interface is not None
            address, turn = nat.interface.v4[0], source.rewritten + 1
            inner = Host("nat", V4, address, ranges=ranges, interface=nat.interface, rewritten=turn)
            open_ = () if flow.dst is not None else ranges
            for back in self._backs(source, flow, chain):
                leg = Leg(flow, chain, back, Rewrite(nat.id, translates=True))
                for rest in self._direct(inner, target, flow.dst, open_):
                    yield [leg, *rest]
            return
        if chain.at == ELSEWHERE:
            yield [Leg(flow, chain, Chain([INTERNET_NODE]))]
            return
        if chain.end == INTERNET and flow.dst is not None and self._known(flow):
            yield from self._hairpin(source, target, flow, chain)
            return
        if chain.end == INTERFACE and target.kind != ADDRESS and chain.at is not target.interface:
            chain.block("interface", chain.at.id, f"{chain.at.node} is what has the address {flow.target_text()}")
        if not self._is_there(target, chain):
            yield [Leg(flow, chain, None)]
            return
        for back in self._backs(source, flow, chain):
            yield [Leg(flow, chain, back)]

    def _known(self, flow: Flow) -> bool:
        if flow.family == V4:
            return flow.dst in self.net.by_public
        return Walker(self.net).owner(flow.family, flow.dst or 0) is not None

    def _hairpin(self, source: Host, target: Host, flow: Flow, chain: Chain) -> Iterator[Way]:
        """To a public address of another interface here: out to the internet and in again, from the public address."""
        assert flow.sender is not None
        assert flow.src is not None
        public = flow.sender.public[flow.src] if flow.family == V4 else flow.src
        outside = Host("internet", flow.family, public)
        for back in self._backs(source, flow, chain):
            leg = Leg(flow, chain, back, Rewrite(chain.nodes[-2]))
            for rest in self._direct(outside, target, flow.dst, ()):
                yield [leg, *rest]

    def _is_there(self, target: Host, chain: Chain) -> bool:
        """Whether the chain ends where the query asks; an end that it does not is made a dead or unknown one."""
        if chain.end in (DEAD, UNKNOWN):
            return False
        if target.boundary is not None:
            if chain.end == BOUNDARY and target.boundary.is_at(chain.at):
                _trust(chain, target.boundary)
                return True
            chain.block("boundary", target.boundary.id, f"{target.boundary.id} is not where this leads")
            return False
        if chain.end == BOUNDARY:
            boundary: Boundary = chain.at
            chain.give_up(f"what is behind {boundary.kind} {boundary.far or boundary.id}")
            return False
        if chain.end == SERVICE and target.kind == "internet":
            chain.block("vpc_endpoint", str(chain.at), f"{chain.at} leads to an AWS service and not to the internet")
            return False
        return True

    # The way back.

    def _backs(self, source: Host, flow: Flow, chain: Chain) -> list[Chain]:
        """The replies to what came by the chain, one for each way that they take."""
        walker = Walker(self.net)
        ranges = chain.ranges or flow.ranges
        landed = chain.at if chain.end == INTERFACE else None
        src = flow.dst if landed is None else self._landed_at(landed, flow)
        back = Flow(flow.family, src, flow.src, True, ranges, sender=landed, home=flow.home)
        if landed is not None:
            chains = walker.from_interface(back, landed)
        elif chain.end == INTERNET:
            assert flow.sender is not None
            assert flow.src is not None
            outer = flow.sender.public[flow.src] if flow.family == V4 else flow.src
            chains = walker.from_internet(back.to(outer), egress_only=chain.at == "eigw")
        elif chain.end == NAT:
            chains = walker.from_nat(back, chain.at.interface)
        elif chain.end == SERVICE:
            sender = flow.sender.subnet.vpc if flow.sender else self.net.subnets[flow.home].vpc
            chains = walker.from_service(back, chain.at, sender)
        else:
            chains = walker.from_boundary(back, chain.at)
        for each in chains:
            self._check_back(source, each)
        return chains

    def _landed_at(self, interface: Interface, flow: Flow) -> int | None:
        """The address that the interface itself knows as its own."""
        if flow.family == V4 and flow.dst is not None and flow.dst not in interface.v4:
            return next((private for private, public in interface.public.items() if public == flow.dst), flow.dst)
        return flow.dst

    def _check_back(self, source: Host, chain: Chain) -> None:
        """A reply that ends elsewhere than at the sender is lost."""
        if chain.end in (DEAD, UNKNOWN):
            return
        if source.interface is not None:
            home = chain.end == INTERFACE and chain.at is source.interface
        elif source.kind == "internet":
            home = chain.end == INTERNET and chain.at == "igw"
        elif source.boundary is not None:
            home = chain.end == BOUNDARY and source.boundary.is_at(chain.at)
            if home:
                _trust(chain, source.boundary)
        else:
            home = chain.end == PLACE
        if not home:
            chain.block(
                "return_path", chain.nodes[-1], f"replies go to {chain.nodes[-1]} and not back to {source.node}"
            )

    # Load balancers.

    def _through(
        self, source: Host, balancer: Balancer, listener: Listener, group: TargetGroup, target: Target
    ) -> Iterator[Way]:
        for entry in balancer.interfaces:
            if source.interface is entry or not _same_zone(balancer, entry, target):
                continue
            for first in self.to_balancer(source, balancer, entry, (listener,)):
                yield from self.behind(first, balancer, entry, listener, group, target)

    def _to_node(self, source: Host, entry: Interface, target: Host) -> Iterator[Way]:
        """To a load balancer itself: on to what it sends to, and for those that answer by themselves no further."""
        balancer = self.net.balancers[entry.node]
        if not balancer.listeners:
            yield from self.to_balancer(source, balancer, entry, (), target)
        for listener in balancer.listeners:
            for first in self.to_balancer(source, balancer, entry, (listener,), target):
                if first[-1].forward.end != INTERFACE:
                    yield first
                    continue
                for group in listener.groups:
                    yield from self._to_group(first, balancer, entry, listener, group)
                if balancer.kind in ("application", "classic") or not listener.groups:
                    yield first

    def _to_group(
        self, first: Way, balancer: Balancer, entry: Interface, listener: Listener, group: TargetGroup
    ) -> Iterator[Way]:
        last = first[-1]
        chain = Chain([entry.node])
        if group.unknown:
            chain.give_up(group.unknown)
        elif not any(_same_zone(balancer, entry, each) for each in group.targets):
            chain.block("target_group", group.id, f"{group.id} has no target that {entry.id} may send to")
        else:
            for each in group.targets:
                if _same_zone(balancer, entry, each):
                    yield from self.behind(first, balancer, entry, listener, group, each)
            return
        yield [*first[:-1], replace(last, rewrite=Rewrite(listener.id, port=0)), Leg(last.flow, chain, None)]

    def to_balancer(
        self,
        source: Host,
        balancer: Balancer,
        entry: Interface,
        listeners: tuple[Listener, ...],
        target: Host | None = None,
    ) -> Iterator[Way]:
        """The ways to one node of a load balancer, on what these listeners take; to all its addresses or `target`'s."""
        for family, ip in entry.addresses():
            if family != source.family or (target is not None and target.ip != ip):
                continue
            host = target or Host("interface", family, ip, interface=entry)
            for way in self._to_plain(source, host):
                last = way[-1]
                if last.forward.end == INTERFACE:
                    space = tuple(
                        box(protocol=(protocol, protocol), server=(each.port, each.port), trail=each.id)
                        for each in listeners
                        for protocol in each.protocols
                    )
                    why = f"{balancer.uid} has no listener for it"
                    stage = Stage("load_balancer", balancer.uid, len(last.forward.nodes), space, why)
                    forward = last.forward.copy()
                    forward.stages.append(stage)
                    if not balancer.active:
                        forward.block("load_balancer", balancer.uid, f"{balancer.uid} is not active")
                    way = [*way[:-1], replace(last, forward=forward)]
                yield way

    def _to_plain(self, source: Host, host: Host) -> Iterator[Way]:
        """Direct ways to an interface, without those through load balancers in front of it."""
        assert host.interface is not None
        assert host.ip is not None
        public = host.interface.public.get(host.ip) if host.family == V4 else host.ip
        if source.kind == "internet":
            yield from self._from_internet(source, host, public)
            return
        yield from self._direct(source, host, host.ip if host.asked is None else host.asked, ())
        if host.family == V4 and public is not None and source.kind == "interface" and host.asked is None:
            yield from self._direct(source, host, public, ())

    def behind(
        self,
        first: Way,
        balancer: Balancer,
        entry: Interface,
        listener: Listener,
        group: TargetGroup,
        target: Target,
    ) -> Iterator[Way]:
        """The ways on from a load balancer's node that `first` leads to."""
        last = first[-1]
        keeps = balancer.kind == "network" and group.keeps_client
        rewrite = Rewrite(listener.id, port=target.port, keeps_client=keeps)
        head = [*first[:-1], replace(last, rewrite=rewrite)]
        if target.interface is None:
            chain = Chain([entry.node])
            chain.pass_rule("target_group", group.id)
            chain.give_up(f"{target.outside}, a target of {group.id}, is not in the snapshot")
            yield [*head, Leg(last.flow, chain, None)]
        elif keeps and target.interface.subnet.vpc is entry.subnet.vpc:
            yield [*head, self._keeping(last.flow, balancer, entry, group, target)]
        else:
            source = Host("interface", target.family, _own_address(entry, target.family), interface=entry)
            to = Host("interface", target.family, target.ip, interface=target.interface)
            if source.ip is None:
                chain = Chain([entry.node])
                yield [
                    *head,
                    Leg(last.flow, chain.block("load_balancer", balancer.uid, "no address to send from"), None),
                ]
                return
            for rest in self._direct(source, to, target.ip, ()):
                rest[0].forward.stages.insert(0, _group_stage(group))
                yield [*head, *rest]

    def _keeping(self, flow: Flow, balancer: Balancer, entry: Interface, group: TargetGroup, target: Target) -> Leg:
        """Behind a network load balancer that keeps the client's address: replies come back through it anyway."""
        to = target.interface
        assert to is not None
        inner = replace(flow, dst=target.ip, reply=False, groups=balancer.groups)
        answer = Flow(flow.family, target.ip, flow.src, reply=True, ranges=flow.ranges)
        forward, back = Chain([entry.node]), Chain([to.node])
        forward.stages.append(_group_stage(group))
        for chain, places in ((forward, (entry.subnet, to.subnet)), (back, (to.subnet, entry.subnet))):
            chain.visit(places[0].id)
            if places[0] is not places[1]:
                sent = inner if chain is forward else answer
                chain.nacl(places[0], EGRESS, sent, target.ip if chain is forward else flow.src)
                chain.visit(entry.subnet.vpc.id)
                chain.visit(places[1].id)
                chain.nacl(places[1], INGRESS, sent, flow.src if chain is forward else target.ip)
        forward.visit(to.node)
        forward.guard(to.guard, INGRESS, inner, flow.src, balancer.groups, to.node)
        back.visit(entry.node)
        forward.end = back.end = INTERFACE
        forward.at, back.at = to, entry
        return Leg(inner, forward, back)


def _trust(chain: Chain, boundary: Boundary) -> None:
    """Who asks about a boundary by its name asks about the addresses that it propagates, known or not."""
    for stage in chain.stages:
        if stage.component == "propagation":
            stage.space, stage.doubtful = (box(trail=stage.id),), EMPTY
            chain.caveats.append(f"{stage.why}: taken to be those of {boundary.id}")


def _group_stage(group: TargetGroup) -> Stage:
    return Stage("target_group", group.id, 1, (box(trail=group.id),))


def _own_address(interface: Interface, family: int) -> int | None:
    return next((ip for each, ip in interface.addresses() if each == family), None)


def _same_zone(balancer: Balancer, entry: Interface, target: Target) -> bool:
    if balancer.cross_zone or target.interface is None:
        return True
    return target.interface.subnet.zone == entry.subnet.zone

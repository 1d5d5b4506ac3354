"""Ways from one host to another: legs between rewrites of the header, each with the way back of its replies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sakimori.assess.network.addresses import V4, V6, Range, inside, text
from sakimori.assess.network.balancing import through, to_function, to_node, unseen
from sakimori.assess.network.legs import ADDRESS, FUNCTION, MOST_REWRITES, UNSEEN, Host, Leg, Rewrite, Way
from sakimori.assess.network.space import EMPTY, box
from sakimori.assess.network.stages import (
    BOUNDARY,
    DEAD,
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
from sakimori.assess.network.targets import NAT64
from sakimori.assess.network.topology import (
    Boundary,
    Interface,
    NatGateway,
    Topology,
)
from sakimori.assess.network.walk import Walker


@dataclass(frozen=True, slots=True)
class Ways:
    """Finds ways through one topology."""

    net: Topology

    def between(self, source: Host, target: Host) -> Iterator[Way]:
        """Every way from source to target, the plain ones first, then those through load balancers."""
        if UNSEEN in (source.kind, target.kind):
            yield [unseen(source, self.net.balancers[(target if target.kind == UNSEEN else source).place])]
            return
        if target.kind == FUNCTION:
            yield from to_function(self, source, target.place)
            return
        if source.kind == "internet" and target.place:
            for each in self._within(target):
                yield from self.between(source, each)
            return
        if source.family == V6 and target.family == V4 and source.interface is not None:
            yield from self._translated(source, source.interface, target)
        interface = target.interface
        node = interface is not None and interface.kind == "balancer"
        if source.family == target.family and source.kind != "internet" and not node:
            ip = target.ip if target.asked is None else target.asked
            yield from self.direct(source, target, ip, target.ranges)
        if interface is None or target.ip is None:
            if source.kind == "internet" and target.ip is not None:
                yield from self.direct(source, target, target.ip, ())
            return
        if interface.kind == "balancer":
            yield from to_node(self, source, interface, target)
            return
        if source.family == target.family:
            public = interface.public.get(target.ip) if target.family == V4 else target.ip
            if source.kind == "internet":
                yield from self.from_internet(source, target, public)
            elif target.family == V4 and public is not None and source.kind == "interface" and target.asked is None:
                yield from self.direct(source, target, public, ())
        if target.asked is not None:
            return
        for balancer, listener, group, to in self.net.fronts.get(interface.id, ()):
            if to.interface is interface and to.ip == target.ip:
                yield from through(self, source, balancer, listener, group, to)

    def _within(self, place: Host) -> Iterator[Host]:
        """The hosts of a subnet or VPC that may be asked from outside: its interfaces."""
        for interface in self.net.interfaces.values():
            if place.place in (interface.subnet.id, interface.subnet.vpc.id):
                for family, ip in interface.addresses():
                    if family == place.family and interface.kind != "nat":
                        yield Host("interface", family, ip, interface=interface)

    def _translated(self, source: Host, sender: Interface, target: Host) -> Iterator[Way]:
        """From IPv6 to IPv4 where a route leads the prefix of NAT64 (RFC 6052) to a gateway: which is not modelled."""
        address = NAT64[0] + (target.ip if target.ip is not None else 0x08080808)
        route = sender.subnet.table.lookup(V6, address) if sender.subnet.table is not None else None
        if route is None or not route.active or not (route.kind == "nat" or inside(route.span[0], [NAT64])):
            return
        chain = Chain([sender.node])
        chain.visit(sender.subnet.id)
        chain.visit(sender.subnet.vpc.id)
        chain.visit(route.target)
        yield [Leg(Flow(V6, source.ip, address), chain.give_up(f"NAT64 ({route.id}) is not modelled"), None)]

    def from_internet(self, source: Host, target: Host, public: int | None) -> Iterator[Way]:
        if public is not None and target.asked in (None, public):
            yield from self.direct(source, target, public, ())
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

    def direct(self, source: Host, target: Host, ip: int | None, ranges: tuple[Range, ...]) -> Iterator[Way]:
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
                for rest in self.direct(inner, target, flow.dst, open_):
                    yield [leg, *rest]
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
            for rest in self.direct(outside, target, flow.dst, ()):
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


def _trust(chain: Chain, boundary: Boundary) -> None:
    """Who asks about a boundary by its name asks about the addresses that it propagates, known or not."""
    for stage in chain.stages:
        if stage.component == "propagation":
            stage.space, stage.doubtful = (box(trail=stage.id),), EMPTY
            chain.caveats.append(f"{stage.why}: taken to be those of {boundary.id}")

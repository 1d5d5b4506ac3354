"""How packets travel: from where they start, along routes, to where they end. Sets are not looked at here.

A walk gives chains: one where the destination is a single address, one for each way that a range of them takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sakimori.assess.network import transit
from sakimori.assess.network.addresses import INTERNET, V4, V6, inside
from sakimori.assess.network.amazon import is_amazons
from sakimori.assess.network.filters import EGRESS, INGRESS
from sakimori.assess.network.routing import PROPAGATED, Route, RouteTable
from sakimori.assess.network.stages import (
    INTERFACE,
    INTERNET_NODE,
    MOST_HOPS,
    PLACE,
    Chain,
    Flow,
)
from sakimori.assess.network.targets import public_access, to_appliance, to_endpoint, to_internet, to_nat, to_vgw
from sakimori.assess.network.topology import (
    Boundary,
    Interface,
    Subnet,
    Topology,
    TransitGateway,
    Vpc,
)


@dataclass(frozen=True, slots=True)
class Walker:
    """Walks one topology."""

    net: Topology

    # Where packets start.

    def from_interface(self, flow: Flow, interface: Interface) -> list[Chain]:
        """From an interface; its security groups look at requests."""
        chain = Chain([interface.node], zone=interface.subnet.zone)
        if not flow.reply and interface.kind != "nat":
            groups = self._groups_of(flow, interface.subnet.vpc)
            chain.guard(interface.guard, EGRESS, flow, flow.dst, groups, interface.node)
        return list(self._leave(interface.subnet, flow, chain, plain=interface.kind != "balancer"))

    def _groups_of(self, flow: Flow, vpc: Vpc) -> tuple[str, ...]:
        """The groups of the destination, as rules for what goes out of the VPC see it."""
        if flow.dst is None:
            return ()
        other = vpc.interfaces.get((flow.family, flow.dst))
        if other is not None:
            return other.groups
        subnet = next((s for p in self._peers(vpc) if (s := p.subnet_of(flow.family, flow.dst))), None)
        other = subnet.vpc.interfaces.get((flow.family, flow.dst)) if subnet is not None else None
        return other.groups if other is not None else ()

    def _peers(self, vpc: Vpc) -> Iterator[Vpc]:
        for peering in self.net.peerings.values():
            if peering.active and vpc.id in peering.vpcs:
                other = self.net.vpcs.get(peering.vpcs[1 - peering.vpcs.index(vpc.id)])
                if other is not None and other.region == vpc.region:
                    yield other
        for id in vpc.attachments:
            gateway = self.net.transits[id]
            for attachment in gateway.attachments.values():
                other = self.net.vpcs.get(attachment.resource)
                if other is not None and other is not vpc and self.references(vpc, other, gateway):
                    yield other

    def references(self, one: Vpc, other: Vpc, gateway: TransitGateway) -> bool:
        """Whether rules of one VPC may name groups of the other across the transit gateway."""
        return (
            gateway.references
            and one.region == other.region
            and all((each := vpc.attachments.get(gateway.id)) and each.references for vpc in (one, other))
        )

    def from_nat(self, flow: Flow, interface: Interface) -> list[Chain]:
        """The replies that a NAT gateway has translated back, on the side that it translates for."""
        chain = Chain([interface.node], zone=interface.subnet.zone)
        return list(self._leave(interface.subnet, flow, chain, visit=False))

    def from_subnet(self, flow: Flow, subnet: Subnet) -> list[Chain]:
        """From any host that could be in a subnet."""
        return list(self._leave(subnet, flow, Chain([subnet.id], zone=subnet.zone), plain=False))

    def from_vpc(self, flow: Flow, vpc: Vpc) -> list[Chain]:
        return list(self.deliver(vpc, flow, Chain([vpc.id])))

    def from_service(self, flow: Flow, endpoint: str, vpc: Vpc) -> list[Chain]:
        """The replies of a service behind a gateway endpoint."""
        chain = Chain([endpoint, vpc.id])
        return list(self.deliver(vpc, flow, chain))

    def from_internet(self, flow: Flow, *, egress_only: bool = False) -> list[Chain]:
        """From the internet to one address: `flow.dst` as the internet knows it. `egress_only`: by that gate."""
        chain = Chain([INTERNET_NODE])
        assert flow.dst is not None
        found = self.owner(flow.family, flow.dst)
        if found is None:
            if inside(flow.dst, INTERNET[flow.family]) and not is_amazons(flow.family, flow.dst):
                return [chain.give_up(f"{flow.target_text()} is on the internet and not in the inventory")]
            return [chain.block("address", flow.target_text(), f"nothing here has the address {flow.target_text()}")]
        vpc, private = found
        gateway = vpc.egress_only if egress_only else vpc.igw
        if not gateway:
            return [chain.block("internet_gateway", vpc.id, f"{vpc.id} has no internet gateway")]
        chain.visit(gateway)
        flow = flow.to(private).seen_without_groups()
        public_access(self.net, chain, vpc, vpc.subnet_of(flow.family, private), gateway, inward=not flow.reply)
        chain.visit(vpc.id)
        edge = self.net.edges.get(gateway)
        if edge is None:
            chain.pass_rule("internet_gateway", gateway)
            return list(self.deliver(vpc, flow, chain))
        return list(self.route(edge, flow, chain, vpc, None))

    def owner(self, family: int, address: int) -> tuple[Vpc, int] | None:
        """The VPC that the internet finds the address in, and the address there."""
        if family == V4:
            hit = self.net.by_public.get(address)
            return (hit[0].subnet.vpc, hit[1]) if hit else None
        for vpc in self.net.vpcs.values():
            if inside(address, vpc.ranges[V6]) and inside(address, INTERNET[V6]):
                return vpc, address
        return None

    def from_boundary(self, flow: Flow, boundary: Boundary) -> list[Chain]:
        """From behind a VPN connection or Direct Connect, through whatever it is attached to."""
        chains: list[Chain] = []
        start = boundary.far or boundary.id
        for gateway in self.net.transits.values():
            for attachment in gateway.attachments.values():
                if attachment.available and boundary.is_at(self.net.boundaries.get(attachment.resource)):
                    chain = Chain([start, gateway.id])
                    chains += transit.through(self, gateway, attachment, flow.seen_without_groups(), chain)
        for vgw, ids in self.net.vgw_boundaries.items():
            if any(boundary.is_at(self.net.boundaries[each]) for each in ids):
                for vpc in self.net.vpcs.values():
                    if vpc.vgw == vgw:
                        chains += self._enter_by_vgw(vpc, flow.seen_without_groups(), Chain([start, vgw, vpc.id]))
        if not chains:
            why = f"{boundary.kind} {boundary.id} leads nowhere"
            return [Chain([start]).block("boundary", boundary.id, why)]
        return chains

    def _enter_by_vgw(self, vpc: Vpc, flow: Flow, chain: Chain) -> Iterator[Chain]:
        edge = self.net.edges.get(vpc.vgw)
        chain.pass_rule("vpn_gateway", vpc.vgw)
        return self.route(edge, flow, chain, vpc, None) if edge else self.deliver(vpc, flow, chain)

    # Subnets and VPCs.

    def _leave(
        self, subnet: Subnet, flow: Flow, chain: Chain, *, visit: bool = True, plain: bool = True
    ) -> Iterator[Chain]:
        """Out of a subnet, or to a neighbour in it, which network ACLs and routes do not see."""
        if flow.dst is not None and inside(flow.dst, subnet.ranges[flow.family]):
            neighbour = subnet.vpc.interfaces.get((flow.family, flow.dst))
            if not plain or (neighbour is not None and neighbour.kind == "balancer"):
                chain.visit(subnet.id)
            yield from self.arrive(subnet, flow, chain)
            return
        if visit:
            chain.visit(subnet.id)
        chain.nacl(subnet, EGRESS, flow, flow.dst)
        yield from self.route(subnet.table, flow, chain, subnet.vpc, subnet)

    def deliver(self, vpc: Vpc, flow: Flow, chain: Chain, came_from: Subnet | None = None) -> Iterator[Chain]:
        """To an address of the VPC."""
        if flow.reply and flow.home == vpc.id:
            chain.end, chain.at, chain.ranges = PLACE, vpc.id, flow.ranges
            yield chain
            return
        if flow.dst is None:
            yield from self._deliver_open(vpc, flow, chain, came_from)
            return
        subnet = vpc.subnet_of(flow.family, flow.dst)
        if subnet is None:
            yield chain.block("vpc", vpc.id, f"no subnet of {vpc.id} has the address {flow.target_text()}")
            return
        chain.visit(subnet.id)
        if subnet is not came_from:
            chain.nacl(subnet, INGRESS, flow, flow.src)
        yield from self.arrive(subnet, flow, chain)

    def _deliver_open(self, vpc: Vpc, flow: Flow, chain: Chain, came_from: Subnet | None) -> Iterator[Chain]:
        home = self.net.subnets.get(flow.home)
        if home is None or home.vpc is not vpc:
            yield chain.block("vpc", vpc.id, f"no interface of {vpc.id} has {flow.target_text()}")
            return
        chain.visit(home.id)
        if home is not came_from:
            chain.nacl(home, INGRESS, flow, flow.src)
        chain.end, chain.at, chain.ranges = PLACE, home.id, flow.ranges
        yield chain

    def arrive(self, subnet: Subnet, flow: Flow, chain: Chain) -> Iterator[Chain]:
        assert flow.dst is not None
        if flow.reply and flow.home in (subnet.id, subnet.vpc.id):
            chain.end, chain.at = PLACE, flow.home
            yield chain
            return
        interface = subnet.vpc.interfaces.get((flow.family, flow.dst))
        if interface is None:
            yield chain.block("subnet", subnet.id, f"no interface in {subnet.id} has {flow.target_text()}")
            return
        chain.visit(interface.node)
        if not flow.reply:
            if interface.kind == "nat":
                why = f"{interface.node} takes in replies only: NAT gateways accept no connections"
                yield chain.block("nat_gateway", interface.node, why)
                return
            chain.guard(interface.guard, INGRESS, flow, flow.src, flow.groups, interface.node)
        chain.end, chain.at = INTERFACE, interface
        yield chain

    # Routes.

    def route(
        self, table: RouteTable | None, flow: Flow, chain: Chain, vpc: Vpc, subnet: Subnet | None
    ) -> Iterator[Chain]:
        """Where the table of a subnet or gateway sends the packets."""
        if table is None:
            yield chain.give_up(f"the route table of {subnet.id if subnet else vpc.id} is not in the snapshot")
            return
        for route, step, onward in self.choices(table, flow, chain):
            if route is None:
                if table.missing:
                    yield step.give_up(table.missing)
                else:
                    yield step.block("route_table", table.id, f"{table.id} has no route to {flow.target_text()}")
                continue
            if table.missing and table.missing not in step.caveats:
                step.caveats.append(f"{table.missing}: only the local routes, which every VPC has, are known")
            if not route.active or route.kind == "blackhole":
                yield step.block("route_table", route.id, f"the route {route.id} is a black hole")
                continue
            step.pass_rule("route_table", route.id, None if onward.dst is not None else onward.ranges)
            if onward.dst is None and onward.src is not None:
                step.ranges = onward.ranges
            yield from self._follow(route, onward, step, vpc, subnet)

    def choices(self, table: RouteTable, flow: Flow, chain: Chain) -> Iterator[tuple[Route | None, Chain, Flow]]:
        """Each route that some of the packets take, with its own chain and the flow of those packets."""
        chain.routed += 1
        if chain.routed > MOST_HOPS:
            yield None, chain, flow
            return
        split: list[tuple[Route | None, Flow]]
        if flow.dst is not None:
            split = [(table.lookup(flow.family, flow.dst), flow)]
        else:
            split = [(route, flow.within(spans)) for route, spans in table.split(flow.family, flow.ranges)]
        for route, onward in split:
            uncertain = () if self._is_certain(route) else table.doubts
            for maybe, reason in uncertain:
                other = chain.copy()
                other.doubt("propagation" if maybe.kind == "attachment" else "route_table", maybe.id, reason)
                yield maybe, other, onward
            sure = chain if len(split) == 1 and not uncertain else chain.copy()
            if uncertain:
                sure.doubt("route_table", table.id, uncertain[0][1])
            yield route, sure, onward

    def _is_certain(self, route: Route | None) -> bool:
        """Routes to a VPC's own range are not overtaken by those whose destinations are not known."""
        return route is not None and (
            route.kind == "local" or (route.kind == "attachment" and route.rank == PROPAGATED)
        )

    def _follow(self, route: Route, flow: Flow, chain: Chain, vpc: Vpc, subnet: Subnet | None) -> Iterator[Chain]:
        kind, target = route.kind, route.target
        if kind == "local":
            chain.visit(vpc.id)
            yield from self.deliver(vpc, flow, chain, subnet)
        elif kind == "igw":
            yield to_internet(self.net, target, flow, chain, vpc, subnet)
        elif kind == "eigw":
            yield to_internet(self.net, target, flow, chain, vpc, subnet, egress_only=True)
        elif kind == "nat":
            yield to_nat(self.net, target, flow, chain, vpc, subnet)
        elif kind == "pcx":
            yield from self._to_peer(target, flow, chain, vpc)
        elif kind == "tgw":
            yield from transit.to_transit(self, target, flow, chain, vpc, subnet)
        elif kind == "vgw":
            yield to_vgw(self.net, target, flow, chain, vpc)
        elif kind == "vpce":
            yield to_endpoint(self.net, target, flow, chain, vpc)
        elif kind in ("eni", "instance"):
            yield to_appliance(self.net, target, flow, chain, vpc, subnet)
        else:
            yield chain.give_up(f"{target} are not modelled")

    def _to_peer(self, id: str, flow: Flow, chain: Chain, vpc: Vpc) -> Iterator[Chain]:
        peering = self.net.peerings.get(id)
        if peering is None:
            yield chain.give_up(f"peering connection {id} is not in the snapshot")
            return
        if not peering.active or vpc.id not in peering.vpcs:
            yield chain.block("peering_connection", id, f"{id} is not active")
            return
        chain.visit(vpc.id)
        if flow.src is not None and not inside(flow.src, vpc.ranges[flow.family]):
            yield chain.block("peering_connection", id, f"{id} carries no traffic from beyond {vpc.id}")
            return
        other = self.net.vpcs.get(peering.vpcs[1 - peering.vpcs.index(vpc.id)])
        if other is None:
            far = peering.vpcs[1 - peering.vpcs.index(vpc.id)]
            yield chain.give_up(f"{far}, the other end of {id}, is not in the snapshot")
            return
        if flow.dst is not None and not inside(flow.dst, other.ranges[flow.family]):
            why = f"{id} leads to {other.id} and not beyond it, where {flow.target_text()} is"
            yield chain.block("peering_connection", id, why)
            return
        chain.visit(other.id)
        onward = flow if other.region == vpc.region else flow.seen_without_groups()
        yield from self.deliver(other, onward, chain)

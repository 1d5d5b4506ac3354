"""Transit gateways: into one by an attachment, through its route tables, out of it by another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sakimori.assess.network.addresses import inside
from sakimori.assess.network.filters import EGRESS, INGRESS
from sakimori.assess.network.routing import Route
from sakimori.assess.network.stages import Chain, Flow
from sakimori.assess.network.targets import reach_boundary
from sakimori.assess.network.topology import Attachment, Subnet, TransitGateway, Vpc

if TYPE_CHECKING:
    from sakimori.assess.network.walk import Walker


def to_transit(walker: Walker, id: str, flow: Flow, chain: Chain, vpc: Vpc, subnet: Subnet | None) -> Iterator[Chain]:
    gateway = walker.net.transits.get(id)
    if gateway is None:
        chain.visit(vpc.id)
        yield chain.give_up(f"transit gateway {id} is not in the snapshot")
        return
    attachment = vpc.attachments.get(id)
    if attachment is None:
        chain.visit(vpc.id)
        yield chain.give_up(f"the attachment of {vpc.id} to {id} is not in the snapshot")
        return
    if not attachment.available:
        chain.visit(vpc.id)
        yield chain.block("transit_gateway", id, f"{attachment.id} of {vpc.id} is not available")
        return
    if attachment.subnets is None:
        chain.doubt("transit_gateway_attachment", attachment.id, _no_subnets(attachment))
    elif subnet is not None:
        near = [each for each in attachment.subnets if each.zone == subnet.zone]
        if not near:
            why = f"{attachment.id} has no interface in {subnet.zone or 'the zone of ' + subnet.id}"
            yield chain.block("transit_gateway_attachment", attachment.id, why)
            return
        chain.nacl(near[0], INGRESS, flow, flow.src)
        chain.zone = subnet.zone
    chain.visit(vpc.id)
    chain.visit(id)
    yield from through(walker, gateway, attachment, flow, chain)


def through(walker: Walker, gateway: TransitGateway, source: Attachment, flow: Flow, chain: Chain) -> Iterator[Chain]:
    """Through a transit gateway, by the table that the attachment of arrival is associated with."""
    if not source.table and not gateway.tables:
        yield chain.give_up(f"the route tables of {gateway.id} are not in the snapshot")
        return
    if not source.table:
        why = f"{source.id} is associated with no route table of {gateway.id}"
        yield chain.block("transit_gateway", gateway.id, why)
        return
    table = walker.net.transit_tables.get(source.table)
    if table is None:
        yield chain.give_up(f"transit gateway route table {source.table} is not in the snapshot")
        return
    for route, step, onward in walker.choices(table, flow, chain):
        if route is None:
            if table.missing:
                yield step.give_up(table.missing)
            else:
                why = f"{table.id} has no route to {flow.target_text()}"
                yield step.block("transit_gateway_route_table", table.id, why)
        elif not route.active:
            yield step.block("transit_gateway_route_table", route.id, f"the route {route.id} is a black hole")
        else:
            ranges = None if onward.dst is not None else onward.ranges
            step.pass_rule("transit_gateway_route_table", route.id, ranges)
            if onward.dst is None and onward.src is not None:
                step.ranges = onward.ranges
            yield from _to_attachment(walker, gateway, route, onward, step)


def _to_attachment(walker: Walker, gateway: TransitGateway, route: Route, flow: Flow, chain: Chain) -> Iterator[Chain]:
    attachment = gateway.attachments.get(route.target)
    if route.kind != "attachment" or attachment is None:
        yield chain.give_up(f"{route.target or route.id} of {gateway.id} is not in the snapshot")
        return
    if not attachment.available:
        yield chain.block("transit_gateway_attachment", attachment.id, f"{attachment.id} is not available")
        return
    boundary = walker.net.boundaries.get(attachment.resource)
    if attachment.kind == "vpc":
        vpc = walker.net.vpcs.get(attachment.resource)
        if vpc is None:
            yield chain.give_up(f"{attachment.resource}, attached to {gateway.id}, is not in the snapshot")
            return
        home = flow.sender.subnet.vpc if flow.sender is not None else None
        if home is None or not walker.references(home, vpc, gateway):
            flow = flow.seen_without_groups()
        yield from _enter(walker, vpc, attachment, replace(flow, sender=None), chain)
    elif attachment.kind == "peering":
        other = walker.net.transits.get(attachment.resource)
        far = other.attachments.get(attachment.id) if other is not None else None
        if other is None or far is None:
            yield chain.give_up(f"{attachment.resource}, a peer of {gateway.id}, is not in the snapshot")
            return
        chain.visit(other.id)
        yield from through(walker, other, far, flow.seen_without_groups(), chain)
    elif boundary is not None:
        yield reach_boundary(boundary, chain)
    else:
        yield chain.give_up(f"what is behind {attachment.resource or attachment.id} ({attachment.kind})")


def _enter(walker: Walker, vpc: Vpc, attachment: Attachment, flow: Flow, chain: Chain) -> Iterator[Chain]:
    """Into a VPC by the attachment's interface: its subnet's network ACL and routes count."""
    chain.visit(vpc.id)
    if attachment.subnets is None:
        chain.doubt("transit_gateway_attachment", attachment.id, _no_subnets(attachment))
        yield from walker.deliver(vpc, flow, chain)
        return
    entry = _entry(attachment.subnets, flow, chain)
    if entry is None:
        why = f"{attachment.id} has no interface in a subnet of {vpc.id}"
        yield chain.block("transit_gateway_attachment", attachment.id, why)
        return
    if flow.dst is not None and inside(flow.dst, entry.ranges[flow.family]):
        chain.visit(entry.id)
        yield from walker.arrive(entry, flow, chain)
        return
    chain.nacl(entry, EGRESS, flow, flow.dst)
    yield from walker.route(entry.table, flow, chain, vpc, entry)


def _entry(subnets: tuple[Subnet, ...], flow: Flow, chain: Chain) -> Subnet | None:
    """The gateway stays in the zone that the traffic began in where it can."""
    near = next((each for each in subnets if each.zone == chain.zone), None)
    if near is not None or not subnets:
        return near
    if any((each.nacl, each.table) != (subnets[0].nacl, subnets[0].table) for each in subnets):
        reason = "which zone the transit gateway delivers to, where the zones' subnets differ"
        chain.doubt("transit_gateway", subnets[0].vpc.id, reason)
    return subnets[0]


def _no_subnets(attachment: Attachment) -> str:
    return f"the subnets of {attachment.id} are not in the snapshot"

"""What routes lead to, out of a VPC: gateways, endpoints, appliances."""

from __future__ import annotations

from sakimori.assess.network.addresses import INTERNET, V4, V6, Range, inside, overlap, text
from sakimori.assess.network.filters import INGRESS
from sakimori.assess.network.space import ICMP, TCP, UDP, box
from sakimori.assess.network.stages import BOUNDARY, INTERNET_NODE, NAT, SERVICE, Chain, Flow, Stage
from sakimori.assess.network.stages import INTERNET as REACHED_INTERNET
from sakimori.assess.network.topology import Boundary, Subnet, Topology, Vpc

NAT64: Range = (0x0064_FF9B << 96, (0x0064_FF9B << 96) + (1 << 32) - 1)
"""64:ff9b::/96, by which IPv6 hosts speak to IPv4 addresses (RFC 6052)."""


def public_access(net: Topology, chain: Chain, vpc: Vpc, subnet: Subnet | None, gateway: str, *, inward: bool) -> None:
    """VPC Block Public Access ("block-ingress" blocks what comes in by itself) and its exclusions."""
    mode = net.blocked_internet.get((vpc.account, vpc.region))
    if mode is None or (mode == "block-ingress" and not inward):
        return
    opened = net.open_internet.get(subnet.id if subnet else "") or net.open_internet.get(vpc.id)
    if opened == "allow-bidirectional" or (opened == "allow-egress" and not inward):
        return
    chain.block("vpc_block_public_access", gateway, f"VPC Block Public Access is on ({mode}) in {vpc.region}")


def to_internet(
    net: Topology, gateway: str, flow: Flow, chain: Chain, vpc: Vpc, subnet: Subnet | None, *, egress_only: bool = False
) -> Chain:
    chain.visit(vpc.id)
    component = "egress_only_internet_gateway" if egress_only else "internet_gateway"
    if gateway != (vpc.egress_only if egress_only else vpc.igw):
        return chain.block(component, gateway, f"{gateway} is not attached to {vpc.id}")
    chain.visit(gateway)
    public_access(net, chain, vpc, subnet, gateway, inward=False)
    if egress_only and flow.reply:
        return chain.block(component, gateway, f"{gateway} lets nothing out that answers a connection from outside")
    if not _is_public(flow, vpc):
        shown = text(flow.src, flow.family) if flow.src is not None else "the sender"
        return chain.block(component, gateway, f"{shown} has no public address that {gateway} could send from")
    if flow.dst is None:
        chain.ranges = overlap(flow.ranges, INTERNET[flow.family])
        chain.pass_rule(component, gateway, chain.ranges)
    elif inside(flow.dst, INTERNET[flow.family]):
        chain.pass_rule(component, gateway)
    else:
        return chain.block(component, gateway, f"{flow.target_text()} is not on the internet")
    chain.visit(INTERNET_NODE)
    chain.end, chain.at = REACHED_INTERNET, "eigw" if egress_only else "igw"
    return chain


def _is_public(flow: Flow, vpc: Vpc) -> bool:
    if flow.src is None or flow.sender is None or flow.sender.subnet.vpc is not vpc:
        return False
    return flow.src in flow.sender.public if flow.family == V4 else inside(flow.src, INTERNET[V6])


def to_nat(net: Topology, id: str, flow: Flow, chain: Chain, vpc: Vpc, subnet: Subnet | None) -> Chain:
    nat = net.nats.get(id)
    chain.visit(vpc.id)
    if nat is None or nat.interface is None:
        return chain.give_up(f"NAT gateway {id} is not in the snapshot")
    chain.visit(id)
    if nat.unmodelled:
        return chain.give_up(f"{nat.unmodelled} ({id}) are not modelled")
    if not nat.available:
        return chain.block("nat_gateway", id, f"{id} is not available")
    if flow.family == V6:
        if flow.dst is None or inside(flow.dst, [NAT64]):
            return chain.give_up(f"NAT64 ({id}) is not modelled")
        return chain.block("nat_gateway", id, f"{id} translates IPv4 only")
    if nat.interface.subnet is not subnet:
        chain.nacl(nat.interface.subnet, INGRESS, flow, flow.src)
    space = tuple(box(protocol=(each, each), trail=id) for each in (ICMP, TCP, UDP))
    chain.stages.append(Stage("nat_gateway", id, len(chain.nodes), space, f"{id} translates TCP, UDP and ICMP only"))
    chain.end, chain.at = NAT, nat
    return chain


def to_vgw(net: Topology, id: str, flow: Flow, chain: Chain, vpc: Vpc) -> Chain:
    chain.visit(vpc.id)
    if vpc.vgw != id:
        return chain.block("vpn_gateway", id, f"{id} is not attached to {vpc.id}")
    chain.visit(id)
    known = [net.boundaries[each] for each in net.vgw_boundaries.get(id, ())]
    for boundary in known:
        if flow.dst is not None and any(inside(flow.dst, [span]) for _, span in boundary.ranges):
            return reach_boundary(boundary, chain)
    if known:
        return reach_boundary(known[0], chain)
    return chain.give_up(f"what is behind {id} is not in the snapshot")


def reach_boundary(boundary: Boundary, chain: Chain) -> Chain:
    if boundary.kind != "VPN connection" or not boundary.far:
        chain.visit(boundary.id)
    if boundary.far:
        chain.visit(boundary.far)
    chain.end, chain.at = BOUNDARY, boundary
    return chain


def to_endpoint(net: Topology, id: str, flow: Flow, chain: Chain, vpc: Vpc) -> Chain:
    chain.visit(vpc.id)
    firewall = net.firewalls.get(id)
    kind = net.endpoints.get(id)
    if firewall:
        chain.visit(firewall)
        return chain.give_up(f"what the Network Firewall {firewall} lets pass")
    chain.visit(id)
    if kind is None:
        return chain.give_up(f"VPC endpoint {id} is not in the snapshot")
    if kind != "Gateway":
        return chain.give_up(f"what is behind the {kind} endpoint {id}")
    chain.end, chain.at = SERVICE, id
    return chain


def to_appliance(net: Topology, id: str, flow: Flow, chain: Chain, vpc: Vpc, subnet: Subnet | None) -> Chain:
    """An instance or interface as a route's target: it must be let at all, what it does then is its own."""
    interface = net.interfaces.get(id) or next(iter(net.by_node.get(id, ())), None)
    chain.visit(vpc.id)
    if interface is None:
        return chain.give_up(f"the route target {id} is not in the snapshot")
    if interface.subnet is not subnet:
        chain.visit(interface.subnet.id)
        chain.nacl(interface.subnet, INGRESS, flow, flow.src)
    chain.visit(interface.node)
    if not interface.forwards:
        why = f"the source/destination check of {interface.id} drops what is not for {interface.node} itself"
        return chain.block("source_destination_check", interface.id, why)
    if not flow.reply:
        chain.guard(interface.guard, INGRESS, flow, flow.src, flow.groups, interface.node)
    return chain.give_up(f"what {interface.node} does with traffic that is routed to it")

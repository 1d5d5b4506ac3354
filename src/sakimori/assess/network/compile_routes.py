"""Route tables of VPCs, from what DescribeRouteTables says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sakimori.assess.network.addresses import V4, V6, Range, cidr, range_text
from sakimori.assess.network.routing import PREFIX_LIST, PROPAGATED, STATIC, Route, RouteTable
from sakimori.assess.network.topology import Topology, Vpc
from sakimori.model.asset import Inventory

_TARGETS = {
    "NatGatewayId": "nat",
    "TransitGatewayId": "tgw",
    "VpcPeeringConnectionId": "pcx",
    "EgressOnlyInternetGatewayId": "eigw",
    "NetworkInterfaceId": "eni",
    "InstanceId": "instance",
}
_GATEWAYS = {"igw-": "igw", "vgw-": "vgw", "vpce-": "vpce", "eigw-": "eigw"}
_UNMODELLED = {
    "CarrierGatewayId": "carrier gateways",
    "LocalGatewayId": "local gateways of Outposts",
    "CoreNetworkArn": "Cloud WAN core networks",
    "OdbNetworkArn": "Oracle Database@AWS networks",
}
_NO_TARGET = frozenset(
    "DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId Origin State InstanceOwnerId IpAddress "
    "GatewayId AdvertisedBy".split()
)


def read_tables(
    topology: Topology, inventory: Inventory, prefixes: Mapping[str, list[str]], in_doubt: Collection[str] = ()
) -> None:
    """Reads the tables and hangs them on subnets, VPCs (the main ones) and gateways (edge associations). In the VPCs
    that are `in_doubt` not all tables are known."""
    for asset in inventory.of_type("AWS::EC2::RouteTable"):
        config = asset.config
        table = RouteTable(config.get("RouteTableId", asset.id))
        topology.tables[table.id] = table
        topology.uids[table.id] = asset.uid
        for each in config.get("Routes") or ():
            _read_route(table, each, prefixes)
        for association in config.get("Associations") or ():
            _associate(topology, table, config.get("VpcId", ""), association)
        _infer_gateways(topology, table, config.get("VpcId", ""))
    for vpc in topology.vpcs.values():
        fallback = (None if vpc.id in in_doubt else vpc.main_table) or _implied(vpc)
        for subnet in vpc.subnets:
            subnet.table = subnet.table or fallback


def _infer_gateways(topology: Topology, table: RouteTable, vpc_id: str) -> None:
    """A route to a gateway is active only while that is attached: so much is known of gateways that were not listed."""
    vpc = topology.vpcs.get(vpc_id)
    for route in table.routes if vpc is not None else ():
        attribute = {"igw": "igw", "eigw": "egress_only", "vgw": "vgw"}.get(route.kind)
        if attribute and route.active and route.target not in topology.uids and not getattr(vpc, attribute):
            setattr(vpc, attribute, route.target)


def _associate(topology: Topology, table: RouteTable, vpc_id: str, association: Mapping[str, Any]) -> None:
    if (association.get("AssociationState") or {}).get("State", "associated") not in ("associated", "associating"):
        return
    if association.get("GatewayId"):
        topology.edges[association["GatewayId"]] = table
    elif association.get("SubnetId"):
        subnet = topology.subnets.get(association["SubnetId"])
        if subnet is not None:
            subnet.table = table
    elif association.get("Main") and vpc_id in topology.vpcs:
        topology.vpcs[vpc_id].main_table = table


def _implied(vpc: Vpc) -> RouteTable:
    """What every VPC has, where the snapshot holds no route table: the local routes, and nothing known beyond."""
    table = RouteTable(f"{vpc.id}/local", missing=f"the route tables of {vpc.id} are not in the snapshot")
    for family, ranges in vpc.ranges.items():
        for span in ranges:
            table.routes.append(Route(f"{vpc.id}/local/{range_text(span, family)}", family, span, "local", "local"))
    return table


def _read_route(table: RouteTable, config: Mapping[str, Any], prefixes: Mapping[str, list[str]]) -> None:
    kind, target = _target(config)
    active = config.get("State", "active") == "active"
    prefix_list = config.get("DestinationPrefixListId")
    rank = PROPAGATED if config.get("Origin") == "EnableVgwRoutePropagation" else STATIC
    if prefix_list and prefix_list not in prefixes:
        route = Route(f"{table.id}/{prefix_list}", V4, (0, 0), kind, target, active, PREFIX_LIST)
        table.doubts.append((route, f"the addresses of prefix list {prefix_list} are not in the snapshot"))
        return
    for family, span, named in _destinations(config, prefixes):
        route = Route(f"{table.id}/{named}", family, span, kind, target, active, PREFIX_LIST if prefix_list else rank)
        table.routes.append(route)


def _destinations(config: Mapping[str, Any], prefixes: Mapping[str, list[str]]) -> Iterator[tuple[int, Range, str]]:
    prefix_list = config.get("DestinationPrefixListId")
    if prefix_list:
        for block in prefixes[prefix_list]:
            yield (*cidr(block), prefix_list)
    for key, expected in (("DestinationCidrBlock", V4), ("DestinationIpv6CidrBlock", V6)):
        if config.get(key):
            family, span = cidr(config[key])
            if family == expected:
                yield family, span, config[key]


def _target(config: Mapping[str, Any]) -> tuple[str, str]:
    for key, kind in _TARGETS.items():
        if config.get(key):
            if key == "InstanceId" and config.get("NetworkInterfaceId"):
                continue
            return kind, config[key]
    gateway = config.get("GatewayId") or ""
    if gateway == "local":
        return "local", gateway
    for prefix, kind in _GATEWAYS.items():
        if gateway.startswith(prefix):
            return kind, gateway
    for key, feature in _UNMODELLED.items():
        if config.get(key):
            return "unmodelled", f"{feature} ({config[key]})"
    for key in sorted(set(config) - _NO_TARGET):
        if config[key]:
            return "unmodelled", f"routes to {key} {config[key]}"
    if gateway:
        return "unmodelled", f"routes to the gateway {gateway}"
    if config.get("State") == "active":
        return "unmodelled", "routes whose target is not told"  # as AWS Config has those to newer kinds of targets
    return "blackhole", ""

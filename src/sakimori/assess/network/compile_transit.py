"""Transit gateways with their route tables, and what the model ends at: VPN, Direct Connect, networks of others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sakimori.assess.network.addresses import V4, V6, cidr
from sakimori.assess.network.routing import PROPAGATED, STATIC, Route, RouteTable
from sakimori.assess.network.topology import Attachment, Boundary, Topology, TransitGateway
from sakimori.model.asset import Asset, Inventory

GONE = frozenset(("deleted", "deleting", "failed", "rejected", "failing"))

PREFERENCE = ("direct-connect-gateway", "connect", "vpn")
"""Whose propagated route wins (transit gateway guide, "Route evaluation order")."""


def read_transits(topology: Topology, inventory: Inventory) -> None:
    for asset in inventory.of_type("AWS::EC2::TransitGateway"):
        id = asset.config.get("TransitGatewayId", asset.id)
        options = asset.config.get("Options") or {}
        references = options.get("SecurityGroupReferencingSupport") == "enable"
        topology.transits[id] = TransitGateway(id, asset.uid, references)
        topology.uids[id] = asset.uid
    for asset in inventory.of_type("AWS::EC2::TransitGatewayAttachment"):
        _read_attachment(topology, asset)
    for asset in inventory.of_type("AWS::EC2::TransitGatewayRouteTable"):
        _read_table(topology, asset)


def _read_attachment(topology: Topology, asset: Asset) -> None:
    config = asset.config
    id = config.get("TransitGatewayAttachmentId", asset.id)
    gateway = topology.transits.get(config.get("TransitGatewayId", ""))
    if gateway is None or config.get("State", "available") in GONE:
        return
    kind = config.get("ResourceType", "")
    subnets = None
    details = config.get("VpcAttachment") or {}
    if details.get("SubnetIds") is not None:
        subnets = tuple(topology.subnets[each] for each in details["SubnetIds"] if each in topology.subnets)
    references = (details.get("Options") or {}).get("SecurityGroupReferencingSupport") == "enable"
    attachment = Attachment(
        id=id,
        gateway=gateway.id,
        kind=kind,
        resource=config.get("ResourceId", ""),
        table=(config.get("Association") or {}).get("TransitGatewayRouteTableId", ""),
        available=config.get("State", "available") in ("available", "modifying"),
        subnets=subnets,
        references=references,
    )
    known = gateway.attachments.get(id)
    if known is not None:
        # Both ends' accounts list it, and each tells what it may see.
        known.table = known.table or attachment.table
        known.subnets = known.subnets if known.subnets is not None else attachment.subnets
        known.references = known.references or attachment.references
        return
    gateway.attachments[id] = attachment
    vpc = topology.vpcs.get(attachment.resource)
    if kind == "vpc" and vpc is not None:
        vpc.attachments[gateway.id] = attachment


def _read_table(topology: Topology, asset: Asset) -> None:
    config = asset.config
    gateway = topology.transits.get(config.get("TransitGatewayId", ""))
    if gateway is None:
        return
    table = RouteTable(config.get("TransitGatewayRouteTableId", asset.id))
    topology.transit_tables[table.id] = table
    gateway.tables.append(table.id)
    topology.uids[table.id] = asset.uid
    for association in config.get("Associations") or ():
        attachment = gateway.attachments.get(association.get("TransitGatewayAttachmentId", ""))
        if attachment is not None and association.get("State") in ("associated", "associating", None):
            attachment.table = table.id
    listed = config.get("Routes")
    if listed is None:
        table.missing = f"the routes of {table.id} are not in the snapshot"
    for each in listed or ():
        _add(table, each)
    for propagation in config.get("Propagations") or ():
        if propagation.get("State") in ("enabled", "enabling", None):
            _propagate(topology, table, gateway, propagation.get("TransitGatewayAttachmentId", ""))
    table.doubts.sort(key=lambda pair: PREFERENCE.index(_kind(gateway, pair[0])))


def _kind(gateway: TransitGateway, route: Route) -> str:
    return gateway.attachments[route.target].kind


def _add(table: RouteTable, config: Mapping[str, Any]) -> None:
    block = config.get("DestinationCidrBlock")
    if not block or config.get("State") not in ("active", "blackhole"):
        if config.get("PrefixListId"):
            route = Route(f"{table.id}/{config['PrefixListId']}", V4, (0, 0), "unmodelled", "prefix lists")
            table.doubts.append((route, f"{config['PrefixListId']}, which {table.id} refers to, is not resolved"))
        return
    family, span = cidr(block)
    targets = [each["TransitGatewayAttachmentId"] for each in config.get("TransitGatewayAttachments") or ()]
    active = config["State"] == "active" and bool(targets)
    rank = STATIC if config.get("Type", "static") == "static" else PROPAGATED
    target = targets[0] if targets else ""
    table.routes.append(Route(f"{table.id}/{block}", family, span, "attachment", target, active, rank))


def _propagate(topology: Topology, table: RouteTable, gateway: TransitGateway, attachment_id: str) -> None:
    """A VPC's attachment propagates the VPC's ranges; what others propagate comes by BGP, which a snapshot may lack."""
    attachment = gateway.attachments.get(attachment_id)
    if attachment is None or not attachment.available:
        return
    vpc = topology.vpcs.get(attachment.resource) if attachment.kind == "vpc" else None
    if vpc is not None:
        for family in (V4, V6):
            for span in vpc.ranges[family]:
                named = f"{table.id}/{attachment_id}"
                table.routes.append(Route(named, family, span, "attachment", attachment_id, True, PROPAGATED))
        return
    told = any(route.target == attachment_id and route.rank == PROPAGATED for route in table.routes)
    if attachment.kind in PREFERENCE and not told:
        route = Route(f"{table.id}/{attachment_id}", V4, (0, 0), "attachment", attachment_id, True, PROPAGATED)
        table.doubts.append((route, f"what {attachment.resource} propagates to {table.id} is not in the snapshot"))


def read_boundaries(topology: Topology, inventory: Inventory) -> None:
    """VPN connections and Direct Connect, with the on-premises router behind each where the snapshot has it."""
    routers = list(inventory.of_type("OnPremises::Router"))
    for asset in routers:
        topology.uids[asset.id] = asset.uid
        topology.boundaries[asset.id] = Boundary(asset.id, asset.uid, "on-premises")
    customers = {
        asset.config.get("CustomerGatewayId", asset.id): asset.config.get("IpAddress", "")
        for asset in inventory.of_type("AWS::EC2::CustomerGateway")
    }
    for asset in inventory.of_type("AWS::EC2::VPNConnection"):
        _read_vpn(topology, asset, routers, customers)
    for asset in inventory.of_type("AWS::DirectConnect::Gateway"):
        _read_direct_connect(topology, inventory, asset, routers)


def _read_vpn(topology: Topology, asset: Asset, routers: list[Asset], customers: Mapping[str, str]) -> None:
    config = asset.config
    id = config.get("VpnConnectionId", asset.id)
    if config.get("State") in GONE:
        return
    spans = []
    for route in config.get("Routes") or ():
        if route.get("DestinationCidrBlock") and route.get("State", "available") == "available":
            spans.append(cidr(route["DestinationCidrBlock"]))
    address = customers.get(config.get("CustomerGatewayId", ""), "")
    far = _router(routers, [address, *_tunnels(config)])
    topology.boundaries[id] = Boundary(id, asset.uid, "VPN connection", tuple(spans), far)
    topology.uids[id] = asset.uid
    if config.get("VpnGatewayId"):
        topology.vgw_boundaries.setdefault(config["VpnGatewayId"], []).append(id)


def _tunnels(config: Mapping[str, Any]) -> list[str]:
    """The customer's tunnel addresses, out of the configuration that AWS writes for the customer's device."""
    text = config.get("CustomerGatewayConfiguration") or ""
    found = []
    for part in re.findall(r"<customer_gateway>(.*?)</customer_gateway>", text, re.DOTALL):
        found += re.findall(r"<ip_address>\s*([0-9a-fA-F.:]+)\s*</ip_address>", part)
    return found


def _read_direct_connect(topology: Topology, inventory: Inventory, asset: Asset, routers: list[Asset]) -> None:
    resource = asset.config.get("directConnectGatewayId", asset.id)
    id = resource if resource.startswith("dxgw-") else f"dxgw-{resource}"
    peers = []
    for interface in inventory.of_type("AWS::DirectConnect::VirtualInterface"):
        if interface.config.get("directConnectGatewayId") == resource:
            for peer in interface.config.get("bgpPeers") or (interface.config,):
                peers.append(str(peer.get("customerAddress", "")).partition("/")[0])
    boundary = Boundary(id, asset.uid, "Direct Connect gateway", (), _router(routers, peers))
    topology.boundaries[id] = topology.boundaries[resource] = boundary
    topology.uids[id] = asset.uid
    for association in inventory.of_type("AWS::DirectConnect::GatewayAssociation"):
        gateway = association.config.get("associatedGateway") or {}
        if association.config.get("directConnectGatewayId") == resource and gateway.get("type") != "transitGateway":
            topology.vgw_boundaries.setdefault(gateway.get("id", ""), []).insert(0, id)


def _router(routers: list[Asset], addresses: list[str]) -> str:
    """The router whose configuration has one of the addresses for its own."""
    wanted = {each for each in addresses if each}
    for router in routers:
        if wanted & set(router.config.get("Addresses") or ()):
            return router.id
    return ""

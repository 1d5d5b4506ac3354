"""Direct Connect: connections, virtual interfaces and gateways. What lies beyond is not AWS's."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.discover.declare import Listing, Place, Resource, Service, Tie, arn
from sakimori.model.asset import Asset, Relation

GATEWAY_ARN = "arn:{@partition}:directconnect::{ownerAccount?@account}:dx-gateway/{directConnectGatewayId}"


def associated(association: Asset, place: Place) -> Iterator[Relation]:
    """`attached-to`: the virtual private or transit gateway that a Direct Connect gateway leads to."""
    gateway = association.config.get("associatedGateway") or {}
    kind = {"virtualPrivateGateway": "vpn-gateway", "transitGateway": "transit-gateway"}.get(str(gateway.get("type")))
    if kind:
        where = f"{gateway.get('region') or place.region}:{gateway.get('ownerAccount') or place.account}"
        yield Relation(association.uid, "attached-to", f"arn:{place.partition}:ec2:{where}:{kind}/{gateway['id']}")


CONNECTION = Resource(
    "AWS::DirectConnect::Connection",
    items="connections[]",
    arn=arn("directconnect", "dxcon/{connectionId}"),
    name="{connectionName}",
    tags="tags",
    moving=(
        "rateLimiterStatus",
        "prefixPoolUnallocatedCountIpv4",
        "prefixPoolUnallocatedCountIpv6",
    ),
)

INTERFACE = Resource(
    "AWS::DirectConnect::VirtualInterface",
    items="virtualInterfaces[]",
    arn=arn("directconnect", "dxvif/{virtualInterfaceId}"),
    name="{virtualInterfaceName}",
    tags="tags",
    relations=(
        Tie("in", "connectionId", arn("directconnect", "dxcon/{}")),
        Tie("attached-to", "virtualGatewayId", arn("ec2", "vpn-gateway/{}")),
        Tie("attached-to", "directConnectGatewayId", "arn:{@partition}:directconnect::{@account}:dx-gateway/{}"),
    ),
    moving=("bgpPeers[].bgpStatus",),
)

ASSOCIATION = Resource(
    "AWS::DirectConnect::GatewayAssociation",
    items="directConnectGatewayAssociations[]",
    arn="arn:{@partition}:directconnect::{@account}:dx-gateway-association/{associationId}",
    relations=(
        Tie("in", "directConnectGatewayId", "arn:{@partition}:directconnect::{@account}:dx-gateway/{}"),
        associated,
    ),
)

GATEWAY = Resource(
    "AWS::DirectConnect::Gateway",
    items="directConnectGateways[]",
    arn=GATEWAY_ARN,
    name="{directConnectGatewayName}",
    tags="tags",
    lists=(
        Listing(
            operation="DescribeDirectConnectGatewayAssociations",
            parameters={"directConnectGatewayId": "{directConnectGatewayId}"},
            gives=(ASSOCIATION,),
        ),
    ),
)

SERVICE = Service(
    client="directconnect",
    lists=(
        Listing(operation="DescribeConnections", gives=(CONNECTION,)),
        Listing(
            operation="DescribeVirtualInterfaces",
            # BGP's keys stand in all three.
            secrets=(
                "virtualInterfaces[].authKey",
                "virtualInterfaces[].customerRouterConfig",
                "virtualInterfaces[].bgpPeers[].authKey",
            ),
            gives=(INTERFACE,),
        ),
        Listing(operation="DescribeDirectConnectGateways", gives=(GATEWAY,)),
    ),
)

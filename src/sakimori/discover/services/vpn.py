"""VPN: the gateways on both sides, site-to-site connections, client VPN endpoints. What lies beyond is not AWS's."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Resource, Service, Tie, arn

GATEWAY = Resource(
    "AWS::EC2::VPNGateway",
    items="VpnGateways[]",
    arn=arn("ec2", "vpn-gateway/{VpnGatewayId}"),
    relations=(Tie("attached-to", "VpcAttachments[].VpcId", arn("ec2", "vpc/{}")),),
)

CUSTOMER_GATEWAY = Resource(
    "AWS::EC2::CustomerGateway", items="CustomerGateways[]", arn=arn("ec2", "customer-gateway/{CustomerGatewayId}")
)

CONNECTION = Resource(
    "AWS::EC2::VPNConnection",
    items="VpnConnections[]",
    arn=arn("ec2", "vpn-connection/{VpnConnectionId}"),
    relations=(
        Tie("attached-to", "VpnGatewayId", arn("ec2", "vpn-gateway/{}")),
        Tie("attached-to", "TransitGatewayId", arn("ec2", "transit-gateway/{}")),
        Tie("attached-to", "CustomerGatewayId", arn("ec2", "customer-gateway/{}")),
    ),
    moving=(
        "VgwTelemetry[].AcceptedRouteCount",
        "VgwTelemetry[].LastStatusChange",
        "VgwTelemetry[].Status",
        "VgwTelemetry[].StatusMessage",
    ),
)

CLIENT_ENDPOINT = Resource(
    "AWS::EC2::ClientVpnEndpoint",
    items="ClientVpnEndpoints[]",
    arn=arn("ec2", "client-vpn-endpoint/{ClientVpnEndpointId}"),
    relations=(
        Tie("in", "VpcId", arn("ec2", "vpc/{}")),
        Tie("uses", "SecurityGroupIds[]", arn("ec2", "security-group/{}")),
    ),
)

SERVICE = Service(
    client="ec2",
    lists=(
        Listing(operation="DescribeVpnGateways", gives=(GATEWAY,)),
        Listing(operation="DescribeCustomerGateways", gives=(CUSTOMER_GATEWAY,)),
        Listing(
            operation="DescribeVpnConnections",
            # The tunnels' keys stand in both.
            secrets=(
                "VpnConnections[].CustomerGatewayConfiguration",
                "VpnConnections[].Options.TunnelOptions[].PreSharedKey",
            ),
            gives=(CONNECTION,),
        ),
        Listing(operation="DescribeClientVpnEndpoints", gives=(CLIENT_ENDPOINT,)),
    ),
)

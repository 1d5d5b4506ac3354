"""VPC: networks with their routes, filters, gateways, endpoints and interfaces. Transit gateways and VPNs have files
of their own."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.discover.declare import Detail, Item, Listing, Place, Resource, Service, Tie, arn, owned
from sakimori.model.asset import Asset, Relation

IN_VPC = Tie("in", "VpcId", arn("ec2", "vpc/{}"))
IN_SUBNET = Tie("in", "SubnetId", arn("ec2", "subnet/{}"))

TARGETS = {
    "igw": "internet-gateway",
    "vgw": "vpn-gateway",
    "eigw": "egress-only-internet-gateway",
    "nat": "natgateway",
    "tgw": "transit-gateway",
    "pcx": "vpc-peering-connection",
    "eni": "network-interface",
    "i": "instance",
    "vpce": "vpc-endpoint",
    "cagw": "carrier-gateway",
    "lgw": "local-gateway",
    "odb": "odb-network",
}
"""What stands before the first hyphen of a route's target -> the resource type in its ARN."""

_HOPS = (
    *("GatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "EgressOnlyInternetGatewayId"),
    *("NetworkInterfaceId", "InstanceId", "CarrierGatewayId", "LocalGatewayId"),
)


def _gateway(id: str, place: Place) -> str:
    """The ARN of what a route leads to, "" for `local` and what we do not know."""
    kind = TARGETS.get(id.split("-")[0])
    return f"arn:{place.partition}:ec2:{place.region}:{place.account}:{kind}/{id}" if kind else ""


def routes(table: Asset, place: Place) -> Iterator[Relation]:
    """`routes-to`: the gateways and interfaces that a route table's routes lead to, with their destinations."""
    destinations: dict[str, list[str]] = {}
    for route in table.config.get("Routes") or ():
        to = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        to = to or route.get("DestinationPrefixListId") or ""
        hops = {_gateway(route[name], place) for name in _HOPS if route.get(name)}
        for target in filter(None, hops):
            destinations.setdefault(target, []).append(to)
    for target, reached in destinations.items():
        yield Relation(table.uid, "routes-to", target, {"Destinations": reached})


def table_attachments(table: Asset, place: Place) -> Iterator[Relation]:
    """`attached-to`: the gateways that an edge route table is associated with."""
    for association in table.config.get("Associations") or ():
        target = _gateway(association.get("GatewayId") or "", place)
        if target:
            yield Relation(table.uid, "attached-to", target)


def _rule(type: str, *, egress: bool) -> Resource:
    def mine(rule: Item) -> bool:
        return bool(rule.get("IsEgress")) is egress

    return Resource(
        type,
        items="SecurityGroupRules[]",
        arn="arn:{@partition}:ec2:{@region}:{GroupOwnerId?@account}:security-group-rule/{SecurityGroupRuleId}",
        where=mine,
        relations=(Tie("in", "GroupId", arn("ec2", "security-group/{}")),),
    )


VPC = Resource("AWS::EC2::VPC", items="Vpcs[]", arn=owned("vpc/{VpcId}"))

SUBNET = Resource(
    "AWS::EC2::Subnet",
    items="Subnets[]",
    arn=owned("subnet/{SubnetId}"),
    relations=(IN_VPC,),
    moving=("AvailableIpAddressCount",),
)

ROUTE_TABLE = Resource(
    "AWS::EC2::RouteTable",
    items="RouteTables[]",
    arn=owned("route-table/{RouteTableId}"),
    relations=(
        IN_VPC,
        Tie("attached-to", "Associations[].SubnetId", arn("ec2", "subnet/{}")),
        table_attachments,
        routes,
    ),
)

NETWORK_ACL = Resource(
    "AWS::EC2::NetworkAcl",
    items="NetworkAcls[]",
    arn=owned("network-acl/{NetworkAclId}"),
    relations=(IN_VPC, Tie("attached-to", "Associations[].SubnetId", arn("ec2", "subnet/{}"))),
)

_OTHER_GROUP = "arn:{@partition}:ec2:{@region}:{UserId?@account}:security-group/{GroupId}"

SECURITY_GROUP = Resource(
    "AWS::EC2::SecurityGroup",
    items="SecurityGroups[]",
    arn=owned("security-group/{GroupId}"),
    name="{GroupName}",
    relations=(
        IN_VPC,
        Tie("allows-from", "IpPermissions[].UserIdGroupPairs[]", _OTHER_GROUP),
        Tie("allows-to", "IpPermissionsEgress[].UserIdGroupPairs[]", _OTHER_GROUP),
        Tie("uses", "IpPermissions[].PrefixListIds[].PrefixListId", arn("ec2", "prefix-list/{}")),
        Tie("uses", "IpPermissionsEgress[].PrefixListIds[].PrefixListId", arn("ec2", "prefix-list/{}")),
    ),
)

PREFIX_LIST = Resource(
    "AWS::EC2::PrefixList",
    items="PrefixLists[]",
    arn=arn("ec2", "prefix-list/{PrefixListId}"),
    name="{PrefixListName}",
    details=(
        Detail(
            operation="GetManagedPrefixListEntries",
            parameters={"PrefixListId": "{PrefixListId}"},
            path="Entries[]",
            under="Entries",
        ),
    ),
)

INTERNET_GATEWAY = Resource(
    "AWS::EC2::InternetGateway",
    items="InternetGateways[]",
    arn=owned("internet-gateway/{InternetGatewayId}"),
    relations=(Tie("attached-to", "Attachments[].VpcId", arn("ec2", "vpc/{}")),),
)

EGRESS_ONLY = Resource(
    "AWS::EC2::EgressOnlyInternetGateway",
    items="EgressOnlyInternetGateways[]",
    arn=arn("ec2", "egress-only-internet-gateway/{EgressOnlyInternetGatewayId}"),
    relations=(Tie("attached-to", "Attachments[].VpcId", arn("ec2", "vpc/{}")),),
)

NAT_GATEWAY = Resource(
    "AWS::EC2::NatGateway",
    items="NatGateways[]",
    arn=arn("ec2", "natgateway/{NatGatewayId}"),
    relations=(
        IN_VPC,
        IN_SUBNET,
        Tie("uses", "NatGatewayAddresses[].NetworkInterfaceId", arn("ec2", "network-interface/{}")),
    ),
)

CARRIER_GATEWAY = Resource(
    "AWS::EC2::CarrierGateway",
    items="CarrierGateways[]",
    arn=owned("carrier-gateway/{CarrierGatewayId}"),
    relations=(IN_VPC,),
)

PEERING = Resource(
    "AWS::EC2::VPCPeeringConnection",
    items="VpcPeeringConnections[]",
    arn="arn:{@partition}:ec2:{AccepterVpcInfo.Region?@region}:{AccepterVpcInfo.OwnerId?@account}"
    ":vpc-peering-connection/{VpcPeeringConnectionId}",
    relations=(
        Tie("peers", "AccepterVpcInfo", "arn:{@partition}:ec2:{Region?@region}:{OwnerId}:vpc/{VpcId}"),
        Tie("peers", "RequesterVpcInfo", "arn:{@partition}:ec2:{Region?@region}:{OwnerId}:vpc/{VpcId}"),
    ),
)

ENDPOINT = Resource(
    "AWS::EC2::VPCEndpoint",
    items="VpcEndpoints[]",
    arn=owned("vpc-endpoint/{VpcEndpointId}"),
    documents=("PolicyDocument",),
    relations=(
        IN_VPC,
        Tie("in", "SubnetIds[]", arn("ec2", "subnet/{}")),
        Tie("attached-to", "RouteTableIds[]", arn("ec2", "route-table/{}")),
        Tie("uses", "Groups[].GroupId", arn("ec2", "security-group/{}")),
        Tie("uses", "NetworkInterfaceIds[]", arn("ec2", "network-interface/{}")),
    ),
)

ENDPOINT_SERVICE = Resource(
    "AWS::EC2::VPCEndpointService",
    items="ServiceConfigurations[]",
    arn=arn("ec2", "vpc-endpoint-service/{ServiceId}"),
    name="{ServiceName}",
    details=(
        Detail(
            operation="DescribeVpcEndpointServicePermissions",
            parameters={"ServiceId": "{ServiceId}"},
            path="AllowedPrincipals[]",
            under="AllowedPrincipals",
        ),
    ),
    relations=(Tie("targets", "NetworkLoadBalancerArns[]"), Tie("targets", "GatewayLoadBalancerArns[]")),
)

INTERFACE = Resource(
    "AWS::EC2::NetworkInterface",
    items="NetworkInterfaces[]",
    arn=owned("network-interface/{NetworkInterfaceId}"),
    tags="TagSet",
    relations=(
        IN_VPC,
        IN_SUBNET,
        Tie("uses", "Groups[].GroupId", arn("ec2", "security-group/{}")),
        Tie("attached-to", "Attachment.InstanceId", arn("ec2", "instance/{}")),
    ),
)

ADDRESS = Resource(
    "AWS::EC2::EIP",
    items="Addresses[]",
    arn=arn("ec2", "elastic-ip/{AllocationId?PublicIp}"),
    relations=(
        Tie("attached-to", "NetworkInterfaceId", arn("ec2", "network-interface/{}")),
        Tie("attached-to", "InstanceId", arn("ec2", "instance/{}")),
    ),
)

CONNECT_ENDPOINT = Resource(
    "AWS::EC2::InstanceConnectEndpoint",
    items="InstanceConnectEndpoints[]",
    arn="{InstanceConnectEndpointArn}",
    relations=(IN_VPC, IN_SUBNET, Tie("uses", "SecurityGroupIds[]", arn("ec2", "security-group/{}"))),
)

FLOW_LOG = Resource(
    "AWS::EC2::FlowLog",
    items="FlowLogs[]",
    arn=arn("ec2", "vpc-flow-log/{FlowLogId}"),
    relations=(Tie("logs-to", "LogDestination"),),
)

BLOCK_PUBLIC_ACCESS = Resource(
    "AWS::EC2::VPCBlockPublicAccessOptions",
    items="VpcBlockPublicAccessOptions",
    arn=arn("ec2", "vpc-block-public-access-options"),
)

BLOCK_EXCLUSION = Resource(
    "AWS::EC2::VPCBlockPublicAccessExclusion",
    items="VpcBlockPublicAccessExclusions[]",
    arn=arn("ec2", "vpc-block-public-access-exclusion/{ExclusionId}"),
    relations=(Tie("excludes", "ResourceArn"),),
)

SERVICE = Service(
    client="ec2",
    lists=(
        Listing(operation="DescribeVpcs", gives=(VPC,)),
        Listing(operation="DescribeSubnets", gives=(SUBNET,)),
        Listing(operation="DescribeRouteTables", page_size=100, gives=(ROUTE_TABLE,)),
        Listing(operation="DescribeNetworkAcls", gives=(NETWORK_ACL,)),
        Listing(operation="DescribeSecurityGroups", gives=(SECURITY_GROUP,)),
        Listing(
            operation="DescribeSecurityGroupRules",
            gives=(
                _rule("AWS::EC2::SecurityGroupIngress", egress=False),
                _rule("AWS::EC2::SecurityGroupEgress", egress=True),
            ),
        ),
        Listing(operation="DescribeManagedPrefixLists", gives=(PREFIX_LIST,)),
        Listing(operation="DescribeInternetGateways", gives=(INTERNET_GATEWAY,)),
        Listing(operation="DescribeEgressOnlyInternetGateways", gives=(EGRESS_ONLY,)),
        Listing(operation="DescribeNatGateways", gives=(NAT_GATEWAY,)),
        Listing(operation="DescribeCarrierGateways", gives=(CARRIER_GATEWAY,)),
        Listing(operation="DescribeVpcPeeringConnections", gives=(PEERING,)),
        Listing(operation="DescribeVpcEndpoints", gives=(ENDPOINT,)),
        Listing(operation="DescribeVpcEndpointServiceConfigurations", gives=(ENDPOINT_SERVICE,)),
        Listing(operation="DescribeNetworkInterfaces", gives=(INTERFACE,)),
        Listing(operation="DescribeAddresses", gives=(ADDRESS,)),
        Listing(operation="DescribeInstanceConnectEndpoints", gives=(CONNECT_ENDPOINT,)),
        Listing(operation="DescribeFlowLogs", gives=(FLOW_LOG,)),
        Listing(operation="DescribeVpcBlockPublicAccessOptions", gives=(BLOCK_PUBLIC_ACCESS,)),
        Listing(operation="DescribeVpcBlockPublicAccessExclusions", gives=(BLOCK_EXCLUSION,)),
    ),
)

"""Route 53 Resolver: the endpoints between a VPC's DNS and other networks', forwarding rules, and query logs."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import in_subnets, in_vpc, uses_groups

ENDPOINT = Resource(
    "AWS::Route53Resolver::ResolverEndpoint",
    items="ResolverEndpoints[]",
    arn="{Arn}",
    name="{Name}",
    details=(
        Detail(
            operation="ListResolverEndpointIpAddresses",
            parameters={"ResolverEndpointId": "{Id}"},
            path="IpAddresses[]",
            under="IpAddresses",
        ),
    ),
    relations=(in_vpc("HostVPCId"), in_subnets("IpAddresses[].SubnetId"), uses_groups("SecurityGroupIds[]")),
)

RULE = Resource(
    "AWS::Route53Resolver::ResolverRule",
    items="ResolverRules[]",
    arn="{Arn}",
    name="{Name}",
    details=(
        Detail(
            operation="ListResolverRuleAssociations",
            shared=True,
            many=True,
            path="ResolverRuleAssociations[]",
            key="ResolverRuleId",
            of="{Id}",
            under="Associations",
        ),
    ),
    relations=(
        Tie("attached-to", "Associations[].VPCId", arn("ec2", "vpc/{}")),
        Tie("uses", "ResolverEndpointId", arn("route53resolver", "resolver-endpoint/{}")),
    ),
)

QUERY_LOG = Resource(
    "AWS::Route53Resolver::ResolverQueryLoggingConfig",
    items="ResolverQueryLogConfigs[]",
    arn="{Arn}",
    name="{Name}",
    details=(
        Detail(
            operation="ListResolverQueryLogConfigAssociations",
            shared=True,
            many=True,
            path="ResolverQueryLogConfigAssociations[]",
            key="ResolverQueryLogConfigId",
            of="{Id}",
            under="Associations",
        ),
    ),
    relations=(
        Tie("attached-to", "Associations[].ResourceId", arn("ec2", "vpc/{}")),
        Tie("logs-to", "DestinationArn"),
    ),
)

SERVICE = Service(
    client="route53resolver",
    lists=(
        Listing(operation="ListResolverEndpoints", page_size=100, gives=(ENDPOINT,)),
        Listing(operation="ListResolverRules", page_size=100, gives=(RULE,)),
        Listing(operation="ListResolverQueryLogConfigs", page_size=100, gives=(QUERY_LOG,)),
    ),
)

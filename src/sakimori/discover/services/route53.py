"""Route 53: hosted zones with their records, the VPCs that private ones answer in, and the logging of queries."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Reach, Resource, Service, Tie

_ZONE = "arn:{@partition}:route53:::hostedzone/"


def _private(zone: Item) -> bool:
    return bool(zone.get("Config", {}).get("PrivateZone"))


RECORD = Resource(
    "AWS::Route53::RecordSet",
    items="ResourceRecordSets[]",
    arn=_ZONE + "{/HostedZoneId}/rrset/{Name}/{Type}/{SetIdentifier?Type}",
    name="{Name}",
    inherit={"HostedZoneId": "{Id}"},
    relations=(Tie("in", "HostedZoneId", _ZONE + "{/}"),),
)

ZONE = Resource(
    "AWS::Route53::HostedZone",
    items="HostedZones[]",
    arn=_ZONE + "{/Id}",
    name="{Name}",
    details=(
        Detail(operation="GetHostedZone", parameters={"Id": "{Id}"}, path="VPCs[]", under="VPCs", when=_private),
        Detail(
            operation="ListTagsForResources",
            parameters={"ResourceType": "hostedzone", "ResourceIds": "{/Id}"},
            each="ResourceIds",
            batch=10,
            path="ResourceTagSets[]",
            key="ResourceId",
            of="{/Id}",
            value="Tags",
            under="Tags",
        ),
        Detail(
            operation="ListQueryLoggingConfigs",
            shared=True,
            path="QueryLoggingConfigs[]",
            key="HostedZoneId",
            of="{/Id}",
            under="QueryLoggingConfig",
        ),
    ),
    lists=(Listing(operation="ListResourceRecordSets", parameters={"HostedZoneId": "{Id}"}, gives=(RECORD,)),),
    relations=(
        Tie("attached-to", "VPCs[]", "arn:{@partition}:ec2:{VPCRegion}:{@account}:vpc/{VPCId}"),
        Tie("logs-to", "QueryLoggingConfig.CloudWatchLogsLogGroupArn"),
    ),
)

SERVICE = Service(
    client="route53",
    reach=Reach.GLOBAL,
    lists=(Listing(operation="ListHostedZones", gives=(ZONE,)),),
)

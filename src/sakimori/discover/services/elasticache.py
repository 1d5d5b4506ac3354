"""ElastiCache: clusters, replication groups, serverless caches, subnet groups, and the users of their access lists."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by, in_subnets, in_vpc, uses_groups

TAGS = Detail(operation="ListTagsForResource", parameters={"ResourceName": "{ARN}"}, path="TagList[]", under="Tags")
_LOGS = Tie(
    "logs-to",
    "LogDeliveryConfigurations[].DestinationDetails.CloudWatchLogsDetails.LogGroup",
    arn("logs", "log-group:{}"),
)

CLUSTER = Resource(
    "AWS::ElastiCache::CacheCluster",
    items="CacheClusters[]",
    arn="{ARN}",
    name="{CacheClusterId}",
    details=(TAGS,),
    relations=(
        Tie("in", "CacheSubnetGroupName", arn("elasticache", "subnetgroup:{}")),
        Tie("member-of", "ReplicationGroupId", arn("elasticache", "replicationgroup:{}")),
        uses_groups("SecurityGroups[].SecurityGroupId"),
        _LOGS,
    ),
)

REPLICATION_GROUP = Resource(
    "AWS::ElastiCache::ReplicationGroup",
    items="ReplicationGroups[]",
    arn="{ARN}",
    name="{ReplicationGroupId}",
    details=(TAGS,),
    relations=(encrypted_by("KmsKeyId"), _LOGS),
    moving=("PendingModifiedValues.Resharding.SlotMigration",),
)

SERVERLESS = Resource(
    "AWS::ElastiCache::ServerlessCache",
    items="ServerlessCaches[]",
    arn="{ARN}",
    name="{ServerlessCacheName}",
    details=(TAGS,),
    relations=(in_subnets("SubnetIds[]"), uses_groups("SecurityGroupIds[]"), encrypted_by("KmsKeyId")),
)

SUBNET_GROUP = Resource(
    "AWS::ElastiCache::SubnetGroup",
    items="CacheSubnetGroups[]",
    arn="{ARN}",
    name="{CacheSubnetGroupName}",
    relations=(in_vpc("VpcId"), in_subnets("Subnets[].SubnetIdentifier")),
)

USER = Resource("AWS::ElastiCache::User", items="Users[]", arn="{ARN}", name="{UserName}")

SERVICE = Service(
    client="elasticache",
    lists=(
        Listing(operation="DescribeCacheClusters", parameters={"ShowCacheNodeInfo": True}, gives=(CLUSTER,)),
        Listing(operation="DescribeReplicationGroups", gives=(REPLICATION_GROUP,)),
        Listing(operation="DescribeServerlessCaches", gives=(SERVERLESS,)),
        Listing(operation="DescribeCacheSubnetGroups", gives=(SUBNET_GROUP,)),
        # Where ElastiCache was never used it has no role of its own, and then no users.
        Listing(operation="DescribeUsers", absent=("ServiceLinkedRoleNotFoundFault",), gives=(USER,)),
    ),
)

"""RDS and Aurora: databases, clusters, proxies, snapshots with whom they are shared with, parameters and subnet groups.

The same calls tell of Neptune's and DocumentDB's clusters and instances (RDS API, "DescribeDBClusters").
"""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by, in_subnets, in_vpc, shared_with, uses_groups


def _may_be_shared(snapshot: Item) -> bool:
    """Automated snapshots cannot be shared (RDS User Guide, "Sharing a DB snapshot")."""
    return snapshot.get("SnapshotType") != "automated"


def _own(group: Item) -> bool:
    """The default groups are AWS's, and cannot be changed."""
    name = group.get("DBParameterGroupName") or group.get("DBClusterParameterGroupName") or ""
    return not name.startswith("default.")


_SUBNET_GROUP = arn("rds", "subgrp:{}")
_SECRET = Tie("uses", "MasterUserSecret.SecretArn")

INSTANCE = Resource(
    "AWS::RDS::DBInstance",
    items="DBInstances[]",
    arn="{DBInstanceArn}",
    name="{DBInstanceIdentifier}",
    tags="TagList",
    relations=(
        in_vpc("DBSubnetGroup.VpcId"),
        in_subnets("DBSubnetGroup.Subnets[].SubnetIdentifier"),
        Tie("in", "DBSubnetGroup.DBSubnetGroupName", _SUBNET_GROUP),
        Tie("member-of", "DBClusterIdentifier", arn("rds", "cluster:{}")),
        uses_groups("VpcSecurityGroups[].VpcSecurityGroupId"),
        Tie("uses", "DBParameterGroups[].DBParameterGroupName", arn("rds", "pg:{}")),
        _SECRET,
        encrypted_by("KmsKeyId"),
        Tie("runs-as", "AssociatedRoles[].RoleArn", properties={"FeatureName": "FeatureName"}),
    ),
    moving=(
        "LatestRestorableTime",
        "PercentProgress",
        "StatusInfos",
        "StorageOperationPercentProgress",
        "AdditionalStorageVolumes[].StorageOperationPercentProgress",
    ),
)

CLUSTER = Resource(
    "AWS::RDS::DBCluster",
    items="DBClusters[]",
    arn="{DBClusterArn}",
    name="{DBClusterIdentifier}",
    tags="TagList",
    relations=(
        Tie("in", "DBSubnetGroup", _SUBNET_GROUP),
        uses_groups("VpcSecurityGroups[].VpcSecurityGroupId"),
        Tie("uses", "DBClusterParameterGroup", arn("rds", "cluster-pg:{}")),
        _SECRET,
        encrypted_by("KmsKeyId"),
        Tie("runs-as", "AssociatedRoles[].RoleArn"),
    ),
    moving=(
        "LatestRestorableTime",
        "EarliestRestorableTime",
        "EarliestBacktrackTime",
        "BacktrackConsumedChangeRecords",
        "Capacity",
        "PercentProgress",
        "StatusInfos",
    ),
)

SNAPSHOT = Resource(
    "AWS::RDS::DBSnapshot",
    items="DBSnapshots[]",
    arn="{DBSnapshotArn}",
    name="{DBSnapshotIdentifier}",
    tags="TagList",
    details=(
        Detail(
            operation="DescribeDBSnapshotAttributes",
            parameters={"DBSnapshotIdentifier": "{DBSnapshotIdentifier}"},
            path="DBSnapshotAttributesResult.DBSnapshotAttributes[]",
            under="DBSnapshotAttributes",
            when=_may_be_shared,
        ),
    ),
    relations=(
        Tie("built-from", "DBInstanceIdentifier", arn("rds", "db:{}")),
        encrypted_by("KmsKeyId"),
        shared_with("DBSnapshotAttributes[].AttributeValues[]"),
    ),
    moving=("PercentProgress",),
)

CLUSTER_SNAPSHOT = Resource(
    "AWS::RDS::DBClusterSnapshot",
    items="DBClusterSnapshots[]",
    arn="{DBClusterSnapshotArn}",
    name="{DBClusterSnapshotIdentifier}",
    tags="TagList",
    details=(
        Detail(
            operation="DescribeDBClusterSnapshotAttributes",
            parameters={"DBClusterSnapshotIdentifier": "{DBClusterSnapshotIdentifier}"},
            path="DBClusterSnapshotAttributesResult.DBClusterSnapshotAttributes[]",
            under="DBClusterSnapshotAttributes",
            when=_may_be_shared,
        ),
    ),
    relations=(
        Tie("built-from", "DBClusterIdentifier", arn("rds", "cluster:{}")),
        encrypted_by("KmsKeyId"),
        shared_with("DBClusterSnapshotAttributes[].AttributeValues[]"),
    ),
    moving=("PercentProgress",),
)

SUBNET_GROUP = Resource(
    "AWS::RDS::DBSubnetGroup",
    items="DBSubnetGroups[]",
    arn="{DBSubnetGroupArn}",
    name="{DBSubnetGroupName}",
    relations=(in_vpc("VpcId"), in_subnets("Subnets[].SubnetIdentifier")),
)

PROXY = Resource(
    "AWS::RDS::DBProxy",
    items="DBProxies[]",
    arn="{DBProxyArn}",
    name="{DBProxyName}",
    relations=(
        in_vpc("VpcId"),
        in_subnets("VpcSubnetIds[]"),
        uses_groups("VpcSecurityGroupIds[]"),
        Tie("uses", "Auth[].SecretArn"),
        Tie("runs-as", "RoleArn"),
    ),
)

PARAMETERS = Resource(
    "AWS::RDS::DBParameterGroup",
    items="DBParameterGroups[]",
    arn="{DBParameterGroupArn}",
    name="{DBParameterGroupName}",
    details=(
        Detail(
            operation="DescribeDBParameters",
            parameters={"DBParameterGroupName": "{DBParameterGroupName}", "Source": "user"},
            path="Parameters[]",
            under="Parameters",
            when=_own,
        ),
    ),
)

CLUSTER_PARAMETERS = Resource(
    "AWS::RDS::DBClusterParameterGroup",
    items="DBClusterParameterGroups[]",
    arn="{DBClusterParameterGroupArn}",
    name="{DBClusterParameterGroupName}",
    details=(
        Detail(
            operation="DescribeDBClusterParameters",
            parameters={"DBClusterParameterGroupName": "{DBClusterParameterGroupName}", "Source": "user"},
            path="Parameters[]",
            under="Parameters",
            when=_own,
        ),
    ),
)

EVENT_SUBSCRIPTION = Resource(
    "AWS::RDS::EventSubscription",
    items="EventSubscriptionsList[]",
    arn="{EventSubscriptionArn}",
    name="{CustSubscriptionId}",
    relations=(Tie("targets", "SnsTopicArn"),),
)

SERVICE = Service(
    client="rds",
    lists=(
        Listing(operation="DescribeDBInstances", gives=(INSTANCE,)),
        Listing(operation="DescribeDBClusters", gives=(CLUSTER,)),
        Listing(operation="DescribeDBSnapshots", gives=(SNAPSHOT,)),
        Listing(operation="DescribeDBClusterSnapshots", gives=(CLUSTER_SNAPSHOT,)),
        Listing(operation="DescribeDBSubnetGroups", gives=(SUBNET_GROUP,)),
        Listing(operation="DescribeDBProxies", gives=(PROXY,)),
        Listing(operation="DescribeDBParameterGroups", gives=(PARAMETERS,)),
        Listing(operation="DescribeDBClusterParameterGroups", gives=(CLUSTER_PARAMETERS,)),
        Listing(operation="DescribeEventSubscriptions", gives=(EVENT_SUBSCRIPTION,)),
    ),
)

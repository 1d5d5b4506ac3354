"""Redshift: clusters with their logging, parameters, subnet groups, and snapshots with whom they are shared with."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by, in_subnets, in_vpc, shared_with, uses_groups

CLUSTER = Resource(
    "AWS::Redshift::Cluster",
    items="Clusters[]",
    arn=arn("redshift", "cluster:{ClusterIdentifier}"),
    name="{ClusterIdentifier}",
    details=(
        Detail(
            operation="DescribeLoggingStatus",
            parameters={"ClusterIdentifier": "{ClusterIdentifier}"},
            under="LoggingStatus",
        ),
    ),
    relations=(
        in_vpc("VpcId"),
        Tie("in", "ClusterSubnetGroupName", arn("redshift", "subnetgroup:{}")),
        uses_groups("VpcSecurityGroups[].VpcSecurityGroupId"),
        Tie("uses", "ClusterParameterGroups[].ParameterGroupName", arn("redshift", "parametergroup:{}")),
        Tie("uses", "MasterPasswordSecretArn"),
        encrypted_by("KmsKeyId"),
        Tie("runs-as", "IamRoles[].IamRoleArn"),
        Tie("logs-to", "LoggingStatus.BucketName", "arn:{@partition}:s3:::{}"),
    ),
    moving=(
        "ExpectedNextSnapshotScheduleTime",
        "ExpectedNextSnapshotScheduleTimeStatus",
        "NextMaintenanceWindowStartTime",
        "RestoreStatus",
        "DataTransferProgress",
        "LoggingPublishStatus.S3Tables.LastIngestionTimes",
        "LoggingStatus.LastSuccessfulDeliveryTime",
        "LoggingStatus.LastFailureTime",
        "LoggingStatus.LastFailureMessage",
        "LoggingStatus.S3Tables.LastIngestionTimes",
    ),
)

SNAPSHOT = Resource(
    "AWS::Redshift::ClusterSnapshot",
    items="Snapshots[]",
    arn=arn("redshift", "snapshot:{ClusterIdentifier}/{SnapshotIdentifier}"),
    name="{SnapshotIdentifier}",
    relations=(
        Tie("built-from", "ClusterIdentifier", arn("redshift", "cluster:{}")),
        encrypted_by("KmsKeyId"),
        shared_with("AccountsWithRestoreAccess[].AccountId"),
    ),
    moving=(
        "ManualSnapshotRemainingDays",
        "TotalBackupSizeInMegaBytes",
        "ActualIncrementalBackupSizeInMegaBytes",
        "BackupProgressInMegaBytes",
        "CurrentBackupRateInMegaBytesPerSecond",
        "EstimatedSecondsToCompletion",
        "ElapsedTimeInSeconds",
    ),
)

SUBNET_GROUP = Resource(
    "AWS::Redshift::ClusterSubnetGroup",
    items="ClusterSubnetGroups[]",
    arn=arn("redshift", "subnetgroup:{ClusterSubnetGroupName}"),
    name="{ClusterSubnetGroupName}",
    relations=(in_vpc("VpcId"), in_subnets("Subnets[].SubnetIdentifier")),
)

PARAMETERS = Resource(
    "AWS::Redshift::ClusterParameterGroup",
    items="ParameterGroups[]",
    arn=arn("redshift", "parametergroup:{ParameterGroupName}"),
    name="{ParameterGroupName}",
    details=(
        Detail(
            operation="DescribeClusterParameters",
            parameters={"ParameterGroupName": "{ParameterGroupName}", "Source": "user"},
            path="Parameters[]",
            under="Parameters",
            when=lambda group: not group["ParameterGroupName"].startswith("default."),
        ),
    ),
)

DATA_SHARE = Resource(
    "AWS::Redshift::DataShare",
    items="DataShares[]",
    arn="{DataShareArn}",
    name="{/DataShareArn}",
    relations=(Tie("built-from", "ProducerArn"),),
)

SERVICE = Service(
    client="redshift",
    lists=(
        Listing(operation="DescribeClusters", gives=(CLUSTER,)),
        Listing(operation="DescribeClusterSnapshots", gives=(SNAPSHOT,)),
        Listing(operation="DescribeClusterSubnetGroups", gives=(SUBNET_GROUP,)),
        Listing(operation="DescribeClusterParameterGroups", gives=(PARAMETERS,)),
        Listing(operation="DescribeDataSharesForProducer", gives=(DATA_SHARE,)),
    ),
)

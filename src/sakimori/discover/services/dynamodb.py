"""DynamoDB: tables with their encryption, point-in-time recovery and resource policies."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by

_ARN = arn("dynamodb", "table/{TableName}")

TABLE = Resource(
    "AWS::DynamoDB::Table",
    items="TableNames[]",
    scalar="TableName",
    arn=_ARN,
    name="{TableName}",
    details=(
        Detail(operation="DescribeTable", parameters={"TableName": "{TableName}"}, path="Table"),
        Detail(
            operation="DescribeContinuousBackups",
            parameters={"TableName": "{TableName}"},
            path="ContinuousBackupsDescription",
            under="ContinuousBackupsDescription",
        ),
        Detail(
            operation="GetResourcePolicy",
            parameters={"ResourceArn": _ARN},
            path="Policy",
            under="ResourcePolicy",
            absent=("PolicyNotFoundException",),
        ),
        Detail(operation="ListTagsOfResource", parameters={"ResourceArn": _ARN}, path="Tags[]", under="Tags"),
    ),
    documents=("ResourcePolicy",),
    relations=(
        encrypted_by("SSEDescription.KMSMasterKeyArn"),
        Tie("peers", "Replicas[].ReplicaArn"),
        Tie("built-from", "RestoreSummary.SourceTableArn"),
    ),
    moving=(
        "ItemCount",
        "TableSizeBytes",
        "WarmThroughput",
        "ProvisionedThroughput.NumberOfDecreasesToday",
        "LocalSecondaryIndexes[].ItemCount",
        "LocalSecondaryIndexes[].IndexSizeBytes",
        "GlobalSecondaryIndexes[].ItemCount",
        "GlobalSecondaryIndexes[].IndexSizeBytes",
        "VectorIndexes[].ItemCount",
        "VectorIndexes[].IndexSizeBytes",
        "GlobalSecondaryIndexes[].WarmThroughput",
        "GlobalSecondaryIndexes[].ProvisionedThroughput.NumberOfDecreasesToday",
        "Replicas[].ReplicaStatusPercentProgress",
        "Replicas[].WarmThroughput",
        "Replicas[].GlobalSecondaryIndexes[].WarmThroughput",
        "ContinuousBackupsDescription.PointInTimeRecoveryDescription.EarliestRestorableDateTime",
        "ContinuousBackupsDescription.PointInTimeRecoveryDescription.LatestRestorableDateTime",
    ),
)

SERVICE = Service(client="dynamodb", lists=(Listing(operation="ListTables", gives=(TABLE,)),))

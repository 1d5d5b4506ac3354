"""Redshift Serverless: namespaces, their snapshots, and who else may use or restore them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie
from sakimori.discover.ties import arns, encrypted_by


def _policy(arn: str) -> Detail:
    return Detail(
        operation="GetResourcePolicy",
        parameters={"resourceArn": arn},
        path="resourcePolicy.policy",
        under="Policy",
        absent=("ResourceNotFoundException",),
    )


NAMESPACE = Resource(
    "AWS::RedshiftServerless::Namespace",
    items="namespaces[]",
    arn="{namespaceArn}",
    name="{namespaceName}",
    details=(_policy("{namespaceArn}"),),
    documents=("Policy",),
    relations=(
        encrypted_by("kmsKeyId"),
        Tie("uses", "adminPasswordSecretArn"),
        arns("runs-as", "defaultIamRoleArn"),
        arns("runs-as", "iamRoles[]"),
    ),
    moving=("s3TablePublishStatus.lastIngestionTimes",),
)

SNAPSHOT = Resource(
    "AWS::RedshiftServerless::Snapshot",
    items="snapshots[]",
    arn="{snapshotArn}",
    name="{snapshotName}",
    details=(_policy("{snapshotArn}"),),
    documents=("Policy",),
    relations=(encrypted_by("kmsKeyId"), Tie("built-from", "namespaceArn")),
    moving=(
        "backupProgressInMegaBytes",
        "currentBackupRateInMegaBytesPerSecond",
        "elapsedTimeInSeconds",
        "estimatedSecondsToCompletion",
        "snapshotRemainingDays",
    ),
)

SERVICE = Service(
    client="redshift-serverless",
    lists=(
        Listing(operation="ListNamespaces", page_size=100, gives=(NAMESPACE,)),
        Listing(operation="ListSnapshots", page_size=100, gives=(SNAPSHOT,)),
    ),
)

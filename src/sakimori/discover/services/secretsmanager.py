"""Secrets Manager: what secrets there are, how they rotate, who may read them. Never their values."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie
from sakimori.discover.ties import encrypted_by

SECRET = Resource(
    "AWS::SecretsManager::Secret",
    items="SecretList[]",
    arn="{ARN}",
    name="{Name}",
    details=(
        Detail(
            operation="GetResourcePolicy",
            parameters={"SecretId": "{ARN}"},
            path="ResourcePolicy",
            under="ResourcePolicy",
            absent=("InvalidRequestException: marked for deletion",),
        ),
    ),
    documents=("ResourcePolicy",),
    relations=(encrypted_by("KmsKeyId"), Tie("uses", "RotationLambdaARN")),
    moving=(
        "LastAccessedDate",
        "NextRotationDate",
    ),
)

SERVICE = Service(
    client="secretsmanager",
    lists=(
        # What ListSecrets tells of a secret is what DescribeSecret does, save where it is replicated to.
        Listing(
            operation="ListSecrets",
            parameters={"IncludePlannedDeletion": True},
            page_size=100,
            gives=(SECRET,),
        ),
    ),
)

"""KMS: keys with their policies, grants and rotation, and aliases. Never what they encrypt."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import arns

_GIVEN = {"KeyId": "{KeyId}"}


def _customers(key: Item) -> bool:
    """AWS's own keys rotate every year, have no tags, and their grants are the services' own (KMS Developer Guide)."""
    return key.get("KeyManager") != "AWS"


KEY = Resource(
    "AWS::KMS::Key",
    items="Keys[]",
    arn="{KeyArn}",
    details=(
        Detail(operation="DescribeKey", parameters=_GIVEN, path="KeyMetadata"),
        Detail(
            operation="GetKeyPolicy",
            parameters={"KeyId": "{KeyId}", "PolicyName": "default"},
            path="Policy",
            under="Policy",
        ),
        Detail(
            operation="GetKeyRotationStatus",
            parameters=_GIVEN,
            under="Rotation",
            when=_customers,
            absent=("UnsupportedOperationException",),
        ),
        Detail(operation="ListGrants", parameters=_GIVEN, path="Grants[]", under="Grants", when=_customers),
        Detail(operation="ListResourceTags", parameters=_GIVEN, path="Tags[]", under="Tags", when=_customers),
    ),
    documents=("Policy",),
    relations=(
        arns("trusts", "Grants[].GranteePrincipal"),
        Tie("peers", "MultiRegionConfiguration.ReplicaKeys[].Arn"),
    ),
    moving=("Rotation.NextRotationDate",),
)

ALIAS = Resource(
    "AWS::KMS::Alias",
    items="Aliases[]",
    arn="{AliasArn}",
    name="{AliasName}",
    relations=(Tie("targets", "TargetKeyId", arn("kms", "key/{}")),),
)

SERVICE = Service(
    client="kms",
    lists=(
        Listing(operation="ListKeys", page_size=1000, gives=(KEY,)),
        Listing(operation="ListAliases", page_size=100, gives=(ALIAS,)),
    ),
)

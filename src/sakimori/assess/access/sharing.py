"""What lets others use a resource beside a policy: snapshots, images and documents that are shared with accounts, an
endpoint service's principals, builds that anybody may read. Each as a policy, which the engine decides like any other.

Such sharing is with other accounts only: in its own account a resource needs the identity's policies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sakimori.model.asset import Asset

EVERYBODY = ("all", "*")


def shared(asset: Asset) -> Iterator[tuple[dict[str, Any], str]]:
    """The policies that come to what a resource is shared with, each with the name by which answers cite it."""
    entry = _BY_KIND.get(asset.type)
    if entry is None:
        return
    actions, read, name = entry
    for sid, (principal, condition) in enumerate(read(asset), 1):
        statement = {"Sid": str(sid), "Effect": "Allow", "Principal": principal, "Action": list(actions)}
        statement |= {"Resource": "*", "Condition": condition} if condition else {"Resource": "*"}
        yield {"Version": "2012-10-17", "Statement": [statement]}, f"{name} of {asset.uid}"


Meant = tuple[Any, dict[str, Any]]
"""A Principal element, and the Condition beside it."""


def _with(asset: Asset, account: str) -> Meant:
    if account in EVERYBODY:
        return {"AWS": "*"}, {"StringNotEquals": {"aws:PrincipalAccount": asset.account}}
    return {"AWS": f"arn:aws:iam::{account}:root"}, {}


def _snapshot(asset: Asset) -> Iterator[Meant]:
    for each in asset.config.get("CreateVolumePermissions") or ():
        yield _with(asset, str(each.get("UserId") or each.get("Group")))


def _image(asset: Asset) -> Iterator[Meant]:
    for each in asset.config.get("LaunchPermissions") or ():
        organization = str(each.get("OrganizationArn") or each.get("OrganizationalUnitArn") or "").rpartition("/")
        if each.get("OrganizationArn"):
            yield {"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": organization[2]}}
        elif each.get("OrganizationalUnitArn"):
            path = f"{organization[0].rpartition('/')[2]}/*/{organization[2]}/*"
            yield {"AWS": "*"}, {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": path}}
        else:
            yield _with(asset, str(each.get("UserId") or each.get("Group")))


def _database_snapshot(key: str) -> Callable[[Asset], Iterator[Meant]]:
    def read(asset: Asset) -> Iterator[Meant]:
        for attribute in asset.config.get(key) or ():
            if attribute.get("AttributeName") == "restore":
                yield from (_with(asset, str(account)) for account in attribute.get("AttributeValues") or ())

    return read


def _warehouse_snapshot(asset: Asset) -> Iterator[Meant]:
    for each in asset.config.get("AccountsWithRestoreAccess") or ():
        yield _with(asset, str(each.get("AccountId")))


def _document(asset: Asset) -> Iterator[Meant]:
    yield from (_with(asset, str(account)) for account in asset.config.get("AccountIds") or ())


def _endpoint_service(asset: Asset) -> Iterator[Meant]:
    for each in asset.config.get("AllowedPrincipals") or ():
        named = str(each.get("Principal") or "")
        if named in EVERYBODY:
            yield _with(asset, named)
        elif named.startswith("arn:") and ":organizations:" not in named:
            yield {"AWS": named}, {}


def _project(asset: Asset) -> Iterator[Meant]:
    if asset.config.get("projectVisibility") == "PUBLIC_READ":
        yield "*", {}


_BY_KIND: Mapping[str, tuple[tuple[str, ...], Callable[[Asset], Iterator[Meant]], str]] = {
    "AWS::EC2::Snapshot": (
        ("ebs:GetSnapshotBlock", "ebs:ListSnapshotBlocks", "ec2:CopySnapshot", "ec2:CreateVolume"),
        _snapshot,
        "permissions",
    ),
    "AWS::EC2::Image": (("ec2:RunInstances",), _image, "launch permissions"),
    "AWS::RDS::DBSnapshot": (
        ("rds:CopyDBSnapshot", "rds:RestoreDBInstanceFromDBSnapshot"),
        _database_snapshot("DBSnapshotAttributes"),
        "restore attribute",
    ),
    "AWS::RDS::DBClusterSnapshot": (
        ("rds:CopyDBClusterSnapshot", "rds:RestoreDBClusterFromSnapshot"),
        _database_snapshot("DBClusterSnapshotAttributes"),
        "restore attribute",
    ),
    "AWS::Redshift::ClusterSnapshot": (
        ("redshift:RestoreFromClusterSnapshot",),
        _warehouse_snapshot,
        "accounts with access",
    ),
    "AWS::SSM::Document": (("ssm:GetDocument",), _document, "permissions"),
    "AWS::EC2::VPCEndpointService": (("ec2:CreateVpcEndpoint",), _endpoint_service, "allowed principals"),
    "AWS::CodeBuild::Project": (("codebuild:BatchGetBuilds",), _project, "visibility"),
}
"""The kinds of resources that are shared otherwise than by a policy: what it gives, with whom, and how it is cited."""

KINDS = tuple(_BY_KIND)

"""Small inventories for tests: what discovery finds, in AWS's own spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sakimori.model.asset import GLOBAL, Asset, Inventory

ACCOUNT = "111122223333"
OTHER = "444455556666"
STRANGE = "999900001111"


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return allow(action, resource, **more) | {"Effect": "Deny"}


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **more})


def user(name: str, *statements: Any, account: str = ACCOUNT, **config: Any) -> Asset:
    return _identity("User", "UserPolicyList", name, statements, account, config)


def role(name: str, *statements: Any, trusts: Any = None, account: str = ACCOUNT, **config: Any) -> Asset:
    trusting = trusts if isinstance(trusts, dict) and "Statement" in trusts else trust(trusts or {"AWS": account})
    return _identity(
        "Role", "RolePolicyList", name, statements, account, {"AssumeRolePolicyDocument": trusting, **config}
    )


def group(name: str, *statements: Any, account: str = ACCOUNT, **config: Any) -> Asset:
    return _identity("Group", "GroupPolicyList", name, statements, account, config)


def _identity(
    kind: str, key: str, name: str, statements: Sequence[Any], account: str, config: Mapping[str, Any]
) -> Asset:
    arn = f"arn:aws:iam::{account}:{kind.lower()}/{name}"
    inline = [{"PolicyName": "own", "PolicyDocument": document(*statements)}] if statements else []
    tags = {tag["Key"]: tag["Value"] for tag in config.get("Tags", ())}
    short = name.rpartition("/")[2]
    return Asset(
        arn,
        f"AWS::IAM::{kind}",
        account,
        GLOBAL,
        {f"{kind}Name": short, "Arn": arn, key: inline, **config},
        tags,
        short,
    )


def managed(name: str, *statements: Any, account: str = ACCOUNT) -> Asset:
    arn = f"arn:aws:iam::{account}:policy/{name}"
    versions = [
        {"VersionId": "v1", "IsDefaultVersion": False, "Document": document(allow("*"))},
        {"VersionId": "v2", "IsDefaultVersion": True, "Document": document(*statements)},
    ]
    return Asset(arn, "AWS::IAM::ManagedPolicy", account, GLOBAL, {"Arn": arn, "PolicyVersionList": versions}, {}, name)


def attached(*arns: str) -> dict[str, Any]:
    return {"AttachedManagedPolicies": [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]}


def bounded(arn: str) -> dict[str, Any]:
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}}


def bucket(name: str, *statements: Any, account: str = ACCOUNT, **config: Any) -> Asset:
    own: dict[str, Any] = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, **config}
    if statements:
        own["Policy"] = document(*statements)
    return Asset(f"arn:aws:s3:::{name}", "AWS::S3::Bucket", account, "eu-west-1", own, {}, name)


def key(name: str, *statements: Any, account: str = ACCOUNT, **config: Any) -> Asset:
    arn = f"arn:aws:kms:eu-west-1:{account}:key/{name}"
    return Asset(arn, "AWS::KMS::Key", account, "eu-west-1", {"Policy": document(*statements), **config})


def instance(name: str, profile: str = "", *, account: str = ACCOUNT, tokens: str = "optional") -> Asset:
    arn = f"arn:aws:ec2:eu-west-1:{account}:instance/{name}"
    config: dict[str, Any] = {
        "InstanceId": name,
        "MetadataOptions": {"HttpTokens": tokens, "HttpEndpoint": "enabled"},
        "State": {"Name": "running"},
    }
    if profile:
        config["IamInstanceProfile"] = {"Arn": f"arn:aws:iam::{account}:instance-profile/{profile}", "Id": "AIPA"}
    return Asset(arn, "AWS::EC2::Instance", account, "eu-west-1", config)


def profile(name: str, role_name: str, account: str = ACCOUNT) -> Asset:
    arn = f"arn:aws:iam::{account}:instance-profile/{name}"
    roles = [{"RoleName": role_name, "Arn": f"arn:aws:iam::{account}:role/{role_name}"}]
    return Asset(arn, "AWS::IAM::InstanceProfile", account, GLOBAL, {"Arn": arn, "Roles": roles}, {}, name)


def organization(*accounts: str, scps: Mapping[str, Sequence[Any]] | None = None, kind: str = "SERVICE_CONTROL_POLICY"):
    """The assets of an organisation o-1 of which the first account is the management account, all below one unit.

    `scps` maps a target (r-1, ou-1 or an account) to the statements of the policy attached there; every target also has
    the policy that allows everything.
    """
    base = f"arn:aws:organizations::{accounts[0]}"
    found = [
        Asset(f"{base}:root/o-1/r-1", "AWS::Organizations::Root", accounts[0], GLOBAL, {"Id": "r-1"}),
        Asset(
            f"{base}:ou/o-1/ou-1",
            "AWS::Organizations::OrganizationalUnit",
            accounts[0],
            GLOBAL,
            {"Id": "ou-1", "ParentId": "r-1"},
        ),
    ]
    for each in accounts:
        config = {"Id": each, "ParentId": "ou-1"}
        found.append(
            Asset(f"{base}:account/o-1/{each}", "AWS::Organizations::Account", accounts[0], GLOBAL, config, {}, each)
        )
    targets = ["r-1", "ou-1", *accounts]
    if scps is not None:
        found.append(_control(base, accounts[0], "p-full", targets, [allow("*", Principal="*")], kind))
        for target, statements in scps.items():
            found.append(_control(base, accounts[0], f"p-{target}", [target], statements, kind))
    return found


def _control(base: str, account: str, name: str, targets: Sequence[str], statements: Sequence[Any], kind: str) -> Asset:
    config = {
        "Id": name,
        "Type": kind,
        "Content": document(*statements),
        "Targets": [{"TargetId": target} for target in targets],
    }
    return Asset(f"{base}:policy/o-1/{kind}/{name}", "AWS::Organizations::Policy", account, GLOBAL, config, {}, name)


def inventory(*assets: Asset | Sequence[Asset]) -> Inventory:
    """All of these, lists among them flattened."""
    return Inventory(asset for each in assets for asset in ([each] if isinstance(each, Asset) else each))

"""What lets others use a resource beside a policy: snapshots, images and documents that are shared with accounts, an
endpoint service's principals, builds that anybody may read. Each as a policy, which the engine decides like any other.

Such sharing is with other accounts only: in its own account a resource needs the identity's policies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sakimori.discover.paths import find_all
from sakimori.model.asset import Asset

EVERYBODY = ("all", "*")


def shared(asset: Asset) -> Iterator[tuple[dict[str, Any], str]]:
    """The policies that come to what a resource is shared with, each with the name by which answers cite it."""
    entry = _BY_KIND.get(asset.type)
    if entry is None:
        return
    actions, read, name = entry
    for sid, meant in enumerate(read(asset), 1):
        statement = {"Sid": str(sid), "Effect": "Allow", "Principal": meant.principal, "Resource": "*"}
        statement |= {"Action": list(meant.actions or actions)}
        statement |= {"Condition": meant.condition} if meant.condition else {}
        yield {"Version": "2012-10-17", "Statement": [statement]}, f"{name} of {asset.uid}"


@dataclass(frozen=True, slots=True)
class Meant:
    """A Principal element, the Condition beside it, and the actions, if not those of the kind."""

    principal: Any
    condition: Mapping[str, Any] = field(default_factory=dict)
    actions: tuple[str, ...] = ()


def account_principal(asset: Asset, account: str) -> Meant:
    """An account, or everybody outside the resource's own."""
    if account in EVERYBODY:
        return Meant({"AWS": "*"}, {"StringNotEquals": {"aws:PrincipalAccount": asset.account}})
    return Meant({"AWS": f"arn:aws:iam::{account}:root"})


def organization_principal(asset: Asset, arn: str) -> Meant:
    """Everybody in an organisation or an organisational unit, by its ARN, outside the resource's own account."""
    kind, _, ids = arn.rpartition(":")[2].partition("/")
    elsewhere = {"StringNotEquals": {"aws:PrincipalAccount": asset.account}}
    if kind == "organization":
        return Meant({"AWS": "*"}, {**elsewhere, "StringEquals": {"aws:PrincipalOrgID": ids}})
    organization, _, unit = ids.partition("/")
    paths = f"{organization}/*/{unit}/*"
    return Meant({"AWS": "*"}, {**elsewhere, "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": paths}})


def _snapshot(asset: Asset) -> Iterator[Meant]:
    for each in asset.config.get("CreateVolumePermissions") or ():
        yield account_principal(asset, str(each.get("UserId") or each.get("Group")))


def _image(asset: Asset) -> Iterator[Meant]:
    for each in asset.config.get("LaunchPermissions") or ():
        organization = each.get("OrganizationArn") or each.get("OrganizationalUnitArn")
        if organization:
            yield organization_principal(asset, str(organization))
        else:
            yield account_principal(asset, str(each.get("UserId") or each.get("Group")))


def _database_snapshot(key: str) -> Callable[[Asset], Iterator[Meant]]:
    def read(asset: Asset) -> Iterator[Meant]:
        for attribute in asset.config.get(key) or ():
            if attribute.get("AttributeName") == "restore":
                yield from (
                    account_principal(asset, str(account)) for account in attribute.get("AttributeValues") or ()
                )

    return read


def _warehouse_snapshot(asset: Asset) -> Iterator[Meant]:
    for each in asset.config.get("AccountsWithRestoreAccess") or ():
        yield account_principal(asset, str(each.get("AccountId")))


def _document(asset: Asset) -> Iterator[Meant]:
    yield from (account_principal(asset, str(account)) for account in asset.config.get("AccountIds") or ())


def _endpoint_service(asset: Asset) -> Iterator[Meant]:
    for each in asset.config.get("AllowedPrincipals") or ():
        named = str(each.get("Principal") or "")
        if named in EVERYBODY:
            yield account_principal(asset, named)
        elif named.startswith("arn:") and ":organizations:" not in named:
            yield Meant({"AWS": named})


def _project(asset: Asset) -> Iterator[Meant]:
    if asset.config.get("projectVisibility") == "PUBLIC_READ":
        yield Meant("*")


def _serverless_snapshot(asset: Asset) -> Iterator[Meant]:
    accounts = dict.fromkeys(
        (
            *find_all(asset.config, "accountsWithRestoreAccess[]"),
            *find_all(asset.config, "accountsWithProvisionedRestoreAccess[]"),
        )
    )
    yield from (account_principal(asset, str(account)) for account in accounts)


def _profile(asset: Asset) -> Iterator[Meant]:
    for each in asset.config.get("Permissions") or ():
        named = str(each.get("principal") or "")
        if named and each.get("action"):
            meant = Meant({"AWS": named}) if named.startswith("arn:") else account_principal(asset, named)
            yield replace(meant, actions=(str(each["action"]),))


_DEPLOY = (
    "CreateCloudFormationChangeSet CreateCloudFormationTemplate GetApplication GetCloudFormationTemplate"
    " ListApplicationDependencies ListApplicationVersions"
)


def _application(asset: Asset) -> Iterator[Meant]:
    """Who may use an application ("Using application permissions", Serverless Application Repository)."""
    for each in asset.config.get("Statements") or ():
        names = [
            name for action in each.get("Actions") or () for name in (_DEPLOY if action == "Deploy" else action).split()
        ]
        actions = tuple(f"serverlessrepo:{name}" for name in dict.fromkeys(names))
        organizations = each.get("PrincipalOrgIDs") or []
        for principal in each.get("Principals") or ():
            meant = account_principal(asset, str(principal))
            if organizations:
                meant = replace(meant, condition={"StringEquals": {"aws:PrincipalOrgID": organizations}})
            yield replace(meant, actions=actions)


def _gateway(asset: Asset) -> Iterator[Meant]:
    if asset.config.get("authorizerType") == "NONE":
        yield Meant("*")


def _lattice(asset: Asset) -> Iterator[Meant]:
    """A service without authentication lets in whoever reaches it, which only the VPCs of its networks do."""
    if asset.config.get("authType") == "NONE":
        yield Meant("*", {"StringLike": {"vpc-lattice-svcs:SourceVpc": "vpc-*"}})


def _datashare(asset: Asset) -> Iterator[Meant]:
    """The consumers that a datashare is authorised for; those of its own account are namespaces' ARNs."""
    for each in asset.config.get("DataShareAssociations") or ():
        if (
            each.get("Status") in ("AUTHORIZED", "AVAILABLE", "ACTIVE")
            and str(each.get("ConsumerIdentifier")).isdigit()
        ):
            yield account_principal(asset, str(each["ConsumerIdentifier"]))


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
    "AWS::RedshiftServerless::Snapshot": (
        ("redshift-serverless:RestoreFromSnapshot",),
        _serverless_snapshot,
        "accounts with access",
    ),
    "AWS::Signer::SigningProfile": ((), _profile, "permissions"),
    "AWS::ServerlessRepo::Application": ((), _application, "policy"),
    "AWS::BedrockAgentCore::Gateway": (("bedrock-agentcore:InvokeGateway",), _gateway, "authorizer"),
    "AWS::VpcLattice::Service": (("vpc-lattice-svcs:Invoke",), _lattice, "auth type"),
    "AWS::Redshift::DataShare": (("redshift:AssociateDataShareConsumer",), _datashare, "consumers"),
}
"""The kinds of resources that are shared otherwise than by a policy: what it gives, with whom, and how it is cited."""

KINDS = tuple(_BY_KIND)

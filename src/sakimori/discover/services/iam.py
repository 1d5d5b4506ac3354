"""IAM: users, groups, roles, their policies and boundaries, identity providers, and what the account demands."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator
from typing import Any

from sakimori.discover.declare import Detail, Item, Listing, Place, Reach, Resource, Service, Tie, global_arn
from sakimori.model.asset import Asset, Relation


def _report(answer: Any) -> list[Item]:
    """The rows of the credential report (IAM User Guide, "Get credential reports"), each by its column names."""
    text = base64.b64decode(answer["Content"]).decode("utf-8")
    return [dict(row) for row in csv.DictReader(io.StringIO(text))]


def _credentials(of: str) -> Detail:
    """The row about a user: password, access keys and their age and last use, MFA, certificates."""
    return Detail(
        operation="GetCredentialReport",
        prepare="GenerateCredentialReport",
        shared=True,
        parse=_report,
        key="arn",
        of=of,
        under="CredentialReport",
    )


LAST_USED = (
    "CredentialReport.password_last_used",
    *(
        f"CredentialReport.access_key_{number}_last_used_{what}"
        for number in (1, 2)
        for what in ("date", "region", "service")
    ),
)
"""What the credential report says of use."""


def trusted(role: Asset, place: Place) -> Iterator[Relation]:
    """`trusts`: the principals that a role's trust policy allows to assume it, as they are written there."""
    policy = role.config.get("AssumeRolePolicyDocument")
    statements = policy.get("Statement", []) if isinstance(policy, dict) else []
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {}) if statement.get("Effect") == "Allow" else {}
        kinds = principal.items() if isinstance(principal, dict) else [("AWS", principal)]
        for kind, named in kinds:
            for each in named if isinstance(named, list) else [named]:
                yield Relation(role.uid, "trusts", _principal(str(each), place), {"Type": kind})


def _principal(name: str, place: Place) -> str:
    """An account is trusted as a whole: its number and its root say the same (IAM User Guide, "Principal")."""
    return f"arn:{place.partition}:iam::{name}:root" if name.isdigit() and len(name) == 12 else name


ATTACHED = Tie("uses", "AttachedManagedPolicies[].PolicyArn")
BOUNDARY = Tie("bounded-by", "PermissionsBoundary.PermissionsBoundaryArn")
"""The managed policies of an identity, and the one that bounds it."""

USER = Resource(
    "AWS::IAM::User",
    items="UserDetailList[]",
    arn="{Arn}",
    name="{UserName}",
    details=(
        _credentials("{Arn}"),
        Detail(
            operation="ListVirtualMFADevices",
            shared=True,
            many=True,
            path="VirtualMFADevices[]",
            key="User.Arn",
            of="{Arn}",
            under="VirtualMFADevices",
        ),
    ),
    relations=(ATTACHED, BOUNDARY, Tie("member-of", "GroupList[]", global_arn("iam", "group/{}"))),
    moving=(
        *LAST_USED,
        "VirtualMFADevices[].User.PasswordLastUsed",
    ),
)

GROUP = Resource("AWS::IAM::Group", items="GroupDetailList[]", arn="{Arn}", name="{GroupName}", relations=(ATTACHED,))

ROLE = Resource(
    "AWS::IAM::Role",
    items="RoleDetailList[]",
    arn="{Arn}",
    name="{RoleName}",
    relations=(ATTACHED, BOUNDARY, trusted),
    moving=(
        "RoleLastUsed",
        "InstanceProfileList[].Roles[].RoleLastUsed",
    ),
)

POLICY = Resource("AWS::IAM::ManagedPolicy", items="Policies[]", arn="{Arn}", name="{PolicyName}")

PROFILE = Resource(
    "AWS::IAM::InstanceProfile",
    items="InstanceProfiles[]",
    arn="{Arn}",
    name="{InstanceProfileName}",
    relations=(Tie("runs-as", "Roles[].Arn"),),
    moving=("Roles[].RoleLastUsed",),
)

OIDC = Resource(
    "AWS::IAM::OIDCProvider",
    items="OpenIDConnectProviderList[]",
    arn="{Arn}",
    name="{Url}",
    details=(Detail(operation="GetOpenIDConnectProvider", parameters={"OpenIDConnectProviderArn": "{Arn}"}),),
)

SAML = Resource(
    "AWS::IAM::SAMLProvider",
    items="SAMLProviderList[]",
    arn="{Arn}",
    details=(Detail(operation="GetSAMLProvider", parameters={"SAMLProviderArn": "{Arn}"}),),
)

ACCOUNT = Resource(
    "AWS::::Account",
    items="",
    arn=global_arn("iam", "root"),
    details=(
        _credentials(global_arn("iam", "root")),
        Detail(
            operation="GetAccountPasswordPolicy",
            path="PasswordPolicy",
            under="PasswordPolicy",
            absent=("NoSuchEntity",),
        ),
        Detail(operation="ListAccountAliases", path="AccountAliases[]", under="AccountAliases"),
    ),
    moving=LAST_USED,
)

SERVICE = Service(
    client="iam",
    reach=Reach.GLOBAL,
    lists=(
        Listing(operation="GetAccountAuthorizationDetails", page_size=1000, gives=(USER, GROUP, ROLE, POLICY)),
        Listing(operation="ListInstanceProfiles", page_size=1000, gives=(PROFILE,)),
        Listing(operation="ListOpenIDConnectProviders", gives=(OIDC,)),
        Listing(operation="ListSAMLProviders", gives=(SAML,)),
        Listing(operation="GetAccountSummary", gives=(ACCOUNT,)),
    ),
)

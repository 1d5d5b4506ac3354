"""What the inventory settles of a request's context ("AWS global condition context keys", IAM user guide).

Keys that depend on how and from where one calls (network, time, MFA, TLS, what one asks in detail) stay open.
"""

from __future__ import annotations

from sakimori.assess.access.arns import account_of
from sakimori.assess.access.beside import BUCKETS, context_of
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.representatives import Values
from sakimori.assess.access.symbolic import Limits
from sakimori.assess.access.variables import Context
from sakimori.model.asset import Asset

STRANGER = "000000000000"
"""Stands for the account of anybody at all."""

_OF_USERS = frozenset(("aws:username",))
"""Keys that only a user's request has."""
_OF_IDENTITIES = frozenset(
    (
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:userid",
        "aws:sourceowner",
    )
)
"""Keys that no anonymous caller's, service's or provider's request has."""
_OF_ACCOUNTS = frozenset(("aws:principalaccount", "aws:sourceowner", "kms:calleraccount"))
"""Keys that hold the account of who asks."""
_ALWAYS = frozenset(("aws:currenttime", "aws:epochtime", "aws:securetransport"))
"""Keys that every request has; one of somebody with an account has `_OF_EVERY_IDENTITY` as well."""
_OF_EVERY_IDENTITY = frozenset(("aws:principalarn", "aws:userid")) | _OF_ACCOUNTS
_OF_SERVICES = frozenset(
    ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths", "aws:principalservicename")
)
"""Keys that only the request of an AWS service has, which it makes for a resource."""

_BOUNDARY = "iam:permissionsboundary"
_ASKS_FOR_BOUNDARY = frozenset(
    "iam:createuser iam:createrole iam:putuserpermissionsboundary iam:putrolepermissionsboundary".split()
)
"""Actions whose iam:PermissionsBoundary is the boundary that is asked for; with those below it is the one that the
user or role has; no other action has the key ("Actions, resources, and condition keys for IAM")."""
_UNDER_BOUNDARY = frozenset(
    "iam:attachuserpolicy iam:detachuserpolicy iam:putuserpolicy iam:deleteuserpolicy iam:deleteuserpermissionsboundary"
    " iam:attachrolepolicy iam:detachrolepolicy iam:putrolepolicy iam:deleterolepolicy"
    " iam:deleterolepermissionsboundary".split()
)


def has_boundary_key(action: str) -> bool:
    """Has a request of this action (in lower case) the key iam:PermissionsBoundary at all?"""
    return action in _ASKS_FOR_BOUNDARY or action in _UNDER_BOUNDARY


_TAG_KEYS = {
    "AWS::AutoScaling": ("autoscaling:resourcetag/",),
    "AWS::EC2": ("ec2:resourcetag/", "ssm:resourcetag/"),
    "AWS::ECR": ("ecr:resourcetag/",),
    "AWS::ECS": ("ecs:resourcetag/",),
    "AWS::ElasticLoadBalancingV2": ("elasticloadbalancing:resourcetag/",),
    "AWS::IAM": ("iam:resourcetag/",),
    "AWS::SSM": ("ssm:resourcetag/",),
    "AWS::SecretsManager": ("secretsmanager:resourcetag/",),
}
"""The keys of a service's own that hold a resource's tags as aws:ResourceTag does, by the resource's kind."""

_TYPES = {
    "user": "User",
    "role": "AssumedRole",
    "session": "AssumedRole",
    "federated_user": "FederatedUser",
    "root": "Account",
}


def known_context(found: Estate, identity: Identity, resource: Asset | None, account: str, action: str = "") -> Context:
    """The keys about who asks and about the resource that cannot be otherwise."""
    context: dict[str, tuple[str, ...]] = {}
    _about_principal(found, identity, context)
    organization = found.organization
    if account:
        context["aws:resourceaccount"] = (account,)
        context["s3:resourceaccount"] = (account,)
        if account in organization.accounts and organization.id:
            context["aws:resourceorgid"] = (organization.id,)
            context["aws:resourceorgpaths"] = organization.paths(account)
    if resource is not None:
        for name, value in resource.tags.items():
            for prefix in _tag_keys(resource):
                context[f"{prefix}{name.lower()}"] = (value,)
        context |= context_of(resource)
        boundary = _boundary(resource)
        if boundary and action.lower() in _UNDER_BOUNDARY:
            context[_BOUNDARY] = (boundary,)
    return context


def _tag_keys(resource: Asset) -> tuple[str, ...]:
    """What the keys of a resource's tags begin with.

    None for a bucket: S3 heeds its tags only where that was switched on for the bucket, so that they stay open.
    """
    kind = resource.type.rpartition("::")[0]
    return () if kind == "AWS::S3" else ("aws:resourcetag/", *_TAG_KEYS.get(kind, ()))


def _boundary(resource: Asset) -> str:
    """The ARN of a user's or role's permissions boundary, or ""."""
    return str((resource.config.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn") or "")


def _about_principal(found: Estate, identity: Identity, context: dict[str, tuple[str, ...]]) -> None:
    who = identity.principal
    if who.kind == "anonymous":
        context["aws:principaltype"] = ("Anonymous",)
    if who.kind == "service":
        context["aws:principalisawsservice"] = ("true",)
        context["aws:principalservicename"] = (who.arn,)
    if not who.has_identity:
        return
    context["aws:principaltype"] = (_TYPES[who.kind],)
    context["aws:principalisawsservice"] = ("false",)
    if who.account == STRANGER:
        return
    context |= dict.fromkeys(_OF_ACCOUNTS, (who.account,))
    if identity.outside and who.kind == "root":
        return  # stands for whomever that account lets
    context["aws:principalarn"] = (_role_arn(found, identity),)
    if who.kind == "user":
        context["aws:username"] = (who.arn.rpartition("/")[2],)
    if identity.outside:
        return
    organization = found.organization
    if organization.id and who.account in organization.accounts:
        context["aws:principalorgid"] = (organization.id,)
        context["aws:principalorgpaths"] = organization.paths(who.account)
    if identity.asset is not None:
        _about_asset(identity.asset, context)
        unique = identity.asset.config.get("RoleId")
        if who.kind == "session" and unique:
            context["aws:userid"] = (f"{unique}:{who.arn.rpartition('/')[2]}",)


def _about_asset(asset: Asset, context: dict[str, tuple[str, ...]]) -> None:
    for name, value in asset.tags.items():
        context[f"aws:principaltag/{name.lower()}"] = (value,)
    unique = asset.config.get("UserId")
    if unique:
        context["aws:userid"] = (str(unique),)


def _role_arn(found: Estate, identity: Identity) -> str:
    """aws:PrincipalArn of a session is its role's."""
    if identity.principal.kind == "session" and identity.asset is not None:
        return identity.asset.uid
    return identity.arn


def limits(found: Estate, identity: Identity, resource: Asset | None, action: str = "") -> Limits:
    """Which keys a request of this identity cannot have, and which values."""
    who = identity.principal
    ours, own = found.accounts, found.organization.id
    tag_keys = _tag_keys(resource) if resource is not None else ()
    of_bucket = resource is not None and resource.type in BUCKETS  # what asks through our access points names them

    def absent(key: str) -> bool:
        if key in _OF_USERS:
            return who.kind != "user"
        if key == _BOUNDARY:
            known = resource is not None and action.lower() in _UNDER_BOUNDARY
            return known or not has_boundary_key(action.lower())
        if key.startswith("aws:principaltag/"):
            return who.kind == "user" and not identity.outside
        if tag_keys and key.startswith(tag_keys):
            return True
        if key in _OF_SERVICES:
            return who.kind != "service"
        return not who.has_identity and key in _OF_IDENTITIES

    unique = identity.asset.config.get("RoleId") if identity.asset else None

    def likely(key: str) -> tuple[Values, ...]:
        return ((f"{unique}:session",),) if key == "aws:userid" and unique else ()

    def impossible(key: str, values: Values) -> bool:
        if of_bucket and key.startswith(("s3:dataaccesspoint", "s3express:dataaccesspoint")):
            return any(value in ours or account_of(value) in ours for value in values)
        if key == "aws:userid" and unique:
            return not values or not all(value.startswith(f"{unique}:") for value in values)
        if not values:
            return key in _ALWAYS or (who.has_identity and key in _OF_EVERY_IDENTITY)
        if not identity.outside:
            return False
        if key == "aws:principalorgid":
            return own in values
        if key == "aws:principalorgpaths":
            return any(value.startswith(f"{own}/") for value in values) if own else False
        if key in _OF_ACCOUNTS:
            return not ours.isdisjoint(values)
        return key == "aws:principalarn" and any(account_of(value) in ours for value in values)

    return Limits(absent, impossible, likely)

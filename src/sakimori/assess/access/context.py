"""What the inventory settles of a request's context ("AWS global condition context keys", IAM user guide).

Keys that depend on how and from where one calls (network, time, MFA, TLS, what one asks in detail) stay open.
"""

from __future__ import annotations

from sakimori.assess.access.arns import account_of
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
_OF_SERVICES = frozenset(
    ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths", "aws:principalservicename")
)
"""Keys that only the request of an AWS service has, which it makes for a resource."""

_TYPES = {
    "user": "User",
    "role": "AssumedRole",
    "session": "AssumedRole",
    "federated_user": "FederatedUser",
    "root": "Account",
}


def known_context(found: Estate, identity: Identity, resource: Asset | None, account: str) -> Context:
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
            context[f"aws:resourcetag/{name.lower()}"] = (value,)
    return context


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
    context["aws:principalaccount"] = (who.account,)
    context["aws:sourceowner"] = (who.account,)
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


def limits(found: Estate, identity: Identity, resource: Asset | None) -> Limits:
    """Which keys a request of this identity cannot have, and which values."""
    who = identity.principal
    ours, own = found.accounts, found.organization.id

    def absent(key: str) -> bool:
        if key in _OF_USERS:
            return who.kind != "user"
        if key.startswith("aws:principaltag/"):
            return who.kind == "user" and not identity.outside
        if key.startswith("aws:resourcetag/"):
            return resource is not None
        if key in _OF_SERVICES:
            return who.kind != "service"
        return not who.has_identity and key in _OF_IDENTITIES

    unique = identity.asset.config.get("RoleId") if identity.asset else None

    def likely(key: str) -> tuple[Values, ...]:
        return ((f"{unique}:session",),) if key == "aws:userid" and unique else ()

    def impossible(key: str, values: Values) -> bool:
        if key == "aws:userid" and unique:
            return not values or not all(value.startswith(f"{unique}:") for value in values)
        if not identity.outside or not values:
            return False
        if key == "aws:principalorgid":
            return own in values
        if key == "aws:principalorgpaths":
            return any(value.startswith(f"{own}/") for value in values) if own else False
        if key in ("aws:principalaccount", "aws:sourceowner"):
            return not ours.isdisjoint(values)
        return key == "aws:principalarn" and any(account_of(value) in ours for value in values)

    return Limits(absent, impossible, likely)

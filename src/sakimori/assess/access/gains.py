"""Whose rights a method of privilege escalation changes, where it takes on nobody's: one's own, a group's, those of a
principal that one makes or fills up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from sakimori.assess.access.callers import EVERYTHING
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.methods import Method
from sakimori.assess.access.policy import Kind, Policy, parse
from sakimori.assess.access.principals import principal_of
from sakimori.assess.access.uses import one_thing, own_managed
from sakimori.model.asset import Asset


def gains(found: Estate, identity: Identity, method: Method) -> Iterator[tuple[Identity, Asset | None]]:
    """Whose rights, after the method, are to be looked at, each with the asset that its requests are about."""
    if method.versions:
        for policy, arn in _older_versions(found, identity):
            kept = tuple(each for each in identity.policies if each.name != arn)
            yield replace(identity, policies=(*kept, policy)), None
    elif method.gives == "self":
        yield _with(identity, EVERYTHING), None
    elif method.gives == "unbounded" and identity.boundaries:
        yield replace(identity, boundaries=()), None
    elif method.gives == "undenied":
        yield from _undenied(found, identity, method.removes)
    elif method.gives in ("group", "group-self"):
        for group in _groups(found, identity):
            yield _with(identity, *found.group_policies(group), *_filled(method.gives)), group
    elif method.gives in ("target-self", "filled"):
        yield from ((_with(other, EVERYTHING), other.asset) for other in _others(found, identity, method))
    elif method.gives == "services":
        limit = services(method.within)
        for other in _others(found, identity, method):
            yield replace(other, boundaries=(*other.boundaries, limit)), other.asset
    elif method.gives == "owner":
        yield _with(identity, OWNER), None
    elif method.gives == "new":
        yield from _made(found, identity, method)


OWNER = parse(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "codestar:*", "Resource": "arn:*:codestar:*:*:project/*"},
            {
                "Effect": "Allow",
                "Action": ["iam:*AccessKey*", "iam:*SSHPublicKey*", "iam:*ServiceSpecificCredential*"],
                "Resource": "arn:*:iam::*:user/${aws:username}",
            },
        ],
    },
    Kind.IDENTITY,
    "what CodeStar attaches to the owner of a project",
)
"""As far as anything changes by it ("AWS CodeStar project-level policies and permissions", its user guide)."""


@cache
def services(prefixes: tuple[str, ...]) -> Policy:
    """A limit to what is done in these services."""
    statement = {"Effect": "Allow", "Action": [f"{prefix}:*" for prefix in prefixes], "Resource": "*"}
    return parse({"Version": "2012-10-17", "Statement": [statement]}, Kind.BOUNDARY, f"only {', '.join(prefixes)}")


def _others(found: Estate, identity: Identity, method: Method) -> Iterator[Identity]:
    for other in found.identities.values():
        if other.principal.kind == method.target and other.arn != identity.arn and other.asset is not None:
            yield other


def _with(identity: Identity, *policies: Policy) -> Identity:
    return replace(identity, policies=(*identity.policies, *policies))


def _filled(gives: str) -> tuple[Policy, ...]:
    return (EVERYTHING,) if gives == "group-self" else ()


def _groups(found: Estate, identity: Identity) -> Iterator[Asset]:
    return (group for group in found.groups if group.account == identity.account)


def _undenied(found: Estate, identity: Identity, removes: str) -> Iterator[tuple[Identity, Asset | None]]:
    """The identity without its policies that deny something, its own or a group's; without all of a group that it
    leaves."""
    if removes in ("inline", "attached"):
        sources: list[tuple[Asset, Asset | None]] = [(identity.asset, None)] if identity.asset else []
    else:
        sources = [(group, group) for group in found.groups_of(identity)]
    for source, target in sources:
        kept = [*identity.policies]
        for policy in found.policies_of(source, removes.removeprefix("group-")):
            if policy in kept and (removes == "group" or denies(policy)):
                kept.remove(policy)
        if len(kept) < len(identity.policies):
            yield replace(identity, policies=tuple(kept)), target


def denies(policy: Policy) -> bool:
    return any(not statement.allows for statement in policy.statements)


def _made(found: Estate, identity: Identity, method: Method) -> Iterator[tuple[Identity, Asset | None]]:
    """A user or role that the identity makes, for each way in which its name can match the policies in play."""
    for arn in new_arns(found, identity, method):
        made = Identity(principal_of(arn))
        if method.target == "group":
            for group in _groups(found, identity):
                yield _with(made, *found.group_policies(group)), group
        else:
            yield _with(made, EVERYTHING), None


def new_arns(found: Estate, identity: Identity, method: Method) -> Iterator[str]:
    """A name for what is made, for each way in which it can match the patterns of the policies in play."""
    pattern = f"arn:{identity.arn.split(':')[1]}:iam::{identity.account}:{method.makes}/*"
    return one_thing(found, identity, [need.action for need in method.needs if need.place == "new"], pattern)


def _older_versions(found: Estate, identity: Identity) -> Iterator[tuple[Policy, str]]:
    """The versions that are not the default one of managed policies attached to the identity or its groups, each with
    the ARN of its policy."""
    for arn in own_managed(found, [identity.asset, *found.groups_of(identity)], several=True):
        asset = found.inventory.get(arn)
        for version in (asset.config.get("PolicyVersionList") or ()) if asset else ():
            if version.get("IsDefaultVersion") or not version.get("Document"):
                continue
            name = f"{arn} {version.get('VersionId')}"
            policy = found.compiled(version["Document"], Kind.IDENTITY, name, identity.arn)
            if policy is not None:
                yield policy, arn

"""Who is an administrator of an account, and which managed policies make one."""

from __future__ import annotations

from collections.abc import Iterable

from sakimori.assess.access.estate import MANAGED, Estate, Identity
from sakimori.assess.access.narrowing import acting
from sakimori.assess.access.policy import Kind, Policy
from sakimori.assess.access.principals import Principal
from sakimori.assess.access.questions import asked
from sakimori.assess.access.symbolic import Conclusion, Outcome

PROBES = (
    "iam:AttachUserPolicy",
    "iam:AttachRolePolicy",
    "iam:PutUserPolicy",
    "iam:PutRolePolicy",
    "iam:CreateAccessKey",
    "iam:UpdateAssumeRolePolicy",
)
"""Whoever may do all of this to everyone has the account."""

ELSEWHERE = ("secretsmanager:GetSecretValue", "s3:GetObject", "ec2:RunInstances", "lambda:CreateFunction")
"""What an administrator is still worth having for where service control policies forbid everybody all of PROBES."""


def is_administrator(found: Estate, identity: Identity) -> bool:
    """May the identity change everybody's rights in its account, whatever the context, as far as anybody may there?"""
    return shown_by(found, identity) is not None


def shown_by(found: Estate, identity: Identity) -> Conclusion | None:
    """A request that an administrator may make, the gravest there is; None of one that is none.

    Its own policies and boundary must allow it all of PROBES; service control policies, which everybody in the account
    is under, may take some of it away but not everything.
    """
    probes = [(action, _everybody(identity, action)) for action in PROBES]
    if identity.principal.kind != "root" and not all(
        asked(found, identity, *each, scps=False).outcome is Outcome.ALLOWED for each in probes
    ):
        return None
    tried = (asked(found, identity, *each) for each in (*probes, *((action, "*") for action in ELSEWHERE)))
    return next((each for each in tried if each.possible), None)


SOMEBODY = "5c0e7f1b-somebody"
"""A name that policies mean only if they mean everybody."""


def _everybody(identity: Identity, action: str) -> str:
    kind = "user" if "User" in action or "AccessKey" in action else "role"
    return f"arn:{identity.arn.split(':')[1]}:iam::{identity.account}:{kind}/{SOMEBODY}"


def administrators(found: Estate) -> dict[str, Identity]:
    return {
        arn: identity
        for arn, identity in found.identities.items()
        if may_at_all(identity, PROBES) and is_administrator(found, identity)
    }


def may_at_all(identity: Identity, actions: Iterable[str]) -> bool:
    """Does some statement of its own policies, and of each boundary, allow each of the actions at all? sts:AssumeRole
    needs none."""
    return all(
        action == "sts:AssumeRole"
        or (acts(identity.policies, action) and all(acts((bound,), action) for bound in identity.boundaries))
        for action in actions
    )


def acts(policies: Iterable[Policy], action: str) -> bool:
    """Does some statement of the policies allow the action at all?"""
    return any(statement.allows for policy in policies for statement in acting(policy, action.lower()))


def administering_policies(found: Estate, account: str) -> list[str]:
    """The managed policies of the inventory that make whoever has one an administrator of the account."""
    arns = []
    for asset in found.inventory.of_type(MANAGED):
        if asset.account not in (account, "aws", ""):
            continue
        for version in asset.config.get("PolicyVersionList") or ():
            if version.get("IsDefaultVersion") and version.get("Document"):
                policy = found.compiled(version["Document"], Kind.IDENTITY, asset.uid, asset.uid)
                somebody = Principal("user", f"arn:aws:iam::{account}:user/somebody", account)
                if policy and is_administrator(found, Identity(somebody, (policy,))):
                    arns.append(asset.uid)
    return arns

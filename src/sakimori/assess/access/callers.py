"""Everybody who could ask: our users, roles and root users, and whom policies of resources name beside them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from sakimori.assess.access.arns import is_pattern, parse_arn
from sakimori.assess.access.context import STRANGER
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.policy import Kind, Policy, parse
from sakimori.assess.access.principals import ANONYMOUS, BadPrincipal, Principal, names_account, principal_of

EVERYTHING = parse(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
    Kind.IDENTITY,
    "whatever its own account allows it",
)
"""What the account of a stranger may allow it: we cannot know less."""

ANYBODY = Identity(
    Principal("user", f"arn:aws:iam::{STRANGER}:user/anybody", STRANGER), policies=(EVERYTHING,), outside=True
)
"""A user of an account that is not ours."""

NOBODY_IN_PARTICULAR = Identity(ANONYMOUS, outside=True)


def named_callers(found: Estate, resource: Policy | None) -> Iterator[Identity]:
    """Whom the allowing statements of a resource's policy name that are none of our users and roles."""
    seen: set[str] = set()
    for statement in resource.statements if resource else ():
        if not statement.allows or statement.principals is None:
            continue
        if statement.not_principals:
            entries: tuple[tuple[str, str], ...] = (("AWS", "*"),)
        else:
            entries = statement.principals
        for kind, value in entries:
            for identity in _named(found, kind, value):
                if identity.arn not in seen:
                    seen.add(identity.arn)
                    yield identity


def _named(found: Estate, kind: str, value: str) -> Iterator[Identity]:
    if kind in ("Service", "Federated"):
        yield Identity(_other("service" if kind == "Service" else "federated", value), outside=True)
    elif value == "*":
        yield NOBODY_IN_PARTICULAR
        yield ANYBODY
    elif kind == "AWS" and value not in found.identities:
        account = names_account(value)
        if account:
            if account not in found.accounts:
                yield outsider(value if value != account else f"arn:aws:iam::{account}:root")
        else:
            yield from _single(found, value)


def _other(kind: str, value: str) -> Principal:
    return Principal(kind, value, account=(parse_arn(value) or ("",) * 5)[3] if kind == "federated" else "")


def _single(found: Estate, arn: str) -> Iterator[Identity]:
    """A session of one of our roles, a stranger by its ARN, or somebody of an account that the inventory lacks.

    A unique id (AIDA...) is of a principal that is deleted.
    """
    try:
        who = principal_of(arn)
    except BadPrincipal:
        return
    if who.kind == "session":
        role = role_by_name(found, who.account, who.role)
        if role is not None:
            yield session_of(role, arn)
            return
    if is_pattern(arn):
        return
    if who.account not in found.accounts:
        yield outsider(arn)
    elif who.account not in found.by_account:
        yield Identity(who, policies=(EVERYTHING,))  # of an account of ours that nobody has looked at


@lru_cache(maxsize=4096)
def outsider(arn: str) -> Identity:
    """Somebody of an account that is not ours, who may do there whatever there is."""
    return Identity(principal_of(arn), policies=(EVERYTHING,), outside=True)


def session_of(role: Identity, arn: str) -> Identity:
    """A session of a role, with the role's policies."""
    return Identity(principal_of(arn), role.policies, role.boundaries, role.asset, role.trust)


def role_by_name(found: Estate, account: str, name: str) -> Identity | None:
    for role in found.by_account.get(account, ()):
        if role.principal.kind == "role" and role.principal.role == name:
            return role
    return None


def root_of(account: str) -> Identity:
    return Identity(principal_of(f"arn:aws:iam::{account}:root"))

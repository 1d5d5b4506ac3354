"""Who asks, and whom a `Principal` element means ("AWS JSON policy elements: Principal" and "... NotPrincipal")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from sakimori.assess.access.arns import parse_arn

_ACCOUNT = re.compile(r"\d{12}")
_ACCOUNTS = re.compile(r"\d{12}|aws|cloudfront")
_CANONICAL = re.compile(r"[0-9a-f]{64}")


class BadPrincipal(Exception):
    """What is asked about is no principal that AWS knows; the text says what would be."""


class Grant(IntEnum):
    """How a Principal element means who asks; the higher, the more it gives by itself."""

    NOBODY = 0
    UNKNOWN = 1
    ACCOUNT = 2
    """Its account: the account's own policies must allow it as well."""
    ROLE = 3
    """The role by its ARN: boundaries and session policies still limit what it does."""
    DIRECT = 4
    """The very user or session, or everybody."""


@dataclass(frozen=True, slots=True)
class Principal:
    """`kind`: user, role, session (of a role), federated_user, root, service, federated, anonymous.

    `arn` is the text by which policies name it; `role` the name of a session's role (its path is not in the session's
    ARN).
    """

    kind: str
    arn: str
    account: str = ""
    role: str = ""

    @property
    def is_service_linked(self) -> bool:
        """A service-linked role or its session, which no SCP and no RCP limits."""
        return ":role/aws-service-role/" in self.arn or (
            self.kind == "session" and self.role.startswith("AWSServiceRoleFor")
        )

    @property
    def has_identity(self) -> bool:
        """Has an account with policies of its own to ask."""
        return self.kind in ("user", "role", "session", "federated_user", "root")


ANONYMOUS = Principal("anonymous", "anonymous")


@lru_cache(maxsize=16_384)
def principal_of(text: str) -> Principal:
    """The principal that an ARN, an account, a service name or `anonymous` means, or BadPrincipal."""
    if text.lower() in ("anonymous", "*", ""):
        return ANONYMOUS
    if _ACCOUNT.fullmatch(text):
        return Principal("root", f"arn:aws:iam::{text}:root", text)
    arn = parse_arn(text)
    if arn is None:
        if "." not in text or " " in text:
            raise BadPrincipal(f"{text!r} is no principal: give an ARN, an account, a service (ec2.amazonaws.com) or *")
        service = text.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal"))
        federated = text in ("cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com")
        return Principal("service" if service and not federated else "federated", text)
    if not _ACCOUNTS.fullmatch(arn.account):
        raise BadPrincipal(f"{text} is no principal: an account has twelve digits")
    kind, _, name = arn.resource.partition("/")
    if arn.service == "sts" and kind == "assumed-role":
        return Principal("session", text, arn.account, name.partition("/")[0])
    if arn.service == "sts" and kind == "federated-user":
        return Principal("federated_user", text, arn.account)
    if arn.service == "iam" and kind in ("user", "role", "root"):
        return Principal(kind, text, arn.account, name.rpartition("/")[2] if kind == "role" else "")
    if arn.service == "iam" and kind in ("saml-provider", "oidc-provider"):
        return Principal("federated", text, arn.account)
    raise BadPrincipal(f"{text} is no principal: it is neither user, role, session, federated user, provider nor root")


def role_of(session: Principal) -> re.Pattern[str]:
    """The ARNs that a session's role may have, whatever its path."""
    return _role_of(session.arn.split(":", 2)[1], session.account, session.role)


@lru_cache(maxsize=16_384)
def _role_of(partition: str, account: str, name: str) -> re.Pattern[str]:
    return re.compile(rf"arn:{re.escape(partition)}:iam::{account}:role/(?:.*/)?{re.escape(name)}")


def granted(principals: tuple[tuple[str, str], ...], who: Principal) -> Grant:
    """The strongest way in which one of these entries of a Principal element means `who`."""
    return max((_entry(kind, value, who) for kind, value in principals), default=Grant.NOBODY)


def _entry(kind: str, value: str, who: Principal) -> Grant:
    if kind == "AWS":
        return _aws(value, who)
    if kind == "CanonicalUser" or _CANONICAL.fullmatch(value):
        return Grant.UNKNOWN if who.has_identity else Grant.NOBODY
    wanted = "service" if kind == "Service" else "federated"
    return Grant.DIRECT if who.kind == wanted and value in (who.arn, "*") else Grant.NOBODY


def _aws(value: str, who: Principal) -> Grant:
    if value == "*":
        return Grant.DIRECT
    if value == who.arn:
        return {"role": Grant.ROLE, "root": Grant.ACCOUNT}.get(who.kind, Grant.DIRECT)
    if _CANONICAL.fullmatch(value):
        return Grant.UNKNOWN if who.has_identity else Grant.NOBODY
    if who.has_identity and who.account and names_account(value) == who.account:
        return Grant.ACCOUNT
    if who.kind == "session" and role_of(who).fullmatch(value):
        return Grant.ROLE
    return Grant.NOBODY


@lru_cache(maxsize=16_384)
def names_account(value: str) -> str:
    """The account that an entry `111122223333` or `arn:aws:iam::111122223333:root` names, or ""."""
    if _ACCOUNT.fullmatch(value):
        return value
    arn = parse_arn(value)
    return arn.account if arn and arn.service == "iam" and arn.resource == "root" else ""


def spared(principals: tuple[tuple[str, str], ...], who: Principal, *, denies: bool) -> bool:
    """Does a NotPrincipal element leave `who` out?

    A denial spares only what is listed itself: naming the account spares its root user alone, and a session needs its
    own ARN and its role's, for both of them ask.
    """
    if not denies:
        return granted(principals, who) > Grant.UNKNOWN
    values = [value for _, value in principals]
    own = "*" in values or who.arn in values or (who.kind == "root" and who.account in map(names_account, values))
    return own and (who.kind != "session" or "*" in values or any(map(role_of(who).fullmatch, values)))

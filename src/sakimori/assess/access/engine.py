"""Decides one request as AWS does, and says by which statements ("Policy evaluation logic", IAM user guide).

`decide(request, policies)` is the one algorithm: a denial anywhere wins; then every limit (resource and service
control policies by level, endpoint policies, boundaries, session policies) must allow; then the identity's policies,
the resource's policy, or across accounts both must. Whatever has wildcards in the request is in `requests.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain

from sakimori.assess.access.arns import resource_glob
from sakimori.assess.access.conditions import holds
from sakimori.assess.access.globs import matcher
from sakimori.assess.access.policy import Policy, Statement
from sakimori.assess.access.principals import Grant, Principal, granted, spared
from sakimori.assess.access.reserved import (
    ALWAYS_ALLOWED,
    ROOT_SESSION,
    forbidden,
    needs_resource_policy,
    under_rcps,
)
from sakimori.assess.access.variables import Context, filled_in, has_variables, unshielded


class Response(StrEnum):
    """What AWS answers. UNKNOWN is for what is not modelled, and the answer names it."""

    ALLOWED = "Allowed"
    IMPLICITLY_DENIED = "ImplicitlyDenied"
    EXPLICITLY_DENIED = "ExplicitlyDenied"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks to do what to which resource. `account` is the resource's; `context` has its keys in lower case."""

    principal: Principal
    action: str
    resource: str
    account: str = ""
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Level:
    """The control policies attached to one node on the way from the organisation's root to the account."""

    name: str
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies that have a say in a request. An absent limit (None, or no levels) limits nothing."""

    identity: tuple[Policy, ...] = ()
    resource: Policy | None = None
    scps: tuple[Level, ...] = ()
    rcps: tuple[Level, ...] = ()
    boundaries: tuple[Policy, ...] = ()
    session: Policy | None = None
    endpoints: tuple[Policy, ...] = ()
    also: tuple[Policy, ...] = ()
    """Further ones, each of which must allow; see `beside.py`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The response, the statements that decided it, and why in a sentence."""

    response: Response
    decided_by: tuple[Statement, ...]
    why: str

    @property
    def allowed(self) -> bool:
        return self.response is Response.ALLOWED

    def to_json(self) -> dict[str, object]:
        return {
            "response": str(self.response),
            "decided_by": [statement.reference() for statement in self.decided_by],
            "why": self.why,
        }


def decide(request: Request, policies: Policies) -> Answer:
    """The answer to a request without wildcards; ones that stand in it are taken as characters."""
    if request.action.lower() == ALWAYS_ALLOWED:
        return Answer(Response.ALLOWED, (), "sts:GetCallerIdentity is allowed to everyone, whatever policies say")
    unclear: list[Statement] = []
    answer = _decide(request, policies, unclear, Grant.NOBODY)
    if unclear:
        other = _decide(request, policies, [], Grant.DIRECT)
        if other.response is not answer.response:
            names = ", ".join(sorted({f"{each.policy} {each.sid}" for each in unclear}))
            why = f"{names} names a canonical user id: which account that is, only AWS knows. Name the account instead"
            return Answer(Response.UNKNOWN, tuple(unclear), why)
    return answer


def _decide(request: Request, policies: Policies, unclear: list[Statement], assumed: Grant) -> Answer:
    found = _Matches(request, policies, unclear, assumed)
    if found.denials:
        first = found.denials[0]
        why = f"{first.policy} denies {request.action} in statement {first.sid}"
        if len(found.denials) > 1:
            why += f", and so do {len(found.denials) - 1} more"
        return Answer(Response.EXPLICITLY_DENIED, tuple(found.denials), why)
    barred = forbidden(request.action.lower(), request.resource)
    if barred:
        return _no(barred)
    missing = _missing_level(found, policies)
    if missing:
        return _no(f"{missing} allows {request.action} on {request.resource}")
    answer = _granted(request, policies, found)
    if answer.allowed and found.also:
        return replace(answer, decided_by=tuple(_once([*answer.decided_by, *chain.from_iterable(found.also)])))
    return answer


def _no(why: str) -> Answer:
    return Answer(Response.IMPLICITLY_DENIED, (), why)


class _Matches:
    """The statements that apply to a request, by kind of policy."""

    __slots__ = ("also", "boundary", "denials", "endpoint", "identity", "resource", "scps", "session", "strength")

    def __init__(self, request: Request, policies: Policies, unclear: list[Statement], assumed: Grant) -> None:
        applies = _Applies(request, bool(policies.boundaries))
        self.denials: list[Statement] = []
        self.identity = self._sort(policies.identity, applies.plain)
        self.boundary = self._sort(policies.boundaries, applies.plain) if policies.boundaries else []
        self.session = self._sort((policies.session,), applies.plain) if policies.session else []
        self.endpoint = self._sort(policies.endpoints, applies.named) if policies.endpoints else []
        self.also = [self._sort((policy,), applies.named) for policy in policies.also] if policies.also else []
        self.scps: list[list[Statement]] = []
        who = request.principal
        if policies.scps and who.has_identity and not who.is_service_linked:
            self.scps = [self._sort(level.policies, applies.plain) for level in policies.scps]
        if policies.rcps and not who.is_service_linked and under_rcps(request.action.lower()):
            for level in policies.rcps:
                self._sort(level.policies, applies.named)
        self.resource: list[Statement] = []
        self.strength = Grant.NOBODY
        if policies.resource:
            self._resource(policies.resource, applies, unclear, assumed)

    def _sort(self, policies: Iterable[Policy], applies: Callable[[Statement], object]) -> list[Statement]:
        """The allowing ones; the denying ones are put with the denials."""
        allowing: list[Statement] = []
        for policy in policies:
            for statement in policy.statements:
                if applies(statement):
                    (allowing if statement.allows else self.denials).append(statement)
        return allowing

    def _resource(self, policy: Policy, applies: _Applies, unclear: list[Statement], assumed: Grant) -> None:
        for statement in policy.statements:
            grant = applies.grant(statement)
            if grant is Grant.UNKNOWN:
                unclear.append(statement)
                grant = assumed
            if grant is Grant.NOBODY:
                continue
            if statement.allows:
                self.resource.append(statement)
                self.strength = max(self.strength, grant)
            else:
                self.denials.append(statement)


class _Applies:
    """Which statements apply to one request."""

    __slots__ = ("action", "bounded", "context", "request", "who")

    def __init__(self, request: Request, bounded: bool) -> None:
        self.request = request
        self.who = request.principal
        self.action = request.action.lower()
        self.context = request.context
        self.bounded = bounded

    def plain(self, statement: Statement) -> bool:
        """A statement of a policy that has no Principal."""
        return (
            any(matcher(glob)(self.action) for glob in statement.actions) is not statement.not_actions
            and (statement.resources is None or self._resource(statement))
            and (not statement.tests or all(holds(test, self.context) for test in statement.tests))
        )

    def named(self, statement: Statement) -> bool:
        """A statement whose Principal, where it has one, must mean who asks; without one it means everybody."""
        return (statement.principals is None or self._grant(statement) > Grant.UNKNOWN) and self.plain(statement)

    def grant(self, statement: Statement) -> Grant:
        """How a statement of the resource's policy means who asks: without a Principal, it means nobody."""
        if statement.principals is None:
            return Grant.NOBODY
        grant = self._grant(statement)
        return grant if grant is not Grant.NOBODY and self.plain(statement) else Grant.NOBODY

    def _grant(self, statement: Statement) -> Grant:
        principals = statement.principals or ()
        grant = granted(principals, self.who)
        if not statement.not_principals or grant is Grant.UNKNOWN:
            return grant
        if not statement.allows and self.bounded:
            return Grant.DIRECT  # "NotPrincipal with Deny always denies whoever has a permissions boundary"
        return Grant.NOBODY if spared(principals, self.who, denies=not statement.allows) else Grant.DIRECT

    def _resource(self, statement: Statement) -> bool:
        resource = self.request.resource
        complete = statement.principals is None
        for pattern in statement.resources or ():
            if has_variables(pattern) and statement.variables:
                text = filled_in(pattern, self.context)
                if text is None:
                    continue
                glob = unshielded(resource_glob(text, complete=complete))
            else:
                glob = resource_glob(pattern, complete=complete)
            if matcher(glob)(resource):
                return not statement.not_resources
        return statement.not_resources


# ---- limits


def _missing_level(found: _Matches, policies: Policies) -> str:
    """The first limit around the account that lacks an allowance, or "".

    Resource control policies limit by denials only: RCPFullAWSAccess is attached to every level and cannot be detached.
    """
    for level, allowing in zip(policies.scps, found.scps, strict=False):
        if not allowing:
            return f"no service control policy at {level.name}"
    for policy, allowing in zip(policies.also, found.also, strict=True):
        if not allowing:
            return f"nothing in {policy.name}"
    return "no endpoint policy" if policies.endpoints and not found.endpoint else ""


# ---- grants


def _granted(request: Request, policies: Policies, found: _Matches) -> Answer:
    who, what = request.principal, f"{request.action} on {request.resource}"
    needed = needs_resource_policy(request.action.lower(), request.resource)
    if not who.has_identity:
        if found.resource:
            return _yes(found.resource, f"the resource's policy allows {what} to {who.arn}")
        return _no(f"nothing allows {what} to {who.arn}: only the resource's policy could")
    root = who.kind == "root"
    blocked = "" if root else _own_limit(found, policies, what)
    identity = root or (bool(found.identity) and not _bare_federation(who, policies))
    if request.action.lower() == ROOT_SESSION:
        return _root_session(found, identity, blocked, what, who)
    if request.account and who.account != request.account:
        return _across(found, identity, blocked, what, who, request.account)
    if found.strength is Grant.DIRECT and not (policies.session and not found.session):
        return _yes(found.resource, f"the resource's policy allows {what} to {who.arn} itself")
    if not found.resource and needed:
        return _no(f"the {needed} does not allow {what} to {who.arn}, and nothing else can")
    if not (identity or found.strength >= Grant.ROLE):
        return _no(_nothing_of_its_own(found, policies, who, what))
    if blocked:
        return _no(blocked)
    return _yes([*found.identity, *found.resource], _reason(found, root, what, who))


def _bare_federation(who: Principal, policies: Policies) -> bool:
    """Is this a federated user without a session policy, who has nothing of its user ("GetFederationToken", STS)?"""
    return who.kind == "federated_user" and policies.session is None


def _own_limit(found: _Matches, policies: Policies, what: str) -> str:
    """The boundary or session policy that lacks an allowance, or ""."""
    if policies.boundaries and not found.boundary:
        return f"the permissions boundary does not allow {what}"
    if policies.session and not found.session:
        return f"the session policy does not allow {what}"
    return ""


def _root_session(found: _Matches, identity: bool, blocked: str, what: str, who: Principal) -> Answer:
    """Root sessions of member accounts ("AssumeRoot", AWS STS): no policy of the account's has a say, and whether
    whose account it is may ask stands in no policy at all."""
    if not identity or blocked:
        return _no(blocked or f"no policy of {who.arn} allows {what}")
    why = (
        f"the policies of {who.arn} allow {what}, but AWS heeds that only if account {who.account} manages the"
        " organisation or is delegated IAM, and root access is centralised there, which no policy tells"
    )
    return Answer(Response.UNKNOWN, tuple(_once(found.identity)), why)


def _across(found: _Matches, identity: bool, blocked: str, what: str, who: Principal, account: str) -> Answer:
    if not found.resource:
        return _no(f"the resource is of account {account}, and no policy of its own allows {what} to {who.arn}")
    if not identity:
        return _no(f"the resource's policy allows {what}, but no policy of {who.arn} in account {who.account} does")
    if blocked:
        return _no(blocked)
    return _yes(
        [*found.identity, *found.resource],
        f"both the policies of {who.arn} and the resource's policy in account {account} allow {what}",
    )


def _nothing_of_its_own(found: _Matches, policies: Policies, who: Principal, what: str) -> str:
    if found.identity and _bare_federation(who, policies):
        return f"{who.arn} was made without a session policy, and so may do nothing of what its user may: not {what}"
    return f"no policy of {who.arn} allows {what}{_half(found)}"


def _half(found: _Matches) -> str:
    return ": the resource's policy leaves it to the account's own policies" if found.resource else ""


def _reason(found: _Matches, root: bool, what: str, who: Principal) -> str:
    if root:
        return f"the root user of account {who.account} may do {what}: nothing denies it"
    by = found.identity[0] if found.identity else found.resource[0]
    return f"{by.policy} allows {what} in statement {by.sid}, and nothing denies or limits it"


def _yes(statements: list[Statement], why: str) -> Answer:
    return Answer(Response.ALLOWED, tuple(_once(statements)), why)


def _once(statements: Iterable[Statement]) -> Iterator[Statement]:
    seen: set[int] = set()
    for statement in statements:
        if id(statement) not in seen:
            seen.add(id(statement))
            yield statement

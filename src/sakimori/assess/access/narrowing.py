"""Leaves out of policies what cannot matter to a request, whatever its context: cheap, and never too much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sakimori.assess.access.arns import is_pattern, resource_glob, universe
from sakimori.assess.access.engine import Level, Policies, Request
from sakimori.assess.access.globs import ANY, matcher, overlap
from sakimori.assess.access.policy import Policy, Statement
from sakimori.assess.access.principals import Grant, Principal, granted
from sakimori.assess.access.reserved import ALWAYS_ALLOWED, acts_on_everything, needs_resource_policy
from sakimori.assess.access.variables import filled_in, has_variables, named, unshielded


def narrowed(request: Request, policies: Policies) -> Policies:
    """The policies with only the statements whose action, resource and principal can match; every limit stays."""
    many = stands_for_many(request)
    keep = _Keeps(request, many)
    return Policies(
        identity=keep.policies(policies.identity),
        resource=keep.policy(policies.resource) if policies.resource else None,
        scps=keep.levels(policies.scps),
        rcps=keep.levels(policies.rcps),
        boundaries=keep.policies(policies.boundaries, limit=True),
        session=keep.policy(policies.session) if policies.session else None,
        endpoints=keep.policies(policies.endpoints, limit=True),
        also=keep.policies(policies.also, limit=True),
    )


class _Keeps:
    """Which statements can match one request, whatever its context."""

    def __init__(self, request: Request, many: bool) -> None:
        self.request = request
        self.action = request.action.lower()
        self.globs = [resource_glob(each) for each in meant_patterns(request)] if many else []

    def levels(self, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        return tuple(Level(level.name, self.policies(level.policies)) for level in levels)

    def policies(self, policies: Iterable[Policy], *, limit: bool = False) -> tuple[Policy, ...]:
        kept = (self.policy(policy) for policy in policies)
        return tuple(policy for policy in kept if policy.statements or limit)

    def policy(self, policy: Policy) -> Policy:
        of_action = acting(policy, self.action)
        kept = tuple(statement for statement in of_action if self.statement(statement))
        return policy if len(kept) == len(policy.statements) else Policy(policy.name, policy.kind, kept)

    def statement(self, statement: Statement) -> bool:
        if statement.resources is None or statement.not_resources:
            return True
        complete = statement.principals is None
        for pattern in statement.resources:
            text: str | None = pattern
            if has_variables(pattern) and statement.variables:
                if not named(pattern).keys() <= self.request.context.keys():
                    return True
                text = filled_in(pattern, self.request.context)
                if text is None:
                    continue
                glob = unshielded(resource_glob(text, complete=complete))
            else:
                glob = resource_glob(pattern, complete=complete)
            if glob == (ANY,):
                return True
            if any(overlap(mine, glob) for mine in self.globs) if self.globs else matcher(glob)(self.request.resource):
                return True
        return False


_BY_ACTION: dict[tuple[int, str], tuple[Policy, tuple[Statement, ...]]] = {}


def acting(policy: Policy, action: str) -> tuple[Statement, ...]:
    """The statements of a policy that are about an action (in lower case); remembered, for many share a policy."""
    known = _BY_ACTION.get((id(policy), action))
    if known is not None and known[0] is policy:
        return known[1]
    found = tuple(
        statement
        for statement in policy.statements
        if any(matcher(glob)(action) for glob in statement.actions) is not statement.not_actions
    )
    if len(_BY_ACTION) > 500_000:
        _BY_ACTION.clear()
    _BY_ACTION[id(policy), action] = (policy, found)
    return found


def can_be_allowed(request: Request, relevant: Policies) -> bool:
    """Is there an allowance at all, and one at every limit? Cheap, and right when it says no."""
    who, action = request.principal, request.action.lower()
    if action == ALWAYS_ALLOWED:
        return True
    if not all(any(statement.allows for statement in policy.statements) for policy in relevant.also):
        return False
    own = who.kind == "root" or any(statement.allows for policy in relevant.identity for statement in policy.statements)
    statements = relevant.resource.statements if relevant.resource else ()
    named = any(statement.allows and _may_mean(statement, who) for statement in statements)
    if who.has_identity and request.account and who.account != request.account:
        if not (own and named):
            return False
    elif not named and (
        not own or (needs_resource_policy(action, request.resource) and not is_pattern(request.resource))
    ):
        return False
    if who.has_identity and not who.is_service_linked:
        for level in relevant.scps:
            if not any(statement.allows for policy in level.policies for statement in policy.statements):
                return False
    return True


def _may_mean(statement: Statement, who: Principal) -> bool:
    if statement.principals is None:
        return False
    return statement.not_principals or granted(statement.principals, who) > Grant.NOBODY


def stands_for_many(request: Request) -> bool:
    if request.resource == "*" and acts_on_everything(request.action.lower()):
        return False
    return is_pattern(request.resource)


def meant_patterns(request: Request) -> tuple[str, ...]:
    """The patterns of what the request's resource stands for; an object's key has a character at least."""
    if ":s3:::" in request.resource and request.resource.endswith("/*"):
        return (f"{request.resource.removesuffix('*')}?*",)
    return universe(request.action, request.account) if request.resource == "*" else (request.resource,)


def statements_of(policies: Policies) -> Iterator[Statement]:
    """Every statement of every policy."""
    for policy in (*policies.identity, *policies.boundaries, *policies.endpoints, *policies.also):
        yield from policy.statements
    for level in (*policies.scps, *policies.rcps):
        for policy in level.policies:
            yield from policy.statements
    for single in (policies.resource, policies.session):
        if single:
            yield from single.statements

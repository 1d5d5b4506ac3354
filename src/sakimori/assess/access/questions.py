"""The questions that are asked of an inventory: who can, and can it; `instances.py` has through which instance,
`effective.py` what one can.

found = estate(inventory)
who_can(found, "s3:GetObject", "arn:aws:s3:::payroll/*")   # principals, each with its path of roles
can(found, principal, "s3:GetObject", "arn:aws:s3:::payroll/a.csv", {"aws:SourceVpce": "vpce-1"})
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sakimori.assess.access.arns import is_pattern
from sakimori.assess.access.beside import also_needed, unblocked, ways_in
from sakimori.assess.access.callers import named_callers, outsider, root_of, session_of
from sakimori.assess.access.cases import context_values
from sakimori.assess.access.catalogue import actions_like
from sakimori.assess.access.context import known_context, limits
from sakimori.assess.access.engine import Answer, Policies, Request, Response
from sakimori.assess.access.estate import Estate, Identity, asset_of, resource_account
from sakimori.assess.access.gaps import handed_out, incomplete, unknowns, unread, unseen
from sakimori.assess.access.inside import BUCKET, container_of
from sakimori.assess.access.policy import Kind, Policy, PolicyError, parse
from sakimori.assess.access.principals import principal_of
from sakimori.assess.access.requests import answer
from sakimori.assess.access.reserved import answers_unsigned, beyond_root
from sakimori.assess.access.symbolic import OUTCOMES, Conclusion, Outcome, conclude
from sakimori.assess.access.uncovered import lake_formation
from sakimori.model.asset import Asset


@dataclass(frozen=True, slots=True)
class Row:
    """One principal that can, or of which it is unknown. `path` begins with it and ends with the role that acts."""

    principal: str
    kind: str
    account: str
    ours: bool
    outcome: Outcome
    conditions: tuple[str, ...]
    path: tuple[str, ...]
    steps: tuple[Conclusion, ...]
    why: str

    @property
    def witness(self) -> Request:
        """The last request of the path: the one that was asked about."""
        return self.steps[-1].witness

    def to_json(self) -> dict[str, Any]:
        return {
            "principal": self.principal,
            "kind": self.kind,
            "account": self.account,
            "ours": self.ours,
            "outcome": self.outcome.value,
            "conditions": list(self.conditions),
            "path": list(self.path),
            "why": self.why,
            "steps": [step_json(step) for step in self.steps],
        }


def step_json(step: Conclusion) -> dict[str, Any]:
    """A step with its witness: the request that anybody can evaluate again."""
    asked = step.witness
    return {
        "request": {
            "principal": asked.principal.arn,
            "action": asked.action,
            "resource": {"resource": asked.resource, "accountId": asked.account},
            "context": {key: list(values) for key, values in asked.context.items()},
        },
        **step.answer.to_json(),
    }


@dataclass(frozen=True, slots=True)
class Who:
    """Who can: `rows` direct ones first; `unknown` says what could not be looked at, a sentence each."""

    action: str
    resource: str
    rows: tuple[Row, ...]
    unknown: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "resource": self.resource,
            "who": [row.to_json() for row in self.rows],
            "unknown": list(self.unknown),
        }


_ON_BUCKETS = frozenset(
    "s3:listbucket s3:listbucketversions s3:listbucketmultipartuploads s3:createbucket s3:deletebucket".split()
)


def meant_resource(found: Estate, action: str, resource: str) -> str:
    """What the action is done to: of a bucket that is named alone its objects, of an alias its key."""
    asset = found.inventory.get(resource)
    if asset is not None and asset.type == "AWS::KMS::Alias" and not action.lower().endswith("alias"):
        key = str(asset.config.get("TargetKeyId") or "")
        return f"{asset.uid.rpartition(':')[0]}:key/{key}" if key else resource
    lowered = action.lower()
    is_bucket = asset.type == BUCKET if asset else re.fullmatch(r"arn:[\w-]+:s3:::[^/]+", resource) is not None
    on_objects = lowered.startswith("s3:") and "object" in lowered and "bucket" not in lowered
    return f"{resource}/*" if is_bucket and on_objects and lowered not in _ON_BUCKETS else resource


# ---- one request


def can(
    found: Estate,
    principal: str,
    action: str,
    resource: str,
    context: Mapping[str, Any] | None = None,
    session_policy: Any = None,
) -> Answer:
    """May the principal do that? A context key that is neither given nor settled by the inventory is one that is
    lacking.

    With aws:SourceVpce in the context the policy of that VPC endpoint has a say; so has `session_policy`, a document
    or its text, if the principal is a session that was made with it. Raises PolicyError if that is no policy.
    """
    identity = identity_of(found, principal)
    subject = meant_resource(found, action, resource)
    asset, account = asset_of(found, subject), resource_account(found, subject) or identity.account
    given = {key.lower(): context_values(value) for key, value in (context or {}).items()}
    known = {**known_context(found, identity, asset, account, action), **given}
    policies, _ = policies_over(found, identity, asset, account, action)
    endpoints, unread_endpoints = endpoint_policies(found, known.get("aws:sourcevpce", ()))
    session = None if session_policy is None else parse(session_policy, Kind.SESSION, "the session policy")
    policies = replace(policies, endpoints=endpoints, session=session)
    got = answer(Request(identity.principal, action, subject, account, known), policies)
    if identity.principal.kind == "root" and beyond_root(action.lower()):
        return got  # whatever is missing
    missing = [*unseen(action, subject, asset), *unread(found, identity, asset, account), *unread_endpoints]
    missing += lake_formation(action)
    if session is not None and identity.principal.kind == "federated_user":
        missing.append(f"which user {identity.arn} was made by is not known")
    if missing:
        why = f"{'; '.join(missing)}: without that, {got.response.value} is not certain ({got.why})"
        if got.response is not Response.EXPLICITLY_DENIED:
            return Answer(Response.UNKNOWN, got.decided_by, why)
    return got


ENDPOINT = "AWS::EC2::VPCEndpoint"


def endpoint_policies(found: Estate, endpoints: Collection[str]) -> tuple[tuple[Policy, ...], list[str]]:
    """The policies of the VPC endpoints, by their ids, that a request goes through; and which of them are not known."""
    held = {each.config.get("VpcEndpointId"): each for each in found.inventory.of_type(ENDPOINT)} if endpoints else {}
    policies, unknown = [], []
    for name in endpoints:
        document = held[name].config.get("PolicyDocument") if name in held else None
        if document is None:
            unknown.append(f"the policy of endpoint {name} is not in the inventory")
            continue
        try:
            policies.append(parse(document, Kind.ENDPOINT, f"the policy of endpoint {name}"))
        except PolicyError as error:
            unknown.append(str(error))
    return tuple(policies), unknown


def identity_of(found: Estate, principal: str) -> Identity:
    """A principal by its ARN: ours with its policies, else a stranger. Raises BadPrincipal.

    Of one of our accounts that the inventory lacks, it has no policies, and `unread` says so.
    """
    known = found.identities.get(principal)
    if known is not None:
        return known
    who = principal_of(principal)
    if who.kind == "session":
        for role in found.by_account.get(who.account, ()):
            if role.principal.kind == "role" and role.principal.role == who.role:
                return session_of(role, principal)
    if who.kind == "root" and who.account in found.accounts:
        return root_of(who.account)
    if who.account in found.accounts:
        return Identity(who)
    return outsider(who.arn) if who.has_identity else Identity(who, outside=True)


def policies_over(
    found: Estate, identity: Identity, asset: Asset | None, account: str, action: str
) -> tuple[Policies, Policy | None]:
    """All policies over what the identity asks of a resource; public access blocks are heeded."""
    resource = unblocked(found, identity, asset) if asset is not None else None
    policies = replace(found.policies(identity, resource, account), also=also_needed(found, identity, asset, action))
    if asset is not None and asset.config.get("KeyManager") == "AWS":
        policies = replace(policies, rcps=())  # "Resource control policies in AWS KMS"
    return policies, resource


# ---- who can


def who_can(found: Estate, action: str, resource: str, *, paths: bool = True) -> Who:
    """Every principal, ours or not, that can do it: directly, and where `paths` by assuming roles.

    Of a pattern of actions, whoever can do one of them.
    """
    if is_pattern(action):
        return _who_can_any(found, action, resource, paths=paths)
    subject = meant_resource(found, action, resource)
    rows = [*directly(found, action, subject)]
    if paths:
        from sakimori.assess.access.paths import through_roles

        rows += through_roles(found, rows)
    asset = asset_of(found, subject)
    unknown = [*unknowns(found, action, asset, subject), *handed_out(found, (row.principal for row in rows))]
    return Who(action, subject, tuple(rows), tuple(dict.fromkeys(unknown)))


MOST_ACTIONS = 1_000
"""Of a pattern that means more, nothing is answered."""


def _who_can_any(found: Estate, action: str, resource: str, *, paths: bool) -> Who:
    meant = actions_like(action)
    if not meant or len(meant) > MOST_ACTIONS:
        many = f"means {len(meant):,} actions: ask about fewer" if meant else "means no action that AWS has"
        return Who(action, resource, (), (f"{action} {many}",))
    best: dict[tuple[str, ...], Row] = {}
    unknown: dict[str, None] = {}
    for each in meant:
        answered = who_can(found, each, resource, paths=paths)
        unknown.update(dict.fromkeys(answered.unknown))
        for row in answered.rows:
            known = best.get(row.path)
            if known is None or OUTCOMES.index(row.outcome) < OUTCOMES.index(known.outcome):
                best[row.path] = row
    return Who(action, resource, tuple(best.values()), tuple(unknown))


def directly(found: Estate, action: str, subject: str) -> Iterator[Row]:
    """Those that can without assuming another role, in the order of the inventory."""
    others = lake_formation(action)
    sure: set[str] = set()
    for via in ("", *ways_in(found, subject)):
        for row in _of_subject(found, action, via or subject):
            if via and row.principal in sure:
                continue
            if row.outcome is Outcome.ALLOWED:
                sure.add(row.principal)
            row = through(row, via) if via else row
            yield replace(row, outcome=Outcome.UNKNOWN, why="; ".join(others)) if others else row


def _of_subject(found: Estate, action: str, subject: str) -> Iterator[Row]:
    asset, account = asset_of(found, subject), resource_account(found, subject)
    resource = found.resource_policy(asset) if asset is not None else None
    for identity in callers(found, action, subject, resource, account):
        row = row_of(found, identity, action, subject, asset, account or identity.account)
        if row is not None:
            yield row


def through(row: Row, subject: str) -> Row:
    """A row as one about the bucket behind the access point that was asked."""
    key = "s3express:DataAccessPointArn" if ":s3express:" in subject else "s3:DataAccessPointArn"
    told = f"{key} = {container_of(subject) or subject}"
    outcome = Outcome.CONDITIONAL if row.outcome is Outcome.ALLOWED else row.outcome
    return replace(row, outcome=outcome, conditions=(told, *row.conditions))


def callers(found: Estate, action: str, subject: str, resource: Policy | None, account: str) -> Iterator[Identity]:
    """Those who could be allowed at all: whom own policies or the resource's give something like it."""
    yield from found.index.granted(action, subject, resource, account)
    for owner in () if beyond_root(action.lower()) else sorted(found.accounts):
        if owner == account or (resource is not None and account):
            yield root_of(owner)
    for each in named_callers(found, resource):
        if each.principal.kind != "anonymous" or answers_unsigned(action):
            yield each


def row_of(
    found: Estate, identity: Identity, action: str, subject: str, asset: Asset | None, account: str
) -> Row | None:
    """The row of a principal that can, or of which that is unknown; None for one that cannot."""
    policies, _ = policies_over(found, identity, asset, account, action)
    context = known_context(found, identity, asset, account, action)
    request = Request(identity.principal, action, subject, account, context)
    conclusion = conclude(request, policies, limits=limits(found, identity, asset, action))
    missing = [*unseen(action, subject, asset), *unread(found, identity, asset, account)]
    if missing and conclusion.outcome is not Outcome.UNKNOWN and (conclusion.possible or incomplete(found, identity)):
        conclusion = replace(conclusion, outcome=Outcome.UNKNOWN, why="; ".join(missing))
    if conclusion.outcome is Outcome.DENIED:
        return None
    return Row(
        identity.arn,
        identity.principal.kind,
        identity.account,
        identity.account in found.accounts,
        conclusion.outcome,
        conclusion.conditions,
        (identity.arn,),
        (conclusion,),
        conclusion.why or conclusion.answer.why,
    )


def asked(
    found: Estate,
    identity: Identity,
    action: str,
    resource: str,
    given: Mapping[str, tuple[str, ...]] | None = None,
    *,
    lacking: str = "",
    scps: bool = True,
) -> Conclusion:
    """What comes of one request.

    Its context has what the inventory settles and `given`, and lacks the key `lacking`. `scps`: under the service
    control policies.
    """
    asset = asset_of(found, resource)
    account = resource_account(found, resource) or identity.account
    context = {**known_context(found, identity, asset, account, action), **(given or {})}
    policies, _ = policies_over(found, identity, asset, account, action)
    if not scps:
        policies = replace(policies, scps=())
    request = Request(identity.principal, action, resource, account, context)
    limited = limits(found, identity, asset, action)
    if lacking:
        absent = limited.absent
        limited = replace(limited, absent=lambda key: key == lacking or absent(key))
    return conclude(request, policies, limits=limited)

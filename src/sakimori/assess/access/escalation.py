"""Who can become an administrator, by which chain of methods, and what each step asks AWS.

Backwards from the administrators: whoever can use a method on one of them is one as good, and so on until nobody is
added. A step is a request with its context; every one is a witness that `engine.decide` answers with Allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sakimori.assess.access.administrators import is_administrator, may_at_all
from sakimori.assess.access.callers import EVERYTHING
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.holders import holders
from sakimori.assess.access.methods import Method, Need, methods
from sakimori.assess.access.policy import Kind, Policy
from sakimori.assess.access.principals import Principal
from sakimori.assess.access.questions import asked, step_json
from sakimori.assess.access.symbolic import OUTCOMES, Conclusion, Outcome
from sakimori.model.asset import Asset

ASSUMED = "role_assumed"


@dataclass(frozen=True, slots=True)
class Edge:
    """One use of a method. `target` is whose rights are gained, `holder` what runs under them."""

    method: Method
    source: str
    target: str
    holder: str
    steps: tuple[Conclusion, ...]

    @property
    def outcome(self) -> Outcome:
        return max((step.outcome for step in self.steps), key=OUTCOMES.index, default=Outcome.ALLOWED)

    @property
    def conditions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for step in self.steps for text in step.conditions))

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method.id,
            "category": self.method.category,
            "how": self.method.how,
            "source": self.source,
            "target": self.target,
            "holder": self.holder,
            "outcome": self.outcome.value,
            "conditions": list(self.conditions),
            "steps": [step_json(step) for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Escalation:
    """How one principal becomes an administrator: the chain, and every method that does for its first link."""

    principal: str
    account: str
    chain: tuple[Edge, ...]
    others: tuple[Edge, ...]

    @property
    def outcome(self) -> Outcome:
        return max((edge.outcome for edge in self.chain), key=OUTCOMES.index)

    def to_json(self) -> dict[str, Any]:
        return {
            "principal": self.principal,
            "outcome": self.outcome.value,
            "conditions": list(dict.fromkeys(text for edge in self.chain for text in edge.conditions)),
            "chain": [edge.to_json() for edge in self.chain],
            "methods": [edge.method.id for edge in (self.chain[0], *self.others)],
        }


def escalations(found: Estate) -> list[Escalation]:
    """Every one of our principals that is no administrator and can become one, by its shortest chain."""
    admins = found.administrators
    chains: dict[str, Escalation] = {}
    candidates = [
        identity
        for identity in found.identities.values()
        if identity.arn not in admins and not identity.principal.is_service_linked
    ]
    frontier = [*admins]
    opening = True
    while frontier or opening:
        added: dict[str, Escalation] = {}
        assumed = _assumed_edges(found, frontier)
        for identity in candidates:
            if identity.arn in chains:
                continue
            edges = [*assumed.get(identity.arn, ()), *_edges(found, identity, frontier, alone=opening)]
            best = min(edges, key=lambda edge: OUTCOMES.index(edge.outcome), default=None)
            if best is not None:
                rest = chains[best.target].chain if best.target in chains else ()
                others = tuple(edge for edge in edges if edge is not best)
                added[identity.arn] = Escalation(identity.arn, identity.account, (best, *rest), others)
        chains |= added
        frontier, opening = [*added], False
    return [*chains.values()]


def _assumed_edges(found: Estate, frontier: Iterable[str]) -> dict[str, list[Edge]]:
    """Who can assume one of these roles, by our principal."""
    method = next(each for each in methods() if each.id == ASSUMED)
    edges: dict[str, list[Edge]] = {}
    for arn in frontier:
        if found.identities[arn].principal.kind != "role":
            continue
        for row in found.assumers(arn):
            if row.principal in found.identities and row.principal != arn:
                edges.setdefault(row.principal, []).append(Edge(method, row.principal, arn, "", row.steps))
    return edges


# ---- one principal


def _edges(found: Estate, identity: Identity, frontier: Sequence[str], *, alone: bool) -> Iterator[Edge]:
    """Every method by which the identity gains the rights of one of `frontier`; one edge a method.

    `alone`: also those that need nobody else.
    """
    for method in methods():
        if method.id == ASSUMED or (method.who and method.who != identity.principal.kind):
            continue
        if not may_at_all(identity, method.actions):
            continue
        if not method.target or method.gives in ("group", "target-self"):
            uses = _alone(found, identity, method) if alone else iter(())
        else:
            uses = _on_targets(found, identity, method, frontier)
        edge = min(uses, key=lambda each: OUTCOMES.index(each.outcome), default=None)
        if edge is not None:
            yield edge


def _alone(found: Estate, identity: Identity, method: Method) -> Iterator[Edge]:
    """Methods after which the rights of the principal itself, or of a target that it fills up, are everything."""
    for gained, target in _gains(found, identity, method):
        steps = _steps(found, identity, method, target, None)
        if steps is not None and is_administrator(found, gained):
            yield Edge(method, identity.arn, gained.arn if target is None else target.uid, "", steps)


def _gains(found: Estate, identity: Identity, method: Method) -> Iterator[tuple[Identity, Asset | None]]:
    if method.versions:
        for policy in _older_versions(found, identity):
            yield replace(identity, policies=(*identity.policies, policy)), None
    elif method.gives == "self":
        yield replace(identity, policies=(*identity.policies, EVERYTHING)), None
    elif method.gives == "unbounded" and identity.boundaries:
        yield replace(identity, boundaries=()), None
    elif method.gives == "group":
        for group in found.groups:
            if group.account == identity.account:
                yield replace(identity, policies=(*identity.policies, *found.group_policies(group))), group
    elif method.gives == "target-self":
        for other in found.identities.values():
            asset = other.asset
            if other.principal.kind == method.target and other.arn != identity.arn and asset is not None:
                yield replace(other, policies=(*other.policies, EVERYTHING)), asset


def _older_versions(found: Estate, identity: Identity) -> Iterator[Policy]:
    """The versions that are not the default one of managed policies attached to the identity or its groups."""
    for arn in _own_managed(found, [identity.asset, *found.groups_of(identity)], several=True):
        asset = found.inventory.get(arn)
        for version in (asset.config.get("PolicyVersionList") or ()) if asset else ():
            if version.get("IsDefaultVersion") or not version.get("Document"):
                continue
            name = f"{arn} {version.get('VersionId')}"
            policy = found.compiled(version["Document"], Kind.IDENTITY, name, identity.arn)
            if policy is not None:
                yield policy


def _on_targets(found: Estate, identity: Identity, method: Method, frontier: Sequence[str]) -> Iterator[Edge]:
    for arn in frontier:
        target = found.identities[arn]
        if target.principal.kind != method.target or arn == identity.arn or target.asset is None:
            continue
        if not _fits(method, target.asset):
            continue
        for holder in holders(found, method.holder, target) if method.holder else (None,):
            steps = _steps(found, identity, method, target.asset, holder)
            if steps is not None:
                yield Edge(method, identity.arn, arn, holder.uid if holder else "", steps)


def _fits(method: Method, target: Asset) -> bool:
    """Has the target the password or the inactive key that the method is about? Where the inventory tells."""
    report = target.config.get("CredentialReport") or {}
    if method.inactive_key:
        return any(
            str(report.get(f"access_key_{n}_active")).lower() == "false"
            and report.get(f"access_key_{n}_last_rotated") not in (None, "", "N/A")
            for n in (1, 2)
        )
    if method.password is None or "password_enabled" not in report:
        return True
    return (str(report["password_enabled"]).lower() == "true") is method.password


# ---- steps


def _steps(
    found: Estate, identity: Identity, method: Method, target: Asset | None, holder: Asset | None
) -> tuple[Conclusion, ...] | None:
    """The requests of one use of a method, all possible; None where one is not."""
    steps: list[Conclusion] = []
    for need in method.needs:
        best = _best(found, identity, need, _resources(found, identity, need, target, holder, method))
        if best is None:
            return None
        steps.append(best)
    if method.passes and target is not None:
        passed = asked(found, identity, "iam:PassRole", target.uid, {"iam:passedtoservice": (method.passes,)})
        trusted = _trusting(found, method, target)
        if not (passed.possible and trusted.possible):
            return None
        steps = [passed, *steps, trusted]
    return tuple(steps)


def _best(found: Estate, identity: Identity, need: Need, resources: Iterable[str]) -> Conclusion | None:
    tried = (
        asked(found, identity, need.action, resource, given)
        for resource in resources
        for given in _said(found, identity, need.action)
    )
    best: Conclusion | None = None
    for each in tried:
        if best is None or OUTCOMES.index(each.outcome) < OUTCOMES.index(best.outcome):
            best = each
        if best.outcome is Outcome.ALLOWED:
            break
    return best if best is not None and best.possible else None


def _said(found: Estate, identity: Identity, action: str) -> Iterator[Mapping[str, tuple[str, ...]]]:
    """What a request that attaches a policy, or puts one in a boundary's place, says of it: that it is one of those
    that make an administrator."""
    key = _NAMES_POLICY.get(action)
    if key is None:
        yield {}
        return
    yield {key: (f"arn:{identity.arn.split(':')[1]}:iam::aws:policy/AdministratorAccess",)}
    yield from ({key: (arn,)} for arn in found.administering_policies(identity.account))


_NAMES_POLICY = {
    "iam:AttachUserPolicy": "iam:policyarn",
    "iam:AttachGroupPolicy": "iam:policyarn",
    "iam:AttachRolePolicy": "iam:policyarn",
    "iam:PutUserPermissionsBoundary": "iam:permissionsboundary",
    "iam:PutRolePermissionsBoundary": "iam:permissionsboundary",
}
"""The key by which a request of these actions tells the policy."""


def _resources(
    found: Estate, identity: Identity, need: Need, target: Asset | None, holder: Asset | None, method: Method
) -> Iterator[str]:
    own = identity.asset
    if need.place == "any":
        yield "*"
    elif need.place == "self":
        yield identity.arn
    elif need.place == "own-policy":
        yield from _own_managed(found, [own, *found.groups_of(identity)], several=method.versions)
    elif need.place == "own-group":
        yield from (group.uid for group in found.groups_of(identity))
    elif need.place == "target" and target is not None:
        yield target.uid
    elif need.place == "target-policy":
        yield from _own_managed(found, [target], several=False)
    elif need.place == "holder" and holder is not None:
        yield holder.uid
    elif need.place == "provider" and target is not None:
        yield from _providers(found, target, need.action)


def _own_managed(found: Estate, assets: Iterable[Asset | None], *, several: bool) -> Iterator[str]:
    """The customer managed policies attached to these; `several` keeps those with more than one version."""
    for asset in assets:
        for each in (asset.config.get("AttachedManagedPolicies") or ()) if asset else ():
            arn = str(each.get("PolicyArn"))
            policy = found.inventory.get(arn)
            versions = policy.config.get("PolicyVersionList") or () if policy else ()
            if ":iam::aws:" not in arn and (not several or len(versions) > 1):
                yield arn


def _providers(found: Estate, role: Asset, action: str) -> Iterator[str]:
    """The identity providers of the account that a role trusts, of the kind that the action is about."""
    kind = ":saml-provider/" if "SAML" in action else ":oidc-provider/"
    identity = found.identities.get(role.uid)
    for statement in identity.trust.statements if identity and identity.trust else ():
        for principal, value in statement.principals or ():
            if statement.allows and principal == "Federated" and kind in value:
                yield value


def _trusting(found: Estate, method: Method, role: Asset) -> Conclusion:
    """Does the role trust the service that it is passed to?"""
    action = "sts:AssumeRoleWithWebIdentity" if method.federated else "sts:AssumeRole"
    service = Identity(Principal("federated" if method.federated else "service", method.passes), outside=True)
    return asked(found, service, action, role.uid)

"""Who can become an administrator, by which chain of methods, and what each step asks AWS.

Backwards from the administrators: whoever can use a method on one of them is one as good, and so on until nobody is
added. A step is a request with its context; every one is a witness that `engine.decide` answers with Allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sakimori.assess.access.administrators import is_administrator, may_at_all
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.gains import gains
from sakimori.assess.access.holders import has_profile, holders
from sakimori.assess.access.methods import Method, methods
from sakimori.assess.access.questions import step_json
from sakimori.assess.access.resource_policies import POLICIES
from sakimori.assess.access.symbolic import OUTCOMES, Conclusion, Outcome
from sakimori.assess.access.uses import steps_of_use
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
    """Every one of our principals that is no administrator and can become one, by its shortest chain.

    Chains of which a link is unknown are for those alone who have no better one.
    """
    chains: dict[str, Escalation] = {}
    for certain in (True, False):
        frontier = [*found.administrators, *chains]
        opening = True
        while frontier or opening:
            added = _one_link_more(found, frontier, chains, opening=opening, certain=certain)
            chains |= added
            frontier, opening = [*added], False
    return [*chains.values()]


def _one_link_more(
    found: Estate, frontier: Sequence[str], chains: Mapping[str, Escalation], *, opening: bool, certain: bool
) -> dict[str, Escalation]:
    """Those who are on no chain yet and get to the frontier, or in the first round to everything, by one use."""
    added: dict[str, Escalation] = {}
    assumed = _assumed_edges(found, frontier)
    for identity in found.identities.values():
        if identity.arn in chains or identity.arn in found.administrators or identity.principal.is_service_linked:
            continue
        edges = [*assumed.get(identity.arn, ()), *_edges(found, identity, frontier, alone=opening)]
        edges = [edge for edge in edges if not certain or edge.outcome is not Outcome.UNKNOWN]
        best = min(edges, key=lambda edge: OUTCOMES.index(edge.outcome), default=None)
        if best is not None:
            rest = chains[best.target].chain if best.target in chains else ()
            others = tuple(edge for edge in edges if edge is not best)
            added[identity.arn] = Escalation(identity.arn, identity.account, (best, *rest), others)
    return added


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
        if method.alone and method.below not in identity.arn:
            continue
        if not may_at_all(identity, _by_own_policies(method)):
            continue
        if method.alone:
            uses = _alone(found, identity, method) if alone else iter(())
        else:
            uses = _on_targets(found, identity, method, frontier)
        edge = min(uses, key=lambda each: OUTCOMES.index(each.outcome), default=None)
        if edge is not None:
            yield edge


def _by_own_policies(method: Method) -> tuple[str, ...]:
    """The actions that own policies must allow: not those that the policy of what runs under the role, or of what its
    code is in, may as well."""
    if method.holder is None:
        return method.actions
    elsewhere = ("holder", "code") if method.holder[0] in POLICIES else ("code",)
    return tuple(need.action for need in method.needs if need.place not in elsewhere)


def _alone(found: Estate, identity: Identity, method: Method) -> Iterator[Edge]:
    """Methods after which the rights of the principal itself, or of one that it makes or fills up, are everything."""
    for gained, target in gains(found, identity, method):
        steps = steps_of_use(found, identity, method, target, None, gained)
        if steps is not None and is_administrator(found, gained):
            yield Edge(method, identity.arn, gained.arn if target is None else target.uid, "", steps)


def _on_targets(found: Estate, identity: Identity, method: Method, frontier: Sequence[str]) -> Iterator[Edge]:
    for arn in frontier:
        target = found.identities[arn]
        if target.principal.kind != method.target or arn == identity.arn or target.asset is None:
            continue
        if method.below not in arn or not _fits(method, target.asset) or not has_profile(found, method, target):
            continue
        for holder in holders(found, method.holder, target) if method.holder else (None,):
            steps = steps_of_use(found, identity, method, target.asset, holder)
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

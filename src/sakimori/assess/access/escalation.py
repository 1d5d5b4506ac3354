"""Who can become an administrator, by which chain of methods, and what each step asks AWS.

Backwards from the administrators: whoever can use a method on one of them is one as good, and so on until nobody is
added. A step is a request with its context; every one is a witness that `engine.decide` answers with Allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sakimori.assess.access.administrators import is_administrator
from sakimori.assess.access.edges import Edge, Way, best_of, outcome_of, surest
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.gains import gains
from sakimori.assess.access.holders import has_profile, holders
from sakimori.assess.access.methods import PREPARE, Method, methods
from sakimori.assess.access.preparations import ASSUMED, fitting, prepared
from sakimori.assess.access.symbolic import Outcome
from sakimori.assess.access.uses import Known, steps_of_use
from sakimori.model.asset import Asset


@dataclass(frozen=True, slots=True)
class Escalation:
    """How one principal becomes an administrator: the chain, and every method that does for its first link."""

    principal: str
    account: str
    chain: Way
    others: Way

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.chain)

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

    Ways that need preparation are for those alone who have no other, and so are chains of which a link is unknown.
    """
    chains: dict[str, Escalation] = {}
    for certain in (True, False):
        frontier = [*found.administrators, *chains]
        added = _more(found, chains, _by_one_use(found, frontier, opening=True), certain=certain)
        while True:
            while added:
                chains |= added
                added = _more(found, chains, _by_one_use(found, [*added], opening=False), certain=certain)
            added = _more(found, chains, _by_preparation(found, [*found.administrators, *chains]), certain=certain)
            if not added:
                break
    return [*chains.values()]


Search = Callable[[Identity], Iterable[Way]]


def _more(found: Estate, chains: Mapping[str, Escalation], search: Search, *, certain: bool) -> dict[str, Escalation]:
    """Those who are on no chain yet and for whom the search finds ways to whoever is, or to every right."""
    added: dict[str, Escalation] = {}
    for identity in found.identities.values():
        if identity.arn in chains or identity.arn in found.administrators or identity.principal.is_service_linked:
            continue
        ways = [way for way in search(identity) if not certain or outcome_of(way) is not Outcome.UNKNOWN]
        best = best_of(ways)
        if best is not None:
            last = best[-1].target
            rest = chains[last].chain if last in chains else ()
            firsts = {way[0].method.id: way[0] for way in ways if way[0].method is not best[0].method}
            added[identity.arn] = Escalation(identity.arn, identity.account, (*best, *rest), (*firsts.values(),))
    return added


def _by_one_use(found: Estate, frontier: Sequence[str], *, opening: bool) -> Search:
    """By one use to the frontier, or in the first round to everything."""
    assumed = _assumed_edges(found, frontier)

    def search(identity: Identity) -> Iterator[Way]:
        yield from ((edge,) for edge in assumed.get(identity.arn, ()))
        for method in fitting(identity, alone=opening):
            best = best_of(surest((edge,) for edge in _uses(found, identity, frontier, [method])))
            if best is not None:
                yield best

    return search


def _by_preparation(found: Estate, frontier: Sequence[str]) -> Search:
    uses = partial(_uses, found)
    return lambda identity: prepared(found, identity, frontier, uses)


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


def _uses(found: Estate, identity: Identity, frontier: Sequence[str], fitting: Iterable[Method]) -> Iterator[Edge]:
    """Every use of these methods by which the identity gains the rights of one of `frontier`, or all by itself."""
    for method in fitting:
        yield from _alone(found, identity, method) if method.alone else _on_targets(found, identity, method, frontier)


def _alone(found: Estate, identity: Identity, method: Method) -> Iterator[Edge]:
    """Methods after which the rights of the principal itself, or of one that it makes or fills up, are everything."""
    if method.gives in PREPARE:
        return
    for gained, target in gains(found, identity, method):
        steps = steps_of_use(found, identity, method, target, None, gained)
        if steps is not None and is_administrator(found, gained):
            yield Edge(method, identity.arn, gained.arn if target is None else target.uid, "", steps)


def _on_targets(found: Estate, identity: Identity, method: Method, frontier: Sequence[str]) -> Iterator[Edge]:
    held = found.holding(*method.holder) if method.holder else None
    known: Known = {}
    for arn in frontier if held is None else filter(held.__contains__, frontier):
        target = found.identities[arn]
        if target.principal.kind != method.target or arn == identity.arn or target.asset is None:
            continue
        if not method.may_have(arn) or not _fits(method, target.asset) or not has_profile(found, method, target):
            continue
        for holder in holders(found, method.holder, target) if method.holder else (None,):
            steps = steps_of_use(found, identity, method, target.asset, holder, known=known)
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

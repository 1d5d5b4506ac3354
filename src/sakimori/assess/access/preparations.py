"""Ways of which the first use is a preparation: what one gains by it is not everything, but leads on.

One joins a group whose rights are no administrator's and uses them, or fills up a role that one cannot assume and gets
at it through what runs under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sakimori.assess.access.administrators import acts, is_administrator, may_at_all
from sakimori.assess.access.edges import Edge, Way, best_of, surest
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.gains import gains
from sakimori.assess.access.methods import PREPARE, Method, methods
from sakimori.assess.access.policy import Policy
from sakimori.assess.access.resource_policies import POLICIES
from sakimori.assess.access.uses import steps_of_use

ASSUMED = "role_assumed"

MOST = 2
"""Preparations in one way: more are no more likely to be tried, and cost a look at every combination."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Somebody after preparations. `fresh` are the policies that these gave, None where all that it may do is new."""

    identity: Identity
    fresh: tuple[Policy, ...] | None = None
    done: tuple[str, ...] = ()

    def gains_by(self, method: Method) -> bool:
        """Are the preparations of use for the method? Without them it was tried already."""
        return self.fresh is None or any(acts(self.fresh, action) for action in method.actions)


Uses = Callable[[Identity, Sequence[str], Sequence[Method]], Iterator[Edge]]
"""Every single use of these methods by which an identity gains the rights of one of the principals, or every right."""


def fitting(
    identity: Identity, *, alone: bool, assuming: bool = False, of: Iterable[Method] | None = None
) -> list[Method]:
    """The methods, or those `of` some, that the identity may be able to use.

    `alone`: also those that need nobody who is an administrator already. `assuming`: also assuming a role, which is
    else asked of the role.
    """
    return [
        method
        for method in (methods() if of is None else of)
        if (alone or not method.alone) and (assuming or method.id != ASSUMED) and usable(identity, method)
    ]


def usable(identity: Identity, method: Method) -> bool:
    if method.who not in ("", identity.principal.kind) or (method.alone and not method.may_have(identity.arn)):
        return False
    return may_at_all(identity, _by_own_policies()[method.id])


@cache
def _by_own_policies() -> Mapping[str, tuple[str, ...]]:
    """The actions that own policies must allow, by the method's id: not those that the policy of what runs under the
    role, or of what its code is in, may as well."""
    return {method.id: tuple(action for action in method.actions if _own(method, action)) for method in methods()}


def _own(method: Method, action: str) -> bool:
    if method.holder is None:
        return True
    elsewhere = ("holder", "code") if method.holder[0] in POLICIES else ("code",)
    return all(need.place not in elsewhere for need in method.needs if need.action == action)


@cache
def _within(services: tuple[str, ...]) -> tuple[Method, ...]:
    """The methods that need nothing but what is done in these services."""
    return tuple(each for each in methods() if all(action.partition(":")[0] in services for action in each.actions))


def prepared(found: Estate, identity: Identity, frontier: Sequence[str], uses: Uses) -> Iterator[Way]:
    """The ways of more than one use by which the identity gets the rights of one of `frontier`, or every right; one for
    each first method."""
    return _ways(found, Prepared(identity), frontier, uses)


def _ways(found: Estate, before: Prepared, frontier: Sequence[str], uses: Uses) -> Iterator[Way]:
    useful = (
        method for method in methods() if method.alone and method.id not in before.done and before.gains_by(method)
    )
    first = fitting(before.identity, alone=True, of=useful)
    filling = any(method.gives == "filled" for method in first)
    taking = fitting(before.identity, alone=False) if filling else []
    for method in first:
        if method.gives == "filled":
            ways = _filled(found, before.identity, method, uses, taking)
        else:
            ways = _led_on(found, before, method, frontier, uses)
        best = best_of(surest(ways))
        if best is not None:
            yield best


def _led_on(found: Estate, before: Prepared, method: Method, frontier: Sequence[str], uses: Uses) -> Iterator[Way]:
    """Whoever one is afterwards is no administrator, but gets to one."""
    if method.within and not any(each.holder and found.holding(*each.holder) for each in _within(method.within)):
        return  # nothing is there that what one may do in these services would lead to
    for edge, gained in _first_uses(found, before.identity, method):
        if method.gives not in PREPARE and is_administrator(found, gained):
            continue
        now = Prepared(gained, _fresh(before, gained), (*before.done, method.id))
        leads = False
        for way in uses(
            gained, frontier, fitting(gained, alone=True, assuming=True, of=filter(now.gains_by, methods()))
        ):
            leads = True
            yield edge, way
        if not leads and not method.within and len(now.done) < MOST:
            yield from ((edge, *rest) for rest in _ways(found, now, frontier, uses))


def _fresh(before: Prepared, gained: Identity) -> tuple[Policy, ...] | None:
    """The policies that somebody has gained, where nothing else about it has changed."""
    was = before.identity
    same = (gained.arn, gained.boundaries) == (was.arn, was.boundaries)
    if not same or not all(policy in gained.policies for policy in was.policies):
        return None
    added = tuple(policy for policy in gained.policies if policy not in was.policies)
    return added if not before.done else None if before.fresh is None else (*before.fresh, *added)


def _filled(found: Estate, identity: Identity, method: Method, uses: Uses, taking: Sequence[Method]) -> Iterator[Way]:
    """Whoever was filled up is an administrator; single uses that make one this principal follow."""
    first = {gained.arn: (edge, gained) for edge, gained in _first_uses(found, identity, method)} if taking else {}
    for taken in uses(identity, [*first], taking):
        edge, gained = first[taken.target]
        if is_administrator(found, gained):
            yield edge, taken


def _first_uses(found: Estate, identity: Identity, method: Method) -> Iterator[tuple[Edge, Identity]]:
    for gained, target in gains(found, identity, method):
        if (gained.arn, gained.policies, gained.boundaries) == (identity.arn, identity.policies, identity.boundaries):
            continue
        steps = steps_of_use(found, identity, method, target, None, gained)
        if steps is not None:
            name = gained.arn if target is None else target.uid
            yield Edge(method, identity.arn, name, "", steps), gained

"""Finds, for one action and resource, those of many identities that any statement could allow it: cheap, and complete.

What it leaves out cannot be allowed; what it gives is decided by `symbolic.conclude`. Each policy is looked at once an
action, each pattern once a resource, however many identities share them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sakimori.assess.access.arns import is_pattern, resource_glob, universe
from sakimori.assess.access.globs import ANY, Glob, matcher, overlap
from sakimori.assess.access.narrowing import acting
from sakimori.assess.access.policy import Policy
from sakimori.assess.access.principals import Grant, granted
from sakimori.assess.access.reserved import needs_resource_policy
from sakimori.assess.access.variables import anything_filled_in, unshielded

if TYPE_CHECKING:
    from sakimori.assess.access.estate import Estate, Identity


class Index:
    """The identities of an estate by the policies that they share."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._policies: dict[int, Policy] = {}
        self._holders: dict[int, list[Identity]] = {}
        self._by_action: dict[str, list[tuple[int, tuple[Glob, ...] | None]]] = {}
        for identity in estate.identities.values():
            for policy in identity.policies:
                self._policies[id(policy)] = policy
                self._holders.setdefault(id(policy), []).append(identity)

    def granted(self, action: str, subject: str, resource: Policy | None, account: str) -> Iterator[Identity]:
        """Our users and roles that their own policies, or the resource's, could allow the action on the subject."""
        lowered = action.lower()
        own = {identity.arn: identity for identity in self._by_own_policies(lowered, subject)}
        named = dict(self._named(resource, lowered))
        needed = bool(account) and not is_pattern(subject) and bool(needs_resource_policy(lowered, subject))
        incomplete = {uid: self._estate.identities[uid] for uid in self._estate.gaps if uid in self._estate.identities}
        for arn, identity in {**own, **named, **incomplete}.items():
            foreign = account and identity.account != account
            if (
                arn in incomplete
                or (arn in own and arn in named)
                or (arn in named and not foreign)
                or (arn in own and not foreign and not needed)
            ):
                yield identity

    def _by_own_policies(self, action: str, subject: str) -> Iterator[Identity]:
        wanted = [resource_glob(each) for each in (universe(action, "") if subject == "*" else (subject,))]
        concrete = subject if not is_pattern(subject) else ""
        for key, globs in self._allowing(action):
            if globs is None or any(_meets(glob, wanted, concrete) for glob in globs):
                yield from self._holders[key]

    def _allowing(self, action: str) -> list[tuple[int, tuple[Glob, ...] | None]]:
        """The policies that allow an action, each with its patterns of resources; None for any resource."""
        if action not in self._by_action:
            found = ((key, _patterns(policy, action)) for key, policy in self._policies.items())
            self._by_action[action] = [(key, globs) for key, globs in found if globs is None or globs]
        return self._by_action[action]

    def _named(self, resource: Policy | None, action: str) -> Iterator[tuple[str, Identity]]:
        """Those whom the resource's policy means, by ARN, account or as everybody."""
        identities = self._estate.identities
        for statement in acting(resource, action) if resource else ():
            if not statement.allows or statement.principals is None:
                continue
            for identity in self._meant(statement.principals, anyone=statement.not_principals):
                if statement.not_principals or granted(statement.principals, identity.principal) > Grant.NOBODY:
                    yield identity.arn, identities[identity.arn]

    def _meant(self, principals: tuple[tuple[str, str], ...], *, anyone: bool) -> Iterable[Identity]:
        from sakimori.assess.access.principals import names_account

        identities = self._estate.identities
        values = [value for _, value in principals]
        if anyone or "*" in values or any(kind == "CanonicalUser" for kind, _ in principals):
            return [*identities.values()]
        found = []
        for value in values:
            if value in identities:
                found.append(identities[value])
            elif names_account(value):
                found += self._estate.by_account.get(names_account(value), [])
        return found


def _patterns(policy: Policy, action: str) -> tuple[Glob, ...] | None:
    found: list[Glob] = []
    for statement in acting(policy, action):
        if not statement.allows:
            continue
        if statement.resources is None or statement.not_resources:
            return None
        for pattern in statement.resources:
            glob = unshielded(resource_glob(anything_filled_in(pattern)))
            if glob == (ANY,):
                return None
            found.append(glob)
    return tuple(found)


def _meets(glob: Glob, wanted: list[Glob], concrete: str) -> bool:
    if concrete:
        return bool(matcher(glob)(concrete))
    return any(overlap(each, glob) for each in wanted)

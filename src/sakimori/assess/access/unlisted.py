"""Which kinds of assets a refused call leaves out: whoever looks at them has not seen them all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache

from sakimori.assess.access.code import RECIPES
from sakimori.assess.access.methods import looked_up
from sakimori.discover.declare import Listing, Reach, Service
from sakimori.discover.services import services
from sakimori.model.asset import NotEvaluated


def unlisted(missing: Iterable[NotEvaluated], kinds: Collection[str]) -> Iterator[tuple[str, str]]:
    """The account and the reason of each refused call that lists or describes assets of these kinds."""
    known = _kinds_by_action()
    for each in missing:
        hidden = sorted(known.get(each.action, frozenset()).intersection(kinds))
        if hidden:
            where = f"{each.resource or each.region} in account {each.account}"
            what = f"{hidden[0]} and {len(hidden) - 1} more kinds" if len(hidden) > 1 else hidden[0]
            yield each.account, f"{each.action} of {where} was answered with {each.code}: {what} are not all known"


@cache
def _kinds_by_action() -> dict[str, frozenset[str]]:
    """The calls without which assets are missing, or are there without what describes them, or leads to a role: action
    -> their kinds."""
    found: dict[str, set[str]] = {"ec2:DescribeRegions": set()}
    for service in services().values():
        for listing in service.lists:
            for action, kind in _told_by(service, listing):
                found.setdefault(action, set()).add(kind)
                if service.reach is Reach.REGIONAL:
                    found["ec2:DescribeRegions"].add(kind)
    return {action: frozenset(kinds) for action, kinds in found.items()}


def _told_by(service: Service, listing: Listing) -> Iterator[tuple[str, str]]:
    for resource in listing.gives:
        yield service.action(listing), resource.type
        for detail in resource.details:
            if not detail.under or (resource.type, detail.under) in looked_up() or detail.under in RECIPES:
                yield service.action(detail), resource.type
        for below in resource.lists:
            for action, kind in _told_by(service, below):
                yield action, kind
                yield service.action(listing), kind

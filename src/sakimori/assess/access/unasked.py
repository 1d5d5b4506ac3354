"""Which services nobody asked: that none of a kind is in the inventory then says nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

from sakimori.discover.declare import Reach
from sakimori.discover.services import services
from sakimori.model.asset import GLOBAL, Asked, Inventory

SHOWN = 3
"""Services and regions that are named, of many."""

IDENTITIES, ORGANIZATION = "iam", "organizations"


def unasked(inventory: Inventory, kinds: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each account with the reason why there may be assets of these kinds that nobody has asked for.

    A region counts as looked at, in an account, if any service was asked there.
    """
    if inventory.asked is None:
        return
    giving = _giving(frozenset(kinds))
    accounts = {each.account for each in inventory.asked} or {asset.account for asset in inventory}
    for account in sorted(filter(None, accounts)):
        never, partly = _missing(inventory.asked, account, giving)
        if never:
            tells = ", which a file does not tell" if not inventory.asked else ""
            what = f"{listed(never)} of account {account} {'was' if len(never) == 1 else 'were'} never asked{tells}"
            narrowed = f" --services {','.join(never)}" if len(never) <= SHOWN else ""
            yield account, f"{what}: run `sakimori discover{narrowed}`"
        for name, regions in partly.items():
            what = f"{name} of account {account} was never asked in {listed(regions)}"
            yield account, f"{what}: run `sakimori discover --services {name}`"


def never_asked(inventory: Inventory, account: str, service: str) -> bool:
    """Was a service without regions never asked in this account, or at all where that is not told by account?"""
    if inventory.asked is None:
        return False
    return not any(each.service == service and account in ("", each.account) for each in inventory.asked)


def _missing(
    asked: Collection[Asked], account: str, giving: Mapping[str, Reach]
) -> tuple[list[str], dict[str, list[str]]]:
    """The services that were never asked in an account, and the regions in which others were not."""
    mine = [each for each in asked if each.account == account]
    regions = {each.region for each in mine} - {GLOBAL}
    never, partly = [], {}
    for name, reach in giving.items():
        seen = {each.region for each in mine if each.service == name}
        if not seen:
            never.append(name)
        elif reach is Reach.REGIONAL and regions - seen:
            partly[name] = sorted(regions - seen)
    return never, partly


def listed(names: Sequence[str]) -> str:
    """The first few by name, and how many more there are."""
    first, more = ", ".join(names[:SHOWN]), len(names) - SHOWN
    return f"{first} and {more:,} more" if more > 0 else first


@cache
def _giving(kinds: frozenset[str]) -> dict[str, Reach]:
    """The services that have such assets in every account."""
    return {
        name: service.reach
        for name, service in services().items()
        if service.reach is not Reach.ORGANIZATION
        and any(resource.type in kinds for _, resource in service.resources())
    }

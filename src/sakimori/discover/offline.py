"""Files instead of AWS: our snapshots, those of Batfish, and AWS Config's exports, as what a discovery finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sakimori.discover.config_export import read_config_export
from sakimori.discover.declare import Place, Service
from sakimori.discover.engine import Found, Unit, discover
from sakimori.discover.services import services
from sakimori.discover.snapshot import SnapshotSource, is_ours, read
from sakimori.model.asset import GLOBAL, Inventory, NotEvaluated

Offline = tuple[Iterable[Found], list[NotEvaluated], int]
"""What is found, what could not be planned, and how many units there are."""


@dataclass(frozen=True, slots=True)
class Within:
    """Which accounts (none, or "all": all) and regions (none: all) are wanted of what is there."""

    accounts: Sequence[str] = ()
    regions: Sequence[str] = ()

    def has(self, account: str, region: str) -> bool:
        """Whether it is wanted; "" is an account that is not told."""
        within = not self.accounts or "all" in self.accounts or account in ("", *self.accounts)
        return within and (not self.regions or region in ("", GLOBAL, *self.regions))


def found_in_snapshot(folder: Path, chosen: Mapping[str, Service], within: Within = Within()) -> Offline:
    """What a snapshot's answers hold of the chosen services. Raises SnapshotError."""
    if not is_ours(folder):
        return _found_in(read(folder), chosen, within, in_part=False)
    source = SnapshotSource(folder)
    units = [unit for unit in source.units(chosen) if within.has(unit.place.account, unit.place.region)]
    missing = [each for each in source.not_evaluated if within.has(each.account, each.region)]
    return discover(source, units), missing, len(units)


def found_in_config_export(place: Path, chosen: Mapping[str, Service], within: Within = Within()) -> Offline:
    """What AWS Config knows of the chosen services: never all of an asset. Raises SnapshotError."""
    return _found_in(read_config_export(place, chosen), chosen, within, in_part=True)


def _found_in(inventory: Inventory, chosen: Mapping[str, Service], within: Within, *, in_part: bool) -> Offline:
    """An inventory as parcels. It need not be all that there is, so nothing counts as gone for not being in it."""
    homes = {resource.type: name for name, service in services().items() for _, resource in service.resources()}
    by_unit: dict[tuple[Place, str], Found] = {}
    for asset in inventory:
        name = homes.get(asset.type, "")
        if name in chosen and within.has(asset.account, asset.region):
            unit = Unit(Place(asset.account, asset.region), name, chosen[name])
            by_unit.setdefault((unit.place, name), Found(unit, in_part=in_part)).assets.append(asset)
    kept = {asset.uid: found for found in by_unit.values() for asset in found.assets}
    for relation in inventory.relations:
        if relation.source in kept:
            kept[relation.source].relations.append(relation)
    missing = [each for each in inventory.not_evaluated if within.has(each.account, each.region)]
    return _ended(by_unit.values()), missing, len(by_unit)


def _ended(parcels: Iterable[Found]) -> Iterator[Found]:
    for parcel in parcels:
        yield parcel
        yield Found(parcel.unit, done=True)

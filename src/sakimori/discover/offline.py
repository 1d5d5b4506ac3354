"""Files instead of AWS: our snapshots, those of Batfish, and AWS Config's exports, as what a discovery finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sakimori.discover.config_export import read_config_export
from sakimori.discover.declare import Place, Service
from sakimori.discover.engine import Found, Unit, discover
from sakimori.discover.services import services
from sakimori.discover.snapshot import SnapshotSource, is_ours, read
from sakimori.model.asset import Inventory, NotEvaluated

Offline = tuple[Iterable[Found], list[NotEvaluated], int]
"""What is found, what could not be planned, and how many units there are."""


def found_in_snapshot(folder: Path, chosen: Mapping[str, Service]) -> Offline:
    """What a snapshot's answers hold of the chosen services. Raises SnapshotError."""
    if not is_ours(folder):
        return _found_in(read(folder), chosen)
    source = SnapshotSource(folder)
    units = list(source.units(chosen))
    return discover(source, units), source.not_evaluated, len(units)


def found_in_config_export(file: Path, chosen: Mapping[str, Service]) -> Offline:
    """What AWS Config knows of the chosen services. Raises SnapshotError."""
    return _found_in(read_config_export(file, chosen), chosen)


def _found_in(inventory: Inventory, chosen: Mapping[str, Service]) -> Offline:
    """An inventory as parcels. It need not be all that there is, so nothing counts as gone for not being in it."""
    homes = {resource.type: name for name, service in services().items() for _, resource in service.resources()}
    by_unit: dict[tuple[Place, str], Found] = {}
    for asset in inventory:
        name = homes.get(asset.type, "")
        if name in chosen:
            unit = Unit(Place(asset.account, asset.region), name, chosen[name])
            by_unit.setdefault((unit.place, name), Found(unit)).assets.append(asset)
    kept = {asset.uid: found for found in by_unit.values() for asset in found.assets}
    for relation in inventory.relations:
        if relation.source in kept:
            kept[relation.source].relations.append(relation)
    return _ended(by_unit.values()), inventory.not_evaluated, len(by_unit)


def _ended(parcels: Iterable[Found]) -> Iterator[Found]:
    for parcel in parcels:
        yield parcel
        yield Found(parcel.unit, done=True)

"""AWS Config's exports as a third source: snapshot files, and the results of advanced queries.

Config writes the describe answers in its own spelling (`vpcId` for `VpcId`, URL-encoded policies, `null` for what is
not there). `config_shapes.py` spells them as the describe calls do, after which the service files' own transform makes
the assets. What Config does not carry is NOT_EVALUATED by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sakimori.discover.config_items import current, items
from sakimori.discover.config_names import IN_PART, NECESSARY, TYPES, untold
from sakimori.discover.config_shapes import config_of
from sakimori.discover.declare import Item, Listing, Place, Reach, Resource, Service
from sakimori.discover.services import services
from sakimori.discover.transform import to_asset, to_tags
from sakimori.model.asset import GLOBAL, NOT_DESCRIBED, Asset, Inventory, NotEvaluated


def read_config_export(place: Path, chosen: Mapping[str, Service] | None = None) -> Inventory:
    """What a file, or all files below a folder, hold of these services (none: all). Raises SnapshotError."""
    reading = _Reading(place, services() if chosen is None else chosen)
    for item in current(items(place)):
        reading.take(item)
    reading.tell_what_is_missing()
    reading.found.point_to_owners()
    return reading.found


@dataclass(slots=True)
class _Reading:
    place: Path
    chosen: Mapping[str, Service]
    found: Inventory = field(default_factory=Inventory)
    known: dict[str, tuple[Service, Listing, Resource]] = field(default_factory=dict)
    seen: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for service in self.chosen.values():
            for listing, resource in service.resources():
                self.known.setdefault(resource.type, (service, listing, resource))

    def take(self, item: Mapping[str, Any]) -> None:
        """One configuration item."""
        kind = TYPES.get(str(item.get("resourceType")), str(item.get("resourceType")))
        account, region = str(item.get("awsAccountId") or item.get("accountId") or ""), str(item.get("awsRegion") or "")
        name = str(item.get("ARN") or item.get("arn") or item.get("resourceId") or "")
        if not account or not region:
            self._miss("", account, region, name, f"{self.place}: the item has no account or region")
            return
        seen = self.seen.setdefault(account, set())
        if kind not in self.known:
            if kind not in seen and kind not in _types():
                self._miss("", account, region, kind, "Sakimori has no service file for this type", "NotModelled")
            seen.add(kind)
            return
        seen.add(kind)
        service, listing, resource = self.known[kind]
        place = Place(account, region if service.reach is Reach.REGIONAL else GLOBAL, _partition(name))
        config = config_of(item, service, listing, resource)
        told = to_asset(resource, config, None, place)
        if told is None:
            self._miss(service.action(listing), account, region, name, f"no {resource.arn} can be made of the item")
            return
        asset, relations = told
        tags = dict(asset.tags) or to_tags(item.get("tags"))
        self.found.add(
            Asset(asset.uid, asset.type, asset.account, asset.region, config, tags, asset.name or tags.get("Name", ""))
        )
        self.found.relations += relations
        self._miss_details(service, resource, config, asset)
        self._miss_parts(service.action(listing), item, asset)

    def _miss_parts(self, action: str, item: Mapping[str, Any], asset: Asset) -> None:
        """What the item should tell, and a query did not select."""
        missing = untold(item, NECESSARY.get(asset.type, ()))
        if missing:
            why = f"the item does not tell {', '.join(missing)}: select configuration as a whole"
            self._miss(action, asset.account, asset.region, asset.uid, why, NOT_DESCRIBED)
        if "tags" not in item and untold(item, ("tags",)) and asset.type.startswith("AWS::EC2::"):
            why = "the item does not tell its tags: select tags"
            self._miss("ec2:DescribeTags", asset.account, asset.region, asset.uid, why)

    def _miss_details(self, service: Service, resource: Resource, config: Item, asset: Asset) -> None:
        for detail in resource.details:
            if detail.under and detail.under not in config:
                what = f"AWS Config does not carry {detail.under}"
                self._miss(service.action(detail), asset.account, asset.region, asset.uid, what)

    def tell_what_is_missing(self) -> None:
        """For each account the types of which the export holds nothing: whether there is none, it does not tell; and
        those of which it holds no more than CloudFormation knows."""
        if not self.seen and not self.found.not_evaluated:
            self._miss("", "", GLOBAL, str(self.place), "the export holds no configuration item")
        for account, seen in self.seen.items():
            for kind in sorted(seen & IN_PART & self.known.keys()):
                service, listing, resource = self.known[kind]
                call = next((each for each in resource.details if not each.under), listing)
                self._miss(service.action(call), account, GLOBAL, kind, "AWS Config carries it only in part")
            for kind, (service, listing, _) in self.known.items():
                if kind not in seen:
                    self._miss(service.action(listing), account, GLOBAL, kind, f"the export holds no {kind}")

    def _miss(self, action: str, account: str, region: str, what: str, why: str, code: str = "NotInConfig") -> None:
        self.found.not_evaluated.append(NotEvaluated(action, account, region, what, code, why))


@cache
def _types() -> frozenset[str]:
    """All types that the service files know, chosen or not."""
    return frozenset(resource.type for service in services().values() for _, resource in service.resources())


def _partition(name: str) -> str:
    parts = name.split(":")
    return parts[1] if len(parts) > 5 and parts[0] == "arn" else "aws"

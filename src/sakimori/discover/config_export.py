"""AWS Config's exports as a third source: snapshot files, and the results of advanced queries.

Config writes the describe answers in its own spelling (`vpcId` for `VpcId`, URL-encoded policies, `null` for what is
not there). `config_shapes.py` spells them as the describe calls do, after which the service files' own transform makes
the assets. What Config does not carry is NOT_EVALUATED by name.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sakimori.discover.config_names import IN_PART, TYPES
from sakimori.discover.config_shapes import config_of
from sakimori.discover.declare import Item, Listing, Place, Reach, Resource, Service
from sakimori.discover.services import services
from sakimori.discover.snapshot import SnapshotError
from sakimori.discover.transform import to_asset, to_tags
from sakimori.model.asset import GLOBAL, Asset, Inventory, NotEvaluated

COLUMNS = (
    *("accountId", "awsRegion", "resourceType", "resourceId", "resourceName", "arn"),
    *("configuration", "supplementaryConfiguration", "tags"),
)
"""What an advanced query has to select."""

GONE = frozenset(("ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded"))
"""`configurationItemStatus` of what is not there."""


def read_config_export(file: Path, chosen: Mapping[str, Service] | None = None) -> Inventory:
    """What the export holds of these services (none: all). Raises SnapshotError."""
    reading = _Reading(file, services() if chosen is None else chosen)
    for item in _current(_items(file)):
        reading.take(item)
    reading.tell_what_is_missing()
    reading.found.point_to_owners()
    return reading.found


@dataclass(slots=True)
class _Reading:
    file: Path
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
            self._miss("", account, region, name, f"{self.file}: the item has no account or region")
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

    def _miss_details(self, service: Service, resource: Resource, config: Item, asset: Asset) -> None:
        for detail in resource.details:
            if detail.under and detail.under not in config:
                what = f"AWS Config does not carry {detail.under}"
                self._miss(service.action(detail), asset.account, asset.region, asset.uid, what)

    def tell_what_is_missing(self) -> None:
        """For each account the types of which the export holds nothing: whether there is none, it does not tell; and
        those of which it holds no more than CloudFormation knows."""
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


def _current(items: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What is there; of the revisions of a task definition the newest that is active, as the calls give it."""
    newest: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for item in items:
        if item.get("configurationItemStatus") in GONE:
            continue
        family, _, revision = str(item.get("ARN") or item.get("arn") or "").rpartition(":")
        if item.get("resourceType") != "AWS::ECS::TaskDefinition" or not revision.isdigit():
            yield item
        elif '"INACTIVE"' not in json.dumps(item.get("configuration")):
            newest[family] = max(newest.get(family, (0, item)), (int(revision), item), key=lambda each: each[0])
    yield from (item for _, item in newest.values())


def _items(file: Path) -> Iterator[Mapping[str, Any]]:
    """Configuration items of a snapshot or history file, results of a query, alone or line by line."""
    try:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except OSError as error:
        raise SnapshotError(f"{file}: cannot be read: {error.strerror or error}: check the file") from error
    except (UnicodeDecodeError, EOFError) as error:
        raise SnapshotError(f"{file}: is no JSON text: {error}: export it again, as JSON") from error
    if not text.strip():
        raise SnapshotError(f"{file}: is empty: export it again, as JSON")
    for value in _values(file, text):
        yield from _unwrapped(file, value)


def _values(file: Path, text: str) -> Iterator[Any]:
    try:
        yield json.loads(text)
        return
    except ValueError as error:
        first = error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                told = first if number == 1 else error
                raise SnapshotError(f"{file}: line {number}: is not JSON: {told}: export it again, as JSON") from None


def _unwrapped(file: Path, value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, str):  # select-resource-config gives each result as text
        try:
            value = json.loads(value)
        except ValueError as error:
            raise SnapshotError(f"{file}: a result is not JSON: {error}: export it again, as JSON") from None
    if isinstance(value, list):
        for each in value:
            yield from _unwrapped(file, each)
        return
    if not isinstance(value, dict):
        raise SnapshotError(f"{file}: holds a {type(value).__name__} where a configuration item should be")
    for wrapping in ("configurationItems", "Results", "results"):
        if isinstance(value.get(wrapping), list):
            yield from _unwrapped(file, value[wrapping])
            return
    if "resourceType" not in value:
        raise SnapshotError(
            f"{file}: holds neither configurationItems nor query results with resourceType: export a snapshot, or the "
            f"query SELECT {', '.join(COLUMNS)}"
        )
    yield value

"""The inventory that goes with the function: as much of it as tells which instances may read a bucket.

The function has no ledger, and 256 MB. Kept are the assets that the access engine looks at for that question, and of
instances what it looks at; the rest of an inventory, mostly configurations, is many times larger.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sakimori.model.asset import Asset, Inventory, NotEvaluated

INSTANCE = "AWS::EC2::Instance"
TYPES = (
    INSTANCE,
    "AWS::EC2::VPCEndpoint",
    "AWS::IAM::Group",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::IAM::User",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Organizations::Account",
    "AWS::Organizations::Organization",
    "AWS::Organizations::OrganizationalUnit",
    "AWS::Organizations::Policy",
    "AWS::Organizations::Root",
    "AWS::S3::AccessPoint",
    "AWS::S3::AccountPublicAccessBlock",
    "AWS::S3::Bucket",
    "AWS::S3::MultiRegionAccessPoint",
)
OF_AN_INSTANCE = ("InstanceId", "IamInstanceProfile", "MetadataOptions")

LARGEST = 12_000_000
"""Bytes of JSON. As objects they are about eight times as many, and the function has about 150 MB for them."""

OLD = timedelta(days=7)
FILE = "inventory.json.zlib"
"""Its name beside the function's settings."""


def packed(inventory: Inventory, at: str) -> bytes | None:
    """What goes with the function of an inventory that was discovered at that time; None where it is too much."""
    assets = [_slim(each) for each in inventory.of_type(*TYPES)]
    missing = [[getattr(each, name) for name in NotEvaluated.__dataclass_fields__] for each in inventory.not_evaluated]
    text = json.dumps({"at": at, "assets": assets, "not_evaluated": missing}, separators=(",", ":"), default=str)
    return zlib.compress(text.encode(), 9) if len(text) <= LARGEST else None


def _slim(asset: Asset) -> list[Any]:
    config = asset.config
    if asset.type == INSTANCE:
        config = {name: config[name] for name in OF_AN_INSTANCE if name in config}
    return [asset.uid, asset.type, asset.account, asset.region, config, dict(asset.tags), asset.name]


def carried(folder: Path) -> Inventory:
    """The inventory that is in the function's settings; an empty one where none was known when it was deployed."""
    place = folder / FILE
    return opened(place.read_bytes()) if place.is_file() else Inventory()


def opened(body: bytes, now: datetime | None = None) -> Inventory:
    """The inventory again. One that is old says so, as something that was not evaluated."""
    found = json.loads(zlib.decompress(body))
    missing: Iterable[NotEvaluated] = (NotEvaluated(*each) for each in found["not_evaluated"])
    inventory = Inventory((Asset(*each) for each in found["assets"]), (), missing)
    age = (now or datetime.now(UTC)) - datetime.fromisoformat(found["at"])
    if age > OLD:
        why = f"the inventory is {age.days} days old: run `sakimori discover` and `sakimori deploy apply`"
        inventory.not_evaluated.insert(0, NotEvaluated("sakimori discover", "", "", "", "Old", why))
    return inventory

"""Where CloudTrail puts its files, and what their names say.

Source: AWS CloudTrail User Guide, "Finding your CloudTrail log files" and "CloudTrail digest file structure":

    [prefix/]AWSLogs/[o-ID/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHMMZ_UNIQUE.json.gz
    [prefix/]AWSLogs/[o-ID/]ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/
        ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_YYYYMMDDTHHMMSSZ[_backfill].json.gz
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sakimori.collect.coverage.bucket import Bucket

_ACCOUNT = re.compile(r"\d{12}")
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_LOG_NAME = re.compile(r"(?P<account>\d{12})_CloudTrail_(?P<region>[a-z0-9-]+)_(?P<time>\d{8}T\d{4})Z_[^/_]+\.json\.gz")
_DIGEST_NAME = re.compile(
    r"(?P<account>\d{12})_CloudTrail-Digest_(?P<region>[a-z0-9-]+)_(?P<trail>.+)_(?P<home>[a-z0-9-]+)_"
    r"(?P<time>\d{8}T\d{6})Z(?P<backfill>_backfill)?\.json\.gz"
)


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """One account in one region of a bucket: what CloudTrail delivers, and stops delivering, as one stream.

    `organization` is the organisation's id where an organisation trail put one in the key, else "".
    """

    account: str
    region: str
    organization: str = ""

    @property
    def log_prefix(self) -> str:
        return f"{self._home}/CloudTrail/{self.region}/"

    @property
    def digest_prefix(self) -> str:
        return f"{self._home}/CloudTrail-Digest/{self.region}/"

    @property
    def _home(self) -> str:
        middle = f"{self.organization}/" if self.organization else ""
        return f"AWSLogs/{middle}{self.account}"


@dataclass(frozen=True, slots=True, order=True)
class Chain:
    """One chain of digests in a lane: a trail's, or the separate one of the trail's backfill digests."""

    lane: Lane
    trail: str
    home_region: str
    backfill: bool

    def key_at(self, end: datetime) -> str:
        """The key of this chain's digest that ends at `end`."""
        tail = "_backfill" if self.backfill else ""
        return (
            f"{self.lane.digest_prefix}{end:%Y/%m/%d}/{self.lane.account}_CloudTrail-Digest_{self.lane.region}"
            f"_{self.trail}_{self.home_region}_{end:%Y%m%dT%H%M%SZ}{tail}.json.gz"
        )


def lane_of(key: str) -> Lane | None:
    """The lane that a log file's key (from `AWSLogs/` on) lies in, or None if it lies in none."""
    parts = key.split("/")
    organization = parts.pop(1) if len(parts) > 1 and _ORGANIZATION.fullmatch(parts[1]) else ""
    if len(parts) < 5 or parts[0] != "AWSLogs" or parts[2] != "CloudTrail" or not _ACCOUNT.fullmatch(parts[1]):
        return None
    return Lane(parts[1], parts[3], organization)


def log_time(lane: Lane, key: str) -> datetime | None:
    """The minute in a log file's name, in UTC: delivery was then or up to about a quarter of an hour later.

    None if CloudTrail would not give a file of this lane that key.
    """
    found = _LOG_NAME.fullmatch(key.rpartition("/")[2])
    if found is None or (found["account"], found["region"]) != (lane.account, lane.region):
        return None
    time = _time(found["time"], "%Y%m%dT%H%M")
    if time is None or key.rpartition("/")[0] != f"{lane.log_prefix}{time:%Y/%m/%d}":
        return None
    return time


def digest_identity(lane: Lane, key: str) -> tuple[Chain, datetime] | None:
    """Chain and end time that a digest's key names; None for a key unlike CloudTrail's."""
    found = _DIGEST_NAME.fullmatch(key.rpartition("/")[2])
    if found is None or (found["account"], found["region"]) != (lane.account, lane.region):
        return None
    end = _time(found["time"], "%Y%m%dT%H%M%S")
    if end is None:
        return None
    chain = Chain(lane, found["trail"], found["home"], found["backfill"] is not None)
    return (chain, end) if chain.key_at(end) == key else None


def lanes(bucket: Bucket) -> Iterator[Lane]:
    """Every account and region that the bucket holds log files or digests of, in order. Raises BucketError."""
    names = bucket.folders("AWSLogs/")
    homes = [("", name) for name in names if _ACCOUNT.fullmatch(name)]
    for organization in (name for name in names if _ORGANIZATION.fullmatch(name)):
        members = bucket.folders(f"AWSLogs/{organization}/")
        homes += [(organization, name) for name in members if _ACCOUNT.fullmatch(name)]
    for organization, account in sorted(homes, key=lambda home: (home[1], home[0])):
        middle = f"{organization}/" if organization else ""
        kinds = (f"AWSLogs/{middle}{account}/{kind}/" for kind in ("CloudTrail", "CloudTrail-Digest"))
        for region in sorted({region for kind in kinds for region in bucket.folders(kind)}):
            yield Lane(account, region, organization)


def _time(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None

"""CloudTrail with log file validation on: log files, and a correctly signed digest for every hour.

Sources: AWS CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of CloudTrail log
file integrity validation".
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sakimori.collect.coverage.digest import HASH_ALGORITHM, SIGNATURE_ALGORITHM, parse_digest, signing_string
from sakimori.collect.coverage.public_keys import fingerprints
from sakimori.collect.coverage.trail_layout import Chain, Lane
from sakimori.simulate.buckets import StoredObject, WritableBucket
from sakimori.simulate.record import timestamp

HOUR = timedelta(hours=1)
DELIVERY = timedelta(minutes=7)
"""From the time in a log file's name to its delivery."""

DIGEST_DELAY = timedelta(minutes=12)
"""From the end of its hour to a digest's delivery."""

Records = Callable[[Lane, datetime, Random], Sequence[Mapping[str, Any]]]
"""`records(lane, time, rng)`: what the log file of that lane and minute holds."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """CloudTrail's key of a region. `fingerprint` is what its digests name it by."""

    private: rsa.RSAPrivateKey

    @property
    def fingerprint(self) -> str:
        return fingerprints(self.private.public_key())[0]

    @property
    def public_der(self) -> bytes:
        """PKCS #1, as ListPublicKeys gives it."""
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)

    @property
    def public_pem(self) -> bytes:
        """For `--public-key FILE`."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def make_signing_key() -> SigningKey:
    return SigningKey(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@dataclass(frozen=True, slots=True)
class TrailPlan:
    """What to deliver: `hours` hours from `start` (UTC) on, in every account and region, into `bucket` below `prefix`
    ("" or ending in "/"). `file_minutes` are the minutes of each hour at which a log file is begun."""

    bucket: str
    start: datetime
    hours: int
    accounts: Sequence[str] = ("111122223333",)
    regions: Sequence[str] = ("eu-west-1",)
    file_minutes: Sequence[int] = (5, 20, 35, 55)
    trail: str = "organisation-trail"
    home_region: str = "eu-west-1"
    organization: str = ""
    prefix: str = ""
    seed: int = 7

    @property
    def lanes(self) -> list[Lane]:
        return [Lane(account, region, self.organization) for account in self.accounts for region in self.regions]


@dataclass(frozen=True, slots=True)
class Delivered:
    """One object that CloudTrail delivered. `time` is the one in its name: of a digest, the end of its hour."""

    bucket: str
    key: str
    lane: Lane
    time: datetime
    stored: StoredObject
    sha256: str


@dataclass(frozen=True, slots=True)
class DeliveredTrail:
    """Everything that was delivered, in order, with the log files that each digest lists."""

    plan: TrailPlan
    logs: tuple[Delivered, ...]
    digests: tuple[Delivered, ...]
    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def write_to(self, bucket: WritableBucket) -> None:
        for delivered in (*self.logs, *self.digests):
            bucket.put(delivered.key, delivered.stored)


def deliver_trail(plan: TrailPlan, key: SigningKey, records: Records | None = None) -> DeliveredTrail:
    """The same plan always gives the same log files; digests differ by their key."""
    rng = Random(plan.seed)  # noqa: S311 - a simulation, not a secret
    write = records or _one_record
    logs: list[Delivered] = []
    digests: list[Delivered] = []
    listed: dict[str, tuple[str, ...]] = {}
    for lane in plan.lanes:
        delivered = list(_log_files(plan, lane, write, rng))
        logs += delivered
        previous: Delivered | None = None
        for hour in range(1, plan.hours + 1):
            end = plan.start + hour * HOUR
            mine = [log for log in delivered if end - HOUR <= log.stored.written < end]
            previous = sign_digest(plan, lane, end, mine, previous, key)
            digests.append(previous)
            listed[previous.key] = tuple(log.key for log in mine)
    return DeliveredTrail(plan, tuple(logs), tuple(digests), listed)


def sign_digest(
    plan: TrailPlan,
    lane: Lane,
    end: datetime,
    logs: Iterable[Delivered],
    previous: Delivered | None,
    key: SigningKey,
    *,
    backfill: bool = False,
) -> Delivered:
    """The digest of the hour before `end` that lists `logs` and follows on `previous` (None: the first of a chain)."""
    name = plan.prefix + Chain(lane, plan.trail, plan.home_region, backfill).key_at(end)
    entries = [_entry(log) for log in logs]
    times = sorted(entry["newestEventTime"] for entry in entries)
    content = {
        "awsAccountId": lane.account,
        "digestStartTime": timestamp(end - HOUR),
        "digestEndTime": timestamp(end),
        "digestS3Bucket": plan.bucket,
        "digestS3Object": name,
        "digestPublicKeyFingerprint": key.fingerprint,
        "digestSignatureAlgorithm": SIGNATURE_ALGORITHM,
        "newestEventTime": times[-1] if times else None,
        "oldestEventTime": times[0] if times else None,
        **_link(previous),
        "logFiles": entries,
    }
    text = json.dumps(content, separators=(",", ":")).encode()
    sha256 = hashlib.sha256(text).hexdigest()
    signed = signing_string(parse_digest(text, sha256=sha256, signature=""))
    signature = key.private.sign(signed, PKCS1v15(), SHA256()).hex()
    metadata = {"signature": signature, "signature-algorithm": SIGNATURE_ALGORITHM}
    if backfill:
        metadata["backfill-generation-timestamp"] = timestamp(end + HOUR)
    stored = StoredObject(gzip.compress(text, mtime=0), metadata, end + DIGEST_DELAY)
    return Delivered(plan.bucket, name, lane, end, stored, sha256)


def _link(previous: Delivered | None) -> dict[str, str | None]:
    """What a digest says of the one before it; all null in the first of a chain."""
    return {
        "previousDigestS3Bucket": previous.bucket if previous else None,
        "previousDigestS3Object": previous.key if previous else None,
        "previousDigestHashValue": previous.sha256 if previous else None,
        "previousDigestHashAlgorithm": HASH_ALGORITHM if previous else None,
        "previousDigestSignature": previous.stored.metadata["signature"] if previous else None,
    }


def log_file(
    plan: TrailPlan, lane: Lane, time: datetime, records: Sequence[Mapping[str, Any]], rng: Random
) -> Delivered:
    """A log file that was begun at `time` (to the minute) and delivered a little later."""
    unique = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=16))
    name = f"{lane.account}_CloudTrail_{lane.region}_{time:%Y%m%dT%H%MZ}_{unique}.json.gz"
    text = json.dumps({"Records": list(records)}, separators=(",", ":")).encode()
    stored = StoredObject(gzip.compress(text, mtime=0), {}, time + DELIVERY)
    key = f"{plan.prefix}{lane.log_prefix}{time:%Y/%m/%d}/{name}"
    return Delivered(plan.bucket, key, lane, time, stored, hashlib.sha256(text).hexdigest())


def _log_files(plan: TrailPlan, lane: Lane, records: Records, rng: Random) -> Iterator[Delivered]:
    first = plan.start.replace(minute=0, second=0)
    for hour in range(plan.hours + 1):
        for minute in plan.file_minutes:
            time = first + hour * HOUR + timedelta(minutes=minute)
            if plan.start <= time and time + DELIVERY < plan.start + plan.hours * HOUR:
                yield log_file(plan, lane, time, records(lane, time, rng), rng)


def _entry(log: Delivered) -> dict[str, str]:
    return {
        "s3Bucket": log.bucket,
        "s3Object": log.key,
        "hashValue": log.sha256,
        "hashAlgorithm": HASH_ALGORITHM,
        "newestEventTime": timestamp(log.time),
        "oldestEventTime": timestamp(log.time),
    }


def _one_record(lane: Lane, time: datetime, rng: Random) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "eventVersion": "1.11",
            "userIdentity": {"type": "AWSService", "invokedBy": "config.amazonaws.com"},
            "eventTime": timestamp(time),
            "eventSource": "ec2.amazonaws.com",
            "eventName": "DescribeInstances",
            "awsRegion": lane.region,
            "sourceIPAddress": "config.amazonaws.com",
            "userAgent": "config.amazonaws.com",
            "requestParameters": None,
            "responseElements": None,
            "eventID": f"{rng.getrandbits(128):032x}",
            "readOnly": True,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": lane.account,
            "eventCategory": "Management",
        }
    ]

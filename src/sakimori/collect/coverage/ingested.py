"""The ledger's side of coverage: what was ingested from a place, and bringing in what was not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sakimori.aws.objects import head_object
from sakimori.collect.coverage.bucket import FolderBucket, S3Bucket
from sakimori.collect.coverage.report import CoverageReport, LaneCoverage, ProblemKind
from sakimori.collect.sources import SourceObject
from sakimori.store.ledger import Ledger

TO_INGEST = frozenset({ProblemKind.LATE, ProblemKind.NOT_INGESTED})
"""Changed, unsigned and duplicated files are left out: what they hold is not what CloudTrail delivered."""


@dataclass(frozen=True, slots=True)
class LedgerObjects:
    """What the ledger holds of the objects whose address begins with `address`."""

    ledger: Ledger
    address: str

    def every_key(self) -> Iterator[str]:
        return (entry.path[len(self.address) :] for entry in self.ledger.known_objects(self.address))

    def below(self, prefix: str) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for entry in self.ledger.known_objects(self.address + prefix):
            found[entry.path[len(self.address) :]].add(entry.sha256)
        return {key: frozenset(versions) for key, versions in found.items()}

    def refused(self, prefix: str) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for entry in self.ledger.known_objects(self.address + prefix, with_refusals=True):
            first, *more = self.ledger.refusals(entry.uid)
            others = f", and {len(more):,} more" if more else ""
            said = f"offset {first.offset}: {first.reason}{others}"
            found[entry.path[len(self.address) :]][entry.sha256] = said
        return found


def ingested_from(ledger: Ledger, bucket: S3Bucket | FolderBucket) -> LedgerObjects:
    """What was ingested from this place; the ledger knows files by absolute path and objects by s3:// address."""
    if isinstance(bucket, S3Bucket):
        return LedgerObjects(ledger, f"s3://{bucket.bucket}/{bucket.root}")
    return LedgerObjects(ledger, f"{bucket.root.absolute()}/")


def to_ingest(bucket: S3Bucket | FolderBucket, report: CoverageReport) -> Iterator[SourceObject]:
    """The report's late and never ingested files, as `collect.ingest.ingest` takes them. Raises AwsError.

    One that is gone by now is passed over: the next report will say so.
    """
    for problem in report.problems:
        if problem.kind not in TO_INGEST:
            continue
        if isinstance(bucket, S3Bucket):
            found = head_object(bucket.client, bucket.bucket, problem.key)
            if found is not None:
                yield SourceObject(found.uri, found.size, found.etag, found.last_modified, "s3")
        else:
            path = bucket.root.absolute() / problem.key
            if path.is_file():
                about = path.stat()
                modified = datetime.fromtimestamp(about.st_mtime, UTC)
                yield SourceObject(str(path), about.st_size, "", modified, "file")


def address_of(bucket: S3Bucket | FolderBucket, key: str) -> str:
    """How the ledger and `SourceObject.path` call the object with this (full) key."""
    if isinstance(bucket, S3Bucket):
        return f"s3://{bucket.bucket}/{key}"
    return str(Path(bucket.root).absolute() / key)


def without(report: CoverageReport, bucket: S3Bucket | FolderBucket, ingested: Iterable[str]) -> CoverageReport:
    """The report as it stands once the objects at these addresses have been ingested."""
    addresses = set(ingested)

    def settled(lane: LaneCoverage) -> LaneCoverage:
        left = tuple(
            problem
            for problem in lane.problems
            if problem.kind not in TO_INGEST or address_of(bucket, problem.key) not in addresses
        )
        added = len(lane.problems) - len(left)
        return replace(lane, problems=left, ingested=None if lane.ingested is None else lane.ingested + added)

    return replace(report, lanes=tuple(settled(lane) for lane in report.lanes))

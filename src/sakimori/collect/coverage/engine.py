"""Coverage: proof that nothing was missed, or the name of everything that was.

Three accounts of the same log files are reconciled for each account and region: what lies in the bucket, what
CloudTrail's digest chain says it delivered, and what the ledger says was ingested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sakimori.collect.coverage import bucket as _bucket
from sakimori.collect.coverage import public_keys as _public_keys
from sakimori.collect.coverage.bucket import Bucket, ObjectGone
from sakimori.collect.coverage.concurrently import Workers
from sakimori.collect.coverage.content import ContentHashes, hash_gzip
from sakimori.collect.coverage.digest_chain import examine_digests
from sakimori.collect.coverage.log_files import Evidence, LogFile, judge_files
from sakimori.collect.coverage.public_keys import KeySource
from sakimori.collect.coverage.report import CoverageReport, LaneCoverage, in_order
from sakimori.collect.coverage.silence import find_silence
from sakimori.collect.coverage.trail_layout import Lane, lane_of, lanes, log_time
from sakimori.collect.coverage.window import Window, objects_in

IAM_ACTIONS = (*_bucket.IAM_ACTIONS, *_public_keys.IAM_ACTIONS)

Progress = Callable[[str, int], None]
"""`progress(what, done)`: `what` is being looked at, and `done` objects of it have been read."""


class IngestedObjects(Protocol):
    """The ledger's account of a bucket, by key relative to the bucket's root."""

    def every_key(self) -> Iterable[str]:
        """Every ingested key, one at a time."""

    def below(self, prefix: str) -> Mapping[str, frozenset[str]]:
        """SHA-256 (hex) of the object as ingested, for the keys that start with `prefix`; one key may have been
        ingested in several versions."""

    def refused(self, prefix: str) -> Mapping[str, Mapping[str, str]]:
        """What was refused of the ingested objects of which anything was, in words, by key and SHA-256."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What to look at: a window of time, and accounts and regions (empty: all)."""

    window: Window
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()

    def holds(self, lane: Lane) -> bool:
        return (not self.accounts or lane.account in self.accounts) and (
            not self.regions or lane.region in self.regions
        )


def assess_coverage(
    bucket: Bucket,
    scope: Scope,
    *,
    place: str,
    keys: KeySource,
    ingested: IngestedObjects | None,
    verify: bool = True,
    workers: int = 8,
    progress: Progress = lambda what, done: None,
) -> CoverageReport:
    """Reconciles `bucket` (named `place` in the report) with its digest chains and with the ledger.

    `ingested` None leaves the ledger out. `verify` False trusts the listing and reads no log file, so that changed and
    duplicated ones are not found. Memory is bounded by one account and region within the window (about 1 KB a file).
    Raises BucketError where the bucket cannot be listed or read.
    """
    keys_read = () if ingested is None else ingested.every_key()
    known = {lane for key in keys_read if (lane := lane_of(key))}
    chosen = sorted(lane for lane in known.union(lanes(bucket)) if scope.holds(lane))
    with Workers(workers) as pool:
        found = [_assess_lane(bucket, lane, scope.window, keys, ingested, verify, pool, progress) for lane in chosen]
    covered = tuple(lane for lane in found if lane.files or lane.digests or lane.problems)
    window = scope.window
    return CoverageReport(place, window.since, window.end, verify, covered, _notes(covered, verify, ingested))


def _assess_lane(
    bucket: Bucket,
    lane: Lane,
    window: Window,
    keys: KeySource,
    ingested: IngestedObjects | None,
    verify: bool,
    pool: Workers,
    progress: Progress,
) -> LaneCoverage:
    what = f"{lane.account} {lane.region}"
    progress(what, 0)
    digests = examine_digests(bucket, lane, window, keys, pool)
    files = _log_files(bucket, lane, window, verify, pool, lambda done: progress(what, done))
    ledger = None if ingested is None else _in_window(lane, window, ingested.below(lane.log_prefix))
    refused = {} if ingested is None else ingested.refused(lane.log_prefix)
    evidence = Evidence(bucket, lane, window, digests, ledger, refused, verify)
    tally, problems = judge_files(evidence, files)
    problems += digests.problems
    problems += find_silence(evidence, files)
    times = sorted(file.time for file in files if file.time)
    return LaneCoverage(
        account=lane.account,
        region=lane.region,
        organization=lane.organization,
        files=len(files),
        bytes=sum(file.size for file in files),
        proven=tally["proven"],
        pending=tally["pending"],
        unproven=tally["unproven"],
        suspect=tally["suspect"],
        ingested=None if ledger is None else sum(file.key in ledger for file in files),
        digests=digests.digests,
        tip_unsigned=digests.tip_unsigned,
        first=times[0] if times else None,
        last=times[-1] if times else None,
        problems=in_order(problems),
    )


def _log_files(
    bucket: Bucket, lane: Lane, window: Window, verify: bool, pool: Workers, progress: Callable[[int], None]
) -> list[LogFile]:
    """The log files of the window that are in the bucket, in key order; hashed if asked."""
    listed = []
    for found in objects_in(bucket, lane.log_prefix, window):
        time = log_time(lane, found.key)
        if window.holds_log(time or found.modified):
            listed.append(LogFile(found.key, found.size, time))
    if not verify:
        return listed

    def hashed(file: LogFile) -> ContentHashes | None:
        try:
            with bucket.open(file.key) as opened:
                return hash_gzip(opened.stream)
        except ObjectGone:
            return None

    files = []
    for done, (file, hashes) in enumerate(pool.map(hashed, listed), 1):
        progress(done)
        # One deleted since it was listed is treated as never listed.
        if hashes is not None:
            files.append(LogFile(file.key, file.size, file.time, hashes))
    return files


def _in_window(lane: Lane, window: Window, ingested: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    times = ((key, sha256, log_time(lane, key)) for key, sha256 in ingested.items())
    return {key: sha256 for key, sha256, time in times if time is None or window.holds_log(time)}


def _notes(found: Iterable[LaneCoverage], verify: bool, ingested: IngestedObjects | None) -> tuple[str, ...]:
    """What the report leaves open without its being anybody's fault."""
    notes = []
    tips = sum(lane.tip_unsigned for lane in found)
    if tips:
        notes.append(
            f"{tips} newest digest(s) have no signature here, because a folder keeps no object metadata: what they "
            "list is taken as it stands until the next digest records their signature. Look at the bucket to prove it."
        )
    if not verify:
        notes.append("Log files were not hashed (--no-verify): changed and duplicated ones are not found.")
    if ingested is None:
        notes.append("The ledger was left out: files that were never ingested are not found.")
    return tuple(notes)

"""One log file at a time: is it CloudTrail's, is it unchanged, is it in the lake?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sakimori.collect.coverage.bucket import Bucket
from sakimori.collect.coverage.content import ContentHashes
from sakimori.collect.coverage.evidence import DigestEvidence, problem
from sakimori.collect.coverage.report import Problem, ProblemKind
from sakimori.collect.coverage.spans import Span, inside, joined, touches
from sakimori.collect.coverage.trail_layout import Lane, log_time
from sakimori.collect.coverage.window import DELIVERY_SLACK, DIGEST_GRACE, DIGEST_INTERVAL, INGEST_GRACE, Window


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file that is in the bucket; `time` is None if it is not named as CloudTrail names them."""

    key: str
    size: int
    time: datetime | None
    hashes: ContentHashes | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that one lane's files are judged by. `ledger` maps an ingested key to the SHA-256 of its versions, or is None
    if left out; `refused` one to what was refused of each version of which anything was."""

    bucket: Bucket
    lane: Lane
    window: Window
    digests: DigestEvidence
    ledger: Mapping[str, frozenset[str]] | None
    refused: Mapping[str, Mapping[str, str]]
    hashed: bool

    def problem(self, kind: ProblemKind, key: str, detail: str, remedy: str | None = None) -> Problem:
        return problem(self.bucket, self.lane, kind, key, detail, remedy)


def judge_files(evidence: Evidence, files: Sequence[LogFile]) -> tuple[Counter[str], list[Problem]]:
    """How many files are proven, pending, unproven and suspect, and every problem with a file."""
    tally: Counter[str] = Counter()
    problems: list[Problem] = []
    originals = _originals(evidence, files)
    covered, broken = joined(evidence.digests.covered), joined(evidence.digests.broken)
    marker = max(evidence.ledger or (), default="")
    early: list[LogFile] = []
    undigested: list[LogFile] = []
    for file in files:
        found = _integrity(evidence, file, originals)
        if found is None and file.key not in evidence.digests.files:
            found = _unlisted(evidence, file, covered, broken)
            state = "suspect" if found else _waiting(evidence, file)
            if state == "unproven":
                (undigested if evidence.digests.begins is None else early).append(file)
        else:
            state = "suspect" if found else "proven"
        tally[state] += 1
        found = found or _ingestion(evidence, file, marker) or _refused(evidence, file)
        if found:
            problems.append(found)
    problems += _gone(evidence, files)
    problems += _before_validation(evidence, early, undigested)
    return tally, problems


def _originals(evidence: Evidence, files: Sequence[LogFile]) -> dict[str, str]:
    """The key of the file that each content belongs to: one that a digest lists, else one that was ingested, else the
    first that is named as it should be."""
    listed = {sha256: key for key, hashes in evidence.digests.files.items() for sha256 in hashes}
    ledger = evidence.ledger or {}
    for file in sorted(files, key=lambda file: (file.key not in ledger, file.time is None, file.key)):
        if file.hashes and file.hashes.content and file.key not in evidence.digests.files:
            listed.setdefault(file.hashes.content, file.key)
    return listed


def _integrity(evidence: Evidence, file: LogFile, originals: Mapping[str, str]) -> Problem | None:
    """Whether the content is what the digest lists, and what was ingested."""
    if file.hashes is None:
        return None
    listed = evidence.digests.files.get(file.key)
    taken = (evidence.ledger or {}).get(file.key)
    if listed is not None and file.hashes.content not in listed:
        why = file.hashes.reason or "its content does not have the hash that CloudTrail's digest lists"
        return evidence.problem(ProblemKind.CHANGED, file.key, f"{why}; {_what_was_taken(taken, file.hashes)}")
    original = originals.get(file.hashes.content, file.key) if file.hashes.content else file.key
    if listed is None and original != file.key:
        detail = f"has the same content as {evidence.bucket.full_key(original)}"
        return evidence.problem(ProblemKind.DUPLICATED, file.key, detail)
    if taken is not None and file.hashes.delivered not in taken:
        detail = "is not what was ingested under this key"
        if listed is not None:
            remedy = (
                "The bucket holds what CloudTrail delivered; what was ingested differs. Look for who wrote it before."
            )
            return evidence.problem(ProblemKind.CHANGED, file.key, detail, remedy)
        return evidence.problem(ProblemKind.CHANGED, file.key, detail)
    if listed is None and file.hashes.reason:
        detail = f"{file.hashes.reason}, as no log file of CloudTrail's is; {_what_was_taken(taken, file.hashes)}"
        return evidence.problem(ProblemKind.CHANGED, file.key, detail)
    return None


def _what_was_taken(taken: frozenset[str] | None, hashes: ContentHashes) -> str:
    if taken is None:
        return "it was not ingested"
    return "it was ingested like this" if hashes.delivered in taken else "the lake has the earlier version"


def _unlisted(evidence: Evidence, file: LogFile, covered: Sequence[Span], broken: Sequence[Span]) -> Problem | None:
    """A file that no digest lists: is it CloudTrail's?"""
    taken = ": it was ingested, look at its records" if file.key in (evidence.ledger or {}) else ""
    if file.time is None:
        detail = f"is not named as CloudTrail names log files{taken}"
        return evidence.problem(ProblemKind.UNSIGNED, file.key, detail)
    delivery = (file.time, file.time + DELIVERY_SLACK)
    if inside(delivery, covered) and not touches(delivery, broken):
        detail = f"no digest lists it, although digests cover its time{taken}"
        return evidence.problem(ProblemKind.UNSIGNED, file.key, detail)
    return None


def _waiting(evidence: Evidence, file: LogFile) -> str:
    """Whether the digest that will list the file may still come."""
    begun = file.time or evidence.window.now
    due = begun + DELIVERY_SLACK + DIGEST_INTERVAL + DIGEST_GRACE
    return "pending" if due > evidence.window.now else "unproven"


def _ingestion(evidence: Evidence, file: LogFile, marker: str) -> Problem | None:
    """A file that was never ingested. `marker` is the highest key of the lane that was: readers go on from there."""
    if evidence.ledger is None or file.key in evidence.ledger:
        return None
    if file.key < marker:
        detail = f"was never ingested, and lies below what has been read ({evidence.bucket.full_key(marker)})"
        return evidence.problem(ProblemKind.LATE, file.key, detail)
    if (file.time or evidence.window.now) + INGEST_GRACE > evidence.window.now:
        return None
    return evidence.problem(ProblemKind.NOT_INGESTED, file.key, "was never ingested")


def _refused(evidence: Evidence, file: LogFile) -> Problem | None:
    """A file that was ingested, but not all of it."""
    said = evidence.refused.get(file.key, {})
    found = next(iter(said.values()), "") if file.hashes is None else said.get(file.hashes.delivered, "")
    return evidence.problem(ProblemKind.REFUSED, file.key, f"was not ingested as a whole: {found}") if found else None


def _gone(evidence: Evidence, files: Sequence[LogFile]) -> Iterator[Problem]:
    """Files that a digest lists or that were ingested, but that are not in the bucket."""
    present = {file.key for file in files}
    ledger = evidence.ledger or {}
    for key in sorted((evidence.digests.files.keys() | ledger.keys()) - present):
        time = log_time(evidence.lane, key)
        if time is not None and not evidence.window.holds_log(time):
            continue
        listed = key in evidence.digests.files
        if listed and not key.startswith(evidence.lane.log_prefix) and evidence.bucket.exists(key):
            continue
        if key in ledger:
            said = "a digest lists it and it" if listed else "it"
            yield evidence.problem(ProblemKind.DELETED, key, f"{said} was ingested, but it is no longer in the bucket")
        else:
            yield evidence.problem(ProblemKind.MISSING, key, "a digest lists it, but it is not in the bucket")


def _before_validation(
    evidence: Evidence, early: Sequence[LogFile], undigested: Sequence[LogFile]
) -> Iterator[Problem]:
    """Log files of a time that no digest chain reaches back to, as one problem."""
    prefix = evidence.lane.digest_prefix
    if undigested:
        detail = f"no digest at all for {len(undigested)} log file(s){_from_to(undigested)}"
        remedy = (
            "Switch validation on: `aws cloudtrail update-trail --name TRAIL --enable-log-file-validation`. If it was "
        )
        remedy += "on, its digests were deleted."
        yield evidence.problem(ProblemKind.DIGEST_GAP, prefix, detail, remedy)
    begins = evidence.digests.begins
    before = [file for file in early if file.time and begins and file.time + DELIVERY_SLACK <= begins]
    if before and begins:
        detail = (
            f"{len(before)} log file(s){_from_to(before)} are older than the first digest, {begins:%Y-%m-%dT%H:%M:%SZ}"
        )
        yield evidence.problem(ProblemKind.DIGEST_GAP, prefix, detail)


def _from_to(files: Sequence[LogFile]) -> str:
    times = sorted(file.time for file in files if file.time)
    return f" from {times[0]:%Y-%m-%dT%H:%MZ} to {times[-1]:%Y-%m-%dT%H:%MZ}" if times else ""

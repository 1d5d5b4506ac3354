"""What `sakimori coverage` finds: problems, and the counts that show how much was looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ProblemKind(StrEnum):
    """What is wrong with one file, one digest, or one stretch of time."""

    MISSING = "missing"
    CHANGED = "changed"
    UNSIGNED = "unsigned"
    DUPLICATED = "duplicated"
    LATE = "late"
    NOT_INGESTED = "not_ingested"
    REFUSED = "refused"
    DELETED = "deleted"
    DIGEST_MISSING = "digest_missing"
    DIGEST_INVALID = "digest_invalid"
    DIGEST_GAP = "digest_gap"
    STOPPED = "stopped"
    UNVERIFIED = "unverified"


REMEDIES = {
    ProblemKind.MISSING: "Look for who deleted it (s3:DeleteObject data events, lifecycle rules) and restore it from a "
    "version or replica; its records were never ingested.",
    ProblemKind.CHANGED: "Treat as tampering: look for who wrote it (s3:PutObject data events) and restore "
    "CloudTrail's version of it.",
    ProblemKind.UNSIGNED: "Do not trust its records: CloudTrail did not deliver it, or lists it in a later backfill "
    "digest. Look for who wrote it.",
    ProblemKind.DUPLICATED: "Remove the copy: its records are counted already. Look for who wrote it.",
    ProblemKind.LATE: "Run again with --ingest: it came after its place had been read.",
    ProblemKind.NOT_INGESTED: "Run again with --ingest, or run `sakimori collect cloudtrail`.",
    ProblemKind.REFUSED: "What was refused is not in the lake: look at it in the file. The table refusals of "
    "`sakimori hunt` has all of it.",
    ProblemKind.DELETED: "Its records are in the lake. Look for who deleted it, unless a lifecycle rule did.",
    ProblemKind.DIGEST_MISSING: "Look for who deleted it and restore it; if a lifecycle rule expires digests, start "
    "later with --since.",
    ProblemKind.DIGEST_INVALID: "Treat as tampering: restore CloudTrail's version. What it lists is not believed "
    "until then.",
    ProblemKind.DIGEST_GAP: "Look for StopLogging, UpdateTrail or DeleteTrail calls at that time; log files of that "
    "time cannot be proven. If it was meant, leave it out with --since.",
    ProblemKind.STOPPED: "Check the trail (`aws cloudtrail get-trail-status`, its event selectors) and the bucket's "
    "policy; look for StopLogging and PutEventSelectors calls.",
    ProblemKind.UNVERIFIED: "Make it checkable and run again: until then nothing is proven here.",
}
"""What to do, where nothing more particular is known."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong. `key` is the object's key in the bucket (relative to the folder for a mirror); where no
    object can be named (an account or region without digests), it is the prefix that was looked at."""

    account: str
    region: str
    key: str
    kind: ProblemKind
    detail: str
    remedy: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LaneCoverage:
    """One account and region, over the window. Every log file in the bucket is counted once in `files` and once in one
    of `proven` (listed by a digest that holds; its hash too, if hashes were checked), `pending` (too young for its
    digest), `unproven` (no digest that holds speaks of its time) and `suspect` (changed, unsigned, duplicated).
    """

    account: str
    region: str
    organization: str
    files: int
    bytes: int
    proven: int
    pending: int
    unproven: int
    suspect: int
    ingested: int | None
    digests: int
    tip_unsigned: int
    first: datetime | None
    last: datetime | None
    problems: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        found = {name: value for name, value in asdict(self).items() if name != "problems"}
        found |= {name: _iso(found[name]) for name in ("first", "last")}
        return found | {"problems": len(self.problems)}


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """The whole answer, sorted by account and region. `since` is None for "from the first object on"."""

    place: str
    since: datetime | None
    until: datetime
    hashed: bool
    lanes: tuple[LaneCoverage, ...]
    notes: tuple[str, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(problem for lane in self.lanes for problem in lane.problems)

    @property
    def complete(self) -> bool:
        """Nothing is wrong, and there was something to look at."""
        return bool(self.lanes) and not self.problems

    def to_json(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "since": _iso(self.since),
            "until": _iso(self.until),
            "hashes_checked": self.hashed,
            "complete": self.complete,
            "lanes": [lane.to_json() for lane in self.lanes],
            "problems": [problem.to_json() for problem in self.problems],
            "notes": list(self.notes),
        }


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted and each once, so that the same bucket always gives the same report."""
    return tuple(sorted(set(problems)))


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")

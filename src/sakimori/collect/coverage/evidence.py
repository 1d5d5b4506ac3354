"""What is known of a lane's digests while they are examined."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sakimori.collect.coverage.bucket import Bucket
from sakimori.collect.coverage.digest import Digest
from sakimori.collect.coverage.report import REMEDIES, Problem, ProblemKind
from sakimori.collect.coverage.spans import Span
from sakimori.collect.coverage.trail_layout import Chain, Lane
from sakimori.collect.coverage.window import DIGEST_INTERVAL


@dataclass(frozen=True, slots=True)
class Found:
    """A digest object that is present: its key and, if it could be read, what it says; else the reason why not."""

    key: str
    chain: Chain
    end: datetime
    digest: Digest | None
    reason: str = ""

    @property
    def holds(self) -> bool:
        return self.digest is not None and not self.reason

    @property
    def span(self) -> Span:
        start = self.digest.start if self.digest and self.holds else self.end - DIGEST_INTERVAL
        return start, self.end

    @property
    def home(self) -> str:
        """The prefix before `AWSLogs/` in the keys that the digest lists."""
        return self.digest.key.removesuffix(self.key) if self.digest else ""


@dataclass(slots=True)
class DigestEvidence:
    """What a lane's digests prove. `files`: SHA-256 (hex, of the uncompressed content) of each log file by key; a file
    that two digests list may have either. `covered`: spans of digests that hold. `broken`: spans whose digest is
    missing or does not hold. `begins`: the start of the first digest that is known of."""

    files: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    covered: list[Span] = field(default_factory=list)
    broken: list[Span] = field(default_factory=list)
    begins: datetime | None = None
    digests: int = 0
    tip_unsigned: int = 0
    problems: list[Problem] = field(default_factory=list)


def problem(bucket: Bucket, lane: Lane, kind: ProblemKind, key: str, detail: str, remedy: str | None = None) -> Problem:
    """A problem of this lane; `key` is relative to the bucket's root."""
    return Problem(lane.account, lane.region, bucket.full_key(key), kind, detail, remedy or REMEDIES[kind])

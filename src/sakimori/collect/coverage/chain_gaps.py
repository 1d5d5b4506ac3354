"""Which digests of a chain are missing: by the links between those that are present, and by the hourly rhythm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sakimori.collect.coverage.bucket import Bucket
from sakimori.collect.coverage.digest import PreviousDigest
from sakimori.collect.coverage.evidence import DigestEvidence, Found, problem
from sakimori.collect.coverage.report import ProblemKind
from sakimori.collect.coverage.trail_layout import Chain, digest_identity
from sakimori.collect.coverage.window import DIGEST_GRACE, DIGEST_INTERVAL, Window

_HOLE = timedelta(minutes=1)
"""Digests join without a hole; less than this is rounding."""


def follow_chain(
    bucket: Bucket, chain: Chain, members: Sequence[Found], window: Window, evidence: DigestEvidence
) -> None:
    """Adds to `evidence` what is missing from a chain before, between and after its present `members` (by end time)."""
    begins = _head(bucket, chain, members[0], window, evidence)
    if not chain.backfill:
        evidence.begins = begins if evidence.begins is None else min(evidence.begins, begins)
    for older, newer in pairwise(members):
        _between(bucket, chain, older, newer, evidence)
    if not chain.backfill:
        _tail(bucket, chain, members[-1].end, window, evidence)


def _head(bucket: Bucket, chain: Chain, first: Found, window: Window, evidence: DigestEvidence) -> datetime:
    """When the chain begins, as far as the window can tell; the digest before the first present one may be missing."""
    previous = first.digest.previous if first.digest and first.holds else None
    if previous is None:
        return first.span[0]
    end = _end_of(chain, first, previous)
    if end is None:
        return first.span[0]
    if window.holds_digest(end):
        _missing(bucket, chain, end, first, evidence)
    return end - DIGEST_INTERVAL


def _between(bucket: Bucket, chain: Chain, older: Found, newer: Found, evidence: DigestEvidence) -> None:
    if newer.digest is None or not newer.holds:
        # It cannot say what came before it, but the rhythm can.
        for unseen in _rhythm(chain, older.end, newer.end - DIGEST_INTERVAL):
            _missing(bucket, chain, unseen, newer, evidence)
        return
    previous = newer.digest.previous
    off = f"from {older.end:%Y-%m-%dT%H:%M:%SZ} to {newer.span[0]:%Y-%m-%dT%H:%M:%SZ}"
    if previous is None:
        _gap(bucket, newer, f"begins a new chain: log file validation or logging was off {off}", evidence)
        return
    end = _end_of(chain, newer, previous)
    if end is None:
        _gap(bucket, newer, f"follows on a digest that lies elsewhere, s3://{previous.bucket}/{previous.key}", evidence)
    elif end == older.end:
        if newer.span[0] - older.end > _HOLE and not chain.backfill:
            _gap(bucket, newer, f"leaves a hole in its chain {off}", evidence)
    elif end < older.end:
        _gap(bucket, newer, f"follows on {previous.key}, although {older.key} was delivered between", evidence)
    else:
        _missing(bucket, chain, end, newer, evidence)
        for earlier in _rhythm(chain, older.end, end - DIGEST_INTERVAL):
            _missing(bucket, chain, earlier, newer, evidence)


def _tail(bucket: Bucket, chain: Chain, last: datetime, window: Window, evidence: DigestEvidence) -> None:
    overdue = (min(window.end, window.now - DIGEST_GRACE) - last) // DIGEST_INTERVAL
    if overdue > 0:
        detail = (
            f"no digest after {last:%Y-%m-%dT%H:%M:%SZ}: {overdue} hourly digest(s) overdue, of which this is the first"
        )
        key = chain.key_at(last + DIGEST_INTERVAL)
        evidence.problems.append(problem(bucket, chain.lane, ProblemKind.DIGEST_GAP, key, detail))


def _rhythm(chain: Chain, after: datetime, last: datetime) -> Iterator[datetime]:
    """Ends of the hourly digests up to `last` that must have been there after the one that ended at `after`.

    Backfill digests come when there is something to say, and so have no rhythm.
    """
    end = last
    while not chain.backfill and end - after > DIGEST_INTERVAL / 2:
        yield end
        end -= DIGEST_INTERVAL


def _end_of(chain: Chain, newer: Found, previous: PreviousDigest) -> datetime | None:
    """End time in the name of the previous digest, or None if that is not in this chain and place."""
    if newer.digest is None or previous.bucket != newer.digest.bucket or not previous.key.startswith(newer.home):
        return None
    identity = digest_identity(chain.lane, previous.key[len(newer.home) :])
    return identity[1] if identity is not None and identity[0] == chain else None


def _missing(bucket: Bucket, chain: Chain, end: datetime, witness: Found, evidence: DigestEvidence) -> None:
    detail = f"the chain goes through it, as {witness.key.rpartition('/')[2]} shows, but it is not in the bucket"
    key = chain.key_at(end)
    evidence.broken.append((end - DIGEST_INTERVAL, end))
    evidence.problems.append(problem(bucket, chain.lane, ProblemKind.DIGEST_MISSING, key, detail))


def _gap(bucket: Bucket, at: Found, detail: str, evidence: DigestEvidence) -> None:
    evidence.problems.append(problem(bucket, at.chain.lane, ProblemKind.DIGEST_GAP, at.key, detail))

"""A lane's digests: which of them hold, which are missing, and what the ones that hold say of the log files.

A digest holds when it is where CloudTrail delivered it, its signature matches, and the digest after it recorded the
same hash and signature. What any other digest lists is not believed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sakimori.collect.coverage.bucket import Bucket, ObjectGone
from sakimori.collect.coverage.chain_gaps import follow_chain
from sakimori.collect.coverage.concurrently import Workers
from sakimori.collect.coverage.digest import Digest, DigestError, in_its_place, read_digest, verify_signature
from sakimori.collect.coverage.evidence import DigestEvidence, Found, problem
from sakimori.collect.coverage.public_keys import KeySource, PublicKeyError, PublicKeys
from sakimori.collect.coverage.report import Problem, ProblemKind
from sakimori.collect.coverage.trail_layout import Chain, Lane, digest_identity
from sakimori.collect.coverage.window import Window, objects_in


def examine_digests(bucket: Bucket, lane: Lane, window: Window, keys: KeySource, workers: Workers) -> DigestEvidence:
    """Reads and checks every digest of `lane` in the window. Raises BucketError."""
    evidence = DigestEvidence()
    found = list(_read(bucket, lane, window, workers, evidence))
    found = _linked(_verified(bucket, lane, window, found, keys, evidence))
    chains: dict[Chain, list[Found]] = defaultdict(list)
    for one in sorted(found, key=lambda one: one.end):
        chains[one.chain].append(one)
    for chain, members in sorted(chains.items()):
        follow_chain(bucket, chain, members, window, evidence)
    for one in found:
        if one.holds:
            _believe(bucket, one, evidence)
        else:
            evidence.broken.append(one.span)
            evidence.problems.append(problem(bucket, lane, ProblemKind.DIGEST_INVALID, one.key, one.reason))
    evidence.digests = len(found)
    return evidence


def _read(bucket: Bucket, lane: Lane, window: Window, workers: Workers, evidence: DigestEvidence) -> Iterator[Found]:
    """Every digest of the window that is where it belongs, or that cannot be read; copies become problems."""
    keys = [one.key for one in objects_in(bucket, lane.digest_prefix, window)]
    present = set(keys)

    def read(key: str) -> Digest | str | None:
        try:
            return read_digest(bucket, key)
        except DigestError as error:
            return str(error)
        except ObjectGone:
            return None

    for key, answer in workers.map(read, keys):
        identity = digest_identity(lane, key)
        if identity is not None and not window.holds_digest(identity[1]):
            continue
        if isinstance(answer, Digest) and not in_its_place(bucket, key, answer):
            evidence.problems.append(_displaced(bucket, lane, key, answer, present))
        elif identity is None:
            detail = "is not named as CloudTrail names its digests"
            evidence.problems.append(problem(bucket, lane, ProblemKind.DIGEST_INVALID, key, detail))
        elif isinstance(answer, Digest):
            yield Found(key, *identity, digest=answer)
        elif answer is not None:
            yield Found(key, *identity, digest=None, reason=answer)


def _displaced(bucket: Bucket, lane: Lane, key: str, digest: Digest, present: set[str]) -> Problem:
    origin = digest.key[digest.key.find("AWSLogs/") :]
    if origin in present:
        detail = f"is a copy of the digest {digest.key}"
        remedy = "Remove the copy. Look for who wrote it."
        return problem(bucket, lane, ProblemKind.DUPLICATED, key, detail, remedy)
    detail = f"has been moved from where CloudTrail delivered it, s3://{digest.bucket}/{digest.key}"
    return problem(bucket, lane, ProblemKind.DIGEST_INVALID, key, detail)


def _verified(
    bucket: Bucket, lane: Lane, window: Window, found: Sequence[Found], keys: KeySource, evidence: DigestEvidence
) -> list[Found]:
    """The same digests, each with the reason why its signature does not hold, if it does not."""
    if not found:
        return []
    backfilled = any(one.chain.backfill for one in found)
    ends = [one.end for one in found]
    try:
        # A backfill digest is signed long after the hour that it is about.
        public = keys(lane.region, min(ends), window.now if backfilled else max(ends))
    except PublicKeyError as error:
        detail = f"signatures of {len(found)} digests were not checked: {error}"
        evidence.problems.append(problem(bucket, lane, ProblemKind.UNVERIFIED, lane.digest_prefix, detail))
        return list(found)
    previous = [one.digest.previous for one in found if one.digest is not None]
    recorded = {said.key: said.signature for said in previous if said is not None}
    return [_checked(one, recorded, public, evidence) for one in found]


def _checked(one: Found, recorded: Mapping[str, str], public: PublicKeys, evidence: DigestEvidence) -> Found:
    if one.digest is None:
        return one
    # A mirror may have lost the object's metadata; the next digest in the chain records the signature too.
    signature = one.digest.signature or recorded.get(one.digest.key, "")
    if not signature:
        evidence.tip_unsigned += 1
        return one
    try:
        verify_signature(one.digest, public, signature)
    except DigestError as error:
        return replace(one, reason=str(error))
    return replace(one, digest=replace(one.digest, signature=signature))


def _linked(found: Sequence[Found]) -> list[Found]:
    """The same digests; one that differs from what the next digest recorded of it no longer holds.

    Newest first, so that a digest which does not hold itself accuses no other.
    """
    records: dict[str, tuple[str, str]] = {}
    linked = []
    for one in sorted(found, key=lambda one: one.end, reverse=True):
        digest = one.digest if one.holds else None
        said = records.get(digest.key) if digest else None
        if digest and said and said != (digest.sha256, digest.signature or said[1]):
            linked.append(replace(one, reason="differs from what the next digest in the chain recorded of it"))
            continue
        if digest and digest.previous:
            records[digest.previous.key] = (digest.previous.sha256, digest.previous.signature)
        linked.append(one)
    return linked


def _believe(bucket: Bucket, one: Found, evidence: DigestEvidence) -> None:
    """Takes over what a digest that holds says of log files; those in another bucket cannot be looked at from here."""
    if one.digest is None:
        return
    if not one.chain.backfill:
        evidence.covered.append(one.span)
    elsewhere = set()
    for entry in one.digest.files:
        if entry.bucket == one.digest.bucket and entry.key.startswith(one.home + "AWSLogs/"):
            evidence.files[entry.key[len(one.home) :]].add(entry.sha256)
        else:
            elsewhere.add(entry.bucket)
    if elsewhere:
        detail = f"lists log files that lie elsewhere (in {', '.join(sorted(elsewhere))})"
        remedy = "Run `sakimori coverage` on that place too: the trail has changed where it delivers."
        evidence.problems.append(problem(bucket, one.chain.lane, ProblemKind.UNVERIFIED, one.key, detail, remedy))

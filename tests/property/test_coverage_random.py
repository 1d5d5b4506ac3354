"""Coverage names exactly what was done to a bucket: 1,000 random cases against an oracle that knows what was done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from sakimori.collect.coverage.engine import Scope, assess_coverage
from sakimori.collect.coverage.trail_layout import Lane, log_time
from sakimori.collect.coverage.window import Window
from sakimori.simulate import meddling
from sakimori.simulate.buckets import MemoryBucket, StoredObject
from sakimori.simulate.trail import (
    Delivered,
    DeliveredTrail,
    TrailPlan,
    deliver_trail,
    log_file,
    make_signing_key,
)

CASES = 1_000
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DELIVERY_SLACK, DIGEST_DUE = 30 * MINUTE, 2 * HOUR
KEY = make_signing_key()
PUBLIC = {KEY.fingerprint: KEY.private.public_key()}

Named = set[tuple[str, str]]


@dataclass
class Case:
    """What was delivered, what was done to it, what was ingested, and when it is looked at."""

    trail: DeliveredTrail
    bucket: MemoryBucket
    now: datetime
    ledger: dict[str, frozenset[str]] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    """What was done to the object with this key, of those that CloudTrail delivered."""
    copies: dict[str, str] = field(default_factory=dict)
    """Original by copy."""
    planted: list[Delivered] = field(default_factory=list)

    def every_key(self) -> Iterator[str]:
        return iter(self.ledger)

    def below(self, prefix: str) -> Mapping[str, frozenset[str]]:
        return {key: sha256 for key, sha256 in self.ledger.items() if key.startswith(prefix)}

    def refused(self, prefix: str) -> Mapping[str, Mapping[str, str]]:
        return {}


@cache
def delivered(shape: int) -> DeliveredTrail:
    rng = Random(shape)
    start = datetime(2026, 11, 20, rng.choice([3, 20, 22]), rng.randrange(60), rng.randrange(60), tzinfo=UTC)
    plan = TrailPlan(
        "trail-bucket",
        start,
        hours=rng.randint(1, 6),
        accounts=("111122223333", "444455556666")[: rng.randint(1, 2)],
        regions=("eu-west-1", "us-gov-west-1")[: rng.randint(1, 2)],
        file_minutes=sorted(rng.sample(range(60), rng.randint(1, 3))),
        trail=rng.choice(["main", "all_accounts.trail_eu-west-1"]),
        organization=rng.choice(["", "o-exampleorgid"]),
        seed=shape,
    )
    return deliver_trail(plan, KEY)


def make_case(seed: int) -> Case:
    rng = Random(seed)
    trail = delivered(rng.randrange(40))
    end = trail.plan.start + trail.plan.hours * HOUR
    case = Case(trail, MemoryBucket(trail.plan.bucket), end + rng.choice([20, 95]) * MINUTE)
    trail.write_to(case.bucket)
    withheld = meddle_before_ingest(case, rng)
    ingest(case, rng)
    for key, stored in withheld.items():
        case.bucket.put(key, stored)
    meddle_after_ingest(case, rng)
    return case


def pick(case: Case, rng: Random, keys: list[str], most: int) -> list[str]:
    """A few keys that nothing has been done to."""
    free = [key for key in keys if key not in case.done]
    return rng.sample(free, rng.randint(0, min(most, len(free))))


def spoil(case: Case, rng: Random, key: str, what: str) -> None:
    case.done[key] = what
    if what == "delete":
        meddling.delete(case.bucket, key)
    elif what == "alter":
        meddling.alter(case.bucket, key)
    elif what == "truncate":
        meddling.truncate(case.bucket, key, rng.randrange(len(case.bucket.get(key).body)))


def meddle_before_ingest(case: Case, rng: Random) -> dict[str, StoredObject]:
    logs = [log.key for log in case.trail.logs]
    for key in pick(case, rng, logs, 2):
        spoil(case, rng, key, rng.choice(["delete", "alter", "truncate"]))
    withheld = {}
    for key in pick(case, rng, logs, 2):
        case.done[key] = "delay"
        withheld[key] = meddling.delay(case.bucket, key)
    return withheld


def ingest(case: Case, rng: Random) -> None:
    """All log files that are there now, except perhaps a few."""
    left_out = set(pick(case, rng, [log.key for log in case.trail.logs], 1))
    for key, stored in case.bucket.stored.items():
        if "CloudTrail-Digest" not in key and key not in left_out:
            case.ledger[key] = frozenset([hashlib.sha256(stored.body).hexdigest()])


def meddle_after_ingest(case: Case, rng: Random) -> None:
    logs, digests = [log.key for log in case.trail.logs], [digest.key for digest in case.trail.digests]
    for key in pick(case, rng, logs, 2):
        spoil(case, rng, key, rng.choice(["delete", "alter", "truncate"]))
    for key in pick(case, rng, logs, 1):
        time = next(log.time for log in case.trail.logs if log.key == key)
        copy = rng.choice([key.replace(".json.gz", "copy.json.gz"), key + ".bak", moved(key, time, time + 3 * MINUTE)])
        duplicate(case, key, copy)
    most = rng.choice([1, 1, len(digests)])
    for key in pick(case, rng, digests, most):
        # A digest that is delayed is not there yet, like one that was deleted, or has come, like any other.
        spoil(case, rng, key, rng.choice(["delete", "alter", "truncate", "unsign"]))
        if case.done[key] == "unsign":
            stored = case.bucket.get(key)
            case.bucket.put(key, StoredObject(stored.body, {}, stored.written))
    for key in pick(case, rng, digests, 1):
        duplicate(case, key, rng.choice([key + ".bak", key.replace("Z.json.gz", "Z_backfill.json.gz")]))
    for lane in rng.sample(case.trail.plan.lanes, rng.randint(0, 1)):
        time = case.trail.plan.start.replace(second=0) + rng.randrange(1, 60 * case.trail.plan.hours) * MINUTE
        forged = log_file(case.trail.plan, lane, time, [{"eventName": f"Forged{rng.random()}"}], rng)
        case.bucket.put(forged.key, forged.stored)
        case.planted.append(forged)


def moved(key: str, old: datetime, new: datetime) -> str:
    return key.replace(f"{old:%Y%m%dT%H%MZ}", f"{new:%Y%m%dT%H%MZ}").replace(f"{old:%Y/%m/%d}", f"{new:%Y/%m/%d}")


def duplicate(case: Case, key: str, copy: str) -> None:
    meddling.duplicate(case.bucket, key, copy)
    case.done[key] = "duplicate"
    case.copies[copy] = key


# The oracle. It looks at what was done, never at the bucket's content.


def expected(case: Case) -> Named:
    named: Named = set()
    for lane in case.trail.plan.lanes:
        digests = [digest for digest in case.trail.digests if digest.lane == lane]
        logs = [log for log in case.trail.logs if log.lane == lane]
        named |= expected_of_digests(case, lane, digests)
        named |= expected_of_logs(case, lane, logs, digests)
    return named | {("duplicated", copy) for copy in case.copies if "CloudTrail-Digest" in copy}


def present(case: Case, one: Delivered) -> bool:
    return case.done.get(one.key) != "delete"


def holds(case: Case, digest: Delivered) -> bool:
    return case.done.get(digest.key, "duplicate") == "duplicate"


def expected_of_digests(case: Case, lane: Lane, digests: list[Delivered]) -> Named:
    named = {
        ("digest_invalid", one.key) for one in digests if case.done.get(one.key) in ("alter", "truncate", "unsign")
    }
    there = [index for index, one in enumerate(digests) if present(case, one)]
    if not there:
        return named
    first, last = there[0], there[-1]
    # Between two that are there, every digest must have been.
    named |= {("digest_missing", one.key) for one in digests[first:last] if not present(case, one)}
    # The first one that is there names the one before it, if it is to be believed.
    if first > 0 and holds(case, digests[first]):
        named.add(("digest_missing", digests[first - 1].key))
    # After the last one that is there, only the clock tells.
    if last + 1 < len(digests) and digests[last + 1].time + HOUR <= case.now:
        named.add(("digest_gap", digests[last + 1].key))
    return named


def believed_from(case: Case, digests: list[Delivered]) -> datetime | None:
    """The start of the first hour for which a digest is known to have been, or None if all are gone."""
    there = [index for index, one in enumerate(digests) if present(case, one)]
    if not there:
        return None
    first = there[0]
    if first > 0 and holds(case, digests[first]):
        first -= 1
    return digests[first].time - HOUR


def expected_of_logs(case: Case, lane: Lane, logs: list[Delivered], digests: list[Delivered]) -> Named:
    named: Named = set()
    proven = {key for one in digests if holds(case, one) for key in case.trail.listed[one.key]}
    marker = max((key for key in case.ledger if key.startswith(lane.log_prefix)), default="")
    undigested: list[datetime] = []
    for log in logs:
        done, ingested = case.done.get(log.key), log.key in case.ledger
        if done == "delete":
            if ingested:
                named.add(("deleted", log.key))
            elif log.key in proven:
                named.add(("missing", log.key))
            continue
        if done in ("alter", "truncate") and (
            log.key in proven or done == "truncate" or case.ledger.get(log.key) == fingerprint(log)
        ):
            named.add(("changed", log.key))
            continue
        genuine = log.key
        for copy in (copy for copy, original in case.copies.items() if original == log.key):
            # Where neither the digest nor the ledger knows which came first, the name that sorts first is believed.
            known = log.key in proven or ingested or copy.endswith(".bak")
            genuine, other = (log.key, copy) if known else sorted((log.key, copy))
            named.add(("duplicated", other))
        if genuine not in case.ledger:
            named |= never_ingested(case, genuine, log_time(lane, genuine) or log.time, marker)
        if log.key not in proven:
            undigested.append(log_time(lane, genuine) or log.time)
    for forged in case.planted:
        if forged.lane == lane:
            named |= expected_of_planted(case, forged, digests, marker)
            if ("unsigned", forged.key) not in named:
                undigested.append(forged.time)
    named |= expected_before_digests(case, lane, digests, undigested)
    return named


def fingerprint(log: Delivered) -> frozenset[str]:
    return frozenset([hashlib.sha256(log.stored.body).hexdigest()])


def never_ingested(case: Case, key: str, time: datetime, marker: str) -> Named:
    if key < marker:
        return {("late", key)}
    return {("not_ingested", key)} if time + 15 * MINUTE <= case.now else set()


def expected_of_planted(case: Case, forged: Delivered, digests: list[Delivered], marker: str) -> Named:
    begun, done = forged.time, forged.time + DELIVERY_SLACK
    its_hours = [one for one in digests if one.time - HOUR < done and begun < one.time]
    within = digests[0].time - HOUR <= begun and done <= digests[-1].time
    if within and all(holds(case, one) for one in its_hours):
        return {("unsigned", forged.key)}
    return never_ingested(case, forged.key, forged.time, marker)


def expected_before_digests(case: Case, lane: Lane, digests: list[Delivered], undigested: list[datetime]) -> Named:
    begins = believed_from(case, digests)
    due = [time for time in undigested if time + DELIVERY_SLACK + DIGEST_DUE <= case.now]
    if begins is not None:
        due = [time for time in due if time + DELIVERY_SLACK <= begins]
    return {("digest_gap", lane.digest_prefix)} if due else set()


def test_coverage_names_exactly_what_was_done() -> None:
    kinds: dict[str, int] = {}
    for seed in range(CASES):
        case = make_case(seed)
        report = assess_coverage(
            case.bucket,
            Scope(Window(case.now)),
            place="s3://trail-bucket",
            keys=lambda region, start, end: PUBLIC,
            ingested=case,
            workers=1,
        )
        named = {(str(problem.kind), problem.key) for problem in report.problems}
        right = expected(case)
        assert named == right, f"seed {seed}: unexpected {named - right}, not named {right - named}"
        assert len(report.problems) == len(named), f"seed {seed}: something is named twice"
        for kind, _ in named:
            kinds[kind] = kinds.get(kind, 0) + 1
    # Each kind of trouble must really have come up, or the test proves little.
    wanted = {"missing", "changed", "unsigned", "duplicated", "late", "not_ingested", "deleted"}
    wanted |= {"digest_missing", "digest_invalid", "digest_gap"}
    assert all(kinds.get(kind, 0) >= 30 for kind in wanted), kinds

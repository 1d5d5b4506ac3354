"""Coverage, scenario by scenario; the random cases are in tests/property/test_coverage_random.py."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from sakimori.collect.coverage.bucket import METADATA_SUFFIX, FolderBucket
from sakimori.collect.coverage.engine import Scope, assess_coverage
from sakimori.collect.coverage.public_keys import (
    KeySource,
    PublicKeyError,
    PublicKeys,
    fingerprints,
    keys_from_file,
)
from sakimori.collect.coverage.report import CoverageReport
from sakimori.collect.coverage.trail_layout import Lane, digest_identity, log_time
from sakimori.collect.coverage.window import Window
from sakimori.simulate import meddling
from sakimori.simulate.buckets import Folder, MemoryBucket, StoredObject
from sakimori.simulate.trail import (
    DeliveredTrail,
    TrailPlan,
    deliver_trail,
    log_file,
    make_signing_key,
    sign_digest,
)

HOUR = timedelta(hours=1)
KEY = make_signing_key()
START = datetime(2026, 11, 20, 20, 3, 11, tzinfo=UTC)
NOW = START + 7 * HOUR
PLAN = TrailPlan("trail-bucket", START, hours=6)


def public_keys(region: str, start: datetime, end: datetime) -> PublicKeys:
    return {name: KEY.private.public_key() for name in fingerprints(KEY.private.public_key())}


@dataclass
class Ingested:
    objects: dict[str, frozenset[str]] = field(default_factory=dict)
    refusals: dict[str, dict[str, str]] = field(default_factory=dict)

    def every_key(self) -> list[str]:
        return list(self.objects)

    def below(self, prefix: str) -> Mapping[str, frozenset[str]]:
        return {key: versions for key, versions in self.objects.items() if key.startswith(prefix)}

    def refused(self, prefix: str) -> Mapping[str, Mapping[str, str]]:
        return {key: said for key, said in self.refusals.items() if key.startswith(prefix)}


def bucket_of(trail: DeliveredTrail) -> MemoryBucket:
    bucket = MemoryBucket(trail.plan.bucket)
    trail.write_to(bucket)
    return bucket


def all_of(trail: DeliveredTrail) -> Ingested:
    return Ingested({log.key: frozenset([hashlib.sha256(log.stored.body).hexdigest()]) for log in trail.logs})


def assess(
    bucket: MemoryBucket | FolderBucket,
    *,
    now: datetime = NOW,
    since: datetime | None = None,
    until: datetime | None = None,
    accounts: frozenset[str] = frozenset(),
    ingested: Ingested | None = None,
    keys: KeySource = public_keys,
    verify: bool = True,
    workers: int = 1,
) -> CoverageReport:
    scope = Scope(Window(now, since, until), accounts)
    return assess_coverage(bucket, scope, place="x", keys=keys, ingested=ingested, verify=verify, workers=workers)


def named(report: CoverageReport) -> set[tuple[str, str]]:
    return {(str(problem.kind), problem.key) for problem in report.problems}


def test_an_untouched_trail_is_complete() -> None:
    plan = replace(PLAN, accounts=("111122223333", "444455556666"), organization="o-exampleorgid")
    trail = deliver_trail(plan, KEY)
    report = assess(bucket_of(trail), ingested=all_of(trail), workers=4)
    assert report.complete
    assert [lane.account for lane in report.lanes] == ["111122223333", "444455556666"]
    assert all(lane.proven == lane.ingested == lane.files == 24 for lane in report.lanes)
    assert report == assess(bucket_of(trail), ingested=all_of(trail))


def test_an_hour_without_log_files_is_proven_empty() -> None:
    trail = deliver_trail(replace(PLAN, file_minutes=()), KEY)
    report = assess(bucket_of(trail))
    assert report.complete
    assert report.lanes[0].digests == 6


def test_an_empty_place_is_not_complete() -> None:
    assert not assess(MemoryBucket("trail-bucket")).complete


def test_a_changed_gzip_header_is_no_change_of_content() -> None:
    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    for delivered in (trail.logs[3], trail.digests[2]):
        stored = delivered.stored
        bucket.put(delivered.key, replace(stored, body=stored.body[:4] + b"\1\2\3\4" + stored.body[8:]))
    assert assess(bucket).complete


def test_appended_records_are_a_change() -> None:
    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    first, second = trail.logs[:2]
    bucket.put(first.key, replace(first.stored, body=first.stored.body + second.stored.body))
    assert named(assess(bucket)) == {("changed", first.key)}


def test_a_young_file_waits_for_its_digest_and_an_old_one_does_not() -> None:
    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    young = log_file(PLAN, Lane("111122223333", "eu-west-1"), NOW - timedelta(minutes=50), [], Random(1))
    bucket.put(young.key, young.stored)
    report = assess(bucket)
    assert report.complete
    assert report.lanes[0].pending == 1
    later = assess(bucket, now=NOW + 3 * HOUR)
    assert [problem.kind for problem in later.problems] == ["digest_gap"]
    assert later.lanes[0].unproven == 1


def test_a_planted_file_is_unsigned_however_it_is_named() -> None:
    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    lane = trail.logs[0].lane
    planted = log_file(PLAN, lane, START.replace(second=0) + 2 * HOUR, [{"eventName": "Forged"}], Random(1))
    bucket.put(planted.key, planted.stored)
    odd = trail.logs[5].key.replace(".json.gz", ".json.gz.tmp")
    bucket.put(odd, StoredObject(b"left over", {}, START))
    assert {key for _, key in named(assess(bucket))} == {planted.key, odd}
    assert ("unsigned", planted.key) in named(assess(bucket))


def test_a_backfill_digest_speaks_for_files_that_came_too_late_for_theirs() -> None:
    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    lane = trail.logs[0].lane
    late = log_file(PLAN, lane, START.replace(second=0) + 2 * HOUR, [{"eventName": "Late"}], Random(1))
    bucket.put(late.key, late.stored)
    assert named(assess(bucket)) == {("unsigned", late.key)}
    first = sign_digest(PLAN, lane, START + 2 * HOUR, [], None, KEY, backfill=True)
    second = sign_digest(PLAN, lane, START + 4 * HOUR, [late], first, KEY, backfill=True)
    for backfill in (first, second):
        bucket.put(backfill.key, backfill.stored)
    assert assess(bucket).complete
    meddling.delete(bucket, first.key)
    assert named(assess(bucket)) == {("digest_missing", first.key)}


def test_validation_switched_off_and_on_again_is_a_gap() -> None:
    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    lane = trail.logs[0].lane
    restart = sign_digest(PLAN, lane, START + 10 * HOUR, [], None, KEY)
    bucket.put(restart.key, restart.stored)
    report = assess(bucket, now=START + 11 * HOUR)
    assert named(report) == {("digest_gap", restart.key)}
    assert "from 2026-11-21T02:03:11Z to 2026-11-21T05:03:11Z" in report.problems[0].detail


def test_log_files_without_any_digest_cannot_be_proven() -> None:
    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    for digest in trail.digests:
        meddling.delete(bucket, digest.key)
    report = assess(bucket)
    prefix = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/"
    assert named(report) == {("digest_gap", prefix)}
    assert report.lanes[0].unproven == 18
    assert report.lanes[0].pending == 6


def test_a_lane_that_goes_silent_is_named_with_its_threshold() -> None:
    trail = deliver_trail(replace(PLAN, hours=30), KEY)
    bucket = bucket_of(trail)
    quiet_from = START + 12 * HOUR
    lane = trail.logs[0].lane
    previous = None
    for hour in range(1, 31):
        end = START + hour * HOUR
        logs = [log for log in trail.logs if end - HOUR <= log.stored.written < end and end <= quiet_from]
        previous = sign_digest(PLAN, lane, end, logs, previous, KEY)
        bucket.put(previous.key, previous.stored)
    for log in trail.logs:
        if log.stored.written >= quiet_from:
            meddling.delete(bucket, log.key)
    last = [log for log in trail.logs if log.stored.written < quiet_from][-1]
    assert assess(bucket, now=START + 31 * HOUR, until=quiet_from + 5 * HOUR).complete
    report = assess(bucket, now=START + 31 * HOUR)
    assert named(report) == {("stopped", last.key)}
    assert "reported from 6 h 0 min" in report.problems[0].detail
    assert "digests went on" in report.problems[0].detail


def test_a_lane_that_is_gone_altogether_is_known_from_the_ledger() -> None:
    trail = deliver_trail(replace(PLAN, regions=("eu-west-1", "us-east-1")), KEY)
    bucket = bucket_of(trail)
    for delivered in (*trail.logs, *trail.digests):
        if delivered.lane.region == "us-east-1":
            meddling.delete(bucket, delivered.key)
    report = assess(bucket, ingested=all_of(trail))
    assert named(report) == {("deleted", log.key) for log in trail.logs if log.lane.region == "us-east-1"}


def test_only_the_window_is_looked_at() -> None:
    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    early, late = trail.logs[2], trail.logs[-3]
    meddling.delete(bucket, early.key)
    meddling.delete(bucket, late.key)
    meddling.delete(bucket, trail.digests[0].key)
    assert named(assess(bucket, since=START + 2 * HOUR)) == {("missing", late.key)}
    until = START + 3 * HOUR
    assert named(assess(bucket, until=until)) == {("digest_missing", trail.digests[0].key)}
    assert assess(bucket, since=START + 2 * HOUR, until=until).complete
    assert not assess(bucket, accounts=frozenset(["999999999999"])).lanes


def test_what_was_ingested_must_be_what_was_delivered() -> None:
    trail = deliver_trail(PLAN, KEY)
    ingested = all_of(trail)
    ingested.objects[trail.logs[4].key] = frozenset(["00" * 32])
    report = assess(bucket_of(trail), ingested=ingested)
    assert named(report) == {("changed", trail.logs[4].key)}
    assert "what was ingested differs" in report.problems[0].remedy


def test_a_file_of_which_something_was_refused_is_named_with_it() -> None:
    trail = deliver_trail(PLAN, KEY)
    ingested = all_of(trail)
    refused, earlier = trail.logs[3].key, trail.logs[4].key
    (sha256,) = ingested.objects[refused]
    ingested.refusals = {refused: {sha256: "offset 7: not JSON"}, earlier: {"00" * 32: "offset 9: not JSON"}}
    report = assess(bucket_of(trail), ingested=ingested)
    assert named(report) == {("refused", refused)}
    assert report.problems[0].detail == "was not ingested as a whole: offset 7: not JSON"


def test_without_verification_contents_are_not_read() -> None:
    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    meddling.alter(bucket, trail.logs[0].key)
    report = assess(bucket, verify=False)
    assert report.complete
    assert any("--no-verify" in note for note in report.notes)


def test_without_public_keys_the_chain_is_still_followed() -> None:
    def denied(region: str, start: datetime, end: datetime) -> PublicKeys:
        raise PublicKeyError("AccessDenied")

    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    meddling.alter(bucket, trail.digests[2].key)
    kinds = {(kind, key) for kind, key in named(assess(bucket, keys=denied))}
    assert ("digest_invalid", trail.digests[2].key) in kinds
    assert {kind for kind, _ in kinds} == {"digest_invalid", "unverified"}


def test_a_digest_signed_by_somebody_else_does_not_hold() -> None:
    trail = deliver_trail(PLAN, KEY)
    bucket = bucket_of(trail)
    foreign = deliver_trail(PLAN, make_signing_key()).digests[3]
    bucket.put(foreign.key, foreign.stored)
    assert named(assess(bucket)) == {("digest_invalid", foreign.key)}


def test_a_trail_that_changed_its_bucket_is_looked_at_from_there_on() -> None:
    old = deliver_trail(replace(PLAN, hours=1, bucket="old-bucket"), KEY)
    lane = old.logs[0].lane
    bucket = MemoryBucket("trail-bucket")
    here = sign_digest(PLAN, lane, START + 2 * HOUR, [], old.digests[0], KEY)
    bucket.put(here.key, here.stored)
    assert assess(bucket, now=START + 3 * HOUR).complete
    mixed = sign_digest(PLAN, lane, START + 2 * HOUR, old.logs, old.digests[0], KEY)
    bucket.put(mixed.key, mixed.stored)
    report = assess(bucket, now=START + 3 * HOUR)
    assert named(report) == {("unverified", mixed.key)}
    assert "old-bucket" in report.problems[0].detail


@pytest.mark.parametrize("with_metadata", [True, False])
def test_a_mirror_is_as_good_as_the_bucket(tmp_path: Path, with_metadata: bool) -> None:
    trail = deliver_trail(replace(PLAN, regions=("eu-west-1", "us-east-1")), KEY)
    folder = Folder(tmp_path, with_metadata)
    trail.write_to(folder)
    report = assess(FolderBucket(tmp_path), ingested=all_of(trail), workers=4)
    assert report.complete
    assert [lane.tip_unsigned for lane in report.lanes] == ([0, 0] if with_metadata else [1, 1])
    assert bool(report.notes) is not with_metadata
    meddling.truncate(folder, trail.logs[0].key, 20)
    meddling.alter(folder, trail.digests[1].key)
    meddling.delete(folder, trail.logs[-5].key)
    assert named(assess(FolderBucket(tmp_path))) == {
        ("changed", trail.logs[0].key),
        ("digest_invalid", trail.digests[1].key),
        ("missing", trail.logs[-5].key),
    }


def test_a_mirror_below_a_prefix_is_found_without_it(tmp_path: Path) -> None:
    trail = deliver_trail(replace(PLAN, prefix="some/where/"), KEY)
    trail.write_to(Folder(tmp_path))
    assert assess(FolderBucket(tmp_path / "some" / "where")).complete


def test_a_folder_lists_in_key_order_and_leaves_side_files_out(tmp_path: Path) -> None:
    names = ["a/b.txt", "a.txt", "a/b/c.txt", "a0.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ("a.txt" + METADATA_SUFFIX)).write_text("{}")
    bucket = FolderBucket(tmp_path)
    assert [found.key for found in bucket.objects("")] == sorted(names)
    assert [found.key for found in bucket.objects("a/b")] == ["a/b.txt", "a/b/c.txt"]
    assert [found.key for found in bucket.objects("", after="a/b.txt")] == ["a/b/c.txt", "a0.txt"]


def test_names_are_read_strictly() -> None:
    lane = Lane("111122223333", "eu-west-1")
    day = "2026/11/20"
    good = f"{lane.log_prefix}{day}/111122223333_CloudTrail_eu-west-1_20261120T0805Z_aaaaaaaaaaaaaaaa.json.gz"
    assert log_time(lane, good) == datetime(2026, 11, 20, 8, 5, tzinfo=UTC)
    assert log_time(lane, good.replace("20261120T", "20261121T")) is None
    assert log_time(lane, good.replace("20261120T0805", "20261120T2505")) is None
    assert log_time(Lane("111122223333", "us-east-1"), good) is None
    digest = (
        f"{lane.digest_prefix}{day}/111122223333_CloudTrail-Digest_eu-west-1_a_b_us-east-1_20261120T080311Z.json.gz"
    )
    identity = digest_identity(lane, digest)
    assert identity is not None
    assert (identity[0].trail, identity[0].home_region) == ("a_b", "us-east-1")
    assert digest_identity(lane, digest.replace("/20/", "/21/")) is None


def test_keys_are_read_from_pem_and_from_what_the_aws_cli_prints(tmp_path: Path) -> None:
    import base64

    other = make_signing_key()
    pem = tmp_path / "keys.pem"
    pem.write_bytes(KEY.public_pem + other.public_pem)
    assert {KEY.fingerprint, other.fingerprint} <= set(keys_from_file(pem)("eu-west-1", START, NOW))
    listed = tmp_path / "keys.json"
    entry = {"Value": base64.b64encode(KEY.public_der).decode(), "Fingerprint": KEY.fingerprint}
    listed.write_text(json.dumps({"PublicKeyList": [entry]}))
    assert KEY.fingerprint in keys_from_file(listed)("eu-west-1", START, NOW)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_a_file_without_keys_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(PublicKeyError, match="keys"):
        keys_from_file(path)

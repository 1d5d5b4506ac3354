"""Ingest: each object exactly once, good records kept, bad ones named, what was observed committed with its object."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sakimori.collect import delivery as deliveries
from sakimori.collect.ingest import Ingested, IngestError, IngestReport, ingest, object_uid
from sakimori.collect.sources import SourceObject, find_objects
from sakimori.model.match import Match, Observed
from sakimori.model.refusal import Refusal
from sakimori.store.lake import Lake, LakeError, open_lake, read_batches
from sakimori.store.ledger import Arrival, Ledger, ObjectEntry, open_ledger


def record(number: int, **more: Any) -> dict[str, Any]:
    plain = {"eventVersion": "1.10", "eventTime": "2026-11-21T00:00:00Z", "eventName": "ListUsers"}
    return plain | {"awsRegion": "eu-west-1", "recipientAccountId": "1" * 12, "eventID": f"e{number}"} | more


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_bytes(gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode(), mtime=0))
    return path


def sources(*paths: Path) -> list[SourceObject]:
    return [found for found in find_objects(map(str, paths)) if isinstance(found, SourceObject)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "lake")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    for number in range(6):
        write(tmp_path / "logs" / f"{number}.json.gz", record(number * 2), record(number * 2 + 1))
    return tmp_path / "logs"


def uids(lake: Lake, ledger: Ledger) -> list[str]:
    batches = read_batches(lake, ledger.lake_files(), ["metadata.uid"])
    return sorted(row["metadata"]["uid"] for batch in batches for row in batch.to_pylist())


def raw(lake: Lake, ledger: Ledger) -> list[str]:
    batches = read_batches(lake, ledger.lake_files(), ["raw_data"])
    return [row["raw_data"] for batch in batches for row in batch.to_pylist()]


@pytest.mark.parametrize("workers", [1, 3])
def test_every_object_once(lake: Lake, ledger: Ledger, logs: Path, workers: int) -> None:
    report = ingest(sources(logs), lake, ledger, workers=workers)
    assert (report.objects, report.ingested, report.records, report.refused) == (6, 6, 12, 0)
    assert report.complete
    assert report.peak_bytes > 1 << 20
    assert uids(lake, ledger) == sorted(f"e{number}" for number in range(12))
    again = ingest(sources(logs), lake, ledger, workers=workers)
    assert (again.objects, again.ingested, again.known, again.records) == (6, 0, 6, 0)
    assert len(uids(lake, ledger)) == 12


def test_what_the_ledger_says_of_an_object(lake: Lake, ledger: Ledger, logs: Path) -> None:
    import hashlib

    ingest(sources(logs / "0.json.gz"), lake, ledger, workers=1)
    (entry,) = ledger.known_objects()
    content = (logs / "0.json.gz").read_bytes()
    assert entry.path == str(logs / "0.json.gz")
    assert (entry.bytes, entry.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (entry.account, entry.region, entry.records) == ("1" * 12, "eu-west-1", 2)
    assert entry.first_event == entry.last_event == 1795219200000
    assert (lake.root / entry.lake_files[0].path).stem == entry.uid


def test_the_same_file_named_differently_is_one_object(
    lake: Lake, ledger: Ledger, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(logs)
    ingest(sources(Path("0.json.gz")), lake, ledger, workers=1)
    assert ingest(sources(logs / "0.json.gz"), lake, ledger, workers=1).known == 1


def test_a_changed_file_is_another_object(lake: Lake, ledger: Ledger, logs: Path) -> None:
    ingest(sources(logs), lake, ledger, workers=1)
    write(logs / "0.json.gz", record(100))
    assert ingest(sources(logs), lake, ledger, workers=1).ingested == 1
    assert len(ledger.versions_of(str(logs / "0.json.gz"))) == 2


def test_an_s3_object_that_is_known_is_not_even_read(lake: Lake, ledger: Ledger) -> None:
    source = SourceObject("s3://no-such-bucket/key", 7, "an-etag", datetime.now(UTC), "s3")
    uid = object_uid(source, "")
    known = ObjectEntry(uid, source.path, "cloudtrail", 7, "5ha", "an-etag", 0, 0, "unknown", "unknown", None, None, ())
    ledger.commit_objects([Arrival(known)])
    report = ingest([source], lake, ledger, workers=1)
    assert (report.objects, report.known) == (1, 1)
    assert object_uid(replace(source, etag="other"), "") != uid


def test_what_an_s3_object_was_refused_for_is_told_again_without_reading_it(lake: Lake, ledger: Ledger) -> None:
    source = SourceObject("s3://no-such-bucket/key", 7, "an-etag", datetime.now(UTC), "s3")
    uid = object_uid(source, "")
    known = ObjectEntry(uid, source.path, "cloudtrail", 7, "5ha", "an-etag", 0, 1, "unknown", "unknown", None, None, ())
    refusal = Refusal(source.path, 3, "not JSON")
    ledger.commit_objects([Arrival(known, [refusal])])
    told: list[Ingested] = []
    report = ingest([source], lake, ledger, workers=1, progress=told.append)
    assert (report.objects, report.known, report.refused, report.complete) == (1, 1, 1, False)
    assert [one.refusals for one in told] == [(refusal,)]


def test_bad_records_are_named_and_the_good_around_them_kept(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    good = [json.dumps(record(number), separators=(",", ":")) for number in range(3)]
    path = tmp_path / "a.json"
    path.write_text(f'{{"Records":[{good[0]},7,{good[1]},{{"eventVersion":"1","eventName":5}},{good[2]}]}}')
    told: list[Ingested] = []
    report = ingest(sources(path), lake, ledger, workers=1, progress=told.append)
    assert (report.records, report.ingested, report.complete) == (3, 1, False)
    assert raw(lake, ledger) == good
    (entry,) = ledger.known_objects()
    refusals = ledger.refusals()
    assert refusals == list(told[0].refusals)
    assert entry.refused == len(refusals) == report.refused == 2


def test_what_only_looks_clean_goes_the_exact_way(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    inner = '{"eventVersion":"1","eventName":"x","eventID":"y"}'
    hidden = record(1, requestParameters={"text": f",{inner}"})
    text = json.dumps({"Records": [hidden, record(2)]}, separators=(",", ":"))
    nested = text.replace('"requestParameters":{', '"requestParameters":{"list":[' + f"{inner},{inner}" + "],")
    path = tmp_path / "a.json"
    path.write_text(nested)
    ingest(sources(path), lake, ledger, workers=1)
    assert uids(lake, ledger) == ["e1", "e2"]


def test_objects_without_records_are_known_too(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    write(tmp_path / "none.json.gz")
    assert ingest(sources(tmp_path / "none.json.gz"), lake, ledger, workers=1).records == 0
    assert ingest(sources(tmp_path / "none.json.gz"), lake, ledger, workers=1).known == 1
    assert ledger.lake_files() == []


def test_an_object_that_cannot_be_read_is_tried_again(lake: Lake, ledger: Ledger, logs: Path) -> None:
    found = sources(logs)
    content = (logs / "3.json.gz").read_bytes()
    (logs / "3.json.gz").unlink()
    told: list[Ingested] = []
    report = ingest(found, lake, ledger, workers=2, progress=told.append)
    assert (report.ingested, report.unread, report.refused, report.complete) == (5, 1, 1, False)
    assert [str(refusal) for one in told for refusal in one.refusals if "3.json.gz" in refusal.path]
    (logs / "3.json.gz").write_bytes(content)
    assert ingest(found, lake, ledger, workers=2).ingested == 1


class Users:
    """An observer of every record, who holds any text for clean, or none."""

    def __init__(self, *, quick: bool = True) -> None:
        self.quick = quick

    def text(self, source: SourceObject, text: bytes | bytearray) -> tuple[int, Observed] | None:
        records = [json.dumps(each).encode() for each in json.loads(text)["Records"]]
        return (len(records), self.records(source, records)) if self.quick else None

    def records(self, source: SourceObject, records: Sequence[bytes]) -> Observed:
        found = map(json.loads, records)
        return Observed([Match("r", each["eventID"], each["eventTime"], "", "", "", source.path, "") for each in found])


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("quick", [True, False])
def test_matches_are_committed_with_their_object(
    lake: Lake, ledger: Ledger, logs: Path, workers: int, quick: bool
) -> None:
    report = ingest(sources(logs), lake, ledger, workers=workers, observe=Users(quick=quick))
    assert report.matches == 12
    matches = list(ledger.matches_of("r"))
    assert sorted(match.record_id for match in matches) == uids(lake, ledger)
    assert matches[0].source_ip.endswith(".json.gz")


class Fails(Users):
    def text(self, source: SourceObject, text: bytes | bytearray) -> tuple[int, Observed] | None:
        if "3.json" in source.path:
            raise RuntimeError("a rule broke")
        return super().text(source, text)


def test_an_observer_that_fails_stops_the_run_and_the_object_is_not_entered(
    lake: Lake, ledger: Ledger, logs: Path
) -> None:
    with pytest.raises(RuntimeError, match="a rule broke"):
        ingest(sources(logs), lake, ledger, workers=2, observe=Fails())
    assert not ledger.versions_of(str(logs / "3.json.gz"))
    assert ingest(sources(logs), lake, ledger, workers=2).complete
    assert len(uids(lake, ledger)) == 12


class Dies(Users):
    def text(self, source: SourceObject, text: bytes | bytearray) -> tuple[int, Observed] | None:
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)
        return None


def test_a_worker_that_is_killed_is_an_error_that_names_the_object(lake: Lake, ledger: Ledger, logs: Path) -> None:
    with pytest.raises(IngestError, match=r"SIGKILL while ingesting .*0\.json\.gz"):
        ingest(sources(logs / "0.json.gz"), lake, ledger, workers=2, observe=Dies())


def test_a_lake_that_cannot_be_written(lake: Lake, ledger: Ledger, logs: Path) -> None:
    (lake.root / "cloudtrail" / "region=eu-west-1").write_text("in the way")
    with pytest.raises(LakeError, match="cannot write to the lake at"):
        ingest(sources(logs), lake, ledger, workers=2)
    assert list(ledger.known_objects()) == []


def test_ctrl_c_leaves_nothing_half_done(lake: Lake, ledger: Ledger, logs: Path) -> None:
    def interrupt(_: Ingested) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(sources(logs), lake, ledger, workers=2, progress=interrupt)
    entered = len(list(ledger.known_objects()))
    assert entered >= 1
    assert list((lake.root / ".pending").iterdir()) == []
    assert ingest(sources(logs), lake, ledger, workers=2).known == entered
    assert len(uids(lake, ledger)) == 12


@pytest.mark.parametrize("whole_bytes", [1, 10**9])
def test_a_large_object_gives_what_a_small_one_gives(
    lake: Lake, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole_bytes: int
) -> None:
    monkeypatch.setattr(deliveries, "WHOLE_BYTES", whole_bytes)
    path = write(tmp_path / "a.json.gz", *(record(number, x="y" * number) for number in range(300)))
    report = ingest(sources(path), lake, ledger, workers=1, observe=Users())
    assert (report.records, report.matches) == (300, 300)
    records = json.loads(gzip.decompress(path.read_bytes()))["Records"]
    assert raw(lake, ledger) == [json.dumps(one, separators=(",", ":")) for one in records]


def test_the_report_adds_up() -> None:
    report = IngestReport(objects=3, ingested=1, known=2)
    assert report.complete
    assert not IngestReport(refused=1).complete
    assert not IngestReport(unread=1).complete


@pytest.mark.parametrize("workers", [1, 2])
def test_from_s3(lake: Lake, ledger: Ledger, logs: Path, aws: Any, workers: int) -> None:
    import boto3

    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="trail-logs")
    for path in logs.iterdir():
        s3.put_object(Bucket="trail-logs", Key=f"AWSLogs/{path.name}", Body=path.read_bytes())

    def found() -> list[SourceObject]:
        return [one for one in find_objects(["s3://trail-logs/AWSLogs/"]) if isinstance(one, SourceObject)]

    report = ingest(found(), lake, ledger, workers=workers)
    assert (report.ingested, report.records, report.complete) == (6, 12, True)
    assert {entry.path for entry in ledger.known_objects("s3://trail-logs/")} == {
        f"s3://trail-logs/AWSLogs/{number}.json.gz" for number in range(6)
    }
    again = ingest(found(), lake, ledger, workers=workers)
    assert (again.known, again.bytes_in) == (6, 0)
    s3.put_object(Bucket="trail-logs", Key="AWSLogs/0.json.gz", Body=gzip.compress(b'{"Records":[]}'))
    assert ingest(found(), lake, ledger, workers=workers).ingested == 1


def test_what_is_in_hand_is_entered_when_a_run_is_cut_short(
    lake: Lake, ledger: Ledger, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sakimori.collect.ingest.COMMIT_SECONDS", 1e9)
    with pytest.raises(RuntimeError, match="a rule broke"):
        ingest(sources(logs), lake, ledger, workers=1, observe=Fails())
    entered = len(list(ledger.known_objects()))
    assert 0 < entered < 6
    assert len(uids(lake, ledger)) == 2 * entered


def test_an_object_that_is_given_twice_is_entered_once(lake: Lake, ledger: Ledger, logs: Path) -> None:
    twice = [*sources(logs / "0.json.gz"), *sources(logs / "0.json.gz")]
    report = ingest(twice, lake, ledger, workers=1)
    assert (report.ingested, report.known) == (1, 1)
    assert report.records == ingest(sources(logs / "1.json.gz"), lake, ledger, workers=1).records

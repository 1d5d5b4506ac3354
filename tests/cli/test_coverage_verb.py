"""`sakimori coverage` as a user runs it: on a folder, and on S3 with real boto3 against moto."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sakimori.cli.coverage import coverage
from sakimori.simulate import meddling
from sakimori.simulate.aws import SimulatedAws, simulated_aws
from sakimori.simulate.buckets import S3, Folder
from sakimori.simulate.public_keys import OPERATION, ValidKey, public_key_handler
from sakimori.simulate.trail import DeliveredTrail, TrailPlan, deliver_trail, make_signing_key

HOUR = timedelta(hours=1)
KEY = make_signing_key()


def lately() -> datetime:
    return datetime.now(UTC).replace(minute=3, second=11, microsecond=0) - 5 * HOUR


START = lately()
PLAN = TrailPlan("trail-bucket", START, hours=4, regions=("eu-west-1", "us-east-1"))

app = typer.Typer()
app.command()(coverage)


@pytest.fixture(autouse=True)
def as_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours may have passed since this file was imported."""
    start = lately()
    monkeypatch.setitem(globals(), "START", start)
    monkeypatch.setitem(globals(), "PLAN", replace(PLAN, start=start))


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path / "home"))


@pytest.fixture
def mirror(tmp_path: Path) -> tuple[DeliveredTrail, Folder, list[str]]:
    """A trail in a folder, and the arguments that look at it offline."""
    trail = deliver_trail(PLAN, KEY)
    folder = Folder(tmp_path / "mirror")
    trail.write_to(folder)
    pem = tmp_path / "key.pem"
    pem.write_bytes(KEY.public_pem)
    return trail, folder, [str(folder.root), "--public-key", str(pem)]


def run(*arguments: str) -> tuple[int, list[str], str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout.splitlines(), result.stderr


def test_ingest_then_complete(mirror: tuple[DeliveredTrail, Folder, list[str]]) -> None:
    trail, folder, arguments = mirror
    code, lines, errors = run(*arguments, "--format", "jsonl")
    assert code == 3
    assert {json.loads(line)["kind"] for line in lines} == {"not_ingested"}
    assert {json.loads(line)["key"] for line in lines} == {log.key for log in trail.logs}
    late = trail.logs[1]
    away = meddling.delay(folder, late.key)
    run(*arguments, "--ingest")
    folder.put(late.key, away)
    code, lines, errors = run(*arguments, "--format", "jsonl")
    assert (code, [(json.loads(line)["kind"], json.loads(line)["key"]) for line in lines]) == (3, [("late", late.key)])
    code, lines, errors = run(*arguments, "--ingest")
    assert code == 0, (lines, errors)
    assert "ingested 1 file, " in errors
    assert f"complete: {len(trail.logs)} log files of 2 accounts and regions" in errors
    assert run(*arguments)[0] == 0


def test_what_was_refused_on_the_way_in_is_named_ever_after(
    mirror: tuple[DeliveredTrail, Folder, list[str]],
) -> None:
    trail, folder, arguments = mirror
    log = trail.logs[2]
    text = gzip.decompress(log.stored.body).replace(b'{"Records":[', b'{"Records":[7,', 1)
    folder.put(log.key, replace(log.stored, body=gzip.compress(text)))
    for digest in trail.digests:  # without digests there is nobody to say that it was changed
        meddling.delete(folder, digest.key)
    assert ": offset 12: " in run(*arguments, "--ingest")[2]
    code, lines, _ = run(*arguments, "--format", "jsonl")
    said = {json.loads(line)["key"]: json.loads(line) for line in lines if json.loads(line)["kind"] == "refused"}
    assert (code, list(said)) == (3, [log.key])
    assert "was not ingested as a whole: offset 12: " in said[log.key]["detail"]


def test_every_problem_has_its_own_line(mirror: tuple[DeliveredTrail, Folder, list[str]]) -> None:
    trail, folder, arguments = mirror
    meddling.delete(folder, trail.logs[0].key)
    meddling.alter(folder, trail.logs[20].key)
    code, lines, errors = run(*arguments, "--no-ledger")
    assert code == 3
    headings = "account region files proven pending unproven suspect ingested digests from to problems"
    assert lines[0].split() == headings.split()
    assert [line.split()[:2] for line in lines[1:3]] == [["111122223333", "eu-west-1"], ["111122223333", "us-east-1"]]
    assert lines[3].startswith(f"missing: 111122223333 eu-west-1 {trail.logs[0].key}: ")
    assert lines[4].startswith(f"changed: 111122223333 us-east-1 {trail.logs[20].key}: ")
    assert "2 problems: 1 changed, 1 missing" in errors
    code, lines, _ = run(*arguments, "--no-ledger", "--region", "us-east-1", "--format", "json")
    report = json.loads(lines[0])
    assert [problem["kind"] for problem in report["problems"]] == ["changed"]
    assert [lane["region"] for lane in report["lanes"]] == ["us-east-1"]


def test_a_key_that_commands_a_terminal_is_shown_as_text(mirror: tuple[DeliveredTrail, Folder, list[str]]) -> None:
    trail, folder, arguments = mirror
    folder.put(trail.logs[0].key + "\x1b[2J", trail.logs[0].stored)
    code, lines, _ = run(*arguments, "--no-ledger")
    assert code == 3
    assert "\x1b" not in "".join(lines)
    assert "\\x1b[2J" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["/nowhere/at/all"], "no such folder"),
        (["s3://"], "not an S3 address"),
        (["s3://bucket/AWSLogs/111122223333"], "stop before AWSLogs/"),
        ([".", "--since", "yesterday"], "yesterday"),
        ([".", "--since", "2026-11-21", "--until", "2026-11-20"], "not before"),
        ([".", "--ingest", "--no-ledger"], "--no-ledger"),
        ([".", "--public-key", "/nowhere/at/all"], "cannot be read"),
    ],
)
def test_usage_errors_say_what_to_do(arguments: list[str], reason: str) -> None:
    code, _, errors = run(*arguments)
    assert code == 2
    assert reason in " ".join(errors.replace("│", " ").split())


@pytest.fixture(scope="module")
def aws() -> Iterator[SimulatedAws]:
    valid = [ValidKey(name, KEY, START - 24 * HOUR, START + 24 * HOUR) for name in PLAN.regions]
    with simulated_aws() as simulated:
        simulated.handlers[OPERATION] = public_key_handler(valid)
        yield simulated


def test_s3_with_keys_from_cloudtrail(aws: SimulatedAws) -> None:
    client = aws.client("s3")
    client.create_bucket(Bucket="trail-bucket")
    plan = TrailPlan("trail-bucket", START, 4, regions=PLAN.regions, prefix="org/logs/", organization="o-exampleorgid")
    trail = deliver_trail(plan, KEY)
    bucket = S3(client, "trail-bucket")
    trail.write_to(bucket)
    place = "s3://trail-bucket/org/logs"
    code, lines, errors = run(place, "--ingest")
    assert code == 0, (lines, errors)
    meddling.delete(bucket, trail.logs[0].key)
    meddling.truncate(bucket, trail.logs[5].key, 40)
    meddling.delete(bucket, trail.digests[1].key)
    meddling.alter(bucket, trail.digests[6].key)
    code, lines, errors = run(place, "--format", "jsonl", "--since", f"{START - HOUR:%Y-%m-%dT%H:%MZ}")
    assert code == 3
    assert {(problem["kind"], problem["key"]) for problem in map(json.loads, lines)} == {
        ("deleted", trail.logs[0].key),
        ("changed", trail.logs[5].key),
        ("digest_missing", trail.digests[1].key),
        ("digest_invalid", trail.digests[6].key),
    }


def test_keys_that_were_not_in_use_then_do_not_count(aws: SimulatedAws) -> None:
    client = aws.client("s3")
    client.create_bucket(Bucket="other-bucket")
    foreign = make_signing_key()
    trail = deliver_trail(TrailPlan("other-bucket", START, 4), foreign)
    trail.write_to(S3(client, "other-bucket"))
    code, lines, _ = run("s3://other-bucket", "--no-ledger", "--format", "jsonl")
    assert code == 3
    assert {json.loads(line)["kind"] for line in lines} == {"digest_invalid"}
    assert all(foreign.fingerprint in json.loads(line)["detail"] for line in lines)


def test_a_bucket_that_is_not_there_is_a_failure(aws: SimulatedAws) -> None:
    code, _, errors = run("s3://no-such-bucket")
    assert code == 4
    assert "NoSuchBucket" in errors

"""`collect --follow` on a simulated AWS: what comes is taken in, once, and what cannot be read does not stop it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from cloudtrail_logs import start

from sakimori.simulate.aws import Answer, Call, SimulatedAws
from sakimori.store.ledger import open_ledger

ACCOUNT = "111122223333"
LANE = f"p/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/"
WAIT = 30.0
OBJECTS = 150


def key(day: int, name: str) -> str:
    return f"{LANE}2026/11/{day:02}/{ACCOUNT}_CloudTrail_eu-west-1_202611{day:02}T0000Z_{name}.json.gz"


def body(*ids: str) -> bytes:
    return gzip.compress(json.dumps({"Records": [record(each) for each in ids]}, separators=(",", ":")).encode())


def record(event_id: str) -> dict[str, Any]:
    return {
        "eventVersion": "1.10",
        "userIdentity": {"type": "IAMUser", "userName": "eve", "arn": f"arn:aws:iam::{ACCOUNT}:user/eve"},
        "eventTime": "2026-11-21T08:00:00Z",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.9",
        "requestParameters": {"name": f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/main"},
        "eventID": event_id,
        "recipientAccountId": ACCOUNT,
    }


class Following:
    """The program at work, and what it has taken in so far."""

    def __init__(self, home: Path, place: str, *more: str) -> None:
        self.home = home
        command = ("collect", "cloudtrail", place, "--follow", "--poll", "0.1", "--workers", "2", *more)
        self.process: Popen[str] = start(home, *command)

    def objects(self) -> list[str]:
        if not (self.home / "ledger.sqlite").exists():
            return []
        with open_ledger(self.home / "ledger.sqlite") as ledger:
            return sorted(entry.path.rpartition("/")[2] for entry in ledger.known_objects())

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT
        while not holds():
            if time.monotonic() > end or self.process.poll() is not None:
                self.process.kill()
                raise AssertionError(f"it never came: {self.objects()}\n{self.process.communicate()[1]}")
            time.sleep(0.05)

    def until_has(self, count: int) -> None:
        self.until(lambda: len(self.objects()) >= count)

    def end(self, how: signal.Signals) -> str:
        """Ends it as a service manager or a terminal does, the whole group; gives standard error."""
        os.killpg(self.process.pid, how)
        _, err = self.process.communicate(timeout=WAIT)
        assert "Traceback" not in err
        assert not list((self.home / "lake" / ".pending").glob("*"))
        return err


@pytest.fixture
def s3(aws: SimulatedAws) -> Any:
    client = aws.client("s3")
    client.create_bucket(Bucket="logs")
    return client


def put(s3: Any, name: str, content: bytes) -> None:
    s3.put_object(Bucket="logs", Key=name, Body=content)


def test_a_prefix_with_new_and_late_objects_and_one_that_is_junk(s3: Any, tmp_path: Path) -> None:
    put(s3, key(20, "a"), body("a"))
    following = Following(tmp_path, "s3://logs/p/", "--detect")
    following.until_has(1)
    put(s3, key(21, "b"), body("b"))
    following.until_has(2)
    put(s3, key(19, "late"), body("late"))  # below the marker
    put(s3, key(21, "junk"), b"\x1f\x8bjunk")
    following.until_has(4)
    put(s3, key(22, "c"), body("c"))
    following.until_has(5)
    err = following.end(signal.SIGTERM)
    assert following.process.returncode == 3, err  # the junk was refused
    named = [line for line in err.splitlines() if "junk.json.gz: offset" in line]
    assert len(named) == len(set(named)) > 0  # once for each reason
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        (found,) = (each.finding for each in ledger.findings() if each.finding.rule == "cloudtrail_logging_stopped")
    assert found.records == ("a", "b", "c", "late")


def test_what_cannot_be_read_is_named_once_and_what_may_pass_is_tried_again(
    aws: SimulatedAws, s3: Any, tmp_path: Path
) -> None:
    denied = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    expired = b"<Error><Code>ExpiredToken</Code><Message>old</Message></Error>"  # boto3 itself does not try again
    asked: list[str] = []

    def answer(call: Call) -> Answer | None:
        asked.append(call.path)
        if "denied" in call.path:
            return Answer(denied, 403, {"Content-Type": "application/xml"})
        if "passing" in call.path and sum("passing" in path for path in asked) <= 2:
            return Answer(expired, 400, {"Content-Type": "application/xml"})
        return None

    aws.handlers["s3:GET"] = answer
    put(s3, key(20, "denied"), body("d"))
    put(s3, key(20, "passing"), body("p"))
    following = Following(tmp_path, "s3://logs/p/")
    following.until_has(1)
    put(s3, key(20, "z"), body("z"))
    following.until_has(2)
    err = following.end(signal.SIGTERM)
    assert following.process.returncode == 3
    assert sum("denied.json.gz: offset 0: s3:GetObject" in line for line in err.splitlines()) == 1
    assert sum("denied" in path for path in asked) == 1
    assert sum("passing.json.gz: offset 0: s3:GetObject" in line for line in err.splitlines()) == 2
    assert [name.rpartition("_")[2] for name in following.objects()] == ["passing.json.gz", "z.json.gz"]


def queue(aws: SimulatedAws, **attributes: str) -> tuple[Any, str]:
    sqs = aws.client("sqs")
    return sqs, sqs.create_queue(QueueName="notes", Attributes=attributes)["QueueUrl"]


def announce(sqs: Any, url: str, *keys: str) -> None:
    records = [
        {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-21T08:00:00Z",
            "s3": {"bucket": {"name": "logs"}, "object": {"key": each, "size": 10}},
        }
        for each in keys
    ]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"Records": records}))


def left(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def test_a_queue_with_a_test_event_and_a_message_that_is_none(aws: SimulatedAws, s3: Any, tmp_path: Path) -> None:
    sqs, url = queue(aws)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"Event": "s3:TestEvent", "Bucket": "logs"}))
    sqs.send_message(QueueUrl=url, MessageBody="{]\x1b[2J")
    put(s3, key(20, "a"), body("a"))
    announce(sqs, url, key(20, "a"), key(20, "gone"))
    following = Following(tmp_path, url, "--detect")
    following.until_has(1)
    put(s3, key(21, "b"), body("b"))
    announce(sqs, url, key(21, "b"))
    following.until_has(2)
    following.until(lambda: left(sqs, url) == 1)  # the malformed one, for the redrive policy
    err = following.end(signal.SIGTERM)
    assert following.process.returncode == 3
    assert "\x1b" not in err
    assert sum("left in the queue, whose redrive policy decides" in line for line in err.splitlines()) == 1
    assert sum("gone.json.gz: offset 0: s3:GetObject" in line for line in err.splitlines()) == 1


def test_a_message_goes_only_when_its_objects_are_in_the_lake(aws: SimulatedAws, s3: Any, tmp_path: Path) -> None:
    sqs, url = queue(aws)
    put(s3, key(20, "a"), body("a"))
    announce(sqs, url, key(20, "a"))
    deleted_with: list[int] = []
    ledger = tmp_path / "ledger.sqlite"

    def count(_: Call) -> None:
        with open_ledger(ledger) as known:
            deleted_with.append(len(list(known.known_objects())))

    aws.handlers["sqs:DeleteMessageBatch"] = count  # type: ignore[assignment]
    following = Following(tmp_path, url)
    following.until(lambda: bool(deleted_with))
    following.end(signal.SIGTERM)
    assert deleted_with == [1]
    assert following.process.returncode == 0


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_ended_while_at_work_it_leaves_nothing_half_done(
    s3: Any, tmp_path: Path, how: signal.Signals, code: int
) -> None:
    for number in range(OBJECTS):
        put(s3, key(20, f"{number:03}"), body(*(f"{number}-{at}" for at in range(200))))
    following = Following(tmp_path, "s3://logs/p/", "--detect")
    following.until_has(3)
    err = following.end(how)
    assert following.process.returncode == code, err
    # Renamed and not yet entered: for each worker an answer on its way, and one object more.
    ahead = len(list((tmp_path / "lake").rglob("*.parquet"))) - len(following.objects())
    assert 0 <= ahead <= 2 * (os.cpu_count() or 1)
    put(s3, key(20, "last"), body(*(f"last-{at}" for at in range(200))))
    again = Following(tmp_path, "s3://logs/p/", "--detect")
    again.until_has(OBJECTS + 1)
    again.until(lambda: _settled(tmp_path))
    again.end(signal.SIGTERM)
    assert again.process.returncode == 0
    assert len(list((tmp_path / "lake").rglob("*.parquet"))) == OBJECTS + 1
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        found = max((each.finding for each in ledger.findings()), key=lambda each: each.count)
    assert found.count == (OBJECTS + 1) * 200


def _settled(home: Path) -> bool:
    with open_ledger(home / "ledger.sqlite") as ledger:
        return sum(len(each.finding.records) for each in ledger.findings()) >= (OBJECTS + 1) * 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ended_while_waiting_for_a_message_it_leaves_at_once(
    aws: SimulatedAws, tmp_path: Path, how: signal.Signals
) -> None:
    _, url = queue(aws)
    asked: list[float] = []

    def slow(_: Call) -> None:
        asked.append(time.monotonic())
        time.sleep(20)

    aws.handlers["sqs:ReceiveMessage"] = slow  # type: ignore[assignment]
    following = Following(tmp_path, url)
    following.until(lambda: bool(asked))
    began = time.monotonic()
    following.end(how)
    assert time.monotonic() - began < 5
    assert following.process.returncode == {signal.SIGTERM: 0, signal.SIGINT: 130}[how]


def test_what_trying_again_cannot_help_ends_it_with_a_reason(aws: SimulatedAws, tmp_path: Path) -> None:
    for place in ("s3://absent/p/", f"{aws.url}/{ACCOUNT}/absent"):
        process = Following(tmp_path, place).process
        _, err = process.communicate(timeout=WAIT)
        assert process.returncode == 4, err
        assert err.startswith("failed: ")
        assert "Traceback" not in err


@pytest.mark.parametrize("place", ["logs", "s3://", "-", "ftp://x"])
def test_places_that_cannot_be_followed(place: str, tmp_path: Path) -> None:
    process = Following(tmp_path, place).process
    _, err = process.communicate(timeout=WAIT)
    assert process.returncode == 2, err

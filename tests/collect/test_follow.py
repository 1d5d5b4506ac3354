"""Following a prefix and a queue: everything comes, late files too, and nothing is forgotten before it is committed."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sakimori.aws.errors import NotFound
from sakimori.aws.session import client
from sakimori.collect.follow import Batch, follow
from sakimori.collect.follow_prefix import find_lanes
from sakimori.collect.follow_queue import follow_queue, queue_region
from sakimori.simulate.aws import Answer, SimulatedAws


def key(account: str, region: str, day: str, name: str) -> str:
    return f"p/AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{name}.json.gz"


A, B = "111111111111", "222222222222"


class Trail:
    """A bucket that files are delivered to while it is followed, and the following as steps."""

    def __init__(self, aws: SimulatedAws, uri: str = "s3://logs/p/") -> None:
        self.s3 = aws.client("s3")
        self.s3.create_bucket(Bucket="logs")
        self.stop = threading.Event()
        self.batches = follow(uri, poll_seconds=0, stop=self.stop, s3=client("s3"))

    def deliver(self, *keys: str) -> None:
        for each in keys:
            self.s3.put_object(Bucket="logs", Key=each, Body=b"x")

    def next(self, *, commit: bool = True) -> list[str]:
        batch = next(self.batches)
        for found in batch.objects:
            if commit:
                batch.commit(found)
        return [found.path.removeprefix("s3://logs/") for found in batch.objects]


def test_new_and_late_files_come_once_and_uncommitted_ones_again(aws: SimulatedAws) -> None:
    trail = Trail(aws)
    first = [key(A, "eu-west-1", "2026/11/20", "t1"), key(A, "eu-west-1", "2026/11/21", "t2")]
    other = key(B, "us-east-1", "2026/11/21", "t1")
    trail.deliver(*first, other, first[0].replace("CloudTrail", "CloudTrail-Digest"))
    assert trail.next() == first
    assert trail.next() == [other]
    new, late = key(A, "eu-west-1", "2026/11/22", "t3"), key(A, "eu-west-1", "2026/11/20", "t0")
    trail.deliver(new, late)
    assert trail.next(commit=False) == [late, new]
    assert trail.next() == [late, new]
    trail.deliver(key(A, "eu-west-1", "2026/11/23", "t4"))
    assert trail.next() == [key(A, "eu-west-1", "2026/11/23", "t4")]


def test_a_file_replaced_within_the_look_back_comes_again(aws: SimulatedAws) -> None:
    trail = Trail(aws)
    one = key(A, "eu-west-1", "2026/11/21", "t1")
    trail.deliver(one)
    assert trail.next() == [one]
    trail.s3.put_object(Bucket="logs", Key=one, Body=b"other content")
    assert trail.next() == [one]


def test_polls_list_only_from_the_look_back_on(aws: SimulatedAws) -> None:
    trail = Trail(aws)
    trail.deliver(*(key(A, "eu-west-1", f"2026/11/{day:02}", "t") for day in range(1, 22)))
    assert len(trail.next()) == 21
    asked: list[str] = []
    aws.handlers["s3:GET"] = lambda call: asked.extend(call.query.get("start-after", []))
    trail.deliver(key(A, "eu-west-1", "2026/11/22", "t"))
    assert len(trail.next()) == 1
    assert set(asked) == {f"p/AWSLogs/{A}/CloudTrail/eu-west-1/2026/11/19/"}


def test_a_prefix_that_is_not_cloudtrails_is_followed_too(aws: SimulatedAws) -> None:
    trail = Trail(aws, "s3://logs/export/day-")
    trail.deliver("export/day-2", "other")
    assert trail.next() == ["export/day-2"]
    trail.deliver("export/day-1")
    assert trail.next() == ["export/day-1"]


def test_lanes_are_found_at_every_level_with_and_without_organisation(aws: SimulatedAws) -> None:
    trail = Trail(aws)
    within = f"p/AWSLogs/o-abcdefghij/{A}/CloudTrail/eu-west-1/"
    trail.deliver(within + "2026/11/21/x", key(B, "us-east-1", "2026/11/21", "t1"), f"p/AWSLogs/{A}/Config/x/y")
    lanes = [f"p/AWSLogs/{B}/CloudTrail/us-east-1/", within]
    for start in ("", "p/", "p/AWSLogs/"):
        assert find_lanes(trail.s3, "logs", start) == lanes
    assert find_lanes(trail.s3, "logs", "p/AWSLogs/o-abcdefghij/") == [within]
    assert find_lanes(trail.s3, "logs", within + "2026/") == [within + "2026/"]


def test_following_ends_when_told_and_fails_where_trying_again_is_no_use(aws: SimulatedAws) -> None:
    trail = Trail(aws)
    trail.stop.set()
    assert list(trail.batches) == []
    with pytest.raises(NotFound):
        next(follow("s3://absent/p/", poll_seconds=0, stop=threading.Event(), s3=client("s3")))


def test_a_passing_failure_is_told_and_tried_again(aws: SimulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    trail = Trail(aws)
    trail.deliver("p/AWSLogs/x")
    slow = b"<Error><Code>SlowDown</Code><Message>less</Message></Error>"
    impatient = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
    batches = follow("s3://logs/p/", poll_seconds=0, stop=trail.stop, s3=impatient)
    aws.handlers["s3:GET"] = lambda call: Answer(slow, 503, {"Content-Type": "application/xml"})
    batch = next(batches)
    assert (batch.objects, "SlowDown" in batch.refusals[0].reason) == ([], True)
    aws.handlers.clear()
    assert [found.path for found in next(batches).objects] == ["s3://logs/p/AWSLogs/x"]


class Queue:
    """A queue of notifications, and the following of it."""

    def __init__(self, aws: SimulatedAws, visibility: int = 60) -> None:
        self.sqs = aws.client("sqs")
        self.url = self.sqs.create_queue(QueueName="notifications")["QueueUrl"]
        self.stop = threading.Event()
        self.batches = follow_queue(client("sqs"), self.url, poll_seconds=0, stop=self.stop, visibility=visibility)

    def send(self, *bodies: Any) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body if isinstance(body, str) else json.dumps(body))

    def left(self) -> tuple[int, int]:
        """Messages that are visible, and those that are hidden."""
        about = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return int(about["ApproximateNumberOfMessages"]), int(about["ApproximateNumberOfMessagesNotVisible"])


def announce(*keys: str) -> dict[str, Any]:
    return {"s3Bucket": "logs", "s3ObjectKey": list(keys)}


def collected(batches: Any, count: int) -> list[Batch]:
    return [next(batches) for _ in range(count)]


def test_messages_go_when_all_their_objects_are_committed(aws: SimulatedAws) -> None:
    queue = Queue(aws)
    queue.send(
        announce("a", "b"),
        announce("c"),
        {"Event": "s3:TestEvent"},
        announce("CloudTrail-Digest/x/CloudTrail-Digest/d"),
    )
    batch = next(queue.batches)
    assert [found.path for found in batch.objects] == ["s3://logs/a", "s3://logs/b", "s3://logs/c"]
    assert queue.left() == (0, 4)
    batch.commit(batch.objects[0])
    batch.commit(batch.objects[2])
    queue.batches.close()
    assert queue.left() == (0, 1)


def test_a_message_that_is_no_notification_is_named_and_stays(aws: SimulatedAws) -> None:
    queue = Queue(aws)
    queue.send("not json", announce("a"))
    batch = next(queue.batches)
    batch.commit(batch.objects[0])
    assert [refusal.path.startswith(f"{queue.url} message ") for refusal in batch.refusals] == [True]
    assert "not JSON" in batch.refusals[0].reason
    queue.batches.close()
    assert queue.left() == (0, 1)


def test_a_slow_consumer_keeps_its_messages_hidden(aws: SimulatedAws) -> None:
    queue = Queue(aws, visibility=2)
    queue.send(announce("a"))
    batch = next(queue.batches)
    time.sleep(3)
    assert queue.left() == (0, 1)
    batch.commit(batch.objects[0])
    queue.batches.close()
    assert queue.left() == (0, 0)


def test_uncommitted_objects_come_again(aws: SimulatedAws) -> None:
    queue = Queue(aws, visibility=1)
    queue.send(announce("a"))
    next(queue.batches)
    again = next(queue.batches)
    assert [found.path for found in again.objects] == ["s3://logs/a"]


def test_a_queue_may_be_named_by_its_arn(aws: SimulatedAws) -> None:
    queue = Queue(aws)
    queue.send(announce("a"))
    stop = threading.Event()
    batches = follow("arn:aws:sqs:us-east-1:123456789012:notifications", poll_seconds=0, stop=stop)
    assert [found.path for found in next(batches).objects] == ["s3://logs/a"]
    stop.set()
    assert list(batches) == []
    with pytest.raises(NotFound):
        next(follow("arn:aws:sqs:us-east-1:123456789012:absent", poll_seconds=0, stop=threading.Event()))


def test_the_region_of_a_queue() -> None:
    assert queue_region("arn:aws:sqs:eu-west-1:1:q") == "eu-west-1"
    assert queue_region("https://sqs.ap-northeast-1.amazonaws.com/1/q") == "ap-northeast-1"
    assert queue_region("http://127.0.0.1:5000/1/q") is None

"""Events from EventBridge through SQS, on the simulated AWS, and what happens to poison."""

from __future__ import annotations

import json
import threading
from typing import Any

import told_events as told
from sakimori.collect.event_queue import EventBatch, receive_events
from sakimori.simulate.aws import ACCOUNT, REGION, Answer, SimulatedAws


def queues(aws: SimulatedAws, *, receives: int = 2) -> tuple[Any, str, str]:
    """A queue with a dead-letter queue, and EventBridge rules that send it everything of AWS's security services."""
    sqs, events = aws.client("sqs"), aws.client("events")
    dead = sqs.create_queue(QueueName="findings-dead")["QueueUrl"]
    redrive = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:findings-dead", "maxReceiveCount": receives}
    attributes = {"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "1"}
    url = sqs.create_queue(QueueName="findings", Attributes=attributes)["QueueUrl"]
    pattern = {"source": ["aws.guardduty", "aws.securityhub", "aws.inspector2", "aws.macie"]}
    events.put_rule(Name="sakimori-findings", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:findings"}
    events.put_targets(Rule="sakimori-findings", Targets=[target])
    return sqs, url, dead


def put(aws: SimulatedAws, *documents: dict[str, Any]) -> None:
    entries = [
        {"Source": one["source"], "DetailType": one["detail-type"], "Detail": json.dumps(one["detail"])}
        for one in documents
    ]
    assert aws.client("events").put_events(Entries=entries)["FailedEntryCount"] == 0


def next_batch(url: str, stop: threading.Event, **options: Any) -> EventBatch:
    return next(receive_events(url, stop=stop, poll_seconds=1, **options))


def test_every_feed_arrives_and_what_is_done_is_deleted(aws: SimulatedAws) -> None:
    sqs, url, _ = queues(aws)
    put(aws, told.guardduty(), told.imported(told.asff()), told.imported_v2(), told.inspector(), told.macie())
    stop, uids, seen = threading.Event(), set(), 0
    for batch in receive_events(url, stop=stop, poll_seconds=1):
        for message in batch.messages:
            assert not message.poison
            uids |= {event.uid for event in message.events}
            batch.done.add(message.id)
            seen += 1
        if seen == 5:
            stop.set()
    assert len(uids) == 3  # three of the five are one finding
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")


def test_poison_is_named_left_and_reaches_the_dead_letter_queue(aws: SimulatedAws) -> None:
    sqs, url, dead = queues(aws, receives=1)
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    stop = threading.Event()
    batch = next_batch(url, stop, visibility=1)
    assert batch.messages[0].poison
    assert "not JSON" in batch.messages[0].refusals[0].reason
    found: list[Any] = []
    for _ in range(20):
        sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)
        if found := sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages", []):
            break
    assert [one["Body"] for one in found] == ["hello"]


def test_a_message_stays_hidden_for_as_long_as_it_is_worked_on(aws: SimulatedAws) -> None:
    sqs, url, _ = queues(aws)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(told.guardduty()))
    batches = receive_events(url, stop=threading.Event(), poll_seconds=1, visibility=1)
    batch = next(batches)
    threading.Event().wait(2.5)
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)
    batch.done.add(batch.messages[0].id)
    batches.close()  # type: ignore[attr-defined]  # it is a generator
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)


def test_a_call_that_fails_for_now_is_told_and_tried_again(aws: SimulatedAws) -> None:
    sqs, url, _ = queues(aws)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(told.guardduty()))
    answers = [Answer(b'{"__type": "ThrottlingException", "message": "slow down"}', 400)] * 6
    aws.handlers["sqs:ReceiveMessage"] = lambda _: answers.pop() if answers else None
    batches = receive_events(url, stop=threading.Event(), poll_seconds=0.1, sqs=aws.client("sqs"))
    first = next(batches)
    while not first.messages:
        assert "slow down" in first.troubles[0].reason
        first = next(batches)
    assert first.messages[0].events[0].product == "guardduty"

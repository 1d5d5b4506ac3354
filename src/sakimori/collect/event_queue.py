"""Events from an SQS queue, as EventBridge and SNS fill it; a message goes when what it tells is safely kept.

    for batch in receive_events(queue, stop=stop):
        for message in batch.messages:
            ...                          # keep its events and its refusals
            batch.done.add(message.id)

A message that gives no event at all is poison: it is named and left, and the queue's redrive policy moves it to its
dead-letter queue. What is not done comes again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sakimori.collect.events import heard
from sakimori.collect.follow_queue import (
    LONGEST_WAIT,
    PASSING,
    VISIBILITY_SECONDS,
    delete,
    kept_hidden,
    queue_region,
    queue_url,
    receive,
)
from sakimori.model.event import Event
from sakimori.model.refusal import Refusal

IAM_ACTIONS = ("sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the queue: what it tells, what of it was refused, and how often it has come."""

    id: str
    receipt: str
    body: str
    received: int
    events: tuple[Event, ...]
    refusals: tuple[Refusal, ...]

    @property
    def poison(self) -> bool:
        """Whether nothing in it can be read."""
        return not self.events


@dataclass(slots=True)
class EventBatch:
    """Messages to handle; those whose ids the consumer adds to `done` are deleted when it comes back, or leaves.

    `troubles` are calls that failed for now, and are tried again.
    """

    messages: list[Message]
    troubles: list[Refusal] = field(default_factory=list)
    done: set[str] = field(default_factory=set)


def receive_events(
    queue: str,
    *,
    stop: threading.Event,
    poll_seconds: float = LONGEST_WAIT,
    visibility: int = VISIBILITY_SECONDS,
    sqs: Any = None,
) -> Iterator[EventBatch]:
    """Batches of messages, until `stop` is set. Raises AwsError where trying again cannot help."""
    if sqs is None:
        from sakimori.aws.session import client

        sqs = client("sqs", region=queue_region(queue))
    url = queue_url(sqs, queue)
    wait = int(min(max(poll_seconds, 0), LONGEST_WAIT))
    while not stop.is_set():
        try:
            received = receive(sqs, url, wait=wait, visibility=visibility)
            if received:
                yield from _offered(sqs, url, EventBatch([_read(one, url) for one in received]), visibility)
        except PASSING as error:
            yield EventBatch([], [Refusal(queue, 0, str(error))])
            received = []
        if not received and wait == 0:
            stop.wait(poll_seconds)


def _read(one: dict[str, Any], url: str) -> Message:
    body, message_id = str(one.get("Body", "")), str(one["MessageId"])
    found = heard(body, f"{url} message {message_id}")
    received = int(one.get("Attributes", {}).get("ApproximateReceiveCount", 1))
    return Message(message_id, one["ReceiptHandle"], body, received, tuple(found.events), tuple(found.refusals))


def _offered(sqs: Any, url: str, batch: EventBatch, visibility: int) -> Iterator[EventBatch]:
    try:
        with kept_hidden(sqs, url, [one.receipt for one in batch.messages], visibility):
            yield batch
    finally:
        delete(sqs, url, [one.receipt for one in batch.messages if one.id in batch.done])

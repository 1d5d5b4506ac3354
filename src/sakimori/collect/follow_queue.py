"""New objects as an SQS queue of notifications announces them; a message goes when its objects are in the lake."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sakimori.aws.errors import AwsError, Throttled, Unavailable, Unreachable, asking
from sakimori.collect.follow import Batch
from sakimori.collect.notifications import NotANotification, objects_in
from sakimori.collect.sources import SourceObject, name_is_no_log
from sakimori.model.refusal import Refusal

IAM_ACTIONS = (
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "s3:GetObject",
)

VISIBILITY_SECONDS = 120
"""How long a message stays hidden from other readers; prolonged at a third of that while its objects are ingested."""

LONGEST_WAIT = 20
"""Seconds that SQS waits for a message at most."""

_MESSAGES = 10
PASSING = (Throttled, Unavailable, Unreachable)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is being worked on, and the log objects that it announces."""

    message_id: str
    receipt: str
    objects: tuple[SourceObject, ...]


def queue_region(queue: str) -> str | None:
    """The region in a queue's ARN or URL (`https://sqs.eu-west-1.amazonaws.com/...`); None if it tells none."""
    if queue.startswith("arn:"):
        return queue.split(":")[3] if queue.count(":") >= 5 else None
    host = queue.partition("://")[2].partition("/")[0].split(".")
    return host[1] if len(host) > 3 and host[0] == "sqs" else None


def follow_queue(
    sqs: Any, queue: str, *, poll_seconds: float, stop: threading.Event, visibility: int = VISIBILITY_SECONDS
) -> Iterator[Batch]:
    """See `follow`. Messages that are no notification are named and left: the queue's redrive policy moves them to its
    dead-letter queue after the number of receives that it sets."""
    url = queue_url(sqs, queue)
    while not stop.is_set():
        try:
            received = receive(sqs, url, wait=int(min(max(poll_seconds, 0), LONGEST_WAIT)), visibility=visibility)
            messages, refusals = _understood(received, url)
            if messages or refusals:
                yield from _offered(sqs, url, messages, refusals, visibility)
        except PASSING as error:
            yield Batch([], [Refusal(queue, 0, str(error))])
            received = []
        if not received:
            stop.wait(poll_seconds)


def queue_url(sqs: Any, queue: str) -> str:
    """The URL of a queue given by its URL or ARN. Raises AwsError."""
    if not queue.startswith("arn:"):
        return queue
    account, name = queue.split(":")[-2:]
    with asking("sqs:GetQueueUrl", queue):
        return str(sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"])


def receive(sqs: Any, url: str, *, wait: int, visibility: int) -> list[dict[str, Any]]:
    """Up to ten messages, after waiting at most `wait` seconds for the first. Raises AwsError."""
    with asking("sqs:ReceiveMessage", url):
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_MESSAGES,
            WaitTimeSeconds=wait,
            VisibilityTimeout=visibility,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
    return list(answer.get("Messages", ()))


def _understood(received: list[dict[str, Any]], url: str) -> tuple[list[Message], list[Refusal]]:
    messages, refusals = [], []
    for one in received:
        try:
            objects = objects_in(one["Body"])
        except NotANotification as error:
            reason = f"{error}: left in the queue, whose redrive policy decides"
            refusals.append(Refusal(f"{url} message {one['MessageId']}", 0, reason))
            continue
        logs = tuple(found for found in objects if not name_is_no_log(found.path))
        messages.append(Message(one["MessageId"], one["ReceiptHandle"], logs))
    return messages, refusals


def _offered(sqs: Any, url: str, messages: list[Message], refusals: list[Refusal], visibility: int) -> Iterator[Batch]:
    """One batch; the messages whose objects were all committed are deleted when the consumer comes back, or leaves."""
    unique = {found.path: found for message in messages for found in message.objects}
    batch = Batch(list(unique.values()), refusals)
    try:
        if batch.objects or refusals:
            with kept_hidden(sqs, url, [one.receipt for one in messages], visibility):
                yield batch
    finally:
        done = [one for one in messages if all(found.path in batch.committed for found in one.objects)]
        delete(sqs, url, [one.receipt for one in done])


def delete(sqs: Any, url: str, receipts: list[str]) -> None:
    """Deletes what was received with these receipts. Raises AwsError if one is refused."""
    if not receipts:
        return
    entries = [{"Id": str(index), "ReceiptHandle": receipt} for index, receipt in enumerate(receipts)]
    with asking("sqs:DeleteMessage", url):
        answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    for failed in answer.get("Failed", ()):
        raise AwsError("sqs:DeleteMessage", url, failed.get("Code", "Unknown"), failed.get("Message", ""))


@contextmanager
def kept_hidden(sqs: Any, url: str, receipts: list[str], visibility: int) -> Iterator[None]:
    """Prolongs the messages' invisibility until the block is left.

    A call that fails is tried again at the next turn. If all fail, the messages come again, which does no harm.
    """
    finished = threading.Event()
    entries = [
        {"Id": str(index), "ReceiptHandle": receipt, "VisibilityTimeout": visibility}
        for index, receipt in enumerate(receipts)
    ]

    def prolong() -> None:
        while not finished.wait(visibility / 3):
            try:
                with asking("sqs:ChangeMessageVisibility", url):
                    sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
            except AwsError:
                continue

    thread = threading.Thread(target=prolong, name="sqs-visibility", daemon=True)
    if entries:
        thread.start()
    try:
        yield
    finally:
        finished.set()
        if entries:
            thread.join()

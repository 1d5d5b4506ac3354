"""Which new objects a queue message speaks of: S3's own notifications, EventBridge's, CloudTrail's, also through SNS.

Sources: "Event message structure" (Amazon S3), whose keys are URL-encoded, and which sends an `s3:TestEvent` when it is
set up; "Amazon S3 event notification ... EventBridge" and "Configuring Amazon SNS notifications for CloudTrail", whose
keys are plain.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from sakimori.collect.sources import SourceObject

MAX_OBJECTS = 10_000
_MAX_WRAPPINGS = 3


class NotANotification(Exception):
    """The message is of no known shape: says what it is instead."""


def objects_in(body: str) -> list[SourceObject]:
    """The objects that a message's body announces; empty if it announces none (a test, a removal).

    Raises NotANotification.
    """
    found = list(_objects(_parsed(body), _MAX_WRAPPINGS))
    if len(found) > MAX_OBJECTS:
        raise NotANotification(f"it names {len(found)} objects, more than the {MAX_OBJECTS} that are plausible")
    return found


def _parsed(body: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NotANotification(f"not JSON ({error})") from None


def _objects(message: Any, wrappings: int) -> Iterator[SourceObject]:
    if not isinstance(message, dict):
        raise NotANotification("not a JSON object")
    if message.get("Event") == "s3:TestEvent":
        return
    if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        if wrappings == 0:
            raise NotANotification(f"wrapped more than {_MAX_WRAPPINGS} times")
        yield from _objects(_parsed(message["Message"]), wrappings - 1)
    elif isinstance(message.get("Records"), list):
        for record in message["Records"]:
            yield from _from_s3(record)
    elif message.get("source") == "aws.s3" and isinstance(message.get("detail"), dict):
        if message.get("detail-type") == "Object Created":
            detail = message["detail"]
            yield _source(_dict(detail, "bucket").get("name"), _dict(detail, "object"), message.get("time"))
    elif isinstance(message.get("s3ObjectKey"), list):
        for key in message["s3ObjectKey"]:
            yield _source(message.get("s3Bucket"), {"key": key}, None)
    else:
        keys = ", ".join(sorted(map(str, message))[:5])
        raise NotANotification(f"no notification about S3 objects (its keys: {keys or 'none'})")


def _from_s3(record: Any) -> Iterator[SourceObject]:
    if not isinstance(record, dict) or record.get("eventSource") != "aws:s3":
        raise NotANotification("one of its Records is not from S3")
    if not str(record.get("eventName", "")).startswith("ObjectCreated:"):
        return
    s3 = _dict(record, "s3")
    about = dict(_dict(s3, "object"))
    if isinstance(about.get("key"), str):
        about["key"] = unquote_plus(about["key"])
    yield _source(_dict(s3, "bucket").get("name"), about, record.get("eventTime"))


def _source(bucket: Any, about: dict[str, Any], time: Any) -> SourceObject:
    key = about.get("key")
    if not isinstance(bucket, str) or not bucket or not isinstance(key, str) or not key:
        raise NotANotification("it names no bucket, or no key")
    size, etag = about.get("size"), about.get("eTag", about.get("etag"))
    return SourceObject(
        f"s3://{bucket}/{key}",
        size if isinstance(size, int) else -1,
        etag if isinstance(etag, str) else "",
        _moment(time),
        "s3",
    )


def _dict(holder: dict[str, Any], key: str) -> dict[str, Any]:
    held = holder.get(key)
    if not isinstance(held, dict):
        raise NotANotification(f"its {key!r} is not an object")
    return held


def _moment(time: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(time)
    except (TypeError, ValueError):
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""What queue messages announce."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sakimori.collect.notifications import NotANotification, objects_in


def s3_event(key: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    return {
        "eventSource": "aws:s3",
        "eventName": name,
        "eventTime": "2026-11-21T08:00:00.000Z",
        "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "size": 7, "eTag": "abc"}},
    }


RECORDS = {"Records": [s3_event("a+b%2Bc%C3%A9.json.gz"), s3_event("second")]}
BRIDGE = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "time": "2026-11-21T08:00:00Z",
    "detail": {"bucket": {"name": "logs"}, "object": {"key": "a+b.json", "size": 7, "etag": "abc"}},
}
TRAIL = {"s3Bucket": "logs", "s3ObjectKey": ["one", "two"]}


def through_sns(message: Any) -> dict[str, Any]:
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": json.dumps(message)}


@pytest.mark.parametrize("wrap", [lambda message: message, through_sns])
@pytest.mark.parametrize(
    ("message", "paths"),
    [
        (RECORDS, ["s3://logs/a b+cé.json.gz", "s3://logs/second"]),
        (BRIDGE, ["s3://logs/a+b.json"]),
        (TRAIL, ["s3://logs/one", "s3://logs/two"]),
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"}, []),
        ({"Records": [s3_event("gone", "ObjectRemoved:Delete")]}, []),
        (BRIDGE | {"detail-type": "Object Deleted"}, []),
    ],
)
def test_announced_objects(message: Any, paths: list[str], wrap: Any) -> None:
    found = objects_in(json.dumps(wrap(message)))
    assert [one.path for one in found] == paths
    assert all(one.kind == "s3" and one.last_modified.tzinfo for one in found)


def test_size_and_etag_come_along() -> None:
    first = objects_in(json.dumps(RECORDS))[0]
    assert (first.size, first.etag, first.last_modified.isoformat()) == (7, "abc", "2026-11-21T08:00:00+00:00")
    assert (objects_in(json.dumps(TRAIL))[0].size, objects_in(json.dumps(TRAIL))[0].etag) == (-1, "")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ('{"hello": 1}', "no notification about S3 objects"),
        ('{"Records": [{"eventSource": "aws:sqs"}]}', "not from S3"),
        ('{"Records": [1]}', "not from S3"),
        ('{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]}', "'s3' is not an object"),
        ('{"s3Bucket": 1, "s3ObjectKey": ["x"]}', "names no bucket"),
        ('{"s3Bucket": "b", "s3ObjectKey": [5]}', "no key"),
        (json.dumps({"s3Bucket": "b", "s3ObjectKey": ["x"] * 20_000}), "more than the 10000"),
        (json.dumps(through_sns(through_sns(through_sns(through_sns(TRAIL))))), "wrapped more than"),
    ],
)
def test_what_is_no_notification_is_named(body: str, reason: str) -> None:
    with pytest.raises(NotANotification, match=reason):
        objects_in(body)

"""S3: what happened to an object, as S3 itself notifies (keys URL-encoded) and as EventBridge does (keys plain).

Source: "Event message structure" and "EventBridge event message structure" (S3 user guide).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from sakimori.collect import told
from sakimori.collect.told import Telling, obj, text, when
from sakimori.model.event import Event, Resource, event_uid
from sakimori.model.partition import partition_of

PRODUCT = "s3"

DETAIL_TYPES = (
    "Object Created",
    "Object Deleted",
    "Object Restore Initiated",
    "Object Restore Completed",
    "Object Restore Expired",
    "Object Tags Added",
    "Object Tags Deleted",
    "Object ACL Updated",
    "Object Storage Class Changed",
    "Object Access Tier Changed",
)


def read_event(telling: Telling) -> Iterator[Event]:
    """An EventBridge event."""
    found = telling.detail
    item = obj(found, "object")
    yield _event(
        telling.detail_type,
        text(found, "bucket", "name"),
        text(item, "key"),
        (text(item, "version-id"), text(item, "etag"), text(item, "sequencer")),
        (telling.account, telling.region, telling.time),
        {"requester": text(found, "requester"), "source_ip": text(found, "source-ip-address")},
        found,
        telling.id,
    )


def read_record(telling: Telling) -> Iterator[Event]:
    """One of the `Records` of S3's own notification."""
    found = telling.detail
    s3, item = obj(found, "s3"), obj(found, "s3", "object")
    yield _event(
        text(found, "eventName"),
        text(s3, "bucket", "name"),
        unquote_plus(text(item, "key")),
        (text(item, "versionId"), text(item, "eTag"), text(item, "sequencer")),
        ("", text(found, "awsRegion"), when(found.get("eventTime"))),
        {
            "requester": text(found, "userIdentity", "principalId"),
            "source_ip": text(found, "requestParameters", "sourceIPAddress"),
        },
        found,
        text(found, "responseElements", "x-amz-request-id"),
    )


def _event(
    kind: str,
    bucket: str,
    key: str,
    version: tuple[str, str, str],
    where: tuple[str, str, str],
    who: Mapping[str, str],
    detail: Mapping[str, Any],
    delivery: str,
) -> Event:
    bucket, key = told.identity(bucket, "bucket"), told.identity(key, "object key")
    (version_id, etag, sequencer), (account, region, time) = version, where
    details = {"bucket": bucket, "key": key, "version_id": version_id, "etag": etag, **who}
    uid = f"arn:{partition_of(region)}:s3:::{bucket}"
    return Event(
        PRODUCT,
        PRODUCT,
        told.identity(kind, "event name"),
        event_uid(PRODUCT, bucket, key),
        f"{kind}/{sequencer or version_id or etag or delivery or time}",
        account,
        region,
        time,
        resources=(
            Resource("AWS::S3::Object", f"{uid}/{key}", account, region, {k: v for k, v in details.items() if v}),
            Resource("AWS::S3::Bucket", uid, account, region),
        ),
        detail=detail,
    )


EVENTS = {("aws.s3", kind): read_event for kind in DETAIL_TYPES}
OBJECTS = (
    (("eventSource", "eventName", "s3"), read_record),
    (("eventVersion", "eventSource", "eventName", "s3"), read_record),
)

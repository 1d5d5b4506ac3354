"""What a JSON object is: a CloudTrail record, something that wraps one, or neither.

Shapes and where they come from: a record ("CloudTrail record contents"); EventBridge's envelope ("AWS service events
delivered via CloudTrail"); the answer to LookupEvents; CloudTrail Lake's rows ("Supported SQL schemas for event data
stores"); CloudWatch Logs' subscription and export ("Using subscription filters"); SNS and SQS around any of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from sakimori.collect.lake_rows import is_lake_row, record_from_row

Inner = Callable[[bytes], tuple[list[bytes], str]]
"""Splits JSON text found inside a string: the records, and why there are none or some are missing."""

_TEXT = ("string", (str,))
_OBJECT = ("object", (dict,))
_FLAG = ("boolean", (bool,))
_LIST = ("array", (list,))

FIELD_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    **dict.fromkeys(
        (
            *("eventVersion", "eventTime", "eventSource", "eventName", "eventType", "eventCategory", "eventID"),
            *("awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "requestID", "apiVersion"),
            *("recipientAccountId", "sharedEventID", "vpcEndpointId", "vpcEndpointAccountId"),
        ),
        _TEXT,
    ),
    **dict.fromkeys(
        ("userIdentity", "requestParameters", "responseElements", "additionalEventData", "tlsDetails"), _OBJECT
    ),
    **dict.fromkeys(("readOnly", "managementEvent"), _FLAG),
    "resources": _LIST,
}
"""The type of each top-level field that rules and columns rest on; each may also be null or absent."""

IDENTITY_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    **dict.fromkeys(("type", "principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy"), _TEXT),
    "sessionContext": _OBJECT,
}

_WRAPPED_TEXT = ("CloudTrailEvent", "eventJson", "eventjson", "eventData", "message", "Message", "body", "Body")
"""Keys that hold a record, or what wraps it, as a string of JSON."""

_EVIDENCE = ("eventName", "eventSource", "eventTime", "eventID")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The records in an object, as found; or why there are none; or that its arrays must be looked into.

    `foreign` is set where the object shows no sign of CloudTrail at all.
    """

    records: list[bytes]
    reason: str = ""
    container: bool = False
    foreign: bool = False


def unwrap(value: dict[str, Any], raw: bytes, inner: Inner) -> Outcome:
    """What `raw`, which parses as `value`, is. `raw` must be sound: valid UTF-8 and no key twice."""
    if is_record(value):
        reason = _wrong_source(value) or wrong_types(value)
        return Outcome([] if reason else [raw], reason)
    if "detail-type" in value and "detail" in value:
        return _from_envelope(value, raw, inner)
    for key in _WRAPPED_TEXT:
        held = value.get(key)
        if isinstance(held, str):
            records, reason = inner(orjson.loads(raw)[key].encode())
            return Outcome(records, f"its {key}: {reason}" if reason else "")
        if isinstance(held, dict):
            return unwrap(held, _member(raw, key), inner)
    if is_lake_row(value):
        record, reason = record_from_row(orjson.loads(raw))
        return Outcome([record] if record else [], reason)
    if is_container(value):
        return Outcome([], container=True)
    return Outcome([], _foreign(value), foreign=True)


def sure_record(value: dict[str, Any]) -> bool:
    """Whether an object met in damaged text is a record and no fragment of one: fragments hold no two of these."""
    return sum(key in value for key in _EVIDENCE) > 1


def swallowed_record(record: dict[str, Any]) -> bool:
    """Whether another record stands in one of its own lists, as where damage has taken the end of the first.

    AWS alone writes those lists. Deeper ones hold what a caller has sent, which may look like a record and is none.
    """
    lists = (held for held in record.values() if isinstance(held, list))
    return any(isinstance(each, dict) and sure_record(each) for held in lists for each in held)


def is_container(value: dict[str, Any]) -> bool:
    """Whether an object holds an array of objects, which may be records, or of rows of a query."""
    return any(
        isinstance(held, list) and held and isinstance(held[0], dict | list) and key != "resources"
        for key, held in value.items()
    )


def wrong_types(record: dict[str, Any]) -> str:
    """Which fields are of a type that they never have; "" if none."""
    found = _mismatches(record, FIELD_TYPES, "")
    identity = record.get("userIdentity")
    if isinstance(identity, dict):
        found += _mismatches(identity, IDENTITY_TYPES, "userIdentity.")
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"wrong type: {', '.join(found[:3])}{more}" if found else ""


def _mismatches(held: dict[str, Any], types: dict[str, tuple[str, tuple[type, ...]]], prefix: str) -> list[str]:
    found = []
    for key, value in held.items():
        expected = types.get(key)
        if expected is not None and value is not None and type(value) not in expected[1]:
            found.append(f"{prefix}{key} is {json_type(value)}, not {_article(expected[0])}")
    return found


def json_type(value: Any) -> str:
    """What JSON calls the type of `value`, with its article."""
    if isinstance(value, bool):
        return "a boolean"
    names: tuple[tuple[Any, str], ...] = ((str, "string"), (dict, "object"), (list, "array"), ((int, float), "number"))
    return next((_article(name) for kind, name in names if isinstance(value, kind)), "null")


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def is_record(value: dict[str, Any]) -> bool:
    """Liberal: events trimmed for tests may hold no more than one of these; Insights events have no eventName."""
    if "eventName" in value or "eventSource" in value:
        return True
    kind = value.get("eventType")
    return isinstance(kind, str) and kind.startswith("Aws")


def _wrong_source(value: dict[str, Any]) -> str:
    source = value.get("eventSource")
    if isinstance(source, str) and source.startswith("aws:"):
        return f"not a CloudTrail record but an event notification of {source}"
    return ""


def _from_envelope(value: dict[str, Any], raw: bytes, inner: Inner) -> Outcome:
    kind, detail = value["detail-type"], value["detail"]
    if not isinstance(kind, str) or not isinstance(detail, dict):
        return Outcome([], "an EventBridge event whose detail or detail-type is of a wrong type")
    if not kind.endswith("via CloudTrail") and not is_record(detail):
        return Outcome([], f"not a CloudTrail record but an EventBridge event of type {kind[:80]!r}", foreign=True)
    return unwrap(detail, _member(raw, "detail"), inner)


def _member(raw: bytes, key: str) -> bytes:
    """The value of `key` in an object, as found."""
    return bytes(msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[key])


def _foreign(value: dict[str, Any]) -> str:
    if "digestS3Object" in value or "digestStartTime" in value:
        return "not a log: a CloudTrail digest file"
    if value.get("Event") == "s3:TestEvent" or value.get("messageType") == "CONTROL_MESSAGE":
        return "not a CloudTrail record but a test message"
    keys = ", ".join(sorted(key[:30] for key in value)[:5])
    return (
        f"not a CloudTrail record: no eventName among its keys ({keys})" if keys else "not a CloudTrail record: empty"
    )

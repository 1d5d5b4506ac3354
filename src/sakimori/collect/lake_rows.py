"""Rows of CloudTrail Lake, whose columns are in lower case, back to the record that CloudTrail wrote.

Columns: "Supported SQL schemas for event data stores". A row that has the `eventJson` column is not rebuilt: that
column is the record. Elsewhere structs and maps come as objects or, in query results and CSV, as Lake's own text
`{type=AssumedRole, principalid=AROA...}`, and times as `2026-11-21 08:00:00.000`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

_TOP = (
    "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode "
    "errorMessage requestParameters responseElements additionalEventData requestID eventID readOnly resources "
    "eventType apiVersion managementEvent recipientAccountId sharedEventID annotation vpcEndpointId "
    "vpcEndpointAccountId serviceEventDetails addendum edgeDeviceDetails insightDetails eventCategory tlsDetails "
    "sessionCredentialFromConsole eventContext"
)
_NESTED = (
    "principalId accountId accessKeyId userName invokedBy identityProvider sessionContext sessionIssuer "
    "webIdFederationData federatedProvider creationDate mfaAuthenticated sourceIdentity ec2RoleDelivery "
    "ec2IssuedInVpc onBehalfOf userId identityStoreArn inScopeOf sourceArn sourceAccount issuerType "
    "credentialsIssuedTo tlsVersion cipherSuite clientProvidedHostHeader ARNPrefix"
)
_SPELLING = {name.lower(): name for name in (_TOP + " " + _NESTED).split()}
_TOP_COLUMNS = frozenset(name.lower() for name in _TOP.split())
_STRUCTS = frozenset({"userIdentity", "tlsDetails", "resources", "addendum", "edgeDeviceDetails"})
_MAPS = frozenset(
    {"requestParameters", "responseElements", "additionalEventData", "serviceEventDetails", "insightDetails"}
)
_FLAGS = frozenset({"readOnly", "managementEvent"})

_LAKE_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?(?: ?UTC|Z)?")
_STRUCT_MEMBER = re.compile(r"\s*([A-Za-z][\w.:-]*)=")
_NEXT_MEMBER = re.compile(r",\s*(?=[A-Za-z][\w.:-]*=)|(?=[}\]])")

_JSON_INSIDE = re.compile(r'[{\[]+\s*"')
_json = json.JSONDecoder()

MAX_STRUCT_DEPTH = 32

UNPARSED = "unparsedLakeText"
"""The key under which a struct's text is kept where its notation is ambiguous and cannot be read back."""


def is_lake_row(value: Mapping[str, Any]) -> bool:
    """Whether an object's keys are Lake's columns."""
    names = {key.lower() for key in value}
    if "eventjson" in names:
        return True
    return any(key.islower() for key in value) and ("eventname" in names or {"eventid", "useridentity"} <= names)


def record_from_row(row: Mapping[str, Any]) -> tuple[bytes, str]:
    """The record of a row, and why there is none. Columns that CloudTrail does not have are left out."""
    record: dict[str, Any] = {}
    for column, value in row.items():
        lower = column.lower()
        if lower == "eventjson" and value:
            return (value.encode(), "") if isinstance(value, str) else (orjson.dumps(value), "")
        if lower not in _TOP_COLUMNS or value is None or value == "":
            continue
        name = _SPELLING[lower]
        if name in record:
            return b"", f"the column {column!r} occurs twice, in different case"
        record[name] = _restored(name, value)
    if not record:
        return b"", "not a row of CloudTrail Lake: none of its columns is known"
    return orjson.dumps(record), ""


def _restored(name: str, value: Any) -> Any:
    if name in _FLAGS and isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), value)
    if name == "eventTime" and isinstance(value, str):
        return iso_time(value)
    if name in _STRUCTS or name in _MAPS:
        if isinstance(value, str):
            value = _from_text(value)
        return _spelled(value) if name in _STRUCTS else _opened(value)
    return value


def iso_time(text: str) -> str:
    """`2026-11-21 08:00:00.000` as CloudTrail writes it: `2026-11-21T08:00:00Z`; anything else as it is."""
    found = _LAKE_TIME.fullmatch(text)
    return f"{found[1]}T{found[2]}Z" if found else text


def _spelled(value: Any) -> Any:
    """A struct with CloudTrail's spelling of its keys."""
    if isinstance(value, dict):
        return {_SPELLING.get(key.lower(), key): _spelled(held) for key, held in value.items() if held is not None}
    if isinstance(value, list):
        return [_spelled(held) for held in value]
    return iso_time(value) if isinstance(value, str) else value


def _opened(value: Any) -> Any:
    """A map's values: Lake keeps nested ones as strings of JSON."""
    if not isinstance(value, dict):
        return value
    return {key: _json_or_text(held) for key, held in value.items()}


def _json_or_text(held: Any) -> Any:
    if isinstance(held, str) and held[:1] in ("{", "["):
        try:
            return orjson.loads(held)
        except orjson.JSONDecodeError:
            return held
    return held


def _from_text(text: str) -> Any:
    """A struct or map written as JSON or in Lake's own notation; under `UNPARSED` if it is neither."""
    stripped = text.strip()
    if stripped[:1] in ("{", "["):
        try:
            return orjson.loads(stripped)
        except orjson.JSONDecodeError:
            value, end = _struct(stripped, 0, 0)
            if end == len(stripped):
                return value
    return {UNPARSED: text}


def _struct(text: str, start: int, depth: int) -> tuple[Any, int]:
    """The value at `start` in Lake's notation and where it ends. Text runs to the next `, key=` or closing brace."""
    if depth > MAX_STRUCT_DEPTH or start >= len(text) or text[start] not in "{[":
        found = _NEXT_MEMBER.search(text, start)
        end = found.start() if found else len(text)
        plain = text[start:end].strip()
        return (None if plain == "null" else plain), end
    if _JSON_INSIDE.match(text, start):
        try:
            value, end = _json.raw_decode(text, start)
        except (ValueError, RecursionError):
            return text, start
        return value, end
    return _array(text, start + 1, depth) if text[start] == "[" else _members(text, start + 1, depth)


def _array(text: str, at: int, depth: int) -> tuple[Any, int]:
    items: list[Any] = []
    while at < len(text) and text[at] != "]":
        item, end = _struct(text, at, depth + 1)
        items.append(item)
        at = _past_comma(text, end if end > at else at + 1)
    return items, at + 1


def _members(text: str, at: int, depth: int) -> tuple[Any, int]:
    members: dict[str, Any] = {}
    while at < len(text) and text[at] != "}":
        key = _STRUCT_MEMBER.match(text, at)
        if key is None:
            return text, at
        members[key[1]], at = _struct(text, key.end(), depth + 1)
        at = _past_comma(text, at)
    return members, at + 1


def _past_comma(text: str, at: int) -> int:
    while at < len(text) and text[at] in ", ":
        at += 1
    return at

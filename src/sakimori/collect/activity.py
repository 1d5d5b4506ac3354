"""The fields of a CloudTrail record that the lake keeps in columns, decoded from the record's text.

Almost every record decodes in one typed pass. One that does not (a number where text belongs, a list for an
object) is decoded field by field: what is wrong becomes null, what is right is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, get_args

import msgspec

Text = str | None
Flag = bool | None
NULL = msgspec.Raw(b"null")

_UNREADABLE = (ValueError, RecursionError)
"""What the decoders raise: msgspec's and json's errors and UnicodeDecodeError are all ValueErrors."""


class Resource(msgspec.Struct, gc=False):
    """One element of `resources`. Newer records say `ARN`, a few services `arn`."""

    ARN: Text = None
    arn: Text = None
    type: Text = None
    accountId: Text = None


class SessionIssuer(msgspec.Struct, gc=False):
    """`userIdentity.sessionContext.sessionIssuer`."""

    arn: Text = None
    type: Text = None
    userName: Text = None


class SessionAttributes(msgspec.Struct, gc=False):
    """`userIdentity.sessionContext.attributes`. CloudTrail writes the flag as text: "true"."""

    creationDate: Text = None
    mfaAuthenticated: Flag = None


class SessionContext(msgspec.Struct, gc=False):
    """`userIdentity.sessionContext`."""

    sessionIssuer: SessionIssuer | None = None
    attributes: SessionAttributes | None = None


class Identity(msgspec.Struct, gc=False):
    """`userIdentity`."""

    type: Text = None
    userName: Text = None
    arn: Text = None
    principalId: Text = None
    accessKeyId: Text = None
    accountId: Text = None
    invokedBy: Text = None
    identityProvider: Text = None
    sessionContext: SessionContext | None = None


class Activity(msgspec.Struct, gc=False):
    """A CloudTrail record. `userIdentity` stays raw: it repeats, so each distinct one is decoded once."""

    eventID: Text = None
    eventTime: Text = None
    eventVersion: Text = None
    eventSource: Text = None
    eventName: Text = None
    eventType: Text = None
    eventCategory: Text = None
    awsRegion: Text = None
    sourceIPAddress: Text = None
    userAgent: Text = None
    errorCode: Text = None
    errorMessage: Text = None
    requestID: Text = None
    recipientAccountId: Text = None
    sharedEventID: Text = None
    vpcEndpointId: Text = None
    readOnly: Flag = None
    managementEvent: Flag = None
    resources: list[Resource] | None = None
    userIdentity: msgspec.Raw = NULL


_activity = msgspec.json.Decoder(Activity)
_identity = msgspec.json.Decoder(Identity | None, strict=False)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])


class NotClean(Exception):
    """What was taken for records is not, or has a field of a wrong type: it needs the exact path."""


Decode = Callable[[Sequence[bytes]], list[Activity]]
"""The typed fields of each record, in order and as many as there are records."""


def decode_clean(records: Sequence[bytes]) -> list[Activity]:
    """Raises NotClean if any record is not exactly one JSON object with every field of its right type."""
    decode = _activity.decode
    try:
        return [decode(record) for record in records]
    except _UNREADABLE as error:
        raise NotClean(str(error)) from None


def decode_any(records: Sequence[bytes]) -> list[Activity]:
    """Never raises on bad input: see `decode_activity`."""
    try:
        return decode_clean(records)
    except NotClean:
        return [decode_activity(record) for record in records]


def decode_activity(record: bytes) -> Activity:
    """One record; a field of a wrong type becomes null, and a record that is no object has no fields at all."""
    try:
        return _activity.decode(record)
    except _UNREADABLE:
        return _lenient(record, Activity) or Activity()


def decode_identity(identity: bytes) -> Identity:
    """A `userIdentity`, with the same leniency."""
    try:
        return _identity.decode(identity) or Identity()
    except _UNREADABLE:
        return _lenient(identity, Identity) or Identity()


_FLAGS = {b'"true"': True, b'"false"': False}
"""Flags as text, which rules compare alike."""


def _lenient(text: bytes | msgspec.Raw, wanted: Any) -> Any:
    """`text` as `wanted` (a type of the structs above), or None; structs and lists keep what is right in them."""
    inner = next((arm for arm in get_args(wanted) if arm is not type(None)), wanted)
    try:
        if wanted is msgspec.Raw:
            return text
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            present = _members(text)
            found = {
                field.name: _lenient(present[field.encode_name], field.type)
                for field in msgspec.structs.fields(inner)
                if field.encode_name in present
            }
            return inner(**found)
        if inner == list[Resource]:
            kept = (_lenient(element, Resource) for element in _elements.decode(text))
            return [resource for resource in kept if resource is not None]
        if inner is bool and (flag := _FLAGS.get(bytes(text))) is not None:
            return flag
        return msgspec.json.decode(text, type=wanted)
    except _UNREADABLE:
        return None


def _members(text: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """An object's members. Python's parser takes what msgspec does not: NaN, lone surrogates, invalid UTF-8."""
    try:
        return _fields.decode(text)
    except ValueError:
        members = json.loads(bytes(text).decode("utf-8", "replace"))
    if not isinstance(members, dict):
        return {}
    return {key: msgspec.Raw(json.dumps(value).encode()) for key, value in members.items()}

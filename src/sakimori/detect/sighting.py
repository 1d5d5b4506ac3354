"""Who did what to what, from where and when: what a finding says, read out of one CloudTrail record.

Source: AWS CloudTrail User Guide, "CloudTrail record contents" and "CloudTrail userIdentity element".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from sakimori.detect.fields import Record, string_at, text, values
from sakimori.detect.reading import Told


class Sighting(NamedTuple):
    """What every rule wants to know of a record. `time` is ISO 8601 in UTC to the second; unknown text is ""."""

    record_id: str
    time: str
    account: str
    region: str
    actor: str
    source_ip: str


def sighting(hit: Told) -> Sighting:
    """What a hit says of itself; it is named after its text where it has no eventID."""
    if not hit.piece.parsed:
        who, own_account = _caller(hit), hit.caller_account or ""
        record_id, time, account = hit.eventID, hit.eventTime or "", hit.recipientAccountId
        region, source_ip = hit.awsRegion or "", hit.sourceIPAddress or ""
    else:
        record_id, time, account, region, source_ip = (_string(hit.get(name)) for name in _OF_EACH)
        who, own_account = _who(hit.get("userIdentity"))
    named = record_id or f"sha256:{hashlib.sha256(hit.raw).hexdigest()}"
    return Sighting(named, utc_second(time), account or own_account, region, who, source_ip)


_OF_EACH = ("eventID", "eventTime", "recipientAccountId", "awsRegion", "sourceIPAddress")


def _caller(hit: Told) -> str:
    """The principal, as `_actor` has it; what is told of it mostly does."""
    arn: str = hit.caller_arn
    if arn:
        if not _is_role(hit.caller_type, arn):
            return arn
        if hit.issuer_arn and hit.issuer_arn.__class__ is str:
            issuer: str = hit.issuer_arn
            return issuer
    return _who_is(bytes(hit.userIdentity))


@lru_cache(maxsize=4096)
def _who_is(identity: bytes) -> str:
    """The principal, of the JSON of a `userIdentity`: a session's calls all have the same."""
    return _who(orjson.loads(identity))[0]


def _who(identity: Any) -> tuple[str, str]:
    if identity.__class__ is not dict:
        return "", ""
    return _actor(identity), _string(identity.get("accountId"))


def utc_second(written: str) -> str:
    """A time as CloudTrail writes it (`2026-11-21T08:00:00Z`), from any ISO 8601 form; "" if it is none."""
    try:
        if len(written) == 20 and written[19] == "Z" and written[10] == "T":
            datetime.fromisoformat(written)
            return written
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", written))
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # no time at all, or one that in UTC is before year 1 or after year 9999
        return ""
    return found.replace(tzinfo=None, microsecond=0).isoformat() + "Z"


@lru_cache(maxsize=4096)
def epoch(time: str) -> int:
    """Seconds since 1970 of a time that `utc_second` gave. Raises ValueError for ""."""
    return int(datetime.fromisoformat(time).timestamp())


def asset(hit: Told, paths: Sequence[str], seen: Sighting) -> str:
    """What was touched: the first of the rule's paths that leads to something, else what the record itself names."""
    for path in paths:
        for value in values(hit, path):
            if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value):
                return str(value)
    return _named_resource(hit) or _named_parameter(hit) or seen.account


def _actor(identity: Any) -> str:
    """The principal: an ARN where there is one.

    Of an assumed role it is the role, so that a fleet's sessions are one actor, unless the session names a person.
    """
    arn = _string(identity.get("arn"))
    if _is_role(identity.get("type"), arn):
        arn = _first_text(values(identity, "sessionContext.sessionIssuer.arn")) or arn
    if arn:
        return arn
    for key in ("invokedBy", "userName", "principalId", "accountId", "type"):
        if found := _string(identity.get(key)):
            return found
    return ""


def _is_role(kind: Any, arn: str) -> bool:
    return kind == "AssumedRole" and "@" not in arn and "/AWSReservedSSO_" not in arn


def _named_resource(hit: Told) -> str:
    """The first ARN among the record's resources."""
    if not hit.piece.parsed:
        if hit.resource_arn.__class__ is str:
            arn: str = hit.resource_arn
            return arn
        if bytes(hit.resources) == b"null":
            return ""
    return _first_text(values(hit, "resources.ARN"))


_NAMING = re.compile(r"(?:arn|name|id|identifier|bucketName)$", re.IGNORECASE)


def _named_parameter(hit: Told) -> str:
    """The first request parameter that reads like the name of a thing."""
    parameters = hit.get("requestParameters")
    if parameters.__class__ is not dict:
        return ""
    for key, value in parameters.items():
        if isinstance(value, str) and value and _names_something(key):
            return value
    return ""


@lru_cache(maxsize=4096)
def _names_something(key: str) -> bool:
    return _NAMING.search(key) is not None and "token" not in key.lower()


def group_values(record: Record, paths: Sequence[str]) -> dict[str, str]:
    """The text of the first value at each path, for correlation; a path that leads nowhere is left out."""
    found = {}
    for path in paths:
        first = string_at(path)(record)
        if first is None:
            first = next((read for value in values(record, path) if (read := text(value)) is not None), None)
        if first is not None:
            found[path] = first
    return found


def _first_text(found: Iterable[Any]) -> str:
    return next((string for value in found if (string := _string(value))), "")


def _string(value: Any) -> str:
    """A text as it is, a number or boolean as JSON writes it; of anything else nothing."""
    if value.__class__ is str:
        found: str = value
        return found
    return text(value) or "" if isinstance(value, (bool, int, float)) else ""

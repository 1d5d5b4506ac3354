"""The wrappings in which events arrive, taken off: SNS, SQS, Firehose, Kinesis, Lambda's batches and addresses, lists,
recorded API answers, lines, gzip.

Sources: "Fanout to Amazon SQS queues" and "HTTP/HTTPS notification JSON format" (Amazon SNS), ReceiveMessage (Amazon
SQS API reference), PutEvents (EventBridge API reference), "Using Lambda with ..." Amazon SQS, Amazon SNS and Amazon
Kinesis, "Invoking Lambda function URLs", "Appendix - HTTP endpoint delivery request and response specifications"
(Amazon Data Firehose). Placebo's recordings write times as {"__class__": "datetime", ...}.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from sakimori.collect.told import NotRead

MAX_BODY = 64 << 20
"""Bytes of one body, also once it is unpacked. EventBridge's events have at most 256 kB; files of API answers may be
larger."""

MAX_WRAPPINGS = 6
MAX_DOCUMENTS = 100_000


def documents(body: bytes | str) -> Iterator[Mapping[str, Any] | NotRead]:
    """Every JSON object in a body: one, a list of them, or one a line. Raises NotRead if it is no JSON at all."""
    for count, found in enumerate(_opened_all(_parsed(_unpacked(body)))):
        if count >= MAX_DOCUMENTS:
            yield NotRead(f"more than {MAX_DOCUMENTS} events in one body: split it")
            return
        yield found


def _opened_all(values: Iterator[Any]) -> Iterator[Mapping[str, Any] | NotRead]:
    for document in values:
        try:
            yield from opened(document)
        except RecursionError:
            yield NotRead("nested too deeply to be an event")


def opened(document: Any, left: int = MAX_WRAPPINGS) -> Iterator[Mapping[str, Any] | NotRead]:
    """The objects inside the wrappings of a parsed document."""
    if left < 0:
        yield NotRead(f"wrapped more than {MAX_WRAPPINGS} times")
    elif isinstance(document, list):
        for each in document:
            yield from opened(each, left - 1)
    elif not isinstance(document, Mapping):
        yield NotRead(f"not a JSON object but {_named(document)}")
    elif document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        yield from _inside(document["Message"], "the message of an SNS notification", left)
    elif document.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        yield NotRead(f"a {document['Type']} of SNS: `sakimori respond listen` answers it, and it tells of nothing")
    elif (records := _records(document)) is not None:
        for record in records:
            yield from _record(record, left)
    elif isinstance(document.get("requestPayload"), Mapping) and "requestContext" in document:
        yield from opened(document["requestPayload"], left - 1)  # what Lambda could not handle, for its destination
    elif isinstance(document.get("requestContext"), Mapping) and "body" in document:
        body, is_binary = document["body"], document.get("isBase64Encoded") is True
        yield from _inside(_binary(body) if is_binary else body, "the body of an HTTP request", left)
    elif document.keys() >= {"status_code", "data"} and isinstance(document["data"], Mapping):
        yield from opened(_with_times(document["data"]), left - 1)
    else:
        yield document


def _records(document: Mapping[str, Any]) -> list[Any] | None:
    """What is delivered together: `Records` to Lambda, `records` by Firehose, `Messages` of ReceiveMessage, `Entries`
    of PutEvents; None where the document is none of these."""
    for name, sign in (("Records", ""), ("records", "data"), ("Messages", "Body"), ("Entries", "DetailType")):
        found = document.get(name)
        if isinstance(found, list) and (not sign or any(isinstance(each, Mapping) and sign in each for each in found)):
            return found
    return None


def _record(record: Any, left: int) -> Iterator[Mapping[str, Any] | NotRead]:
    """One of these: a message as Lambda, SQS or Firehose gives it, or S3's own notification."""
    if not isinstance(record, Mapping):
        yield NotRead(f"one of its records is not a JSON object but {_named(record)}")
    elif record.get("eventSource") == "aws:sqs" and isinstance(record.get("body"), str):
        yield from _inside(record["body"], "the body of an SQS message", left)
    elif "Body" in record and "eventSource" not in record:
        yield from _inside(record["Body"], "the body of an SQS message", left)
    elif isinstance(record.get("kinesis"), Mapping):
        yield from _inside(_binary(record["kinesis"].get("data")), "the data of a record of Kinesis", left)
    elif "data" in record and record.keys() <= _OF_FIREHOSE:
        yield from _inside(_binary(record["data"]), "the data of a record of Firehose", left)
    elif record.get("EventSource") == "aws:sns" and isinstance(record.get("Sns"), Mapping):
        yield from _inside(record["Sns"].get("Message"), "the message of an SNS notification", left)
    else:
        yield record


_OF_FIREHOSE = {"data", "recordId", "approximateArrivalTimestamp", "kinesisRecordMetadata"}


def _binary(data: Any) -> bytes | None:
    """What is spelt in base64; None where it is not."""
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else None
    except (binascii.Error, ValueError):
        return None


def _inside(body: Any, what: str, left: int) -> Iterator[Mapping[str, Any] | NotRead]:
    if not isinstance(body, (str, bytes)):
        yield NotRead(f"{what} is no text")
        return
    try:
        parsed = list(_parsed(body))
    except NotRead as refused:
        yield NotRead(f"{what} is {refused}")
        return
    for each in parsed:
        yield from opened(each, left - 1)


def _unpacked(body: bytes | str) -> bytes | str:
    """A body without gzip, in which GuardDuty, Macie and Firehose leave files. Raises NotRead."""
    plain = b""
    while isinstance(body, bytes) and body.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        try:
            plain += member.decompress(body, MAX_BODY + 1 - len(plain))
        except zlib.error as error:
            raise NotRead(f"gzip that is broken ({error})") from None
        if len(plain) > MAX_BODY:
            raise NotRead(f"more than the {MAX_BODY:,} bytes that are read, once it is unpacked: split it")
        if not member.eof:
            raise NotRead("gzip that ends too early")
        body = member.unused_data
        if not body:
            return plain
    return body


def _parsed(body: bytes | str) -> Iterator[Any]:
    """The values of a body: one, one a line, or one after the other with nothing between, as Firehose writes them."""
    body = body.removeprefix(b"\xef\xbb\xbf") if isinstance(body, bytes) else body.removeprefix("\ufeff")
    try:
        yield msgspec.json.decode(body)
        return
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        whole = f"not JSON ({error or type(error).__name__})"
    lines = [line for line in (body.split(b"\n") if isinstance(body, bytes) else body.split("\n")) if line.strip()]
    values = []
    try:
        for line in lines:
            values.append(msgspec.json.decode(line))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        reason = f"line {len(values) + 1} is not JSON ({error})" if values else whole
        values = _one_after_the_other(body, reason)
    if not values:
        raise NotRead("empty")
    yield from values


def _one_after_the_other(body: bytes | str, otherwise: str) -> list[Any]:
    """The objects of a body that follow each other with nothing but space between. Raises NotRead with `otherwise`
    where the body is not that."""
    found: list[Any] = []
    try:
        left, at = (body.decode() if isinstance(body, bytes) else body).strip(), 0
        while at < len(left):
            _, end = _DECODER.raw_decode(left, at)
            found.append(msgspec.json.decode(left[at:end]))
            at = end + len(_SPACE.match(left, end)[0])  # type: ignore[index]  # it matches nothing, too
    except (ValueError, RecursionError):
        raise NotRead(f"value {len(found) + 1} is not JSON" if len(found) > 1 else otherwise) from None
    return found


_DECODER, _SPACE = json.JSONDecoder(), re.compile(r"\s*")


def json_object(spelt: Any) -> Mapping[str, Any] | None:
    """An object, or the one that is spelt as JSON in a text; None where there is none."""
    if isinstance(spelt, str):
        try:
            spelt = msgspec.json.decode(spelt)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
    return spelt if isinstance(spelt, Mapping) else None


def _with_times(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_times(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("__class__") == "datetime":
        parts = [value.get(name, 0) for name in ("year", "month", "day", "hour", "minute", "second", "microsecond")]
        try:
            return datetime(*parts, tzinfo=UTC).isoformat()  # type: ignore[misc]  # what is no time raises
        except (TypeError, ValueError, OverflowError):
            return ""
    return {key: _with_times(each) for key, each in value.items()}


def _named(value: Any) -> str:
    return {str: "text", int: "a number", float: "a number", bool: "true or false", type(None): "null"}.get(
        type(value), "a list"
    )

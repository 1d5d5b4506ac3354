"""The wrappings in which events arrive, taken off: SNS, SQS, Lambda's batches, lists, recorded API answers, lines.

Sources: "Fanout to Amazon SQS queues" and "HTTP/HTTPS notification JSON format" (Amazon SNS), "Using Lambda with Amazon
SQS", "Using Lambda with Amazon SNS". Placebo's recordings write times as {"__class__": "datetime", ...}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from sakimori.collect.told import NotRead, objects

MAX_WRAPPINGS = 6
MAX_DOCUMENTS = 100_000


def documents(body: bytes | str) -> Iterator[Mapping[str, Any] | NotRead]:
    """Every JSON object in a body: one, a list of them, or one a line. Raises NotRead if it is no JSON at all."""
    for count, document in enumerate(_parsed(body)):
        if count >= MAX_DOCUMENTS:
            yield NotRead(f"more than {MAX_DOCUMENTS} events in one body: split it")
            return
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
    elif isinstance(document.get("Records"), list):
        for record in document["Records"]:
            yield from _record(record, left)
    elif document.keys() >= {"status_code", "data"} and isinstance(document["data"], Mapping):
        yield from opened(_with_times(document["data"]), left - 1)
    else:
        yield document


def _record(record: Any, left: int) -> Iterator[Mapping[str, Any] | NotRead]:
    """One of `Records`: a message of SQS or SNS as Lambda gets it, or S3's own notification."""
    if not isinstance(record, Mapping):
        yield NotRead(f"one of its Records is not a JSON object but {_named(record)}")
    elif record.get("eventSource") == "aws:sqs" and isinstance(record.get("body"), str):
        yield from _inside(record["body"], "the body of an SQS message", left)
    elif record.get("EventSource") == "aws:sns" and isinstance(record.get("Sns"), Mapping):
        yield from _inside(record["Sns"].get("Message"), "the message of an SNS notification", left)
    else:
        yield record


def _inside(body: Any, what: str, left: int) -> Iterator[Mapping[str, Any] | NotRead]:
    if not isinstance(body, str):
        yield NotRead(f"{what} is no text")
        return
    try:
        parsed = list(_parsed(body))
    except NotRead as refused:
        yield NotRead(f"{what} is {refused}")
        return
    for each in parsed:
        yield from opened(each, left - 1)


def _parsed(body: bytes | str) -> Iterator[Any]:
    """The values of a body. JSON Lines are told by the first line being one value, and more lines following."""
    try:
        yield msgspec.json.decode(body)
        return
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        whole = f"not JSON ({error or type(error).__name__})"
    lines = [line for line in body.splitlines() if line.strip()]
    values = []
    try:
        for line in lines:
            values.append(msgspec.json.decode(line))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        reason = f"line {len(values) + 1} is not JSON ({error})" if values else whole
        raise NotRead(reason) from None
    if not values:
        raise NotRead("empty")
    yield from values


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


def rows(document: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
    """The objects of the first of these lists that the document has."""
    return next((objects(document, name) for name in names if isinstance(document.get(name), list)), [])

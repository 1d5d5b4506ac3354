"""Events over HTTP: EventBridge's API destinations, which send a secret in a header, and SNS, which signs.

`webhook(...)` is an ASGI application with one address, POST /events. It answers 202 once the events are safely kept,
4xx for what it refuses (with the reason, without repeating what was sent), and 503 where keeping failed, so that the
sender tries again.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sakimori.collect import sns_signature
from sakimori.collect.events import Heard, heard
from sakimori.collect.sns_signature import NotSigned
from sakimori.collect.told import text, when

LARGEST_BODY = 1 << 20
"""EventBridge and SNS send at most 256 kB."""

WINDOW = timedelta(hours=24, minutes=15)
"""EventBridge tries for up to 24 hours. An event that is older than this is a replay."""

AHEAD = timedelta(minutes=5)
SHORTEST_KEY = 16
SECONDS = 5.0

Keep = Callable[[Heard, str], None]
"""Keeps what was heard, with the body it was in, before the sender is told so; may raise."""


class WebhookError(Exception):
    """The webhook cannot be set up as it was asked for."""


def webhook(
    keep: Keep,
    *,
    key: str = "",
    topics: Collection[str] = (),
    fetch: sns_signature.Fetch | None = None,
) -> Callable[..., Any]:
    """The application. `key` is what API destinations send as `X-Api-Key` or `Authorization: Bearer`; `topics` are the
    ARNs of the SNS topics that may deliver. Raises WebhookError where nobody could deliver, or anybody."""
    if not key and not topics:
        raise WebhookError("a webhook needs a key for EventBridge's API destinations, or the ARNs of SNS topics")
    if key and len(key) < SHORTEST_KEY:
        raise WebhookError(f"the webhook's key has {len(key)} characters: give it at least {SHORTEST_KEY}")
    fetched = fetch or fetch_from_sns

    async def application(scope: Mapping[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        status, reason = 413, "too large"
        if body is not None:
            from anyio import to_thread

            status, reason = await to_thread.run_sync(_answer, scope, body, keep, key, topics, fetched)
        answer = msgspec.json.encode({"status": reason})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return application


async def _body(receive: Callable[..., Any]) -> bytes | None:
    """The request's body; None if it is too large."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        part, more = message.get("body", b""), bool(message.get("more_body"))
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _answer(
    scope: Mapping[str, Any], body: bytes, keep: Keep, key: str, topics: Collection[str], fetch: sns_signature.Fetch
) -> tuple[int, str]:
    if scope["path"] != "/events":
        return 404, "events are taken at POST /events"
    if scope["method"] != "POST":
        return 405, "events are taken with POST"
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        document = None
    try:
        if "x-amz-sns-message-type" in headers and topics:
            return _from_sns(document, body, keep, topics, fetch)
        if not _has_key(headers, key):
            return 401, "the key is missing or wrong"
        _check_time(document)
        return _kept(body, keep)
    except NotSigned as refused:
        return 403, str(refused)


def _has_key(headers: Mapping[str, str], key: str) -> bool:
    given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    return bool(key) and hmac.compare_digest(given.encode("latin-1"), key.encode())


def _check_time(document: Any) -> None:
    """An EventBridge event is refused when it is older than any that EventBridge still tries to deliver."""
    told = when(text(document, "time")) if isinstance(document, Mapping) else ""
    if not told:
        return
    age = datetime.now(UTC) - datetime.fromisoformat(told)
    if age > WINDOW or age < -AHEAD:
        raise NotSigned(f"the event is of {told}, outside of the last {WINDOW}: it may be a replay")


def _from_sns(
    document: Any, body: bytes, keep: Keep, topics: Collection[str], fetch: sns_signature.Fetch
) -> tuple[int, str]:
    if not isinstance(document, Mapping):
        return 400, "not a message of SNS"
    sns_signature.check(document, topics, fetch)
    if document.get("Type") == "SubscriptionConfirmation":
        fetch(sns_signature.checked_host(text(document, "SubscribeURL")))
        return 200, "subscribed"
    return (200, "unsubscribed") if document.get("Type") != "Notification" else _kept(body, keep)


def _kept(body: bytes, keep: Keep) -> tuple[int, str]:
    found = heard(body, "webhook")
    try:
        keep(found, body.decode("utf-8", "replace"))
    except Exception as error:  # whatever it is, the sender must try again
        return 503, f"not kept ({type(error).__name__}): try again"
    return 202, f"{len(found.events)} events kept, {len(found.refusals)} refused"


_SAFE_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")


def topic(arn: str) -> str:
    """The ARN of a topic, if it is one. Raises WebhookError."""
    if not _SAFE_TOPIC.fullmatch(arn):
        raise WebhookError(f"not the ARN of an SNS topic: {arn!r}")
    return arn


def fetch_from_sns(url: str) -> bytes:
    """What is at an address of SNS. Raises NotSigned. Redirects are not followed, and not much is read."""
    import httpx

    sns_signature.checked_host(url)
    read = bytearray()
    try:
        with httpx.stream("GET", url, follow_redirects=False, timeout=SECONDS, trust_env=False) as answer:
            if answer.status_code != 200:
                raise NotSigned(f"{url} answered {answer.status_code}")
            for part in answer.iter_bytes():
                read += part
                if len(read) > sns_signature.LARGEST_CERTIFICATE:
                    raise NotSigned(f"what is at {url} is too large")
    except httpx.HTTPError as error:
        raise NotSigned(f"{url} cannot be read ({type(error).__name__})") from None
    return bytes(read)

"""SNS messages over HTTP: whether Amazon signed them, for a topic that is ours, and not long ago.

Source: "Verifying the signatures of Amazon SNS messages". The certificate's address comes from the message, so it is
fetched from SNS's own hosts only, over TLS, without following redirects. Anybody can have SNS sign for a topic of their
own: topics are named in advance.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sakimori.collect.told import text, when

OLDEST = timedelta(hours=1)
"""SNS repeats a delivery for up to 23 days, but signs each anew only at publication: older than this is a replay."""

AHEAD = timedelta(minutes=5)
LARGEST_CERTIFICATE = 64 << 10

_HOST = re.compile(r"sns\.[a-z0-9-]{4,30}\.amazonaws\.com(\.cn)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]{8,128}\.pem")

_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}

Fetch = Callable[[str], bytes]
"""Gives the bytes at an address that was checked to be SNS's."""


class NotSigned(Exception):
    """The message is refused: says why."""


def check(message: Mapping[str, Any], topics: Collection[str], fetch: Fetch, now: datetime | None = None) -> None:
    """Raises NotSigned unless Amazon signed this message, for one of `topics`, within the last hour."""
    topic = text(message, "TopicArn")
    if topic not in topics:
        raise NotSigned(f"the topic {topic[:200]!r} is not one of those that may deliver here")
    _check_age(text(message, "Timestamp"), now or datetime.now(UTC))
    _verify(message, _certificate(text(message, "SigningCertURL") or text(message, "SigningCertUrl"), fetch))


def checked_host(url: str) -> str:
    """The address, if it is one of SNS's own over TLS. Raises NotSigned."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotSigned("an address in the message is none") from None
    plain = not (parts.username or parts.password or parts.fragment or port not in (None, 443))
    if parts.scheme != "https" or not plain or not _HOST.fullmatch(parts.hostname or ""):
        raise NotSigned(f"the message names {url[:200]!r}, which is not an address of SNS over https")
    return url


def _check_age(timestamp: str, now: datetime) -> None:
    told = when(timestamp)
    if not told:
        raise NotSigned("the message tells no time")
    age = now - datetime.fromisoformat(told)
    if age > OLDEST or age < -AHEAD:
        raise NotSigned(f"the message is of {told}, outside of the last {OLDEST}: it may be a replay")


def _certificate(url: str, fetch: Fetch) -> Any:
    from cryptography import x509

    parts = urlsplit(checked_host(url))
    if parts.query or not _CERTIFICATE.fullmatch(parts.path):
        raise NotSigned(f"{url[:200]!r} is not where SNS keeps its certificates")
    try:
        return x509.load_pem_x509_certificate(fetch(url))
    except ValueError as error:
        raise NotSigned(f"what is at {url} is no certificate ({error})") from None


def _verify(message: Mapping[str, Any], certificate: Any) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    version = text(message, "SignatureVersion")
    algorithm = {"1": SHA1(), "2": SHA256()}.get(version)  # noqa: S303 - what SNS signs with, unless set to 2
    key = certificate.public_key()
    if algorithm is None or not isinstance(key, rsa.RSAPublicKey):
        raise NotSigned(f"the signature is of version {version[:20]!r}, which is not known")
    if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
        raise NotSigned("the certificate is not valid now")
    try:
        signature = base64.b64decode(text(message, "Signature"), validate=True)
        key.verify(signature, _signed_text(message), padding.PKCS1v15(), algorithm)
    except (binascii.Error, InvalidSignature):
        raise NotSigned("the signature does not fit the message") from None


def _signed_text(message: Mapping[str, Any]) -> bytes:
    """Names and values, a line each, in the order of the names; a subject only where there is one."""
    names = _SIGNED.get(text(message, "Type"))
    if names is None:
        raise NotSigned(f"a message of the type {text(message, 'Type')[:50]!r}, which SNS does not send")
    lines = [f"{name}\n{text(message, name)}\n" for name in names if name in message]
    return "".join(lines).encode("utf-8", "surrogatepass")

"""Events over HTTP: who may deliver, what is refused, and that nothing is fetched from anywhere but SNS."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

import told_events as told
from sakimori.collect import sns_signature
from sakimori.collect.events import Heard
from sakimori.collect.sns_signature import NotSigned
from sakimori.collect.webhook import WebhookError, fetch_from_sns, webhook

KEY = "a-key-that-is-long-enough"
TOPIC = f"arn:aws:sns:{told.REGION}:{told.ACCOUNT}:findings"
CERTIFICATE_URL = f"https://sns.{told.REGION}.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"


class Amazon:
    """What stands for SNS: a key that signs, a certificate, and a record of what was fetched."""

    def __init__(self, *, valid: bool = True) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        begins, ends = (now - timedelta(days=2), now + timedelta(days=2 if valid else -1))
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        builder = builder.serial_number(1).not_valid_before(begins).not_valid_after(ends)
        self.certificate = builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)
        self.fetched: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        return self.certificate

    def signed(self, message: dict[str, Any], *, version: str = "2", **fields: Any) -> dict[str, Any]:
        message = {
            "Timestamp": _now(),
            "SigningCertURL": CERTIFICATE_URL,
            "TopicArn": TOPIC,
            "MessageId": "m",
        } | message
        signed = sns_signature._signed_text(message)
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
        signature = self.key.sign(signed, padding.PKCS1v15(), algorithm)
        return message | {"SignatureVersion": version, "Signature": base64.b64encode(signature).decode()} | fields


def _now(ago: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def recent(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"time": _now()}


class Kept:
    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def __call__(self, found: Heard, body: str) -> None:
        self.heard.append(found)


def post(
    app: Any, body: Any, headers: dict[str, str] | None = None, *, path: str = "/events", method: str = "POST"
) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.request(method, path, content=content, headers=headers or {})

    import asyncio

    return asyncio.run(ask())


def test_an_api_destination_delivers_with_its_key_in_either_header() -> None:
    kept = Kept()
    app = webhook(kept, key=KEY)
    for headers in ({"X-Api-Key": KEY}, {"Authorization": f"Bearer {KEY}"}):
        assert post(app, recent(told.guardduty()), headers).status_code == 202
    assert [found.events[0].product for found in kept.heard] == ["guardduty", "guardduty"]


@pytest.mark.parametrize("headers", [{}, {"X-Api-Key": ""}, {"X-Api-Key": KEY + "x"}, {"Authorization": "Basic x"}])
def test_without_the_key_nothing_is_read(headers: dict[str, str]) -> None:
    kept = Kept()
    assert post(webhook(kept, key=KEY), recent(told.guardduty()), headers).status_code == 401
    assert post(webhook(kept, topics=(TOPIC,)), recent(told.guardduty()), headers).status_code == 401
    assert kept.heard == []


def test_a_replay_of_an_old_event_is_refused() -> None:
    kept = Kept()
    old = told.guardduty() | {"time": _now(timedelta(days=2))}
    answer = post(webhook(kept, key=KEY), old, {"X-Api-Key": KEY})
    assert answer.status_code == 403
    assert "replay" in answer.json()["status"]
    ahead = told.guardduty() | {"time": _now(-timedelta(hours=1))}
    assert post(webhook(kept, key=KEY), ahead, {"X-Api-Key": KEY}).status_code == 403
    assert kept.heard == []


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    answer = post(webhook(Kept(), key=KEY), b"<script>secret</script>", {"X-Api-Key": KEY})
    assert answer.status_code == 202
    assert answer.json() == {"status": "0 events kept, 1 refused"}


def test_what_cannot_be_kept_is_to_be_sent_again() -> None:
    def fail(found: Heard, body: str) -> None:
        raise OSError("disk full")

    assert post(webhook(fail, key=KEY), recent(told.guardduty()), {"X-Api-Key": KEY}).status_code == 503


def test_other_addresses_methods_and_sizes_are_refused() -> None:
    app = webhook(Kept(), key=KEY)
    assert post(app, {}, path="/other").status_code == 404
    assert post(app, {}, method="GET").status_code == 405
    assert post(app, b" " * ((1 << 20) + 1), {"X-Api-Key": KEY}).status_code == 413


def test_a_webhook_that_anybody_could_use_is_not_set_up() -> None:
    for options in ({}, {"key": "short"}):
        with pytest.raises(WebhookError):
            webhook(Kept(), **options)


@pytest.mark.parametrize("version", ["1", "2"])
def test_sns_delivers_what_amazon_signed(version: str) -> None:
    amazon, kept = Amazon(), Kept()
    message = {"Type": "Notification", "Message": json.dumps(told.guardduty()), "Subject": "s"}
    app = webhook(kept, topics=(TOPIC,), fetch=amazon.fetch)
    answer = post(app, amazon.signed(message, version=version), {"x-amz-sns-message-type": "Notification"})
    assert answer.status_code == 202, answer.text
    assert kept.heard[0].events[0].product == "guardduty"
    assert amazon.fetched == [CERTIFICATE_URL]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Message": "{}"}, "does not fit"),
        ({"Signature": "AAAA"}, "does not fit"),
        ({"Signature": "%%%"}, "does not fit"),
        ({"SignatureVersion": "3"}, "version '3'"),
        ({"TopicArn": "arn:aws:sns:us-east-1:666666666666:mine"}, "not one of those"),
        ({"Timestamp": _now(timedelta(hours=2))}, "replay"),
        ({"Timestamp": "soon"}, "no time"),
        ({"Type": "Other"}, "does not send"),
        ({"SigningCertURL": "https://evil.example/SimpleNotificationService-0123456789abcdef.pem"}, "not an address"),
        (
            {"SigningCertURL": "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-01234567.pem"},
            "not an addr",
        ),
        ({"SigningCertURL": "https://sns.us-east-1.amazonaws.com.evil.example/x.pem"}, "not an address"),
        ({"SigningCertURL": "https://x@sns.us-east-1.amazonaws.com/x.pem"}, "not an address"),
        ({"SigningCertURL": "https://sns.us-east-1.amazonaws.com:8443/x.pem"}, "not an address"),
        ({"SigningCertURL": "https://sns.us-east-1.amazonaws.com:bad/x.pem"}, "address in the message"),
        ({"SigningCertURL": "https://169.254.169.254/x.pem"}, "not an address"),
        ({"SigningCertURL": "https://sns.us-east-1.amazonaws.com/other/x.pem"}, "keeps its certificates"),
        ({"SigningCertURL": CERTIFICATE_URL + "?x=1"}, "keeps its certificates"),
    ],
)
def test_sns_messages_that_are_refused(change: dict[str, str], reason: str) -> None:
    amazon, kept = Amazon(), Kept()
    message = amazon.signed({"Type": "Notification", "Message": "hello"}) | change
    app = webhook(kept, topics=(TOPIC,), fetch=amazon.fetch)
    answer = post(app, message, {"x-amz-sns-message-type": "Notification"})
    assert answer.status_code == 403
    assert reason in answer.json()["status"]
    assert kept.heard == []
    assert amazon.fetched in ([], [CERTIFICATE_URL])


def test_an_expired_certificate_signs_nothing() -> None:
    amazon = Amazon(valid=False)
    with pytest.raises(NotSigned, match="not valid now"):
        sns_signature.check(amazon.signed({"Type": "Notification", "Message": "m"}), (TOPIC,), amazon.fetch)


def test_a_subscription_is_confirmed_for_our_topics_only() -> None:
    amazon = Amazon()
    app = webhook(Kept(), topics=(TOPIC,), fetch=amazon.fetch)
    subscribe = f"https://sns.{told.REGION}.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    message = {"Type": "SubscriptionConfirmation", "Message": "m", "Token": "t", "SubscribeURL": subscribe}
    headers = {"x-amz-sns-message-type": "SubscriptionConfirmation"}
    assert post(app, amazon.signed(message), headers).status_code == 200
    assert amazon.fetched == [CERTIFICATE_URL, subscribe]
    elsewhere = amazon.signed(message | {"SubscribeURL": "https://169.254.169.254/latest/meta-data"})
    assert post(app, elsewhere, headers).status_code == 403
    assert amazon.fetched[2:] == [CERTIFICATE_URL]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1/", "https://[::1]/", "https://sns.x.evil/"])
def test_nothing_is_fetched_from_elsewhere(url: str) -> None:
    with pytest.raises(NotSigned):
        fetch_from_sns(url)

"""Every channel, against a real server or the simulated AWS; addresses that are not meant are refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import replace
from email import message_from_string
from typing import Any

import pytest
from servers import http, smtp

from sakimori.model.finding import COMPLIANCE, Finding
from sakimori.model.severity import Severity
from sakimori.notify import routes
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message, worded
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws

FINDING = Finding(
    uid="f" * 32,
    rule="r",
    title="A bucket is open <!channel>",
    severity=Severity.HIGH,
    tactics=(),
    techniques=(),
    account=ACCOUNT,
    region=REGION,
    actor="arn:aws:iam::1:user/kaede",
    source_ip="",
    asset="arn:aws:s3:::data",
    count=1,
    first_seen="2026-11-25T08:00:00Z",
    last_seen="2026-11-25T08:00:00Z",
    records=(),
    description="Anybody may read it.",
    class_uid=COMPLIANCE,
    remediation="Close it.",
)
FACTS = {"title": FINDING.title, "description": FINDING.description, "uid": "ffff", "remedy": "Close it."}
MESSAGE = Message("finding-new", "key-1", Severity.HIGH, ACCOUNT, FINDING.asset, FINDING.actor, FACTS, FINDING)


def send(channel: str, settings: dict[str, Any], message: Message = MESSAGE, language: str = "en") -> Any:
    return routes.channel(channel).send(message, worded(message, language, "Kaede"), settings)


@pytest.mark.parametrize("channel", routes.channel_names())
def test_every_channel_has_the_whole_shape(channel: str) -> None:
    module = routes.channel(channel)
    assert module.SETTINGS is not None
    assert isinstance(module.IAM_ACTIONS, tuple)
    assert isinstance(module.PEOPLE, bool)
    assert callable(getattr(module, "send", None)) is not callable(getattr(module, "send_many", None))


@pytest.mark.parametrize("channel", ["slack", "teams", "webhook"])
def test_webhooks_get_the_message(channel: str) -> None:
    with http() as got:
        send(channel, {"url": got.address, "private": True}, language="ja")
        [body] = got.bodies
        text = json.dumps(body, ensure_ascii=False)
        assert "Anybody may read it" in text
        assert "対応" in text
        assert "Kaede" in text
        if channel != "webhook":
            assert "<!channel>" not in text
        got.status = 500
        with pytest.raises(NotifyError, match="answered 500") as refused:
            send(channel, {"url": got.address, "private": True})
        assert "secret" not in str(refused.value)


def test_a_generic_webhook_signs_the_time_and_every_byte() -> None:
    with http() as got:
        send("webhook", {"url": got.address, "private": True, "secret": "s3cret"})
        [headers] = got.headers
        signed = f"{headers['x-sakimori-timestamp']}.".encode() + got.raw[0]
        expected = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
        assert headers["x-sakimori-signature"] == f"sha256={expected}"
        assert abs(int(headers["x-sakimori-timestamp"]) - time.time()) < 60
        assert got.bodies[0]["id"] == "key-1"


def test_a_redirect_is_not_followed() -> None:
    with http() as got, http() as elsewhere:
        got.status, got.location = 307, elsewhere.address
        with pytest.raises(NotifyError, match="answered 307"):
            send("slack", {"url": got.address, "private": True})
        assert elsewhere.bodies == []


def test_mail_is_sent_as_plain_text_to_those_who_are_named() -> None:
    settings = {"sender": "sakimori@example.org", "to": ["a@example.org", "b@example.org"], "private": True}
    with smtp() as got:
        send("smtp", {"host": got.address, "port": got.port, **settings})
        [body] = got.bodies
        mail = message_from_string(body)
        assert mail["To"] == "a@example.org, b@example.org"
        assert mail.get_content_type() == "text/plain"
        assert "Anybody may read it." in mail.get_payload(decode=True).decode()
        got.status = 500
        with pytest.raises(NotifyError, match="did not take the message: 550 no") as refused:
            send("smtp", {"host": got.address, "port": got.port, **settings})
        assert not refused.value.passing
        with pytest.raises(NotifyError, match="offers no TLS"):
            send("smtp", {"host": got.address, "port": got.port, **settings, "private": False})


def test_a_subject_cannot_add_headers() -> None:
    hostile = Message("finding-new", "k", Severity.HIGH, "", "x", "y", FACTS | {"title": "a\r\nBcc: evil@example.org"})
    with smtp() as got:
        settings = {
            "host": got.address,
            "port": got.port,
            "sender": "s@example.org",
            "to": "a@example.org",
            "private": True,
        }
        send("smtp", settings, hostile)
        assert message_from_string(got.bodies[0])["Bcc"] is None


def test_sns_delivers_to_whoever_subscribes(aws: SimulatedAws) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox")
    send("sns", {"topic": topic}, language="ja")
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(message["Body"])
    assert "Anybody may read it." in body["Message"]
    assert body["Subject"].startswith("[高] 検出: ")


def test_a_subject_of_sns_is_as_long_as_it_may_be_and_one_line(aws: SimulatedAws) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox")
    send("sns", {"topic": topic}, replace(MESSAGE, facts={**MESSAGE.facts, "title": "名\n" * 200}), language="ja")
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    subject = json.loads(message["Body"])["Subject"]
    assert len(subject) == 99
    assert subject.isprintable()


def test_eventbridge_gets_an_event(aws: SimulatedAws) -> None:
    events, sqs = aws.client("events"), aws.client("sqs")
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["sakimori"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox"}])
    send("eventbridge", {"bus": "default"})
    event = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert (event["detail-type"], event["detail"]["id"]) == ("Sakimori finding-new", "key-1")

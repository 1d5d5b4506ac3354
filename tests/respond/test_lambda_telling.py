"""Whom a deployed function tells, when, and what becomes of what nobody acknowledges."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lambda_service import Environment, Service, by_hand, service
from typer.testing import CliRunner

import told_events as told
from sakimori.cli import app
from sakimori.notify.outbox import Entry, stamp
from sakimori.respond.carried_routes import carried
from sakimori.respond.carried_tags import FILE
from sakimori.respond.carried_zones import zones
from sakimori.respond.table_outbox import TableOutbox, TablePage, no_tags
from sakimori.simulate.aws import SimulatedAws

BUCKET = "arn:aws:s3:::data"


def finding(number: int = 1, **resource: Any) -> dict[str, Any]:
    bucket = told.bucket_resource("data")
    bucket["s3BucketDetails"][0] |= resource
    return told.guardduty("Policy:S3/BucketPublicAccessGranted", number, resource=bucket)


def topic(aws: SimulatedAws, name: str) -> tuple[str, Any]:
    """A topic, and what reads what is published there."""
    arn = aws.client("sns").create_topic(Name=name)["TopicArn"]
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=f"{name}-read")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)

    def read() -> list[str]:
        found: list[str] = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(each["Body"])["Message"] for each in got]
            for each in got:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return found

    return arn, read


def deployed(aws: SimulatedAws, place: Path, routes: dict[str, Any], **settings: Any) -> Service:
    """A function with these routes, which all are topics; its secret has nothing in it."""
    found = service(aws, place, routes=carried(routes), modes={"default": "approve"}, **settings)
    for path, body in zones(["Asia/Tokyo"]).items():
        (place / "settings" / path).parent.mkdir(parents=True, exist_ok=True)
        (place / "settings" / path).write_bytes(body)
    arn = aws.client("secretsmanager").create_secret(Name="chat", SecretString="{}")["ARN"]
    found.environment["SAKIMORI_NOTIFY_SECRET"] = arn
    aws.client("s3").create_bucket(Bucket="data")
    return found


def beat(running: Environment) -> None:
    due = told.envelope("aws.events", "Scheduled Event", {}, resources=["arn:aws:events:::rule/sakimori-heartbeat-x"])
    assert running.invoke(by_hand(json.dumps(due)))["answer"] == {"batchItemFailures": []}


def outbox(found: Service) -> list[Entry]:
    return TableOutbox(found.book.table).log()


def later(found: Service, **changes: str) -> None:
    """Time passes for what is in the outbox."""
    for entry in outbox(found):
        own = {name: value for name, value in changes.items() if getattr(entry, name)}
        found.book.table.alone(b"", lambda page, e=entry, o=own: TablePage(page, no_tags)._put(replace(e, **o), e))


def around_now() -> tuple[list[str], list[str]]:
    """A span that it is in now in Tokyo, and one that it is not, for some hours."""
    now = datetime.now(UTC) + timedelta(hours=9)
    spelt = [(now + timedelta(hours=hours)).strftime("%H:%M") for hours in (-3, 3, 6)]
    return [f"{spelt[0]}-{spelt[1]}"], [f"{spelt[1]}-{spelt[2]}"]


@pytest.fixture
def people(aws: SimulatedAws) -> dict[str, Any]:
    return {name: topic(aws, name) for name in ("team", "oncall", "payments", "rest")}


def test_quiet_hours_are_kept_and_end_with_a_digest(aws: SimulatedAws, tmp_path: Path, people: dict[str, Any]) -> None:
    quiet, loud = around_now()
    team = {"channel": "sns", "topic": people["team"][0], "min_severity": "low", "time_zone": "Asia/Tokyo"}
    found = deployed(aws, tmp_path, {"team": {**team, "quiet": quiet}})
    with found.running() as running:
        for number in (1, 2):
            running.invoke(by_hand(json.dumps(finding(number))))
        beat(running)
    assert people["team"][1]() == []
    assert sorted(str(each.state) for each in outbox(found) if each.route == "team") == ["held", "held"]
    settings = tmp_path / "settings" / "settings.json"
    settings.write_text(settings.read_text().replace(quiet[0], loud[0]))
    with found.running() as running:
        beat(running)
        beat(running)
    (digest,) = people["team"][1]()
    assert digest.count("sakimori respond approve ") == 2, "each with its own token"


def test_what_nobody_acknowledges_goes_to_the_next_until_somebody_does(
    aws: SimulatedAws, tmp_path: Path, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = {
        "team": {"channel": "sns", "topic": people["team"][0], "acknowledge_minutes": 30, "escalate_to": "oncall"},
        "oncall": {"channel": "sns", "topic": people["oncall"][0], "workflows": ["waf"], "person": "Akari"},
    }
    found = deployed(aws, tmp_path, {name: {**each, "min_severity": "low"} for name, each in routes.items()})
    monkeypatch.setenv("SAKIMORI_DEPLOYMENT", "sakimori")
    with found.running() as running:
        running.invoke(by_hand(json.dumps(finding(1))))
        running.invoke(by_hand(json.dumps(finding(2))))
        first, second = people["team"][1]()
        token = first.split("sakimori notify ack ")[1].split()[0]
        done = CliRunner().invoke(app, ["notify", "ack", token])
        assert (done.exit_code, "by the route team" in done.stderr) == (0, True), done.output
        beat(running)
        assert people["oncall"][1]() == [], "there is time"
        later(found, escalate_at=stamp(datetime.now(UTC) - timedelta(seconds=1)))
        beat(running)
        (escalated,) = people["oncall"][1]()
        assert "Akari" in escalated
        tokens = [each.split("approve ")[1].split()[0] for each in (second, escalated)]
        assert len(set(tokens)) == 2, "with a token of her own"
        beat(running)
        assert people["oncall"][1]() == [], "once"
    rows = json.loads(CliRunner().invoke(app, ["notify", "log", "--json"]).stdout)
    assert sorted((row["route"], row["state"], bool(row["acknowledged_by"])) for row in rows) == [
        ("oncall", "sent", False),
        ("team", "sent", False),
        ("team", "sent", True),
        ("the topic", "sent", False),
        ("the topic", "sent", True),
    ], "who has seen it has seen it on every route"


def test_routes_by_tag_and_owner_match_by_what_is_read_told_and_carried(
    aws: SimulatedAws, tmp_path: Path, people: dict[str, Any]
) -> None:
    own = {name: {"channel": "sns", "topic": people[name][0], "min_severity": "low"} for name in ("team", "payments")}
    routes = {
        "team": {**own["team"], "tags": ["environment=prod"]},
        "payments": {**own["payments"], "owners": ["payments"]},
        "rest": {"channel": "sns", "topic": people["rest"][0], "min_severity": "low", "otherwise": True},
    }
    found = deployed(aws, tmp_path, routes, people={"payments": "Kaede"}, owner_tags=["owner"])
    tags = {"TagSet": [{"Key": "environment", "Value": "prod"}]}
    instance = f"arn:aws:ec2:{told.REGION}:{told.ACCOUNT}:instance/{told.INSTANCE}"
    carried_along = zlib.compress(json.dumps({instance: {"owner": "payments"}}).encode())
    (tmp_path / "settings" / FILE).write_bytes(carried_along)
    read = {name: people[name][1] for name in people}
    with found.running() as running:
        running.invoke(by_hand(json.dumps(finding(1))))
        assert {name: len(each()) for name, each in read.items()} == {"team": 0, "oncall": 0, "payments": 0, "rest": 1}
        aws.client("s3").put_bucket_tagging(Bucket="data", Tagging=tags)
        running.invoke(by_hand(json.dumps(finding(2))))
        assert {name: len(each()) for name, each in read.items()} == {"team": 1, "oncall": 0, "payments": 0, "rest": 0}
        on_instance = told.guardduty("Recon:EC2/Portscan", 3)
        running.invoke(by_hand(json.dumps(on_instance)))
        (message,) = read["payments"]()
        assert "Kaede" in message
        on_instance = told.guardduty("Recon:EC2/Portscan", 4)
        on_instance["detail"]["resource"]["instanceDetails"]["tags"] = [{"key": "environment", "value": "prod"}]
        running.invoke(by_hand(json.dumps(on_instance)))
        assert len(read["team"]()) == 1


def test_what_cannot_be_sent_is_sent_when_it_can_be(aws: SimulatedAws, tmp_path: Path, people: dict[str, Any]) -> None:
    arn, read = people["team"]
    found = deployed(aws, tmp_path, {"team": {"channel": "sns", "topic": arn + "-gone", "min_severity": "low"}})
    with found.running() as running:
        running.invoke(by_hand(json.dumps(finding())))
    assert found.metrics("Untold") == 1
    settings = tmp_path / "settings" / "settings.json"
    settings.write_text(settings.read_text().replace(arn + "-gone", arn))
    with found.running() as running:
        beat(running)
        assert read() == [], "after a minute"
        later(found, next_at=stamp(datetime.now(UTC) - timedelta(seconds=1)))
        beat(running)
    assert len(read()) == 1

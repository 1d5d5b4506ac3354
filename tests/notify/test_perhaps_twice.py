"""What may have arrived before says so when it is sent again; what was refused, or is sent for the first time, does
not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
from servers import http, smtp
from sqlalchemy import Engine
from test_channels import MESSAGE, send

from sakimori.cli.notify_output import log_line, log_row
from sakimori.notify.asking import Links
from sakimori.notify.ledger_outbox import LedgerPage
from sakimori.notify.notifier import Notifier
from sakimori.notify.outbox import STUCK, State
from sakimori.notify.routes import Route
from sakimori.notify.signing import Signer
from sakimori.simulate.aws import ACCOUNT, REGION, Answer, SimulatedAws
from sakimori.store.database import connect, writing

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
NOTES = {"en": "This may have come before", "ja": "重複している可能性があります"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(tmp_path / "ledger.sqlite")
    yield engine
    engine.dispose()


def notifier(database: Engine, channel: str, language: str = "en", **settings: Any) -> Notifier:
    return Notifier(
        database, [Route("team", channel, settings=settings, language=language)], Links(Signer((b"k" * 32,)))
    )


@pytest.mark.parametrize("language", NOTES)
@pytest.mark.parametrize("channel", ["slack", "teams", "webhook"])
def test_what_was_sent_and_not_answered_says_so_the_second_time(database: Engine, channel: str, language: str) -> None:
    with http() as got:
        told = notifier(database, channel, language, url=got.address, private=True)
        got.silent = True
        [first] = told.send(MESSAGE, NOW)
        assert first.why
        got.silent = False
        assert [each.why for each in told.deliver(LATER)] == [""]
    once, again = (json.dumps(body, ensure_ascii=False) for body in got.bodies)
    assert NOTES[language] not in once
    assert NOTES[language] in again
    if channel == "webhook":
        assert got.headers[0]["idempotency-key"] == got.headers[1]["idempotency-key"] == '"key-1"'


@pytest.mark.parametrize(("status", "perhaps"), [(503, False), (429, False), (500, False), (502, True), (504, True)])
def test_what_was_refused_does_not_say_so(database: Engine, status: int, perhaps: bool) -> None:
    with http() as got:
        told = notifier(database, "webhook", url=got.address, private=True)
        got.status = status
        told.send(MESSAGE, NOW)
        got.status = 200
        told.deliver(LATER)
    assert ("perhaps" in got.bodies[1]["facts"]) is perhaps


def test_a_host_that_could_not_be_reached_got_nothing(database: Engine) -> None:
    with http() as got:
        pass
    told = notifier(database, "webhook", url=got.address, private=True)
    [sent] = told.send(MESSAGE, NOW)
    assert "no connection" in sent.why
    [row] = told.log()
    assert log_row(row)["perhaps_twice"] is False


def test_mail_that_was_taken_and_not_answered_has_the_same_id(database: Engine) -> None:
    with smtp() as got:
        settings = {"host": got.address, "port": got.port, "sender": "s@example.org", "to": ["k@example.org"]}
        told = notifier(database, "smtp", private=True, **settings)
        got.silent = True
        told.send(MESSAGE, NOW)
        got.silent = False
        assert [each.why for each in told.deliver(LATER)] == [""]
    once, again = map(message_from_string, got.bodies)
    assert once["Message-ID"] == again["Message-ID"]
    bodies = [each.get_payload(decode=True) for each in (once, again)]
    assert [NOTES["en"].encode() in body for body in bodies if isinstance(body, bytes)] == [False, True]


def test_what_was_being_sent_when_the_process_was_killed_says_so_and_the_log_marks_it(database: Engine) -> None:
    with http() as got:
        told = notifier(database, "webhook", url=got.address, private=True)
        with writing(database) as connection:
            LedgerPage(connection).enter("team", MESSAGE, State.DUE, NOW)
            [row] = LedgerPage(connection).due("team", NOW)
            assert LedgerPage(connection).claim(row, NOW) == MESSAGE
        assert told.deliver(NOW + STUCK / 2) == [], "somebody may be at it"
        [sent] = told.deliver(NOW + STUCK * 2)
    assert (sent.why, [body["facts"]["perhaps"] for body in got.bodies]) == ("", ["yes"])
    [row] = told.log()
    assert (log_row(row)["perhaps_twice"], log_row(row)["state"]) == (True, "sent")
    assert "perhaps sent before" in log_line(log_row(row))


def test_a_fifo_topic_takes_it_once(aws: SimulatedAws) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    fifo = {"FifoTopic": "true"}
    topic = sns.create_topic(Name="alerts.fifo", Attributes=fifo)["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox.fifo")
    send("sns", {"topic": topic})
    send("sns", {"topic": topic})
    taken = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    assert len(taken) == 1


def test_an_answer_of_aws_that_was_lost_counts_as_lost(database: Engine, aws: SimulatedAws) -> None:
    topic = aws.client("sns").create_topic(Name="alerts")["TopicArn"]
    told = notifier(database, "sns", topic=topic)
    aws.handlers["sns:Publish"] = lambda _: Answer(b"<html>", 503)
    told.send(MESSAGE, NOW)
    [row] = told.log()
    assert log_row(row)["perhaps_twice"] is False, "it was answered"

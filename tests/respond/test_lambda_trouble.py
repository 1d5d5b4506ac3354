"""The deployed function when something goes wrong: one effect all the same, or it is given up in the open."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from lambda_cases import AUTO, count, finding, is_blocked, make_bucket, topic_queue
from lambda_service import Service, by_hand, service

import told_events as told
from sakimori.collect.events import heard
from sakimori.respond.runs import RunState
from sakimori.respond.table_rows import keep, run_there
from sakimori.simulate.aws import Answer, Call, SimulatedAws, refused
from sakimori.simulate.recognise import Operation


def test_what_cannot_be_read_is_kept_once_and_left_to_the_dead_letter_queue(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path)
    failed = {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    with found.running() as running:
        for received in range(1, 4):
            assert running.invoke(by_hand("{no json", received))["answer"] == failed
    (letter,) = found.book.dead_letters()
    assert (found.book.dead_letter(letter.id)[1], letter.times) == ("{no json", 1)
    assert "no JSON" in letter.reason or "JSON" in letter.reason


def throttled(aws: SimulatedAws, wanted: str) -> None:
    def refuse(call: Call, operation: Operation | None) -> Answer | None:
        return refused(operation, "SlowDown", status=503) if operation and str(operation) == wanted else None

    aws.watchers.append(refuse)


def test_what_a_person_asks_for_that_is_no_workflow_is_kept_and_a_body_is_kept_once(
    aws: SimulatedAws, tmp_path: Path
) -> None:
    found = service(aws, tmp_path)
    asked = json.dumps(told.custom_action("sakimori-gardduty", told.asff()))
    many = json.dumps([*[0] * 300, {"x": 1}, {"y": 1}, {"z": 1}, {"detail-type": "Q", "detail": {}}])
    with found.running() as running:
        assert running.invoke(by_hand(asked))["answer"] == {"batchItemFailures": []}
        assert running.invoke(by_hand(many))["answer"] == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    poison, mistaken = sorted(found.book.dead_letters(), key=lambda each: each.size != len(many))
    assert (found.book.dead_letter(poison.id)[1], poison.times) == (many, 1)
    assert poison.reason.startswith("not a JSON object but a number; ")
    assert "names no workflow: call it `sakimori` and one of config, " in mistaken.reason


def test_trouble_that_passes_puts_the_message_off_and_has_one_effect_in_the_end(
    aws: SimulatedAws, tmp_path: Path
) -> None:
    found = service(aws, tmp_path, **AUTO)
    make_bucket(aws)
    throttled(aws, "s3:PutPublicAccessBlock")
    found.put_event(finding())
    with found.running() as running:
        (batch,) = found.received()
        assert not found.handle(running, batch)
    assert [run.state for run in found.book.runs()] == [RunState.CARRYING]
    assert [line["what"] for line in found.log() if "what" in line] == ["put off"]
    assert found.received() == [], "it is hidden for a minute"
    aws.watchers.clear()
    with found.running() as other:
        assert found.handle(other, batch), "another environment may go on at once"
    assert is_blocked(aws)
    assert [run.state for run in found.book.runs()] == [RunState.DONE]


def test_what_does_not_pass_is_given_up_at_the_last_delivery_and_people_are_told(
    aws: SimulatedAws, tmp_path: Path
) -> None:
    found = service(aws, tmp_path, **AUTO)
    make_bucket(aws)
    read = topic_queue(aws, found.parts["topic"])
    throttled(aws, "s3:PutPublicAccessBlock")
    with found.running() as running:
        assert running.invoke(by_hand(json.dumps(finding()), received=6))["answer"] == {"batchItemFailures": []}
    (run,) = found.book.runs()
    assert run.state is RunState.FAILED
    assert "given up after several tries" in run.why
    assert [letter.place for letter in found.book.dead_letters()] == [f"run {run.id}"]
    assert len(read()) == 1
    assert found.metrics("Failed") == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_in_the_middle_it_has_one_effect_when_the_message_comes_again(
    aws: SimulatedAws, tmp_path: Path, when: str
) -> None:
    found = service(aws, tmp_path, **AUTO)
    make_bucket(aws)
    process: list[int] = []
    at = {"before": "s3:PutPublicAccessBlock", "after": "s3:GetPublicAccessBlock"}[when]
    puts = count(aws, "s3:PutPublicAccessBlock")

    def kill(call: Call, operation: Operation | None) -> Answer | None:
        if process and str(operation) == at and (when == "before" or puts["s3:PutPublicAccessBlock"]):
            os.kill(process.pop(), signal.SIGKILL)
            return Answer(b"", 500, {})
        return None

    aws.watchers.append(kill)
    with found.running() as running:
        process.append(running.process.pid)
        assert running.invoke(by_hand(json.dumps(finding())))["error"] == "the process is gone"
    (run,) = found.book.runs()
    assert run.state is RunState.CARRYING
    with found.running() as running:
        failed = running.invoke(by_hand(json.dumps(finding()), 2))["answer"]["batchItemFailures"]
        assert failed, "the other environment may still be at it"
        lease_ends(found, run.id)
        assert running.invoke(by_hand(json.dumps(finding()), 3))["answer"]["batchItemFailures"] == []
    assert is_blocked(aws)
    (run,) = found.book.runs()
    assert (run.state, run.actions[0].before) == (RunState.DONE, {"PublicAccessBlockConfiguration": None})
    assert found.book.audited().broken == ""


def lease_ends(found: Service, run: str) -> None:
    """Ten minutes pass."""
    book = found.book
    book.table.alone(b"", lambda page: keep(page, replace(run_there(page, run), lease_until="")))


def test_a_heartbeat_tells_that_the_way_is_open_and_takes_up_what_was_left(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path, **AUTO)
    make_bucket(aws)
    event = heard(json.dumps(finding()), "test").events[0]
    from sakimori.model.action import Mode

    found.book.enter(event, [("guardduty", Mode.AUTO)], "a function that is no more")
    (run,) = found.book.runs()
    lease_ends(found, run.id)
    rule = aws.client("events").describe_rule(Name="sakimori-heartbeat-sakimori")["Arn"]
    due = told.envelope("aws.events", "Scheduled Event", {}, resources=[rule])
    with found.running() as running:
        assert running.invoke(by_hand(json.dumps(due)))["answer"] == {"batchItemFailures": []}
    assert found.metrics("Heartbeat") == 1
    assert is_blocked(aws)
    beat = next(line for line in found.log() if "Heartbeat" in line)
    (alarm,) = aws.client("cloudwatch").describe_alarms(AlarmNames=["sakimori-heartbeat"])["MetricAlarms"]
    (directive,) = beat["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Metrics"][0]["Name"]) == (alarm["Namespace"], alarm["MetricName"])
    assert {name: beat[name] for name in directive["Dimensions"][0]} == {
        each["Name"]: each["Value"] for each in alarm["Dimensions"]
    }


def test_a_direct_invocation_that_is_not_handled_is_tried_again_by_lambda(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path, **AUTO)
    make_bucket(aws)
    throttled(aws, "s3:PutPublicAccessBlock")
    with found.running() as running:
        assert running.invoke(finding())["error"].startswith("NotHandled: not everything was handled")


def test_without_time_nothing_is_begun(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path, **AUTO)
    make_bucket(aws)
    with found.running(seconds=30) as running:
        answer = running.invoke(by_hand(json.dumps(finding())))["answer"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert found.book.runs() == []


def test_a_function_without_its_table_keeps_its_messages(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path, **AUTO)
    aws.client("dynamodb").delete_table(TableName=found.parts["table"])
    with found.running() as running:
        answer = running.invoke(by_hand(json.dumps(finding())))["answer"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert "dynamodb:" in next(line["error"] for line in found.log() if line.get("what") == "not handled")

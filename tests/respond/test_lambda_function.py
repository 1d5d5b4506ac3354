"""The deployed function, started as Lambda starts it: every shape of event, one effect each, within its limits."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deployments import account
from lambda_service import Service, by_hand, service
from typer.testing import CliRunner

import told_events as told
from corpus import corpus
from sakimori.cli import app
from sakimori.collect.events import heard
from sakimori.respond.runs import RunState
from sakimori.respond.table_rows import keep, run_there
from sakimori.simulate.aws import Answer, Call, SimulatedAws, refused
from sakimori.simulate.recognise import Operation

HEAVY = {"pyarrow", "scipy", "dbos", "numpy", "duckdb", "sqlalchemy"}
AUTO = {"modes": {"default": "auto"}}


def finding(bucket: str = "data", number: int = 1, **more: Any) -> dict[str, Any]:
    return told.guardduty(KIND, number, resource=told.bucket_resource(bucket), **more)


KIND = "Policy:S3/BucketPublicAccessGranted"
BLOCKED = {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"}


def make_bucket(aws: SimulatedAws, name: str = "data") -> None:
    aws.client("s3").create_bucket(Bucket=name)


def is_blocked(aws: SimulatedAws, name: str = "data") -> bool:
    s3 = aws.client("s3")
    try:
        found = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    except s3.exceptions.ClientError:
        return False
    return {key for key, on in found.items() if on} == BLOCKED


def count(aws: SimulatedAws, wanted: str) -> Counter[str]:
    """Counts calls of one operation from now on."""
    seen: Counter[str] = Counter()

    def watch(call: Call, operation: Operation | None) -> None:
        seen[str(operation)] += str(operation) == wanted

    aws.watchers.append(watch)
    return seen


def cli(monkeypatch: pytest.MonkeyPatch, home: Path, *words: str) -> Any:
    monkeypatch.setenv("SAKIMORI_DEPLOYMENT", "sakimori")
    monkeypatch.setenv("SAKIMORI_HOME", str(home))
    done = CliRunner().invoke(app, ["respond", *words])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.stdout


# Starting


def test_a_cold_start_is_quick_small_and_writes_nothing(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path)
    make_bucket(aws)
    before = {path: path.stat().st_mtime_ns for path in found.root.rglob("*")}
    with found.running() as running:
        first = running.invoke(by_hand(json.dumps(finding())))
        second = running.invoke(by_hand(json.dumps(finding(number=2))))
        loaded = {name.partition(".")[0] for name in running.started["modules"]}
    assert first["answer"] == {"batchItemFailures": []}
    assert not loaded & HEAVY
    cpu = running.started["started"] + first["seconds"]
    print(
        f"start {running.started['started']:.2f} s, first event {first['seconds']:.2f} s, second "
        f"{second['seconds']:.3f} s of CPU; {second['memory'] / 1e6:.0f} MB"
    )
    assert cpu < 2.0, "seconds of CPU, which a busy machine does not change much"
    assert second["memory"] < 256 << 20
    assert {path: path.stat().st_mtime_ns for path in found.root.rglob("*")} == before
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_lambda_lacks_is_really_lacking(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path)
    (tmp_path / "probe.py").write_text(
        "import importlib.util, pathlib\n"
        "def handler(event, context):\n"
        "    if event == 'import': return importlib.util.find_spec('moto') is None\n"
        "    if event == 'write': pathlib.Path('x').write_text('x')\n"
        "    if event == 'memory': return len(bytearray(300 << 20))\n"
    )
    with replace(found, root=tmp_path, handler="probe.handler").running() as running:
        assert running.invoke("import")["answer"] is True
        assert "Read-only file system" in running.invoke("write")["error"]
        assert "MemoryError" in running.invoke("memory")["error"]


# Every shape


def test_every_shape_of_event_is_handled_or_refused_by_name(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path)
    places = sorted(corpus("events").rglob("*.json"))
    outcomes: Counter[str] = Counter()
    with found.running() as running:
        for place in places:
            document = json.loads(place.read_text(encoding="utf-8"))
            expected = heard(json.dumps(document), "invocation")
            name = str(place.relative_to(place.parents[1]))
            if '"aws:sqs"' not in place.read_text(encoding="utf-8"):  # such a one is a batch of a queue
                answer = running.invoke(document)
                assert "answer" in answer, (name, answer)
                assert answer["answer"]["events"] == len(expected.events), name
                assert answer["answer"]["refused"] == [str(each) for each in expected.refusals], name
            batch = running.invoke(by_hand(json.dumps(document)))
            assert batch["answer"]["batchItemFailures"] == ([] if expected.events else [{"itemIdentifier": "m-1"}]), (
                name
            )
            outcomes["read" if expected.events else "refused"] += 1
        memory = answer["memory"]
    print(f"{dict(outcomes)} of {len(places)} files; {memory / 1e6:.0f} MB")
    assert memory < 256 << 20
    assert outcomes["read"] > 100
    states = Counter(str(run.state) for run in found.book.runs(limit=10_000))
    assert states.keys() <= {"observed", "nothing to do", "failed"}
    assert "waiting for approval" not in states
    assert found.book.audited().broken == ""


# Effects


def test_observing_is_the_default_and_changes_nothing(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path)
    make_bucket(aws)
    before = account(aws)
    found.put_event(finding())
    assert found.handled() == [True]
    (run,) = found.book.runs()
    assert (run.state, run.actions[0].action) == (RunState.OBSERVED, "block-public-access")
    assert [each["rule"] for each in found.book.findings()] == [f"guardduty/{KIND}"]
    assert not is_blocked(aws)
    assert account(aws) == before


def test_one_effect_however_often_and_by_whichever_feed(
    aws: SimulatedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = service(aws, tmp_path, **AUTO)
    make_bucket(aws)
    puts = count(aws, "s3:PutPublicAccessBlock")
    resource = [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::data"}]
    events = [finding(), told.imported(told.asff(Resources=resource)), finding()]
    for event in events:
        found.put_event(event)
    assert found.handled() == [True] * 3
    assert is_blocked(aws)
    assert puts["s3:PutPublicAccessBlock"] == 1
    (run,) = cli(monkeypatch, tmp_path, "runs", "--json")
    assert (run["state"], run["actions"][0]["verified"]) == ("done", True)
    assert found.metrics("Runs") >= 1
    assert "none changed" in cli(monkeypatch, tmp_path, "audit", "verify")
    cli(monkeypatch, tmp_path, "undo", run["run_id"])
    assert not is_blocked(aws)
    assert found.book.run(run["run_id"]).state is RunState.UNDONE


def topic_queue(aws: SimulatedAws, topic: str) -> Any:
    """Somebody who subscribes to the topic; gives what reads what they were told."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="people")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def read() -> list[str]:
        found = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(each["Body"])["Message"] for each in got]
        return found

    return read


def test_a_person_approves_with_the_token_that_was_sent_and_the_function_goes_on(
    aws: SimulatedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = service(aws, tmp_path, modes={"default": "approve"})
    make_bucket(aws)
    read = topic_queue(aws, found.parts["topic"])
    found.put_event(finding())
    assert found.handled() == [True]
    assert not is_blocked(aws)
    (message,) = read()
    token = next(word for word in message.split() if word.count(".") == 1 and len(word) > 100)
    cli(monkeypatch, tmp_path, "approve", token)
    assert not is_blocked(aws), "the function does it, not the person's machine"
    assert found.handled() == [True]
    assert is_blocked(aws)
    assert [run.state for run in found.book.runs()] == [RunState.DONE]
    assert len(read()) == 1
    assert CliRunner().invoke(app, ["respond", "approve", token]).exit_code == 4, "it counts once"


def test_a_person_who_may_not_send_to_the_queue_decides_all_the_same(
    aws: SimulatedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = service(aws, tmp_path, modes={"default": "approve"})
    make_bucket(aws)
    found.put_event(finding())
    assert found.handled() == [True]
    aws.handlers["sqs:SendMessage"] = lambda call: Answer(b'{"__type": "AccessDenied"}', 400)
    (run,) = found.book.runs()
    monkeypatch.setenv("SAKIMORI_DEPLOYMENT", "sakimori")
    done = CliRunner().invoke(app, ["respond", "approve", run.id])
    assert (done.exit_code, "the function goes on with its next heartbeat (sqs:SendMessage" in done.stderr) == (0, True)
    assert found.book.run(run.id).state is RunState.CARRYING


def test_limits_hold_and_what_is_tagged_is_never_touched(aws: SimulatedAws, tmp_path: Path) -> None:
    found = service(aws, tmp_path, **AUTO, limits={"actions": 1})
    for name in ("one", "two", "kept"):
        make_bucket(aws, f"bucket-{name}")
    tags = {"TagSet": [{"Key": "sakimori:protected", "Value": "yes"}]}
    aws.client("s3").put_bucket_tagging(Bucket="bucket-kept", Tagging=tags)
    for number, name in enumerate(("kept", "one", "two")):
        found.put_event(finding(f"bucket-{name}", number))
        assert found.handled() == [True]
    assert [is_blocked(aws, f"bucket-{name}") for name in ("kept", "one", "two")] == [False, True, False]
    assert [str(run.state) for run in found.book.runs()] == ["waiting for approval", "done", "observed"]


# Trouble


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

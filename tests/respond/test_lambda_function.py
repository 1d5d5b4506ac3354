"""The deployed function, started as Lambda starts it: every shape of event, one effect each, within its limits."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from deployments import account
from lambda_cases import AUTO, KIND, cli, count, finding, is_blocked, make_bucket, topic_queue
from lambda_service import by_hand, service
from typer.testing import CliRunner

import told_events as told
from corpus import corpus
from sakimori.cli import app
from sakimori.collect.events import heard
from sakimori.respond.runs import RunState
from sakimori.simulate.aws import Answer, SimulatedAws

HEAVY = {"pyarrow", "scipy", "dbos", "numpy", "duckdb", "sqlalchemy"}


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

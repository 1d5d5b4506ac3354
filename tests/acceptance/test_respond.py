"""`sakimori respond` as a user runs it: a finding on EventBridge, through SQS, to the manager and AWS, and back
again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from program import command, environment, sakimori

import told_events as told
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws

sys.path.append(str(Path(__file__).resolve().parents[1] / "protect"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "respond"))

import accounts
from trend_stub import DEPENDENCY, KEY, LOG4SHELL, Trend, trend_stub

AUTO = '[respond.modes]\ndefault = "auto"\n'
WEBHOOK_KEY = "a-key-that-is-long-enough"


@pytest.fixture
def trend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trend]:
    with trend_stub() as served:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield served


@pytest.fixture
def home(tmp_path: Path, trend: Trend, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sakimori.toml").write_text(AUTO)
    monkeypatch.setattr("program.environment", lambda place: with_manager(place, trend))
    return tmp_path


def with_manager(place: Path, trend: Trend) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAKIMORI_")}
    kept |= {"SAKIMORI_HOME": str(place), "PYTHONPATH": os.pathsep.join(sys.path)}
    return kept | {
        "SAKIMORI_PROTECT_URL": trend.url,
        "SAKIMORI_PROTECT_KEY": KEY,
        "SAKIMORI_WEBHOOK_KEY": WEBHOOK_KEY,
    }


def queue_behind_eventbridge(aws: SimulatedAws) -> str:
    sqs, events = aws.client("sqs"), aws.client("events")
    dead = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead", "maxReceiveCount": 2}
    sqs.create_queue(QueueName="dead")
    url = sqs.create_queue(QueueName="findings", Attributes={"RedrivePolicy": json.dumps(dead)})["QueueUrl"]
    sources = ["aws.guardduty", "aws.securityhub", "aws.inspector2", "aws.macie", "aws.health"]
    events.put_rule(Name="findings", EventPattern=json.dumps({"source": sources}))
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:findings"}
    events.put_targets(Rule="findings", Targets=[target])
    return str(url)


def put(aws: SimulatedAws, document: dict[str, Any]) -> None:
    entry = {
        "Source": document["source"],
        "DetailType": document["detail-type"],
        "Detail": json.dumps(document["detail"]),
    }
    assert aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


@contextmanager
def listening(home: Path, trend: Trend, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    log = home / "listen.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command("respond", "listen", *words), env=with_manager(home, trend), cwd=home, stderr=errors
        )
    try:
        wait_for(lambda: b"listening" in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, log.read_text()
        assert b"Traceback" not in log.read_bytes(), log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_for(what: Any, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(0.7)
    return found


def runs(home: Path) -> list[dict[str, Any]]:
    done = sakimori(home, "respond", "runs", "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def finished(home: Path, count: int) -> list[dict[str, Any]]:
    """The runs, once so many have ended."""

    def ended() -> list[dict[str, Any]]:
        found = runs(home)
        over = [run for run in found if run["state"] not in ("new", "carrying out")]
        return found if len(over) >= count else []

    return list(wait_for(ended, 120))


def test_a_finding_becomes_protection_once_and_can_be_taken_back(aws: SimulatedAws, home: Path, trend: Trend) -> None:
    instance, url = accounts.make_instance(aws), queue_behind_eventbridge(aws)
    trend.instance = instance
    finding = told.guardduty("UnauthorizedAccess:EC2/SSHBruteForce", resource=told.instance_resource(instance))
    same = told.asff(Types=["TTPs/Initial Access/UnauthorizedAccess:EC2-SSHBruteForce"])
    with listening(home, trend, "--queue", url, "--poll", "1"):
        for document in (finding, told.imported(same), finding):
            put(aws, document)
        [run] = finished(home, 1)
        aws.client("sqs").send_message(QueueUrl=url, MessageBody="hello")
        wait_for(lambda: json.loads(sakimori(home, "respond", "dlq", "list", "--json").stdout))
    assert run["state"] == "done", run["why"]
    assert [(each["action"], each["verified"]) for each in run["actions"]] == [
        ("recommendation-scan", True),
        ("apply-recommendations", True),
        ("integrity-scan", True),
    ]
    assert len([call for call in trend.calls if call == ("POST", "/scheduledtasks")]) == 2
    assert LOG4SHELL in trend.own_rules["computers"]
    again = sakimori(home, "respond", "run", "guardduty", "-", "--json", stdin=json.dumps(finding).encode())
    assert json.loads(again.stdout)["run_id"] == run["run_id"]
    undone = sakimori(home, "respond", "undo", f"{run['run_id']}/1", "--json")
    assert [each["undone"] for each in json.loads(undone.stdout)] == [True]
    assert trend.own_rules == {"policies": {DEPENDENCY}, "computers": set()}
    scan = sakimori(home, "respond", "undo", f"{run['run_id']}/0")
    assert scan.returncode == 3
    assert b"there is nothing to undo" in scan.stdout
    verified = sakimori(home, "respond", "audit", "verify")
    assert (verified.returncode, b"none changed" in verified.stdout) == (0, True)
    story = sakimori(home, "respond", "show", run["run_id"])
    assert b"action undone" in story.stdout


def test_a_bucket_a_key_and_a_role_are_contained_and_restored(aws: SimulatedAws, home: Path, trend: Trend) -> None:
    things = {
        "Policy:S3/BucketAnonymousAccessGranted": (accounts.bucket(aws), told.bucket_resource("data")),
        "UnauthorizedAccess:IAMUser/TorIPCaller": (
            key := accounts.access_key(aws),
            told.key_resource(key.target.uid, "kaede"),
        ),
        "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS": (
            accounts.role(aws),
            told.key_resource("ASIAEXAMPLE", "web", "AssumedRole"),
        ),
    }
    before = {kind: thing.describe() for kind, (thing, _) in things.items()}
    url = queue_behind_eventbridge(aws)
    with listening(home, trend, "--queue", url, "--poll", "1"):
        for number, (kind, (_, resource)) in enumerate(things.items()):
            put(aws, told.guardduty(kind, number, resource=resource))
        found = finished(home, len(things))
    assert {run["state"] for run in found} == {"done"}, [run["why"] for run in found]
    assert all(thing.describe() != before[kind] for kind, (thing, _) in things.items())
    for run in found:
        assert sakimori(home, "respond", "undo", run["run_id"]).returncode == 0
    assert {kind: thing.describe() for kind, (thing, _) in things.items()} == before


def test_observing_says_what_would_be_done_to_this_event_and_does_nothing(
    aws: SimulatedAws, home: Path, trend: Trend
) -> None:
    thing = accounts.bucket(aws)
    before = thing.describe()
    document = told.guardduty("Policy:S3/BucketAnonymousAccessGranted", resource=told.bucket_resource("data"))
    done = sakimori(
        home, "respond", "run", "guardduty", "-", "--mode", "observe", "--json", stdin=json.dumps(document).encode()
    )
    answer = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert answer["workflow"] == "guardduty"
    assert answer["decision"] == "block-public-access"
    [action] = answer["actions"]
    assert (action["target"], action["before"]) == ("arn:aws:s3:::data", {"PublicAccessBlockConfiguration": None})
    assert set(action["would"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert (action["verified"], action["undo_id"]) == (None, None)
    assert thing.describe() == before


def test_a_run_waits_for_a_person(aws: SimulatedAws, home: Path, trend: Trend) -> None:
    thing = accounts.bucket(aws)
    before = thing.describe()
    document = json.dumps(
        told.guardduty("Policy:S3/BucketAnonymousAccessGranted", resource=told.bucket_resource("data"))
    )
    done = sakimori(home, "respond", "run", "guardduty", "-", "--mode", "approve", "--json", stdin=document.encode())
    run = json.loads(done.stdout)
    assert (run["state"], thing.describe()) == ("waiting for approval", before)
    approved = sakimori(home, "respond", "approve", run["run_id"], "--json")
    assert json.loads(approved.stdout)["state"] == "done", approved.stderr
    assert thing.describe() != before
    twice = sakimori(home, "respond", "approve", run["run_id"])
    assert twice.returncode == 4
    assert b"nobody is asked" in twice.stderr
    sakimori(home, "respond", "undo", run["run_id"])
    assert thing.describe() == before


def test_somebodys_change_is_not_undone(aws: SimulatedAws, home: Path, trend: Trend) -> None:
    accounts.bucket(aws)
    document = json.dumps(
        told.guardduty("Policy:S3/BucketAnonymousAccessGranted", resource=told.bucket_resource("data"))
    )
    done = sakimori(home, "respond", "run", "guardduty", "-", "--json", stdin=document.encode())
    run = json.loads(done.stdout)["run_id"]
    partly = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": False,
    }
    aws.client("s3").put_public_access_block(Bucket="data", PublicAccessBlockConfiguration=partly)
    undone = sakimori(home, "respond", "undo", run)
    assert undone.returncode == 3
    assert b"somebody has changed it since" in undone.stdout


def test_events_come_over_http_with_the_key(aws: SimulatedAws, home: Path, trend: Trend) -> None:
    accounts.bucket(aws)
    document = told.guardduty("Policy:S3/BucketAnonymousAccessGranted", resource=told.bucket_resource("data"))
    document["time"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    from served import free_port

    port = free_port()
    with listening(home, trend, "--webhook", f"127.0.0.1:{port}"):
        url = f"http://127.0.0.1:{port}/events"
        assert wait_for(lambda: answers(url)) == 401
        assert httpx.post(url, json=document, headers={"X-Api-Key": WEBHOOK_KEY}).status_code == 202
        [run] = finished(home, 1)
    assert run["state"] == "done"


def answers(url: str) -> int:
    try:
        return httpx.post(url, json={}).status_code
    except httpx.HTTPError:
        return 0


def test_what_is_wrong_is_said(home: Path, trend: Trend) -> None:
    unknown = sakimori(home, "respond", "run", "nothing", "-")
    assert (unknown.returncode, b"no workflow has the name 'nothing'" in unknown.stderr) == (4, True)
    missing = sakimori(home, "respond", "run", "guardduty", "missing.json")
    assert (missing.returncode, b"cannot read missing.json" in missing.stderr) == (4, True)
    poison = sakimori(home, "respond", "run", "guardduty", "-", stdin=b"hello")
    assert (poison.returncode, b"not JSON" in poison.stderr) == (3, True)
    assert sakimori(home, "respond", "listen").returncode == 2
    (home / "sakimori.toml").write_text('[respond.modes]\ndefault = "yolo"\n')
    mode = sakimori(home, "respond", "list")
    assert (mode.returncode, b"'yolo'" in mode.stderr) == (4, True)


def test_one_listens_at_a_time(home: Path, trend: Trend, aws: SimulatedAws) -> None:
    url = queue_behind_eventbridge(aws)
    with listening(home, trend, "--queue", url, "--poll", "1"):
        second = sakimori(home, "respond", "listen", "--queue", url)
    assert (second.returncode, b"another process is listening already" in second.stderr) == (4, True)


def test_workflows_and_actions_are_listed_with_what_they_may_do(home: Path, trend: Trend) -> None:
    listed = json.loads(sakimori(home, "respond", "list", "--json").stdout)
    assert {each["workflow"] for each in listed["workflows"]} >= {"guardduty", "macie", "inspector", "waf", "config"}
    assert all(each["permissions"] for each in listed["actions"])
    policy = json.loads(sakimori(home, "respond", "permissions", "--action", "block-public-access").stdout)
    allowed = set(policy["Statement"][0]["Action"])
    assert allowed >= {"s3:PutBucketPublicAccessBlock", "ec2:DescribeInstances"}
    assert "iam:UpdateAccessKey" not in allowed
    assert b"IAM" in sakimori(home, "respond", "show", "quarantine-role").stdout
    assert environment

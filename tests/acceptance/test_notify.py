"""`sakimori notify` as a user runs it, and a run that tells people."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import command, sakimori

import told_events as told
from sakimori.simulate.aws import SimulatedAws

sys.path.append(str(Path(__file__).resolve().parents[1] / "notify"))

from servers import Got, http


@pytest.fixture
def got() -> Iterator[Got]:
    with http() as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, got: Got) -> Path:
    route = f'channel = "webhook"\nurl = "{got.address}"\nprivate = true\nmin_severity = "low"\nperson = "Kaede"\n'
    (tmp_path / "sakimori.toml").write_text(f"[notify.routes.team]\n{route}")
    return tmp_path


def test_a_run_that_waits_tells_people_with_what_approves_it(aws: SimulatedAws, home: Path, got: Got) -> None:
    aws.client("s3").create_bucket(Bucket="data")
    event = json.dumps(told.guardduty("Policy:S3/BucketAnonymousAccessGranted", resource=told.bucket_resource("data")))
    done = sakimori(home, "respond", "run", "guardduty", "-", "--mode", "approve", "--json", stdin=event.encode())
    assert json.loads(done.stdout)["state"] == "waiting for approval", done.stderr
    [body] = got.bodies
    assert (body["kind"], body["target"]) == ("run-waiting", "arn:aws:s3:::data")
    said = next(line["text"] for line in body["lines"] if "respond approve" in line["text"])
    approved = sakimori(home, "respond", "approve", re.search(r"respond approve (\S+)", said)[1], "--json")
    assert json.loads(approved.stdout)["state"] == "done", approved.stderr
    assert [each["kind"] for each in got.bodies] == ["run-waiting", "run-done"]


def test_findings_are_sent_once_and_a_drill_finds_dead_routes(aws: SimulatedAws, home: Path, got: Got) -> None:
    event = json.dumps(told.guardduty("AttackSequence:IAM/CompromisedCredentials", resource={}))
    sakimori(home, "respond", "run", "guardduty", "-", stdin=event.encode())
    got.bodies.clear()
    assert sakimori(home, "notify", "send").returncode == 0
    assert [body["kind"] for body in got.bodies] == ["finding-new"]
    assert sakimori(home, "notify", "send").returncode == 0
    assert len(got.bodies) == 1
    unanswered = sakimori(home, "notify", "drill", "--wait", "0.2", "--json")
    assert unanswered.returncode == 3
    assert json.loads(unanswered.stdout)[0]["alive"] is False
    sakimori(home, "notify", "send")
    assert got.bodies[-1]["title"].endswith("The notification route team does not work")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAKIMORI_")}
    environment = kept | {"SAKIMORI_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    drill = subprocess.Popen(
        command("notify", "drill", "--wait", "60"), env=environment, cwd=home, stdout=subprocess.PIPE
    )
    seen = len(got.bodies)
    for _ in range(200):
        if len(got.bodies) > seen:
            break
        threading.Event().wait(0.2)
    said = next(line["text"] for line in got.bodies[-1]["lines"] if "notify ack" in line["text"])
    assert sakimori(home, "notify", "ack", said.split()[-1]).returncode == 0
    output, _ = drill.communicate(timeout=90)
    assert (drill.returncode, b"alive" in output) == (0, True)
    assert b"Kaede" in sakimori(home, "notify", "list").stdout

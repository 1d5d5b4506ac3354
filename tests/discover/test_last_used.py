"""Which services and actions were used: a job for every user and role, asked of the simulated AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from typer.testing import CliRunner

from discover.world import ACCOUNT
from sakimori.aws.clients import Clients
from sakimori.cli import app
from sakimori.discover import live
from sakimori.discover.engine import inventory, units
from sakimori.discover.last_used import IAM_ACTIONS, asking
from sakimori.discover.live import LiveSource, Wanted, plan
from sakimori.discover.services import services
from sakimori.discover.snapshot import Recording, read
from sakimori.model.asset import Inventory
from sakimori.simulate.aws import Call, SimulatedAws, refused, told
from sakimori.simulate.recognise import Operation

MAKE, TELL = (Operation("iam", action.partition(":")[2]) for action in IAM_ACTIONS)
MADE = datetime(2026, 1, 1, tzinfo=UTC)
USED = [
    {
        "ServiceName": "Amazon S3",
        "ServiceNamespace": "s3",
        "LastAuthenticated": MADE,
        "TotalAuthenticatedEntities": 1,
        "TrackedActionsLastAccessed": [
            {"ActionName": "GetObject", "LastAccessedTime": MADE},
            {"ActionName": "PutObject"},
        ],
    },
    {"ServiceName": "Amazon SQS", "ServiceNamespace": "sqs", "TotalAuthenticatedEntities": 0},
]


class Book:
    """IAM's jobs: each is under way at first, then tells its answer in two pages, unless it is to fail."""

    def __init__(self, aws: SimulatedAws, failing: str = "") -> None:
        self.jobs: dict[str, str] = {}
        self.asked: dict[str, int] = {}
        self.failing = failing
        aws.handlers |= {str(MAKE): self.make, str(TELL): self.tell}

    def make(self, call: Call) -> Any:
        given = {key: value[0] for key, value in parse_qs(call.body.decode()).items()}
        assert given["Granularity"] == "ACTION_LEVEL"
        job = f"{len(self.jobs):036}"
        self.jobs[job] = given["Arn"]
        return told(MAKE, {"JobId": job})

    def tell(self, call: Call) -> Any:
        given = {key: value[0] for key, value in parse_qs(call.body.decode()).items()}
        job = given["JobId"]
        self.asked[job] = self.asked.get(job, 0) + 1
        state: dict[str, Any] = {"JobCreationDate": MADE, "ServicesLastAccessed": [], "JobCompletionDate": MADE}
        if self.asked[job] == 1:
            return told(TELL, {**state, "JobStatus": "IN_PROGRESS"})
        if self.failing and self.jobs[job].endswith(self.failing):
            error = {"Message": "internal error", "Code": "ServiceFailure"}
            return told(TELL, {**state, "JobStatus": "FAILED", "Error": error})
        page = (
            {"ServicesLastAccessed": USED[1:]}
            if given.get("Marker")
            else {
                "ServicesLastAccessed": USED[:1],
                "IsTruncated": True,
                "Marker": "more",
            }
        )
        return told(TELL, {**state, "JobStatus": "COMPLETED", **page})


@pytest.fixture(autouse=True)
def people(aws: SimulatedAws, monkeypatch: pytest.MonkeyPatch) -> SimulatedAws:
    monkeypatch.setattr(live, "FIRST_PAUSE", 0.01)
    iam = aws.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*"}]}
    iam.create_user(UserName="kaede")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    return aws


def found(snapshot: Path | None = None) -> Inventory:
    chosen = {"iam": asking(services()["iam"])}
    with Clients() as clients:
        planned = plan(clients, Wanted())
        source = LiveSource(clients, planned.keys)
        wanted = [*units(planned.places, chosen, planned.home.account)]
        if snapshot is None:
            return inventory(source, wanted)
        with Recording(source, snapshot, planned.home.partition, planned.home.account) as recording:
            return inventory(recording, wanted)


def told_of(inventory: Inventory) -> dict[str, Any]:
    kinds = ("AWS::IAM::User", "AWS::IAM::Role")
    return {str(each.name): each.config.get("ServicesLastAccessed") for each in inventory.of_type(*kinds)}


def test_every_user_and_role_but_those_of_services_is_asked_of(aws: SimulatedAws, tmp_path: Path) -> None:
    book = Book(aws)
    there = found(tmp_path / "snapshot")
    assert there.not_evaluated == []
    assert sorted(book.jobs.values()) == [f"arn:aws:iam::{ACCOUNT}:role/r", f"arn:aws:iam::{ACCOUNT}:user/kaede"]
    told = told_of(there)
    assert told["AWSServiceRoleForAutoScaling"] is None
    for name in ("kaede", "r"):
        assert [service["ServiceNamespace"] for service in told[name]] == ["s3", "sqs"]
        assert told[name][0]["TrackedActionsLastAccessed"][1] == {"ActionName": "PutObject"}
    assert set(book.asked.values()) == {3}, "once too early, and two pages"
    names = {path.name for path in (tmp_path / "snapshot").rglob("GetServiceLastAccessed*")}
    assert len(names) == 2
    assert told_of(read(tmp_path / "snapshot"))["r"] is None, "a snapshot is read as usual"


def test_a_job_that_fails_and_a_call_that_is_refused_are_named(aws: SimulatedAws) -> None:
    Book(aws, failing="kaede")
    there = found()
    assert [(each.action, each.code, each.message) for each in there.not_evaluated] == [
        (IAM_ACTIONS[1], "ServiceFailure", "internal error")
    ]
    assert told_of(there)["kaede"] is None
    assert told_of(there)["r"]
    aws.handlers[str(MAKE)] = lambda call: refused(MAKE, "AccessDenied")
    assert {each.action for each in found().not_evaluated} == {IAM_ACTIONS[0]}


def test_it_is_asked_only_where_it_is_wanted(aws: SimulatedAws, tmp_path: Path) -> None:
    book = Book(aws)
    words = ["discover", "--services", "iam", "--ledger", str(tmp_path / "ledger.db")]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, book.jobs) == (0, {})
    done = CliRunner().invoke(app, [*words, "--last-used"])
    assert (done.exit_code, len(book.jobs)) == (0, 2), done.stderr
    assert "0 changed" in done.stderr
    done = CliRunner().invoke(app, ["discover", "--services", "s3", "--last-used"])
    assert (done.exit_code, "add iam to --services" in done.stderr) == (2, True)
    done = CliRunner().invoke(app, ["assess", "access", "--check", "unused_actions", *words[3:]])
    assert "unused_actions" not in done.stderr, "everything that it needs was asked"

"""`sakimori assess access` as a user sees it: findings kept, updated and resolved in the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from estates import ACCOUNT, allow, attached, inventory, role, user
from sakimori.cli import app
from sakimori.model.asset import Asked, NotEvaluated
from sakimori.store.ledger import open_ledger

ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    monkeypatch.delenv("SAKIMORI_LEDGER", raising=False)
    return tmp_path


def assess(monkeypatch: pytest.MonkeyPatch, assets: list[Any], *words: str) -> Any:
    monkeypatch.setattr("sakimori.cli.assess_access.load_inventory", lambda *_: inventory(*assets))
    return CliRunner().invoke(app, ["assess", "access", *words])


def test_findings_come_stay_and_are_resolved(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = ("--check", "privilege_escalation", "--format", "jsonl")
    wrong = [user("ann", allow("iam:PutUserPolicy", ANN))]
    done = assess(monkeypatch, wrong, *check)
    (finding,) = map(json.loads, done.stdout.splitlines())
    assert done.exit_code == 0, done.stderr
    assert (finding["rule"], finding["asset"], finding["class_uid"]) == ("privilege_escalation", ANN, 2008)
    assert finding["evidence"]["chain"][0]["steps"][0]["request"]["action"] == "iam:PutUserPolicy"
    assert "1 finding" in done.stderr
    assert "1 new" in done.stderr
    assert "incomplete" not in done.stderr
    assert "1 known" in assess(monkeypatch, wrong, *check).stderr
    assert "1 resolved" in assess(monkeypatch, [user("ann")], *check).stderr
    with open_ledger(home / "ledger.sqlite") as ledger:
        assert [each.status.name for each in ledger.findings()] == ["RESOLVED"]


def test_what_is_undecided_is_told_and_resolves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = ("--check", "privilege_escalation")
    assess(monkeypatch, [user("ann", allow("iam:PutUserPolicy", ANN))], *check)
    done = assess(monkeypatch, [user("ann", **attached("arn:aws:iam::aws:policy/X"))], *check)
    assert done.exit_code == 3
    assert f"not decided: privilege_escalation: {ANN}: the document of" in done.stderr
    assert "resolved" not in done.stderr
    assert "incomplete, so the exit code is 3: 1 not decided\n" in done.stderr


def test_exit_codes_and_unknown_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    open_ = [role("r", trusts={"AWS": "*"})]
    assert assess(monkeypatch, open_, "--check", "wildcard_trust", "--fail-on", "high").exit_code == 1
    shared = assess(monkeypatch, open_, "--check", "wildcard_trust", "--check", "public_resource", "--fail-on", "high")
    assert (shared.exit_code, "incomplete" in shared.stderr) == (1, False)
    assert assess(monkeypatch, [], "--check", "wildcard_trust").exit_code == 0
    done = assess(monkeypatch, [], "--check", "nothing")
    assert (done.exit_code, "there are" in done.stderr) == (2, True)


def test_where_all_was_asked_and_nothing_is_wrong_the_exit_code_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    quiet = [user("ann", CreateDate=made, CredentialReport={}), user("bob", allow("s3:ListBucket"), CreateDate=made)]
    quiet[1].config["CredentialReport"] = {}
    done = assess(monkeypatch, quiet)
    assert done.exit_code == 0, done.stderr
    assert "note: which services and actions are used was not asked: `sakimori discover --last-used`" in done.stderr
    assert "no findings" in done.stderr
    assert "note: policies of some rarer kinds of resources are not looked at" in done.stderr
    assert "incomplete" not in done.stderr


def test_what_was_never_asked_is_told_and_the_exit_code_says_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    found = inventory(user("ann"))
    found.asked = frozenset({Asked(ACCOUNT, "global", "iam"), Asked(ACCOUNT, "eu-west-1", "ec2")})
    monkeypatch.setattr("sakimori.cli.assess_access.load_inventory", lambda *_: found)
    done = CliRunner().invoke(app, ["assess", "access", "--check", "public_resource"])
    assert done.exit_code == 3
    assert f"not decided: public_resource: {ACCOUNT}: acmpca, apigateway, backup and " in done.stderr
    assert f"of account {ACCOUNT} were never asked: run `sakimori discover`" in done.stderr
    assert "not decided: the organisation: the organisation's policies were never asked for" in done.stderr


def test_a_call_that_was_refused_is_told_by_the_checks_that_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = NotEvaluated("glue:GetJobs", ACCOUNT, "eu-west-1", "", "AccessDenied", "no")
    found = inventory(user("ann"))
    found.not_evaluated.append(missing)
    monkeypatch.setattr("sakimori.cli.assess_access.load_inventory", lambda *_: found)
    done = CliRunner().invoke(app, ["assess", "access", "--check", "privilege_escalation"])
    told = (
        "glue:GetJobs of eu-west-1 in account 111122223333 was answered with AccessDenied: AWS::Glue::Job are not all"
    )
    assert (done.exit_code, told in done.stderr) == (3, True)
    assert CliRunner().invoke(app, ["assess", "access", "--check", "wildcard_trust"]).exit_code == 0


def test_what_was_not_asked_this_time_resolves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago, now = "2024-01-01T00:00:00Z", datetime.now(UTC).isoformat()
    told = [{"ServiceNamespace": "ec2", "LastAuthenticated": now}, {"ServiceNamespace": "logs"}]
    asked = user("ann", allow(["ec2:*", "logs:*"]), CreateDate=long_ago, ServicesLastAccessed=told)
    check = ("--check", "unused_actions")
    assert "1 new" in assess(monkeypatch, [asked], *check).stderr
    done = assess(monkeypatch, [user("ann", allow(["ec2:*", "logs:*"]), CreateDate=long_ago)], *check)
    assert (done.exit_code, "resolved" in done.stderr) == (0, False)

"""`sakimori access` as a user sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from sakimori.cli import app

REQUEST = {
    "principal": "arn:aws:iam::111122223333:user/ann",
    "action": "s3:GetObject",
    "resource": {"resource": "arn:aws:s3:::files/a", "accountId": "111122223333"},
}


def case(effect: str) -> dict[str, Any]:
    statement = {"Sid": "One", "Effect": effect, "Action": "s3:*", "Resource": "*"}
    return {"request": REQUEST, "identityPolicies": [{"Version": "2012-10-17", "Statement": [statement]}]}


def simulate(found: Any, tmp_path: Path) -> Any:
    file = tmp_path / "case.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    return CliRunner().invoke(app, ["access", "simulate", str(file)])


def test_one_case_gives_one_answer(tmp_path: Path) -> None:
    done = simulate(case("Allow"), tmp_path)
    answer = json.loads(done.stdout)
    assert done.exit_code == 0
    assert answer["response"] == "Allowed"
    assert answer["decided_by"] == [{"policy": "identity policy 1", "sid": "One", "effect": "Allow"}]
    assert "identity policy 1 allows s3:GetObject" in answer["why"]


def test_a_list_gives_a_list_and_bad_cases_are_named(tmp_path: Path) -> None:
    done = simulate([case("Deny"), case("Perhaps"), {"request": REQUEST}], tmp_path)
    assert [answer["response"] for answer in json.loads(done.stdout)] == [
        "ExplicitlyDenied",
        "Unknown",
        "ImplicitlyDenied",
    ]
    assert "case 2: identity policy 1, statement 1 (One): Effect is 'Perhaps'" in done.stderr
    assert done.exit_code == 3


def test_standard_input_and_files_that_are_none(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["access", "simulate", "-"], input=json.dumps(case("Allow")))
    assert json.loads(done.stdout)["response"] == "Allowed"
    done = CliRunner().invoke(app, ["access", "simulate", "-"], input="{")
    assert (done.exit_code, "is not JSON" in done.stderr) == (4, True)
    done = CliRunner().invoke(app, ["access", "simulate", str(tmp_path / "none.json")])
    assert (done.exit_code, "No such file" in done.stderr) == (4, True)

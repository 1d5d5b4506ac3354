"""`sakimori access` as a user sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
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


def test_what_is_nearly_a_part_of_a_case_is_told(tmp_path: Path) -> None:
    meant = case("Allow")
    done = simulate({"request": {**REQUEST, "contxt": {}}, "identityPolicys": meant["identityPolicies"]}, tmp_path)
    assert json.loads(done.stdout)["response"] == "ImplicitlyDenied"
    assert done.stderr.splitlines() == [
        "not heeded: identityPolicys is no part of a case: is identityPolicies meant?",
        "not heeded: contxt is no part of a case: is context meant?",
    ]
    assert simulate([{**meant, "name": "n", "expected": {}, "comment": ""}], tmp_path).stderr == ""


@pytest.mark.parametrize("context", [[], "a", 0, {"aws:SourceIp": "10.0.0.1", "AWS:sourceip": "10.0.0.2"}])
def test_a_context_that_is_none_is_refused(context: Any, tmp_path: Path) -> None:
    done = simulate({**case("Allow"), "request": {**REQUEST, "context": context}}, tmp_path)
    assert (done.exit_code, "request.context" in done.stderr) == (3, True)


def test_standard_input_and_files_that_are_none(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["access", "simulate", "-"], input=json.dumps(case("Allow")))
    assert json.loads(done.stdout)["response"] == "Allowed"
    done = CliRunner().invoke(app, ["access", "simulate", "-"], input="{")
    assert (done.exit_code, "is not JSON" in done.stderr) == (4, True)
    done = CliRunner().invoke(app, ["access", "simulate", str(tmp_path / "none.json")])
    assert (done.exit_code, "No such file" in done.stderr) == (4, True)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            {"request": REQUEST, "identitypolicies": []},
            "identitypolicies is no part of a case: it is written identityPol",
        ),
        ({"request": REQUEST, "serviceControlPolicies": [{"policies": 5}]}, "policies of level 1 must be a list"),
        ({"request": REQUEST | {"principal": "arn:aws:iam::zzz:user/x"}}, "an account has twelve digits"),
        ({"request": REQUEST | {"action": "s3:"}}, "request.action is 's3:'"),
        ({"request": REQUEST | {"context": {"aws:a": {"b": 1}}}}, "aws:a is no value"),
        ({"request": REQUEST | {"resource": {"resource": "*", "accountId": "12"}}}, "accountId is '12'"),
        ({"request": REQUEST, "identityPolicies": ["[" * 100_000]}, "nested too deeply"),
    ],
)
def test_what_is_wrong_with_a_case_is_said_and_never_left_out(broken: Any, said: str, tmp_path: Path) -> None:
    done = simulate(broken, tmp_path)
    assert (done.exit_code, json.loads(done.stdout)["response"]) == (3, "Unknown")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"request": {}, "request": {}}', "'request' stands twice"),
        ("nothing", "is not JSON"),
    ],
)
def test_a_file_that_is_no_case_fails(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["access", "simulate", str(file)])
    assert (done.exit_code, said in done.stderr) == (4, True)


def test_a_byte_order_mark_is_none_of_the_case(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text("\ufeff" + json.dumps(case("Allow")), encoding="utf-8")
    assert CliRunner().invoke(app, ["access", "simulate", str(file)]).exit_code == 0


def test_an_unknown_answer_is_an_incomplete_one(tmp_path: Path) -> None:
    wild = REQUEST | {"resource": {"resource": "arn:aws:s3:::" + "*a" * 200}}
    other = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::" + "*b" * 200}
    done = simulate({"request": wild, "identityPolicies": [{"Version": "2012-10-17", "Statement": other}]}, tmp_path)
    assert (done.exit_code, json.loads(done.stdout)["response"]) == (3, "Unknown")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["who", "s3:GetObjct", "*"], "no action that AWS has is 's3:GetObjct'; did you mean s3:GetObject"),
        (["who", "s33:GetObject", "*"], "did you mean s3:GetObject"),
        (["who", "nonsense", "*"], "no action that AWS has is 'nonsense'"),
        (["who", "", "*"], "no action that AWS has is ''"),
        (["who", "s3:Nothing*", "*"], "no action that AWS has is like 's3:Nothing*'"),
        (["who", "s3:GetObject", "payroll"], "'payroll' is no ARN"),
        (["who", "s3:GetObject", "arn:aws:s3"], "is no ARN"),
        (["who", "s3:GetObject", "s3://"], "is no ARN"),
        (["can", "user/ann", "s3:GetObject", ""], "is no ARN"),
    ],
)
def test_what_aws_has_not_is_refused(words: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["access", *words], env={"COLUMNS": "300"})
    assert done.exit_code == 2
    assert said in done.stderr

"""`sakimori doctor` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sakimori.cli import checkup
from sakimori.cli.checkup import Check, State
from sakimori.cli.doctor import doctor

app = typer.Typer()
app.command()(doctor)
run = CliRunner()


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    there = [Check("home", State.FINE, "here"), Check("AWS", State.ABSENT, "no \x1b[31mcredentials", "aws configure")]
    monkeypatch.setattr(checkup, "checks", lambda *_: iter(there))


def test_all_is_well() -> None:
    result = run.invoke(app, [])
    assert result.exit_code == 0
    assert "ok  home" in result.stdout
    assert "-> aws configure" in result.stdout
    assert "\x1b" not in result.stdout
    assert result.stderr == "all that is needed is there\n"


def test_what_is_missing_is_exit_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "checks", lambda *_: iter([Check("rules", State.MISSING, "none", "install again")]))
    result = run.invoke(app, [])
    assert result.exit_code == 3
    assert result.stderr == "missing: rules\n"


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_the_answer_as_json(form: str) -> None:
    text = run.invoke(app, ["--format", form]).stdout
    found = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
    assert [check["name"] for check in found] == ["home", "AWS"]
    assert found[1]["todo"] == "aws configure"


def test_iam_prints_policies_for_the_bucket_and_looks_at_nothing() -> None:
    result = run.invoke(app, ["--iam", "--bucket", "my-trail"])
    assert result.exit_code == 0
    documents = json.loads(result.stdout)
    assert "arn:aws:s3:::my-trail/*" in json.dumps(documents[0])
    assert f"{len(documents)} policies" in result.stderr
    assert "6,144" in result.stderr


@pytest.mark.parametrize("form", ["table", "json"])
def test_policies_one_by_one_are_those_of_the_list(form: str) -> None:
    documents = json.loads(run.invoke(app, ["--iam", "--format", form]).stdout)
    for number, document in enumerate(documents, 1):
        assert json.loads(run.invoke(app, ["--iam", "--part", str(number)]).stdout) == document
    lines = run.invoke(app, ["--iam", "--format", "jsonl"]).stdout.splitlines()
    assert [json.loads(line) for line in lines] == documents
    past = run.invoke(app, ["--iam", "--part", str(len(documents) + 1)])
    assert past.exit_code == 2
    assert f"there are {len(documents)} policies" in past.stderr

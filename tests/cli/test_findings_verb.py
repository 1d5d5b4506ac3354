"""`sakimori findings`: what the ledger holds, and where each finding stands; `explain` tells the history of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from sakimori.cli import app
from sakimori.model.finding import COMPLIANCE, Finding
from sakimori.model.severity import Severity
from sakimori.store.ledger import open_ledger


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def finding(uid: str, severity: Severity, rule: str = "network/exposure", last_seen: str = "2026-11-20") -> Finding:
    return Finding(
        **{"uid": uid, "rule": rule, "title": f"Title {uid[:3]}\x1b[2J", "severity": severity, "account": "1" * 12},
        **{"tactics": (), "techniques": (), "region": "eu-west-1", "actor": "", "source_ip": "", "asset": "arn:a"},
        **{"count": 1, "first_seen": "2026-11-19T00:00:00Z", "last_seen": f"{last_seen}T00:00:00Z", "records": ()},
        **{"class_uid": COMPLIANCE, "description": "What it means.", "remediation": "Close it.", "evidence": {}},
    )


A, B, C = "a1" * 16, "b2" * 16, "b3" * 16


@pytest.fixture(autouse=True)
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    monkeypatch.delenv("SAKIMORI_LEDGER", raising=False)
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        found = [
            finding(A, Severity.LOW),
            finding(B, Severity.CRITICAL),
            finding(C, Severity.HIGH, "x/y", "2026-11-22"),
        ]
        ledger.put_assessment(["network/exposure", "x/y"], found)


def listed(*words: str) -> list[str]:
    done = run("findings", *words, "--format", "jsonl")
    assert done.exit_code == 0, done.output
    return [json.loads(line)["uid"] for line in done.stdout.splitlines()]


def test_the_worst_come_first_and_options_choose() -> None:
    assert listed() == [B, C, A]
    assert listed("--min-severity", "high") == [B, C]
    assert listed("--rule", "x/y") == [C]
    assert listed("--since", "2026-11-21") == [C]
    assert listed("--account", "2" * 12) == []
    assert listed("--limit", "1") == [B]
    assert listed("a1") == [A]


def test_a_line_a_finding_and_nothing_for_the_terminal() -> None:
    done = run("findings")
    first = done.stdout.splitlines()[0]
    assert first.startswith("Critical      New         2026-11-20T00:00:00Z b2b2b2b2b2b2  Title b2b")
    assert "\x1b" not in done.output
    assert "3 findings of 2 rules: 1 critical, 1 high, 1 low" in done.stderr


def test_a_person_says_where_it_stands_and_explain_tells_who_and_why() -> None:
    done = run("findings", "a1a1", "--set", "suppressed", "--note", "our scanner")
    assert (done.exit_code, done.stderr.strip()) == (0, f"{A} is Suppressed")
    assert listed("--status", "suppressed") == [A]
    assert listed("--status", "new") == [B, C]
    history = json.loads(run("explain", A, "--json").stdout)["finding"]["history"]
    assert [(each["status"], each["note"]) for each in history] == [
        ("New", "first seen"),
        ("Suppressed", "our scanner"),
    ]
    assert history[1]["by"]
    told = run("explain", A).stdout
    assert "status      Suppressed\n" in told
    assert f"Suppressed, by {history[1]['by']}: our scanner" in told


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("--set", "resolved"), 2, "name the finding"),
        ((A, "--note", "x"), 2, "goes with --set"),
        (("b", "--set", "resolved"), 2, "more than one finding's uid begins with 'b'"),
        (("cafe", "--set", "resolved"), 4, "no finding's uid begins with 'cafe'"),
        (("--status", "gone"), 2, "in-progress"),
    ],
)
def test_mistakes_say_what_to_type(words: tuple[str, ...], code: int, why: str) -> None:
    done = run("findings", *words)
    assert done.exit_code == code
    assert why in done.output.replace("\n", " ")


def test_without_a_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path / "empty"))
    done = run("findings")
    assert done.exit_code == 4
    assert "there is no ledger at" in done.stderr
    assert not (tmp_path / "empty").exists()

"""`sakimori rules`: list, show, test, lint, cost and backtest, as a user types them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from sakimori.cli import app
from sakimori.simulate.samples import write_day

RULE = """\
title: Trail stopped
name: stopped
description: Somebody stopped the trail.
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventName: StopLogging
  condition: selection
level: high
tags: [attack.defense-evasion, attack.t1562.008]
"""
TESTS = """\
sakimori:
  tests:
    - name: it is stopped
      match: true
      event: {eventName: StopLogging, eventSource: cloudtrail.amazonaws.com}
    - name: it is started
      match: false
      event: {eventName: StartLogging, eventSource: cloudtrail.amazonaws.com}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SAKIMORI_LEDGER", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("day")
    write_day(folder, date(2026, 11, 20), events=2000)
    return folder


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["rules", *words])


def lines(done: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def own(place: Path, text: str = RULE, name: str = "stopped.yml") -> tuple[str, ...]:
    (place / name).write_text(text)
    return "--no-pack", "--rules", str(place / name)


def test_list(tmp_path: Path) -> None:
    pack = lines(run("list", "--json"))
    assert len(pack) >= 120
    assert [each["rule"] for each in pack] == sorted(each["rule"] for each in pack)
    high = lines(run("list", "--json", "--min-severity", "high"))
    assert {each["severity"] for each in high} <= {"High", "Critical", "Fatal"}
    assert 0 < len(high) < len(pack)
    done = run("list", *own(tmp_path))
    assert done.stdout.splitlines()[1].split() == ["stopped", "High", "T1562.008", "Trail", "stopped"]
    assert done.stderr == "1 rules\n"


def test_list_names_what_cannot_be_used(tmp_path: Path) -> None:
    done = run("list", *own(tmp_path, RULE.replace("eventName:", "eventName|frob:")))
    assert done.exit_code == 3
    assert f"rule not used: {tmp_path}/stopped.yml:" in done.stderr
    other = run("list", *own(tmp_path, RULE.replace("service: cloudtrail", "service: guardduty")))
    assert other.exit_code == 0
    assert "not for CloudTrail" in other.stderr


def test_show(tmp_path: Path) -> None:
    done = run("show", "stopped", *own(tmp_path, RULE + "# \u202e\n"))
    assert done.exit_code == 0
    assert done.stdout.startswith("title: Trail stopped\nname: stopped\n")
    assert "\u202e" not in done.output
    assert "# \\u202e" in done.stdout
    assert "looked for in records that hold" in done.stderr
    assert "stoplogging" in done.stderr.lower()


def test_a_rule_that_nobody_knows() -> None:
    done = run("show", "cloudtrail_loging_stopped")
    assert done.exit_code == 2
    assert "did you mean" in done.stderr
    assert "cloudtrail_logging_stopped" in done.stderr
    for verb in ("test", "lint", "backtest"):
        assert run(verb, "no_such_rule").exit_code == 2


def test_the_packs_tests_hold_and_it_has_no_warnings() -> None:
    done = run("test")
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    done = run("lint")
    assert (done.exit_code, done.stdout) == (0, ""), done.output


def test_tests_that_hold_that_fail_and_that_are_missing(tmp_path: Path) -> None:
    done = run("test", *own(tmp_path, RULE + TESTS))
    assert (done.exit_code, done.stderr) == (0, "2 of 2 tests of 1 rules hold\n"), done.output
    wrong = TESTS.replace("match: true", "match: X").replace("match: false", "match: true").replace("X", "false")
    done = run("test", *own(tmp_path, RULE + wrong))
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "stopped: it is stopped: should not match and does",
        "stopped: it is started: should match and does not",
    ]
    told = lines(run("test", "stopped", "--json", *own(tmp_path, RULE + wrong)))
    assert [(each["test"], each["expected"], each["passed"]) for each in told] == [
        ("it is stopped", False, False),
        ("it is started", True, False),
    ]
    done = run("test", *own(tmp_path))
    assert done.exit_code == 3
    assert "stopped: has no embedded tests" in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("eventName: StopLogging", "eventName: responseElements.x", "which is the name of a field: use |fieldref"),
        ("eventName: StopLogging", "event_name: StopLogging", "no CloudTrail record has a field 'event_name'"),
        ("eventName: StopLogging", "eventName: '*'", "hardly indexable"),
        ("condition: selection", "condition: not selection", "unindexable"),
        ("tags: [attack.defense-evasion, attack.t1562.008]", "", "no ATT&CK technique"),
        ("tags: [attack.defense-evasion, attack.t1562.008]", "tags: [attack.t1562.008]", "no ATT&CK tactic"),
    ],
)
def test_lint(tmp_path: Path, before: str, after: str, reason: str) -> None:
    given = own(tmp_path, RULE.replace(before, after))
    done = run("lint", *given)
    assert done.exit_code == 1, done.output
    assert f"{tmp_path}/stopped.yml:1: stopped: " in done.stdout
    assert reason in done.stdout
    assert any(reason in each["reason"] for each in lines(run("lint", "--json", *given)))


def test_cost(day: Path, tmp_path: Path) -> None:
    done = run("cost", str(day), "--json", "--top", "1000")
    assert done.exit_code == 0, done.output
    rows = lines(done)
    assert sum(each["share_of_time"] for each in rows) == pytest.approx(1)
    assert [each["share_of_time"] for each in rows] == sorted((r["share_of_time"] for r in rows), reverse=True)
    records = int(done.stderr.split()[0].replace(",", ""))
    for each in rows:
        assert 0 <= each["matched"] <= each["looked_at"] <= records
        assert each["selectivity"] == pytest.approx(each["matched"] / records)
    assert len(run("cost", str(day), "--top", "3").stdout.splitlines()) == 4
    (row,) = lines(run("cost", str(day), "--json", *own(tmp_path)))
    assert (row["rule"], row["share_of_time"], row["matched"]) == ("stopped", 1, row["looked_at"])


def test_cost_of_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "junk.json").write_text("7")
    done = run("cost", str(tmp_path / "junk.json"), str(tmp_path / "absent"))
    assert done.exit_code == 3
    assert "junk.json: offset 0" in done.stderr
    assert "absent: offset 0: no such file" in done.stderr


def collected(day: Path) -> None:
    assert CliRunner().invoke(app, ["collect", "cloudtrail", str(day), "--workers", "1"]).exit_code == 0


def test_backtest_says_what_detect_says(day: Path) -> None:
    collected(day)
    done = run("backtest", "--format", "jsonl")
    assert done.exit_code == 0, done.output
    told = CliRunner().invoke(app, ["detect", str(day), "--format", "jsonl"])
    assert done.stdout == told.stdout
    assert len(lines(done)) > 10
    only = run("backtest", "cloudtrail_logging_stopped", "--format", "jsonl")
    wanted = [each for each in lines(done) if each["rule"] == "cloudtrail_logging_stopped"]
    assert lines(only) == wanted != []
    assert "finding in" in only.stderr


def test_backtest_reaches_back_so_many_days(tmp_path: Path) -> None:
    for number, time in enumerate(("2026-11-10T12:00:00Z", "2026-11-19T12:00:00Z", "2026-11-20T12:00:00Z")):
        record = {"eventVersion": "1.10", "eventName": "StopLogging", "eventTime": time, "eventID": f"e{number}"}
        (tmp_path / f"{number}.json").write_text(json.dumps({"Records": [record]}))
    CliRunner().invoke(app, ["collect", "cloudtrail", *(f"{number}.json" for number in range(3))])
    for days, count in ((1, 1), (2, 2), (30, 3)):
        assert len(lines(run("backtest", "--days", str(days), "--format", "jsonl", *own(tmp_path)))) == count


def test_backtest_without_a_lake_and_with_a_damaged_one(day: Path, home: Path) -> None:
    done = run("backtest")
    assert done.exit_code == 0
    assert "bring logs in with `sakimori collect cloudtrail PATH`" in done.stderr
    collected(day)
    next((home / "lake").rglob("*.parquet")).unlink()
    done = run("backtest")
    assert done.exit_code == 4
    assert done.stderr.splitlines()[-1].startswith("failed: cannot read ")

"""`sakimori explain`: the finding, its records and why each predicate holds, wherever they were found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from sakimori.cli import app

HOSTILE = "\x1b]0;owned\x07\u202e"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SAKIMORI_LEDGER", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def run(*words: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=given)


def stop_logging(number: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.10",
        "userIdentity": {"type": "IAMUser", "userName": "eve", "arn": "arn:aws:iam::111122223333:user/eve"},
        "eventTime": f"2026-11-21T08:00:{number:02}Z",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.9",
        "requestParameters": {"name": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"},
        "eventID": f"e{number}",
        "recipientAccountId": "111122223333",
    } | more


def log(place: Path, *records: dict[str, Any]) -> Path:
    place.write_text(json.dumps({"Records": records}))
    return place


def found(*words: str, given: bytes | None = None) -> list[dict[str, Any]]:
    done = run("detect", *words, "--format", "jsonl", given=given)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def stopped(findings: list[dict[str, Any]]) -> dict[str, Any]:
    return next(each for each in findings if each["rule"] == "cloudtrail_logging_stopped")


def test_a_finding_of_detect_is_explained_from_the_log_files(tmp_path: Path) -> None:
    finding = stopped(found(str(log(tmp_path / "a.json", stop_logging(1), stop_logging(2)))))
    done = run("explain", finding["uid"])
    assert done.exit_code == 0, done.output
    for told in (finding["title"], "eve", "e1", "e2", "eventName is 'StopLogging'", '["StopLogging"]', "holds"):
        assert told in done.stdout
    assert run("explain", finding["uid"][:10]).stdout == done.stdout


def test_json_has_every_predicate_and_on_demand_the_record(tmp_path: Path) -> None:
    finding = stopped(found(str(log(tmp_path / "a.json", stop_logging(1)))))
    told = json.loads(run("explain", finding["uid"], "--json").stdout)
    assert told["finding"] == finding
    (record,) = told["records"]
    assert (record["record"], record["holds"], "raw" in record) == ("e1", True, False)
    assert {"depth": 0, "asked": "eventName is 'StopLogging'", "holds": True, "found": ["StopLogging"]} in record[
        "predicates"
    ]
    (record,) = json.loads(run("explain", finding["uid"], "--json", "--raw").stdout)["records"]
    assert record["raw"] == stop_logging(1)
    assert '"eventID": "e1"' in run("explain", finding["uid"], "--raw").stdout


def test_so_many_records_and_no_more(tmp_path: Path) -> None:
    finding = stopped(found(str(log(tmp_path / "a.json", *map(stop_logging, range(9))))))
    assert finding["count"] == 9
    for given, shown in (((), 5), (("--records", "2"), 2), (("--records", "100"), 9)):
        assert len(json.loads(run("explain", finding["uid"], "--json", *given).stdout)["records"]) == shown


def test_a_uid_that_nobody_has_and_none_at_all() -> None:
    done = run("explain", "feedfacefeedface")
    assert done.exit_code == 4
    assert "no finding's uid begins with 'feedfacefeedface'" in done.stderr
    assert run("explain", "").exit_code == 2


@pytest.mark.parametrize("where", ["detect", "collect"])
def test_a_beginning_that_several_uids_have(tmp_path: Path, where: str) -> None:
    many = [stop_logging(n, awsRegion=f"eu-west-{n}") for n in range(40)]
    place = str(log(tmp_path / "a.json", *many))
    uids = [each["uid"] for each in found(place)]
    if where == "collect":
        assert run("collect", "cloudtrail", place, "--detect", "--workers", "1").exit_code == 0
        for remembered in (tmp_path / "home" / "runs").iterdir():
            remembered.unlink()
    shared = next(uid[0] for uid in uids if sum(other[0] == uid[0] for other in uids) > 1)
    done = run("explain", shared)
    assert done.exit_code == 2
    assert f"more than one finding's uid begins with '{shared}'" in " ".join(done.stderr.split())


def test_from_the_lake_with_its_status(tmp_path: Path) -> None:
    place = log(tmp_path / "a.json", stop_logging(1))
    run("collect", "cloudtrail", str(place), "--detect", "--workers", "1")
    finding = stopped(found(str(place)))
    place.unlink()
    told = json.loads(run("explain", finding["uid"], "--json").stdout)
    [made] = told["finding"].pop("history")
    assert told["finding"] == finding | {"status": "New"}
    assert (made["status"], made["by"], made["note"]) == ("New", "sakimori", "first seen")
    assert told["records"][0]["holds"]


def test_records_that_are_gone(tmp_path: Path) -> None:
    place = log(tmp_path / "a.json", stop_logging(1), stop_logging(2))
    finding = stopped(found(str(place)))
    log(place, stop_logging(2))
    done = run("explain", finding["uid"])
    assert done.exit_code == 3
    assert "record e2" in done.stdout
    assert "1 of the finding's 2 records are no longer where they were read" in done.stderr
    place.unlink()
    done = run("explain", finding["uid"], "--json")
    assert (done.exit_code, json.loads(done.stdout)["records"]) == (3, [])


def test_what_came_through_standard_input_cannot_be_read_again() -> None:
    finding = stopped(found("-", given=json.dumps({"Records": [stop_logging(1)]}).encode()))
    done = run("explain", finding["uid"])
    assert done.exit_code == 3
    assert finding["title"] in done.stdout
    assert "standard input cannot be read again" in done.stderr


def test_nothing_in_a_log_commands_the_terminal(tmp_path: Path) -> None:
    record = stop_logging(1, eventID=HOSTILE, sourceIPAddress=HOSTILE, awsRegion=HOSTILE)
    record["userIdentity"]["arn"] = record["userAgent"] = record["requestParameters"]["name"] = HOSTILE
    finding = stopped(found(str(log(tmp_path / "a.json", record))))
    for more in ((), ("--raw",), ("--json", "--raw")):
        done = run("explain", finding["uid"], *more)
        assert done.exit_code == 0, done.output
        assert not set(done.output) & set(HOSTILE[0] + "\x07\u202e")
    assert r"\x1b]0;owned\x07\u202e" in run("explain", finding["uid"]).stdout


def test_a_correlation_is_told_in_words_and_its_records_by_their_rules(tmp_path: Path) -> None:
    rules = tmp_path / "own.yml"
    rules.write_text(CORRELATION)
    place = log(tmp_path / "a.json", *map(stop_logging, range(3)))
    (finding,) = found(str(place), "--no-pack", "--rules", str(rules))
    done = run("explain", finding["uid"])
    assert done.exit_code == 0, done.output
    words = "records of own within 600 s for each userIdentity.arn: >= 3"
    assert f"Correlation: {words}" in done.stdout
    assert done.stdout.count(": own holds") == 3
    assert json.loads(run("explain", finding["uid"], "--json").stdout)["rule"]["correlations"] == {"many": words}


def test_rules_that_are_not_where_they_were(tmp_path: Path) -> None:
    rules = tmp_path / "own.yml"
    rules.write_text(CORRELATION)
    (finding,) = found(str(log(tmp_path / "a.json", *map(stop_logging, range(3)))), "--no-pack", "--rules", str(rules))
    moved = rules.rename(tmp_path / "moved.yml")
    done = run("explain", finding["uid"])
    assert done.exit_code == 3
    assert "the rule many is not loaded: say where it is with --rules" in done.stderr
    assert run("explain", finding["uid"], "--rules", str(moved)).exit_code == 0


def test_a_damaged_memory_is_no_reason_to_fail(tmp_path: Path, home: Path) -> None:
    finding = stopped(found(str(log(tmp_path / "a.json", stop_logging(1)))))
    (home / "runs" / "99999999T000000.000000.jsonl").write_text('{"paths": [], "rules": [], "pack": true}\n{"ui')
    (home / "runs" / "99999999T000000.000001.jsonl").write_bytes(b"\xff\0")
    assert run("explain", finding["uid"]).exit_code == 0


CORRELATION = """\
title: One
name: one
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventName: StopLogging
  condition: selection
level: low
---
title: Many
name: many
correlation:
  type: event_count
  rules: [one]
  group-by: [userIdentity.arn]
  timespan: 10m
  condition:
    gte: 3
level: high
"""

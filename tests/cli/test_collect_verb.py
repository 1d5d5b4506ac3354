"""`sakimori collect`: what a user sees."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sakimori.cli import app

run = CliRunner().invoke


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SAKIMORI_LEDGER", raising=False)
    return tmp_path / "home"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    for number in range(3):
        record = {"eventVersion": "1.10", "eventTime": "2026-11-21T00:00:00Z", "eventName": "ListUsers"}
        write(folder / f"{number}.json.gz", record | {"eventID": f"e{number}"})
    return folder


def write(path: Path, *records: dict[str, Any]) -> None:
    path.write_bytes(gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode()))


def test_collect_says_what_it_did(logs: Path, home: Path) -> None:
    done = run(app, ["collect", "cloudtrail", str(logs)])
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "3 records of 3 objects collected\n"
    assert len(list((home / "lake").rglob("*.parquet"))) == 3
    again = run(app, ["collect", "cloudtrail", str(logs)])
    assert again.stderr == "0 records of 0 objects collected; 3 objects there already\n"


def test_what_is_refused_is_named_a_line_each_and_the_exit_code_is_3(logs: Path) -> None:
    (logs / "junk.json").write_text('{"nothing": "of use"}')
    (logs / "half.json.gz").write_bytes(gzip.compress(b'{"Records":[]}')[:-9])
    done = run(app, ["collect", "cloudtrail", str(logs), "/nowhere/at/all"])
    assert done.exit_code == 3
    lines = done.stderr.splitlines()
    for path in ("junk.json", "half.json.gz", "/nowhere/at/all"):
        assert sum(path in line and ": offset " in line for line in lines) >= 1, path
    assert lines[-1].startswith("3 records of")


def test_what_was_refused_is_told_again_by_a_second_run(logs: Path) -> None:
    (logs / "mixed.json").write_text('{"Records":[7,{"eventVersion":"1.10","eventID":"m1","eventName":"ListUsers"}]}')
    first = run(app, ["collect", "cloudtrail", str(logs)])
    again = run(app, ["collect", "cloudtrail", str(logs)])
    assert (first.exit_code, again.exit_code) == (3, 3)
    assert first.stderr.splitlines()[0] == again.stderr.splitlines()[0]
    last = "0 records of 0 objects collected; 4 objects there already; 1 refused, named above"
    assert again.stderr.splitlines()[1:] == [last]
    (logs / "mixed.json").write_text('{"Records":[{"eventVersion":"1.10","eventID":"m1","eventName":"ListUsers"}]}')
    assert run(app, ["collect", "cloudtrail", str(logs)]).exit_code == 0


def test_stats(logs: Path, tmp_path: Path) -> None:
    run(app, ["collect", "cloudtrail", str(logs), "--stats", str(tmp_path / "stats.json")])
    numbers = json.loads((tmp_path / "stats.json").read_text())
    assert (numbers["objects"], numbers["records"], numbers["refused"]) == (3, 3, 0)
    assert numbers["bytes_in"] == sum(path.stat().st_size for path in logs.iterdir())
    assert numbers["peak_memory_bytes"] > 0
    assert set(numbers["seconds"]) >= {"read", "decode", "split", "lake", "commit"}


def test_stats_that_cannot_be_written(logs: Path, tmp_path: Path) -> None:
    done = run(app, ["collect", "cloudtrail", str(logs), "--stats", str(tmp_path / "no" / "stats.json")])
    assert done.exit_code == 4
    assert "the logs are collected all the same" in done.stderr


def test_a_lake_and_a_ledger_elsewhere(logs: Path, tmp_path: Path, home: Path) -> None:
    elsewhere = ["--lake", str(tmp_path / "l"), "--ledger", str(tmp_path / "x.db")]
    assert run(app, ["collect", "cloudtrail", str(logs), *elsewhere]).exit_code == 0
    assert (tmp_path / "x.db").exists()
    assert not home.exists()


def test_a_lake_that_cannot_be(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(app, ["collect", "cloudtrail", str(logs), "--lake", str(tmp_path / "file")])
    assert done.exit_code == 4
    assert done.stderr.startswith("failed: cannot open the lake at")


def test_hostile_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J.json").write_text("7")
    done = run(app, ["collect", "cloudtrail", str(tmp_path)])
    assert "\x1b" not in done.stderr
    assert "\\x1b[2J" in done.stderr


def test_a_source_that_is_not_known(logs: Path) -> None:
    assert run(app, ["collect", "flowlogs", str(logs)]).exit_code == 2

"""`sakimori hunt`: questions and answers as a user sees them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from sakimori.cli import answers, app
from sakimori.model.record import COLUMNS

QUERY = "SELECT time_dt, api.operation, api.response AS answer, http_request.user_agent FROM cloudtrail ORDER BY time"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path_factory.getbasetemp() / "hunt-home"))
    monkeypatch.delenv("SAKIMORI_LEDGER", raising=False)
    log = tmp_path_factory.getbasetemp() / "hunt.jsonl"
    records = [
        {"eventTime": "2026-11-21T00:00:00Z", "eventName": "ListUsers", "userAgent": "=cmd()\x1b[2J", "eventID": "1"},
        {"eventTime": "2026-11-22T00:00:00Z", "eventName": "GetUser", "errorCode": "NoSuchEntity", "eventID": "2"},
    ]
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert hunt_free("collect", "cloudtrail", str(log)).exit_code == 0


def hunt_free(*arguments: str, stdin: str = ""):
    return CliRunner().invoke(app, list(arguments), input=stdin)


def hunt(*arguments: str, stdin: str = "") -> str:
    done = hunt_free("hunt", *arguments, stdin=stdin)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_jsonl_and_json() -> None:
    rows = [json.loads(line) for line in hunt(QUERY, "--format", "jsonl").splitlines()]
    assert rows == json.loads(hunt(QUERY, "--format", "json"))
    assert rows[0]["time_dt"] == "2026-11-21T00:00:00Z"
    assert rows[1]["answer"] == {"error": "NoSuchEntity", "message": None}
    assert json.loads(hunt("SELECT 1 AS x WHERE false", "--format", "json")) == []


def test_csv_that_no_spreadsheet_executes() -> None:
    header, first, _ = csv.reader(io.StringIO(hunt(QUERY, "--format", "csv")))
    assert header == ["time_dt", "operation", "answer", "user_agent"]
    assert first[3] == "'=cmd()\\x1b[2J"


def test_a_table_that_no_record_can_draw_on() -> None:
    table = hunt(QUERY)
    assert "\x1b" not in table
    assert "=cmd()\\x1b[2J" in table


def test_a_long_table_says_that_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "TABLE_ROWS", 3)
    done = hunt_free("hunt", "SELECT i FROM range(9) t(i)")
    assert done.stdout.split() == ["i", "0", "1", "2"]
    assert "only the first 3 rows" in done.stderr
    assert "only" not in hunt_free("hunt", "SELECT i FROM range(3) t(i)").stderr


def test_parquet_to_a_file(tmp_path: Path) -> None:
    hunt("SELECT * FROM cloudtrail", "--format", "parquet", "--out", str(tmp_path / "a.parquet"))
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    query = "SELECT CAST(api.operation AS INT) FROM cloudtrail"
    done = hunt_free("hunt", query, "--format", "csv", "--out", str(tmp_path / "a.csv"))
    assert done.exit_code == 4
    assert list(tmp_path.iterdir()) == []
    done = hunt_free("hunt", QUERY, "--out", str(tmp_path / "no" / "a.csv"))
    assert (done.exit_code, "name another file with --out" in done.stderr) == (4, True)


def test_sql_from_standard_input_and_values_of_every_type() -> None:
    query = (
        "SELECT DATE '2026-11-21' AS d, INTERVAL 1 HOUR AS i, 1.5::DECIMAL(4,2) AS n, 'x'::BLOB AS b, TIME '01:02' AS t"
    )
    (row,) = (json.loads(line) for line in hunt("-", "--format", "jsonl", stdin=query).splitlines())
    assert (row["d"], row["n"], row["b"], row["t"]) == ("2026-11-21", 1.5, "78", "01:02:00")


def test_since_and_until() -> None:
    query = "SELECT api.operation FROM cloudtrail"
    assert hunt(query, "--since", "2026-11-22", "--format", "csv") == "operation\nGetUser\n"
    assert hunt(query, "--until", "2026-11-21T01:00:00+01:00", "--format", "csv") == "operation\n"
    assert hunt_free("hunt", query, "--since", "yesterday").exit_code == 2
    assert hunt_free("hunt", query, "--since", "2026-11-22", "--until", "2026-11-22").exit_code == 2


def test_a_wrong_question_is_answered_with_help() -> None:
    done = hunt_free("hunt", "SELECT eventName FROM cloudtrail")
    assert done.exit_code == 4
    assert "api.operation (The API operation, as in CreateUser.)" in done.stderr
    done = hunt_free("hunt", "DROP VIEW cloudtrail")
    assert (done.exit_code, "single SELECT" in done.stderr) == (4, True)
    assert hunt_free("hunt").exit_code == 2


def test_help_names_every_column() -> None:
    text = hunt("--help-columns")
    for column in COLUMNS:
        assert f"  {column.name} " in text
    assert "findings:" in text

"""SQL over the lake: the ledger's files and nothing else, reading and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sakimori.collect.cloudtrail import activity_batches
from sakimori.model.finding import Finding
from sakimori.model.record import COLUMNS
from sakimori.model.refusal import Refusal
from sakimori.model.severity import Severity
from sakimori.store.engines.duckdb import (
    FINDING_COLUMNS,
    RAW_COLUMNS,
    REFUSAL_COLUMNS,
    Answer,
    Hunt,
    QueryError,
    connect,
    near_columns,
)
from sakimori.store.lake import Lake, open_lake, pending, write_object
from sakimori.store.ledger import Arrival, Ledger, ObjectEntry, open_ledger

NOON = 1795262400000


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "la'ke")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "ledger.db") as opened:
        yield opened


def put(lake: Lake, ledger: Ledger, uid: str, *records: dict[str, Any], listed: bool = True) -> None:
    texts = [json.dumps({"eventID": f"{uid}-{n}", **record}).encode() for n, record in enumerate(records)]
    with pending(lake) as folder:
        files = tuple(write_object(lake, folder, uid, activity_batches(texts)))
    times = [time for file in files for time in (file.first, file.last) if time is not None]
    entry = ObjectEntry(uid, uid, "cloudtrail", 1, "", "", len(texts), 0, "", "", min(times), max(times), files)
    if listed:
        ledger.commit_objects([Arrival(entry)])


@pytest.fixture
def hunt(lake: Lake, ledger: Ledger) -> Iterator[Hunt]:
    call = {"eventTime": "2026-11-21T12:00:00Z", "eventName": "CreateUser", "requestParameters": {"userName": "eve"}}
    put(lake, ledger, "a", call, {"eventTime": "2026-11-22T12:00:00Z", "eventName": "ListUsers"})
    put(lake, ledger, "b", {"eventTime": "2026-11-21T13:00:00Z", "eventName": "GetUser"})
    put(lake, ledger, "c", {"eventTime": "2026-11-21T13:00:00Z", "eventName": "Unlisted"}, listed=False)
    with connect(lake, ledger) as opened:
        yield opened


def rows(answer: Answer) -> list[dict[str, Any]]:
    return [row for batch in answer.batches for row in batch.to_pylist()]


def test_a_query_reads_what_the_ledger_lists(hunt: Hunt) -> None:
    answer = hunt.query("SELECT api.operation, time_dt FROM cloudtrail ORDER BY time")
    assert answer.schema.names == ["operation", "time_dt"]
    assert rows(answer) == [
        {"operation": "CreateUser", "time_dt": datetime(2026, 11, 21, 12)},
        {"operation": "GetUser", "time_dt": datetime(2026, 11, 21, 13)},
        {"operation": "ListUsers", "time_dt": datetime(2026, 11, 22, 12)},
    ]


def test_what_the_raw_record_holds(hunt: Hunt) -> None:
    query = "SELECT request_parameters->>'$.userName' AS name FROM cloudtrail WHERE api.operation = 'CreateUser'"
    assert rows(hunt.query(query)) == [{"name": "eve"}]


def test_time_bounds(lake: Lake, ledger: Ledger, hunt: Hunt) -> None:
    with connect(lake, ledger, NOON, NOON + 3_600_000) as bounded:
        assert rows(bounded.query("SELECT api.operation FROM cloudtrail")) == [{"operation": "CreateUser"}]
    with connect(lake, ledger, 0, 1) as nothing:
        assert rows(nothing.query("SELECT count(*) AS n, max(api.operation) AS m FROM cloudtrail")) == [
            {"n": 0, "m": None}
        ]


@pytest.mark.parametrize(
    "form", ["DESCRIBE cloudtrail", "SHOW TABLES", "FROM cloudtrail", "WITH a AS (SELECT 1) FROM a"]
)
def test_what_only_reads_is_allowed(hunt: Hunt, form: str) -> None:
    assert rows(hunt.query(form))


def test_every_column_is_there_and_helped_with(lake: Lake, ledger: Ledger) -> None:
    with connect(lake, ledger) as empty:
        described = {row["column_name"] for row in rows(empty.query("DESCRIBE cloudtrail"))}
        helped = {column.name.split(".")[0].removesuffix("[]") for column in (*COLUMNS, *RAW_COLUMNS)}
        assert described == helped
        described = {row["column_name"] for row in rows(empty.query("DESCRIBE findings"))}
        assert described == set(FINDING_COLUMNS)
        for column in (*COLUMNS, *RAW_COLUMNS):
            assert rows(empty.query(f"SELECT {column.name.replace('[]', '[1]')} FROM cloudtrail")) == []


@pytest.mark.parametrize(
    "statement",
    [
        "COPY cloudtrail TO '{folder}/stolen.csv'",
        "CREATE TABLE x AS SELECT 1",
        "DROP VIEW cloudtrail",
        "ATTACH '{folder}/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '100GB'",
        "PRAGMA version",
        "EXPLAIN ANALYZE COPY cloudtrail TO '{folder}/stolen.csv'",
        "SELECT 1; SELECT 2",
        "",
        "SELECT 1; COPY cloudtrail TO '{folder}/stolen.csv'",
        "CALL pragma_version()",
        "EXPORT DATABASE '{folder}'",
    ],
)
def test_what_is_not_one_select_is_refused(hunt: Hunt, tmp_path: Path, statement: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(QueryError, match="single SELECT"):
        hunt.query(statement.format(folder=tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "source",
    [
        "read_text('{secret}')",
        "read_csv('{secret}')",
        "'{secret}'",
        "read_blob('{secret}')",
        "glob('{folder}/*')",
        "read_text('{lake}/cloudtrail/../../secret.csv')",
        "read_parquet('https://example.invalid/x.parquet')",
        "sqlite_scan('{folder}/ledger.db', 'objects')",
        "secret",
    ],
)
def test_nothing_else_of_the_machine_can_be_read(hunt: Hunt, lake: Lake, tmp_path: Path, source: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("password\nhunter2\n")
    secret = [{"password": "hunter2"}]  # noqa: F841 - a Python variable that SQL must not see
    with pytest.raises(QueryError):
        rows(hunt.query("SELECT * FROM " + source.format(secret=file, folder=tmp_path, lake=lake.root)))


def test_the_memory_that_a_query_takes_is_bounded(lake: Lake, ledger: Ledger) -> None:
    with connect(lake, ledger, memory_limit="16MB") as small, pytest.raises(QueryError, match=r"(?i)memory|limit"):
        rows(small.query("SELECT list(repeat('x', 10000) || i) FROM range(1000000) t(i)"))


def test_an_error_while_rows_are_read(hunt: Hunt) -> None:
    with pytest.raises(QueryError, match="Could not convert string"):
        rows(hunt.query("SELECT CAST(api.operation AS INT) FROM cloudtrail"))


def test_a_misspelt_column_is_answered_with_the_right_one(hunt: Hunt) -> None:
    for wrong, right in (
        ("api.operatio", "api.operation"),
        ("user_agnt", "http_request.user_agent"),
        ("eventName", "api.operation"),
        ("sourceIPAddress", "src_endpoint"),
        ("requestParameters", "request_parameters"),
    ):
        with pytest.raises(QueryError, match="--help-columns") as caught:
            hunt.query(f"SELECT {wrong} FROM cloudtrail")
        assert right in str(caught.value)


def test_columns_like_a_name() -> None:
    assert near_columns("useragent")[0].name == "http_request.user_agent"
    assert near_columns("zzzzzzzz") == []


def test_refusals_are_a_table(lake: Lake, ledger: Ledger) -> None:
    entry = ObjectEntry("u", "/logs/a.gz", "cloudtrail", 1, "", "", 0, 2, "", "", None, None, ())
    ledger.commit_objects([Arrival(entry, [Refusal("/logs/a.gz", 7, "no JSON"), Refusal("/logs/a.gz", 9, "half")])])
    with connect(lake, ledger) as opened:
        found = rows(opened.query("SELECT * FROM refusals"))
        assert set(found[0]) == set(REFUSAL_COLUMNS)
        assert [(row["path"], row["offset"], row["reason"]) for row in found] == [
            ("/logs/a.gz", 7, "no JSON"),
            ("/logs/a.gz", 9, "half"),
        ]
        named = {row["name"] for row in rows(opened.query("SHOW TABLES"))}
        assert named >= {"cloudtrail", "findings", "refusals"}


def test_findings_are_a_table(lake: Lake, ledger: Ledger) -> None:
    times = ("2026-11-21T01:00:00Z", "2026-11-21T02:00:00Z")
    who = ("1" * 12, "eu-west-1", "arn:x", "1.2.3.4", "arn:y")
    ledger.upsert_findings([Finding("f1", "r1", "T", Severity.HIGH, ("A",), ("T1",), *who, 2, *times, ("e1", "e2"))])
    with connect(lake, ledger) as opened:
        (row,) = rows(opened.query("SELECT * FROM findings"))
    assert (row["uid"], row["severity"], row["count"], row["records"]) == ("f1", "High", 2, ["e1", "e2"])
    assert (row["status"], row["last_seen"]) == ("New", times[1])


def test_a_lake_file_that_is_gone_is_named(lake: Lake, ledger: Ledger, hunt: Hunt) -> None:
    for file in lake.root.rglob("a.parquet"):
        file.unlink()
    with pytest.raises(QueryError, match=r"a\.parquet is not there, but the ledger"), connect(lake, ledger):
        pass
    with pytest.raises(QueryError, match=r"a\.parquet is not there, but the ledger"):
        rows(hunt.query("SELECT api.operation FROM cloudtrail"))

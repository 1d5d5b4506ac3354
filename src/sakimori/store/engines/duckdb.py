"""SQL over the lake with DuckDB, in this process, for reading only.

The statement comes from outside. It may be one SELECT; it sees the views made here and, of the file system, the lake's
own files; it cannot write, attach, load extensions or change settings; its memory and temporary files are bounded.
"""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from sakimori.model.record import COLUMNS, Column
from sakimori.store.lake import Lake, LakeFile, arrow_schema, prune

if TYPE_CHECKING:
    import pyarrow as pa

    from sakimori.store.ledger import Ledger, StoredFinding

MEMORY_LIMIT = "512MB"
TEMPORARY_LIMIT = "8GB"
BATCH_ROWS = 10_000

RAW_COLUMNS = (
    Column(
        "request_parameters", "string", "The call's parameters as JSON, taken out of raw_data.", "requestParameters"
    ),
    Column("response_elements", "string", "The call's answer as JSON, taken out of raw_data.", "responseElements"),
    Column(
        "additional_event_data",
        "string",
        "What the service adds, as JSON, taken out of raw_data.",
        "additionalEventData",
    ),
)
"""Columns that the view adds; they cost nothing unless they are asked for."""

FINDING_COLUMNS: dict[str, str] = {
    "uid": "The finding's identity; `sakimori explain UID` shows its evidence.",
    "rule": "The rule that raised it.",
    "title": "What was seen, in words.",
    "severity": "Informational, Low, Medium, High, Critical or Fatal.",
    "severity_id": "The same as OCSF's number, 1 to 6.",
    "status": "New, In Progress, Suppressed or Resolved.",
    "tactics": "The ATT&CK tactics.",
    "techniques": "The ATT&CK techniques.",
    "account": "The account it happened in.",
    "region": "The region it happened in.",
    "actor": "Who did it.",
    "source_ip": "From where.",
    "asset": "What it was done to.",
    "count": "How many records are behind it.",
    "first_seen": "The time of the first of them (UTC).",
    "last_seen": "The time of the last of them (UTC).",
    "records": "Their ids: metadata.uid in the view cloudtrail.",
    "created_at": "When the finding was first stored (UTC).",
    "updated_at": "When it was last updated (UTC).",
}

REFUSAL_COLUMNS: dict[str, str] = {
    "path": "The object (s3://bucket/key or an absolute path) that was collected.",
    "offset": "Where in its text, in bytes, stands what was refused.",
    "reason": "Why it is not in the lake.",
}


class QueryError(Exception):
    """The statement was refused or is wrong; the message says why and what to write instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query: an Arrow schema and its rows in batches, which are computed as they are read."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


class Hunt:
    """An open, locked database with the view `cloudtrail`, and `findings` and `refusals` once they are asked for."""

    def __init__(self, database: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self._made: set[str] = set()

    def query(self, sql: str) -> Answer:
        """Runs one SELECT (or FROM, DESCRIBE, SUMMARIZE, SHOW TABLES). Raises QueryError."""
        self._refuse_unless_select(sql)
        for name, make in _TABLES.items():
            if name not in self._made and re.search(rf"\b(?:{name}|tables)\b", sql, re.IGNORECASE):
                self._database.register(name, make(self._ledger))
                self._made.add(name)
        try:
            reader = self._database.sql(sql).to_arrow_reader(BATCH_ROWS)
        except duckdb.Error as error:
            raise QueryError(_explained(error)) from error
        return Answer(reader.schema, _batches(reader))

    def _refuse_unless_select(self, sql: str) -> None:
        try:
            statements = self._database.extract_statements(sql)
        except duckdb.Error as error:
            raise QueryError(_explained(error)) from error
        if len(statements) != 1:
            raise QueryError(f"one statement at a time: this is {len(statements)}; write a single SELECT")
        kind = statements[0].type.name
        if kind != "SELECT":
            raise QueryError(f"the lake is only read here, and this is {kind}: write a single SELECT")


@contextmanager
def connect(
    lake: Lake, ledger: Ledger, since: int | None = None, until: int | None = None, *, memory_limit: str = MEMORY_LIMIT
) -> Iterator[Hunt]:
    """The lake's records with `since <= time < until` (milliseconds UTC) as the view `cloudtrail`, and `findings`.

    Which files there are is what the ledger says, at this moment. Raises QueryError if one is not there.
    """
    files = prune(ledger.lake_files(since, until), since, until)
    with tempfile.TemporaryDirectory(prefix="sakimori-hunt-") as temporary:
        options: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "temp_directory": temporary,
            "max_temp_directory_size": TEMPORARY_LIMIT,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",  # or SQL could read this program's variables
            "python_scan_all_frames": "false",
        }
        database = duckdb.connect(":memory:", config=options)
        try:
            try:
                _make_view(database, lake, files, since, until)
                _lock(database, lake, temporary)
            except duckdb.Error as error:
                raise QueryError(_explained(error)) from error
            yield Hunt(database, ledger)
        finally:
            database.close()


def _make_view(
    database: duckdb.DuckDBPyConnection, lake: Lake, files: list[LakeFile], since: int | None, until: int | None
) -> None:
    if files:
        # The file's folder says region and account too, but "mixed" for some: only the columns are exact.
        listed = ", ".join(_quoted(str(lake.root / file.path)) for file in files)
        source = f"read_parquet([{listed}], hive_partitioning = false, hive_types_autocast = false)"
    else:
        database.register("nothing", arrow_schema().empty_table())
        source = "nothing"
    taken_out = ", ".join(
        f"CASE WHEN json_valid(raw_data) THEN raw_data->'$.{column.source}' END AS {column.name}"
        for column in RAW_COLUMNS
    )
    bounds = [f"time >= {int(since)}"] if since is not None else []
    bounds += [f"time < {int(until)}"] if until is not None else []
    where = f"WHERE {' AND '.join(bounds)}" if bounds else ""
    # A plain TIMESTAMP in UTC: no session's time zone can shift it.
    database.execute(
        f"CREATE VIEW cloudtrail AS SELECT * REPLACE (epoch_ms(time) AS time_dt), {taken_out} "  # noqa: S608
        f"FROM {source} {where}"
    )


def _lock(database: duckdb.DuckDBPyConnection, lake: Lake, temporary: str) -> None:
    inside = f"[{_quoted(str(lake.root / 'cloudtrail') + '/')}, {_quoted(temporary + '/')}]"
    database.execute(f"SET allowed_directories = {inside}")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except (duckdb.Error, OSError, ValueError) as error:  # Arrow hands on what DuckDB raised in its own errors
        raise QueryError(_explained(error)) from error


def _findings_table(ledger: Ledger) -> pa.Table:
    import pyarrow as pa

    lists = dict.fromkeys(("tactics", "techniques", "records"), pa.list_(pa.string()))
    types = {**lists, "severity_id": pa.int32(), "count": pa.int64()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in FINDING_COLUMNS])
    rows = [_finding_row(stored) for stored in ledger.findings()]
    return pa.Table.from_pylist([{name: row[name] for name in FINDING_COLUMNS} for row in rows], schema)


def _finding_row(stored: StoredFinding) -> dict[str, Any]:
    found = stored.finding
    times = {"status": str(stored.status), "created_at": stored.created_at, "updated_at": stored.updated_at}
    detected = {  # what an assessment's own JSON leaves out
        "tactics": list(found.tactics),
        "techniques": list(found.techniques),
        "actor": found.actor,
        "source_ip": found.source_ip,
        "count": found.count,
        "records": list(found.records),
    }
    return detected | found.to_json() | times


def _refusals_table(ledger: Ledger) -> pa.Table:
    import pyarrow as pa

    schema = pa.schema([("path", pa.string()), ("offset", pa.int64()), ("reason", pa.string())])
    rows = [{"path": each.path, "offset": each.offset, "reason": each.reason} for each in ledger.refusals()]
    return pa.Table.from_pylist(rows, schema)


_TABLES: dict[str, Callable[[Ledger], pa.Table]] = {"findings": _findings_table, "refusals": _refusals_table}
"""What is read from the ledger, when a statement names it."""


def _explained(error: Exception) -> str:
    """DuckDB's message, with the columns that look like the one it does not know."""
    message = str(error).strip()
    if gone := re.search(r'No files found that match the pattern "([^"]+)"', message):
        return (
            f"{gone[1]} is not there, but the ledger lists it: restore it from a backup, or name the right --lake "
            "(lake and ledger belong together)"
        )
    missing = re.search(r'(?:column|table|struct) "([^"]+)"|key "([^"]+)"', message)
    near = near_columns(next(filter(None, missing.groups()))) if missing else []
    if near and "not f" in message:
        message += "\nColumns like it: " + "; ".join(f"{column.name} ({column.help})" for column in near)
        message += "\n`sakimori hunt --help-columns` lists all."
    return message


def near_columns(name: str, count: int = 4) -> list[Column]:
    """The columns whose name, last part or CloudTrail field is spelt most like `name`, the nearest first."""
    wanted = _plain(name)
    scores = []
    for column in (*COLUMNS, *RAW_COLUMNS):
        source = column.source or column.derived_from
        spellings = (column.name, column.name.split(".")[-1], source, source.split(".")[-1])
        best = max(difflib.SequenceMatcher(None, wanted, _plain(one)).ratio() for one in spellings if one)
        if best > 0.6:
            scores.append((-best, column.name, column))
    return [column for _, _, column in sorted(scores, key=lambda score: score[:2])[:count]]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())

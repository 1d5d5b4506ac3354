"""`sakimori hunt`: SQL over the lake and the findings."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sakimori.cli.home import lake_folder, ledger_place
from sakimori.cli.moments import milliseconds, span

FAILED = 4


class AnswerFormat(StrEnum):
    """How the answer is written. TABLE is for eyes and holds at most 1,000 rows; the others hold all of them."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def hunt(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT; - reads it from standard input.")] = "",
    since: Annotated[str, typer.Option(help="Only records from this time on (2026-11-20 or 2026-11-20T08:00Z).")] = "",
    until: Annotated[str, typer.Option(help="Only records before this time.")] = "",
    form: Annotated[AnswerFormat, typer.Option("--format", help="How to write the answer.")] = AnswerFormat.TABLE,
    out: Annotated[Path | None, typer.Option(help="Write the answer here instead of to standard output.")] = None,
    help_columns: Annotated[bool, typer.Option("--help-columns", help="List the tables and their columns.")] = False,
    lake: Annotated[Path | None, typer.Option(help="The lake's folder. Default: lake in SAKIMORI_HOME.")] = None,
    ledger: Annotated[
        str, typer.Option(help="The ledger's file or database URL. Default: in SAKIMORI_HOME.", metavar="FILE_OR_URL")
    ] = "",
) -> None:
    """Ask the lake in SQL (DuckDB's), for reading only.

    Tables: cloudtrail (one row a logged call), findings, and refusals (what could not be read of logs). Nested columns
    are written with dots: api.operation.
    --since and --until spare the files outside them. Example:

    sakimori hunt "SELECT actor.user.uid, count(*) FROM cloudtrail WHERE api.response.error = 'AccessDenied' GROUP BY 1"
    """
    if help_columns:
        typer.echo("\n".join(column_help()))
        return
    statement = sys.stdin.read() if sql == "-" else sql
    if not statement.strip():
        raise typer.BadParameter("give a SELECT, or --help-columns to see what there is", param_hint="SQL")
    if form is AnswerFormat.PARQUET and out is None and sys.stdout.isatty():
        raise typer.BadParameter("Parquet is no text: name a file with --out", param_hint="--format")
    begin, end = map(milliseconds, span(since, until))
    try:
        _ask(statement, begin, end, form, out, lake or lake_folder(), ledger or ledger_place())
    except _failures() as error:
        from sakimori.cli.output import printable

        typer.echo("\n".join(map(printable, f"failed: {error}".split("\n"))), err=True)
        raise typer.Exit(FAILED) from None


def _ask(
    sql: str, since: int | None, until: int | None, form: AnswerFormat, out: Path | None, lake: Path, ledger: str | Path
) -> None:
    from sakimori.cli.answers import write_answer
    from sakimori.store.engines.duckdb import connect
    from sakimori.store.lake import open_lake
    from sakimori.store.ledger import open_ledger

    with open_ledger(ledger) as known, connect(open_lake(lake), known, since, until) as database:
        write_answer(database.query(sql), form.value, out)


def column_help() -> list[str]:
    """The tables and columns, a line each."""
    from sakimori.model.record import COLUMNS
    from sakimori.store.engines.duckdb import FINDING_COLUMNS, RAW_COLUMNS, REFUSAL_COLUMNS

    records = [(column.name, column.type, column.help) for column in (*COLUMNS, *RAW_COLUMNS)]
    lines = ["cloudtrail: one row a logged call (OCSF 1.7 API Activity); lists are written resources[1].uid", ""]
    lines += [f"  {name:<34} {kind:<10} {text}" for name, kind, text in records]
    lines += ["", "findings: one row a finding", ""]
    lines += [f"  {name:<34} {'':<10} {text}" for name, text in FINDING_COLUMNS.items()]
    lines += ["", "refusals: one row for everything that could not be read of a collected object", ""]
    return [*lines, *(f"  {name:<34} {'':<10} {text}" for name, text in REFUSAL_COLUMNS.items())]


def _failures() -> tuple[type[Exception], ...]:
    from sakimori.cli.answers import AnswerError
    from sakimori.store.engines.duckdb import QueryError
    from sakimori.store.lake import LakeError
    from sakimori.store.ledger import LedgerError

    return AnswerError, QueryError, LakeError, LedgerError

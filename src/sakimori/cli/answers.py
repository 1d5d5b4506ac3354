"""Answers to queries on the way out: a table for eyes; JSON, CSV and Parquet for programs. Rows are streamed."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from sakimori.cli.output import guarded, printable, to_line

if TYPE_CHECKING:
    from sakimori.store.engines.duckdb import Answer

TABLE_ROWS = 1_000


class AnswerError(Exception):
    """The answer cannot be written where it was asked for."""


def write_answer(answer: Answer, form: str, out: Path | None) -> None:
    """Writes the answer as `form` (table, json, jsonl, csv, parquet) to `out` or standard output.

    A file appears under its name only when it is whole.
    """
    with _stream(out) as stream:
        if form == "parquet":
            _write_parquet(answer, stream.buffer)
        else:
            _WRITERS[form](answer, stream)


@contextmanager
def _stream(out: Path | None) -> Iterator[Any]:
    if out is None:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a TextIOWrapper in a program
        yield sys.stdout
        sys.stdout.flush()
        return
    aside = out.with_name(f".{out.name}.part")
    try:
        with aside.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        aside.rename(out)
    except OSError as error:
        raise AnswerError(f"cannot write {out}: {error.strerror or error}: name another file with --out") from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def _rows(answer: Answer) -> Iterator[dict[str, Any]]:
    for batch in answer.batches:
        names = batch.schema.names
        columns = [column.to_pylist() for column in batch.columns]
        yield from (dict(zip(names, map(_plain, row), strict=True)) for row in zip(*columns, strict=True))


def _plain(value: Any) -> Any:
    """The value as JSON has it; times in ISO 8601, UTC, as the lake keeps them."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value) if isinstance(value, timedelta) else value


def _write_json(answer: Answer, stream: TextIO) -> None:
    opening = "["
    for row in _rows(answer):
        stream.write(f"{opening}{to_line(row)}\n")
        opening = ","
    stream.write("]\n" if opening == "," else "[]\n")


def _write_jsonl(answer: Answer, stream: TextIO) -> None:
    stream.writelines(to_line(row) + "\n" for row in _rows(answer))


def _write_csv(answer: Answer, stream: TextIO) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([guarded(name) for name in answer.schema.names])
    writer.writerows([_cell(value, guarded) for value in row.values()] for row in _rows(answer))


def _write_table(answer: Answer, stream: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = _rows(answer)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in answer.schema.names:
        table.add_column(Text(printable(name)), overflow="fold")
    for row in islice(rows, TABLE_ROWS):
        table.add_row(*(Text(_cell(value, printable)) for value in row.values()))
    Console(file=stream, width=None if stream.isatty() else 10_000).print(table)
    if next(rows, None) is not None:
        note = f"only the first {TABLE_ROWS:,} rows are shown: --format jsonl, csv or parquet writes all"
        Console(stderr=True).print(note)


def _cell(value: Any, safe: Callable[[str], str]) -> str:
    if value is None:
        return ""
    return safe(value if isinstance(value, str) else to_line(value))


def _write_parquet(answer: Answer, stream: BinaryIO) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(stream, answer.schema, compression="zstd") as writer:
        for batch in answer.batches:
            writer.write_batch(batch)


_WRITERS: dict[str, Callable[[Any, TextIO], None]] = {
    "table": _write_table,
    "json": _write_json,
    "jsonl": _write_jsonl,
    "csv": _write_csv,
}

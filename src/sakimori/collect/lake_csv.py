"""CSV that CloudTrail Lake writes for query results (RFC 4180, a header row), to records."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sakimori.collect.json_window import MAX_RECORD, Window

MAX_COLUMNS = 1024

_FIELD = re.compile(r'"((?:[^"]|"")*+)"(?=[,\r\n]|\Z)|([^",\r\n]*+)(?=[,\r\n]|\Z)')
_NEWLINE = re.compile(r"\r\n|\n|\r")
_HEADER = re.compile(
    r'"?(?:\w+"?,"?)*(?:event(?:name|json|id|time|source)|useridentity)"?(?:,"?\w+"?)*(?:\r?\n|\Z)', re.I
)


def has_header(window: Window) -> bool:
    """Whether the text begins with a header row that names CloudTrail's columns."""
    return _HEADER.match(window.text, window.position) is not None


def read_rows(window: Window) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Each row's offset, and its text by column; or why it is none.

    A row with a quote out of place ends at its line, and reading goes on with the next line.
    """
    header = _row(window)
    if isinstance(header, str):
        yield window.offset, f"the header row is not valid CSV: {header}"
        return
    while True:
        window.fill()
        offset = window.offset
        if window.position >= len(window.text):
            return
        if newline := _NEWLINE.match(window.text, window.position):
            window.position = newline.end()
            continue
        row = _row(window)
        if isinstance(row, str):
            window.position = _line_end(window)
            yield offset, f"not a valid CSV row: {row}"
        elif len(row) != len(header):
            yield offset, f"the row has {len(row)} fields where the header names {len(header)} columns"
        else:
            yield offset, dict(zip(header, row, strict=True))


def _row(window: Window) -> list[str] | str:
    """The fields of the row where the window stands, and move past it; what is wrong, unmoved, if it is no row."""
    fields: list[str] = []
    at = window.position
    text, end = window.text, window.position + MAX_RECORD
    while len(fields) < MAX_COLUMNS:
        found = _FIELD.match(text, at, end)
        if found is None:
            return "a quote is out of place"
        if found.end() >= end:
            return f"larger than {MAX_RECORD} bytes, the limit for a record"
        quoted = found[1]
        held = quoted.replace('""', '"') if quoted is not None else found[2]
        try:
            fields.append(held.encode("latin-1").decode())
        except UnicodeDecodeError as error:
            return f"invalid UTF-8 in column {len(fields) + 1} ({error.reason})"
        at = found.end()
        if at >= len(text) or text[at] != ",":
            newline = _NEWLINE.match(text, at)
            window.position = newline.end() if newline else at
            return fields
        at += 1
    return f"more than {MAX_COLUMNS} fields"


def _line_end(window: Window) -> int:
    newline = _NEWLINE.search(window.text, window.position)
    return newline.end() if newline else len(window.text)

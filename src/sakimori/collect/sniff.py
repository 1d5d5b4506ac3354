"""What a file is, by its name or its first bytes."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

LOG_SUFFIXES = (".json", ".json.gz", ".jsonl", ".ndjson", ".gz", ".log", ".csv")

_HEAD = 512
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CSV_HEADER = re.compile(rb'[^\n]*\b(?:eventname|eventjson|eventid)\b[^\n]*,|"?eventjson"?\s*\n', re.IGNORECASE)
_KNOWN = (
    (b"PAR1", "a Parquet file"),
    (b"ORC", "an ORC file"),
    (b"\x89PNG", "a PNG image"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file: unpack it first"),
    (b"BZh", "a bzip2 file: unpack it first"),
    (b"\xfd7zXZ", "an xz file: unpack it first"),
)


def looks_like_log(path: str) -> str:
    """ "" if the file's first bytes are gzip, JSON or a CSV header with CloudTrail's columns; else what it is.

    Raises OSError if it cannot be read.
    """
    with Path(path).open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return "it is empty (0 bytes)"
    if head.startswith((b"\x1f\x8b", *_BOMS)):
        return ""
    text = head.replace(b"\x00", b"").lstrip()
    if text.startswith((b"{", b"[")) or _CSV_HEADER.match(text):
        return ""
    for magic, name in _KNOWN:
        if head.startswith(magic):
            return name
    return "it is neither JSON, CSV with CloudTrail's columns nor gzip"

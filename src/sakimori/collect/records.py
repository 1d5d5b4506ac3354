"""From a log object's text to CloudTrail records, whatever the text is: the exact path.

A file that is clean in every way is read faster elsewhere. This path is for all others and must be right: each record
comes out as it was found, what is no record is refused with its offset and reason, and damage is contained, which means
that reading goes on at the next object that can be a record. Time is linear in the text, memory bounded.

Shapes: `{"Records": [...]}`, arrays, JSON lines, concatenated documents, EventBridge envelopes, answers to
LookupEvents, CloudTrail Lake rows in JSON or CSV, CloudWatch Logs events, and SNS or SQS around any of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sakimori.collect import lake_csv
from sakimori.collect.json_walk import JsonWalk
from sakimori.collect.json_window import MAX_RECORD, Window
from sakimori.collect.lake_rows import record_from_row
from sakimori.collect.shapes import Inner
from sakimori.collect.split import Split, Tray

__all__ = ["MAX_RECORD", "Split", "split_records", "split_stream"]

_MAX_WRAPPINGS = 4
"""JSON in a string in JSON: a log event in an SNS message in an SQS message is three deep."""

_CHUNK = 4 << 20


def split_records(text: bytes | bytearray, path: str) -> Split:
    """All the records of `text`, which is UTF-8 without a byte order mark. Never raises."""
    whole = Split()
    for split in split_stream(_slices(text), path):
        whole.records += split.records
        whole.refusals += split.refusals
        whole.offsets += split.offsets
    return whole


def split_stream(text: Iterable[bytes | bytearray], path: str) -> Iterator[Split]:
    """The same from text in chunks, which may end anywhere: in batches of about 16 MiB, in memory of a few times that.

    Offsets count from the first chunk's first byte.
    """
    return _split(text, path, 0)


def _split(text: Iterable[bytes | bytearray], path: str, wrappings: int) -> Iterator[Split]:
    window = Window(text)
    tray = Tray(path)
    steps = (
        _csv_steps(window, tray) if lake_csv.has_header(window) else JsonWalk(window, tray, _inner(wrappings)).steps()
    )
    for _ in steps:
        if tray.full:
            yield tray.empty()
    yield tray.finished()


def _csv_steps(window: Window, tray: Tray) -> Iterator[None]:
    split_text = _inner(0)
    for offset, row in lake_csv.read_rows(window):
        if isinstance(row, str):
            tray.refuse(offset, row)
            yield
            continue
        record, reason = record_from_row(row)
        if reason:
            tray.refuse(offset, reason)
        else:
            records, reason = split_text(record)
            for found in records:
                tray.keep(offset, found)
            if reason:
                tray.refuse(offset, reason)
        yield


def _inner(wrappings: int) -> Inner:
    """What splits the JSON text that a string holds, `wrappings` strings deep."""

    def split_text(text: bytes) -> tuple[list[bytes], str]:
        if wrappings >= _MAX_WRAPPINGS:
            return [], f"JSON wrapped in JSON more than {_MAX_WRAPPINGS} times"
        records: list[bytes] = []
        reason = ""
        for split in _split((text,), "", wrappings + 1):
            records += split.records
            reason = reason or (split.refusals[0].reason if split.refusals else "")
        return records, reason

    return split_text


def _slices(text: bytes | bytearray) -> Iterator[bytes]:
    view = memoryview(text)
    for start in range(0, len(text), _CHUNK):
        yield bytes(view[start : start + _CHUNK])

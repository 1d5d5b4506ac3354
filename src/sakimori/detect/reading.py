"""A file's text as records to match: the clean bulk untouched, everything else through the exact path.

Clean is the shape in which CloudTrail delivers to S3: `{"Records":[...]}`, every record starting with its eventVersion.
Such text is checked in every byte by `kernel.c` (valid JSON and UTF-8, no key twice in any object, no field of a wrong
type, a name of the call in every record), without making a Python object of any record. Whatever is not clean in any
way is cut into records by `collect.records`, which keeps the good ones and names the rest.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import orjson

from sakimori.collect.clean_text import CLOSING, OPENING, START
from sakimori.collect.records import split_records
from sakimori.detect.fields import Record
from sakimori.detect.kernel import HEAD, NotClean, Row
from sakimori.detect.tables import FACTS
from sakimori.model.refusal import Refusal

_NEXT = b"}," + START

PIECE = 1 << 18
"""Bytes looked at in one go: small enough to stay in a core's cache through every check."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`record,record,...` without space between tokens, from `start` to `end` of a text.

    `records` has them as they were found, where that was otherwise, and `parsed` as Python; the types of their fields
    are known to be right then, or are not to be looked at.
    """

    text: bytes | bytearray
    start: int
    end: int
    records: Sequence[bytes] = ()
    parsed: Sequence[dict[str, Any]] = ()

    @property
    def check(self) -> bool:
        """Whether types are still to be looked at."""
        return not self.parsed

    def parts(self) -> Iterator[Piece]:
        """Parsed records, each by itself."""
        return (_written([raw], [record]) for raw, record in zip(self.records, self.parsed, strict=True))

    def raw(self, row: Row) -> bytes:
        """A record's JSON as it stood in the file."""
        return self.records[row[0]] if self.records else bytes(self.text[self.start + row[1] : self.start + row[2]])

    def record(self, row: Row) -> Record:
        """A record to look into."""
        return self.parsed[row[0]] if self.parsed else PlacedRecord(self.text, self.start, row)


class PlacedRecord:
    """A record in a clean text: only what is asked for becomes a Python value."""

    __slots__ = ("_known", "_row", "_start", "_text")

    def __init__(self, text: bytes | bytearray, start: int, row: Row) -> None:
        self._text, self._start, self._row = text, start, row
        self._known: dict[str, Any] = {}

    def get(self, key: str, /) -> Any:
        """The value of one of the record's own fields, None if it has none."""
        known = self._known
        if key in known:
            return known[key]
        at = _PLACES.get(key)
        if at is None:
            return self.whole().get(key)
        start, end, offset = self._row[at], self._row[at + 1], self._start
        value = None
        if start > 0:
            value = self._text[offset + start : offset + end].decode()
        elif end > 0:
            value = orjson.loads(self._text[offset - 1 - start : offset + end])
        known[key] = value
        return value

    def whole(self) -> dict[str, Any]:
        """All of it."""
        if _WHOLE not in self._known:
            start, end = self._row[1:3]
            self._known[_WHOLE] = orjson.loads(self._text[self._start + start : self._start + end])
        whole: dict[str, Any] = self._known[_WHOLE]
        return whole


_WHOLE = "\0"
_PLACES = {key: HEAD + 2 * at for at, key in enumerate(FACTS)}


def clean_pieces(text: bytes | bytearray) -> Iterator[Piece]:
    """The text in pieces of whole records; raises NotClean, at any point, where it is not valid in every byte."""
    if not text.startswith(OPENING + START) or not text.endswith(CLOSING):
        raise NotClean
    start, end = len(OPENING), len(text) - len(CLOSING)
    while start < end:
        cut = end
        if end - start > PIECE + PIECE // 2:
            cut = text.rfind(_NEXT, start, start + PIECE) + 1
            if cut <= start:
                raise NotClean
        yield Piece(text, start, cut)
        start = cut + 1


def exact_pieces(text: bytes | bytearray, path: str, refusals: list[Refusal]) -> Iterator[Piece]:
    """The same through the exact path; what it refuses is added to `refusals`."""
    split = split_records(bytes(text), path)
    refusals.extend(split.refusals)
    return record_pieces(split.records)


def record_pieces(records: Sequence[bytes]) -> Iterator[Piece]:
    """Records that were cut already, in pieces."""
    ends = list(accumulate(map(len, records)))
    at = 0
    while at < len(records):
        done = ends[at - 1] if at else 0
        taken = max(bisect_right(ends, done + PIECE), at + 1)
        some = records[at:taken]
        parsed = [_parsed(record) for record in some]
        yield _written(some, parsed)
        at = taken


def _parsed(record: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(record)
    except orjson.JSONDecodeError:  # half a surrogate, say
        found = json.loads(record)
    return found


def _written(records: Sequence[bytes], parsed: Sequence[dict[str, Any]]) -> Piece:
    try:
        text = b",".join(map(orjson.dumps, parsed))
    except orjson.JSONEncodeError:
        text = b""  # clean it is not: each record for itself then
    return Piece(text, 0, len(text), records, parsed)

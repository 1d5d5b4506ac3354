"""A file's text as records to match: the clean bulk untouched, everything else through the exact path.

Clean is the shape in which CloudTrail delivers to S3: `{"Records":[...]}`, every record starting with its eventVersion.
Such text is checked piece by piece (simdjson: every byte is valid JSON and UTF-8; as many records as starts; the name
of the call once in each; `prefilter.py`: no field of a wrong type), without making a Python object of any record.
Whatever is not clean in any way is cut into records by `collect.records`, which keeps the good ones and names the rest.

Limits. A key that occurs twice in one object is noticed here if it is `eventName`, or a record's own key in a record
that a rule matched. Elsewhere in a clean file it is not: what is looked up is the first, what is compared as a whole
has the last. Looking for one more key in all text costs 0.055 us a record, 4% of a pass with 2,000 rules; for all keys
it is not to be had. Any other shape goes the exact path, which refuses such records. And an array inside a record, of
objects that begin like records, makes it look in the wrong place if another record does not begin like one: CloudTrail
writes none that do not.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, cycle
from typing import Any

import simdjson
import stringzilla as sz

from sakimori.collect.clean_text import CLOSING, OPENING, START
from sakimori.collect.records import split_records
from sakimori.detect.fields import Record
from sakimori.model.refusal import Refusal

_NEXT = b"}," + START
ONCE = (b'"eventName":"',)
"""What every clean record has exactly once: a second one would make it ambiguous what a rule looked at."""

PIECE = 1 << 18
"""Bytes looked at in one go: small enough to stay in a core's cache through every check."""


class NotClean(Exception):
    """The text has something in it that only the exact path gets right."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole records in one stretch of text. `marks[i] - lead` is where record i starts; one more mark ends the last.

    `gap` bytes stand between two records. `judged` says that the types of the records' fields are known to be right, or
    are not to be looked at.
    """

    text: bytes
    marks: list[int]
    lead: int
    record: Callable[[int], Record]
    judged: bool = False
    gap: int = 1

    @property
    def count(self) -> int:
        return len(self.marks) - 1

    def index(self, offset: int) -> int:
        """The record in which a string lies that ends at `offset`."""
        return bisect_right(self.marks, offset + self.lead - 1) - 1

    def span(self, index: int) -> tuple[int, int]:
        """Where the record starts and ends."""
        return self.marks[index] - self.lead, self.marks[index + 1] - self.lead - self.gap


def clean_pieces(text: bytes | bytearray) -> Iterator[Piece]:
    """The text in pieces of whole records; raises NotClean, at any point, where it is not clean.

    A piece and its records are valid until the next one is asked for.
    """
    start, end = _inside(text)
    parsers = cycle((simdjson.Parser(), simdjson.Parser()))  # the caller still holds a piece while the next is made
    view = memoryview(text)
    while start < end:
        cut = end
        if end - start > PIECE + PIECE // 2:
            cut = sz.rfind(text, _NEXT, start, start + PIECE) + 1
            if cut <= start:
                raise NotClean
        yield _clean_piece(next(parsers), b"".join((b"[", view[start:cut], b"]")))
        start = cut + 1


def _inside(text: bytes | bytearray) -> tuple[int, int]:
    """Where the records array's inside starts and ends."""
    if not text.startswith(OPENING + START) or not text.endswith(CLOSING):
        raise NotClean
    return len(OPENING), len(text) - len(CLOSING)


def _clean_piece(parser: simdjson.Parser, text: bytes) -> Piece:
    marks = list(accumulate(map(len, sz.split_iter(text, _NEXT, keepseparator=True)), initial=0))
    count, lead = len(marks) - 1, len(START)
    marks[0], marks[-1] = lead + 1, marks[-1] + lead
    try:
        array: Any = parser.parse(text)
    except (ValueError, RuntimeError):  # simdjson's: what it calls errors of the text, and of its own limits
        raise NotClean from None
    if len(array) != count or any(sz.count(text, key) != count for key in ONCE):
        raise NotClean
    return Piece(text, marks, lead, array.__getitem__)


def check_keys(record: Record) -> None:
    """Raises NotClean if a key occurs twice among the record's own."""
    if record.__class__ is simdjson.Object and len(set(record)) != len(record):
        raise NotClean


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
        yield _exact_piece(records[at:taken])
        at = taken


def _exact_piece(records: Sequence[bytes]) -> Piece:
    marks = list(accumulate(map(len, records), initial=0))
    parsers = cycle((simdjson.Parser(), simdjson.Parser()))

    def record(index: int) -> Record:
        """Valid until the next but one is asked for."""
        try:
            return next(parsers).parse(records[index])  # type: ignore[return-value]  # an object, or split is broken
        except (ValueError, RuntimeError):  # a number past 64 bits, say, which simdjson does not take
            found: dict[str, Any] = json.loads(records[index])
            return found

    return Piece(b"".join(records), marks, 0, record, judged=True, gap=0)

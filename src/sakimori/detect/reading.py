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
from functools import lru_cache
from itertools import accumulate
from typing import Any

import msgspec
import orjson

from sakimori.collect.clean_text import CLOSING, OPENING, START
from sakimori.collect.records import split_records
from sakimori.detect.kernel import NotClean
from sakimori.detect.tables import TOLD
from sakimori.model.refusal import Refusal

_NEXT = b"}," + START

PIECE = 1 << 20
"""Bytes looked at in one go: what the kernel notes of them stays in a core's cache."""


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

    def hits(self, told: bytes) -> list[Told]:
        """What the kernel tells of the piece. Raises NotClean, should msgspec think otherwise of it than the kernel."""
        try:
            hits = _told(told)
        except (msgspec.DecodeError, RecursionError):
            raise NotClean from None
        for hit in hits:
            hit.piece = self
            if self.parsed:
                hit.parsed = self.parsed[hit.number]
        return hits


class Told(msgspec.Struct, array_like=True, gc=False):
    """A record that rules match or may, as the kernel tells of it.

    It is a Record. Of a clean text the fields that findings are made of are Python values, each a text or None, and the
    rest is text still; of another all of it is in `parsed`, and nothing else is told.
    """

    number: int
    start: int
    end: int
    rules: list[int]
    """Twice the index of a rule, plus 1 where it is sure that it matches; ascending."""
    shown: list[Any]
    """Of each rule the values that made it hold, None where that takes a closer look."""
    eventID: Any = None
    eventTime: Any = None
    eventSource: Any = None
    eventName: Any = None
    awsRegion: Any = None
    sourceIPAddress: Any = None
    recipientAccountId: Any = None
    userIdentity: msgspec.Raw = msgspec.Raw(b"null")
    caller_type: Any = None
    caller_arn: Any = None
    issuer_arn: Any = None
    caller_account: Any = None
    requestParameters: Any = None
    resources: msgspec.Raw = msgspec.Raw(b"null")
    resource_arn: Any = None
    """The ARN of the one that is among the `resources`; None if there are none or many."""
    piece: Any = None
    """Where it stands."""
    parsed: Any = None
    """All of it as Python, once it was asked for."""

    @property
    def raw(self) -> bytes:
        """Its JSON as it stood in the file."""
        piece: Piece = self.piece
        if piece.records:
            return piece.records[self.number]
        return bytes(piece.text[piece.start + self.start : piece.start + self.end])

    def get(self, key: str, /) -> Any:
        """The value of one of the record's own fields, None if it has none."""
        if self.parsed is not None:
            return self.parsed.get(key)
        if key in _TOLD:
            return getattr(self, key)
        return self.identity() if key == "userIdentity" else self.whole().get(key)

    def identity(self) -> Any:
        """The record's `userIdentity`. It is shared by all that have the same: not to be changed."""
        return _identity(bytes(self.userIdentity))

    def whole(self) -> dict[str, Any]:
        """All of it."""
        if self.parsed is None:
            self.parsed = orjson.loads(self.raw)
        found: dict[str, Any] = self.parsed
        return found


_TOLD = frozenset(TOLD) & frozenset(Told.__struct_fields__) - {"userIdentity", "resources"}
_told = msgspec.json.Decoder(list[Told]).decode
_identity = lru_cache(maxsize=4096)(orjson.loads)


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

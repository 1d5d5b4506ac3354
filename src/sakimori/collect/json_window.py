"""A moving window over text of any size, with a strict JSON parser that says where each value ends and what is wrong.

The window is Latin-1: one character is one byte, so positions are byte offsets and a record leaves it as it was found.
JSON's syntax is ASCII, so the bounds of values are right; only the meaning of non-ASCII strings is not, and nothing
here looks at that. Python's parser is used because it alone reports where a value ends and keys that occur twice.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

MAX_RECORD = 8 << 20
"""Largest record kept, in bytes. CloudTrail's own limit for an event is 256 KB, 1 MB with expanded event size."""

MAX_VALUES = 250_000
"""Most values in one record. It bounds what a record that is all brackets and commas takes when it is parsed."""

MAX_DEPTH = 128
"""Deepest nesting kept. CloudTrail's records stay under 20; the fast parsers used later end at 1,000."""

_LOOK_AHEAD = MAX_RECORD + (1 << 20)
_CHUNK = 4 << 20
_LARGE = 1 << 20
_UNSURE = 64
"""An error this close to the end of the stretch that was parsed may be due to that end."""

_MAX_DIGITS = 300
"""Integers this long overflow a double, which is what the fast parsers make of them."""

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]]', re.DOTALL)
_RUNAWAY = re.compile(r'\{[ \t\r\n]{0,256}"?\Z')
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A value that ends before position `end`. `fault` says why it is unfit all the same; "" if it is not."""

    value: Any
    end: int
    fault: str


@dataclass(frozen=True, slots=True)
class Broken:
    """No value: why, the position where that showed, and from where on the next value may begin.

    `hides_records` is unset where nothing before `resume` can be a record.
    """

    reason: str
    at: int
    resume: int
    hides_records: bool = True


class Window:
    """`text` from byte `base` of the whole on. `position` is where the reader stands in `text`."""

    def __init__(self, chunks: Iterable[bytes | bytearray]) -> None:
        self._chunks = iter(chunks)
        self._guess = 1 << 12
        self._faults: list[str] = []
        decoder: Any = json.JSONDecoder(
            object_pairs_hook=self._object, parse_constant=self._constant, parse_float=self._float, parse_int=self._int
        )
        self._scan = decoder.scan_once
        self.text = ""
        self.base = 0
        self.position = 0
        self.complete = False
        self.fill()

    @property
    def offset(self) -> int:
        """Where the reader stands in the whole, in bytes."""
        return self.base + self.position

    def fill(self) -> None:
        """Read on until a record of the largest size would be in sight whole, or to the end."""
        if self.complete or len(self.text) - self.position >= _LOOK_AHEAD:
            return
        parts = [self.text[self.position :]]
        self.base += self.position
        self.position = 0
        size = len(parts[0])
        while size < _LOOK_AHEAD + _CHUNK:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.complete = True
                break
            parts.append(str(chunk, "latin-1"))
            size += len(chunk)
        self.text = "".join(parts)

    def parse(self) -> Parsed | Broken:
        """The JSON value that begins where the reader stands."""
        start = self.position
        size = self._guess
        while True:
            piece = self.text[start : start + size]
            last = start + size >= len(self.text)
            self._faults.clear()
            try:
                value, end = self._scan(piece, 0)
            except RecursionError:
                return self._too_deep(start, piece)
            except StopIteration as stop:
                reason, at = "a value is missing", stop.value
            except json.JSONDecodeError as error:
                reason, at = error.msg, error.pos
            else:
                if last or end < len(piece):
                    return self._parsed(value, piece, start, end)
                at = end
            last = last or size >= MAX_RECORD + _UNSURE
            if last or (at < size - _UNSURE and not reason.startswith("Unterminated")):
                return self._broken(start, piece, reason, at)
            if piece.count(",") + piece.count("{") > MAX_VALUES:
                return Broken(f"more than {MAX_VALUES} values in one record", start + at, start + at)
            size = min(size * (4 if size < _LARGE else 2), MAX_RECORD + _UNSURE)

    def _parsed(self, value: Any, piece: str, start: int, end: int) -> Parsed | Broken:
        self._guess = min(max(512, 3 * end), _LARGE)
        if end > MAX_RECORD:
            return Broken(f"larger than {MAX_RECORD} bytes, the limit for a record", start + end, start + end)
        if piece.count("{", 0, end) + piece.count("[", 0, end) > MAX_DEPTH and _depth_end(piece, end) is not None:
            return Broken(_DEEP, start + end, start + end, hides_records=False)
        return Parsed(value, start + end, self._faults[0] if self._faults else "")

    def _too_deep(self, start: int, piece: str) -> Broken:
        at = start + (_depth_end(piece, len(piece)) or len(piece))
        return Broken(_DEEP, at, at, hides_records=False)

    def _broken(self, start: int, piece: str, reason: str, at: int) -> Broken:
        """What to say, and where to go on: a string that lost its end may have swallowed the next record's brace."""
        self._guess = min(max(512, 3 * at), _LARGE)
        runaway = _RUNAWAY.search(piece, max(1, at - 300), at)
        resume = start + (runaway.start() if runaway else at)
        resume = max(resume, start + 1)
        ends = start + len(piece) >= len(self.text)
        if len(piece) > MAX_RECORD and (at > MAX_RECORD - _UNSURE or reason.startswith("Unterminated")):
            too_large = f"larger than {MAX_RECORD} bytes, the limit for a record, or never closed"
            return Broken(too_large, start + at, resume)
        if ends and (at >= len(piece) - 1 or reason.startswith("Unterminated")):
            return Broken("cut off: the text ends inside it", start + at, resume)
        where = self.base + start + at
        return Broken(f"not valid JSON at offset {where} ({_in_words(reason)})", start + at, resume)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs) and not self._faults:
            self._faults.append(f"the key {_twice(pairs)} occurs twice in one object, so its value is ambiguous")
        return members

    def _constant(self, name: str) -> None:
        if not self._faults:
            self._faults.append(f"{name} is not JSON")

    def _float(self, text: str) -> float:
        number = float(text)
        if math.isinf(number) and not self._faults:
            self._faults.append(f"the number {_short(text)} is out of range")
        return number

    def _int(self, text: str) -> int:
        if len(text) < _MAX_DIGITS:
            return int(text)
        if not self._faults:
            self._faults.append(f"the number {_short(text)} is out of range")
        return 0


_DEEP = f"nested more than {MAX_DEPTH} levels deep"


def text_fault(record: bytes) -> str:
    """Why the text of a record, which is sound as JSON, is no Unicode; "" if it is."""
    if not record.isascii():
        try:
            text = record.decode()
        except UnicodeDecodeError as error:
            found = " ".join(f"{byte:02x}" for byte in record[error.start : error.end])
            return f"invalid UTF-8 at byte {error.start} of the record ({found}: {error.reason})"
        if "\\u" in text and (key := _twice_decoded(text)):
            return f"the key {key} occurs twice in one object, so its value is ambiguous"
    if _SURROGATE.search(record):
        try:
            orjson.loads(record)
        except orjson.JSONDecodeError:
            return "it holds half of a surrogate pair (\\ud800 to \\udfff), which is no character"
    return ""


def _twice_decoded(text: str) -> str:
    """The key that occurs twice once its escapes are decoded: in Latin-1 `é` and `\\u00e9` look different."""
    twice: list[str] = []

    def check(pairs: list[tuple[str, Any]]) -> None:
        if len(dict(pairs)) != len(pairs):
            twice.append(_twice(pairs, encoded=False))

    json.loads(text, object_pairs_hook=check)
    return twice[0] if twice else ""


def _twice(pairs: list[tuple[str, Any]], *, encoded: bool = True) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            name = key.encode("latin-1", "replace").decode("utf-8", "replace") if encoded else key
            return json.dumps(_short(name), ensure_ascii=False)
        seen.add(key)
    return "?"


def _depth_end(piece: str, end: int) -> int | None:
    """Where the nesting goes past `MAX_DEPTH`; None if it does not."""
    depth = 0
    for token in _TOKENS.finditer(piece, 0, end):
        first = piece[token.start()]
        if first in "{[":
            depth += 1
            if depth > MAX_DEPTH:
                return token.end()
        elif first in "}]":
            depth -= 1
    return None


def _in_words(reason: str) -> str:
    return reason[0].lower() + reason[1:].rstrip(" :at").replace(" enclosed in double quotes", "")


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."

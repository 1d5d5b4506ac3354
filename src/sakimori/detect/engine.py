"""The one algorithm: the kernel says which rules match which records or may; where it cannot tell, Python looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import orjson

from sakimori.detect import ir
from sakimori.detect.evaluate import Test, build
from sakimori.detect.fields import Record
from sakimori.detect.kernel import Kernel, NotClean, Row
from sakimori.detect.reading import Piece, clean_pieces, exact_pieces, record_pieces
from sakimori.detect.tables import Tables, prepared
from sakimori.model.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that rules matched (their indexes, ascending)."""

    rules: Sequence[int]
    record: Record
    piece: Piece
    row: Row

    @property
    def raw(self) -> bytes:
        """The record's JSON as it stood in the file."""
        return self.piece.raw(self.row)


class Taker(Protocol):
    """What collects hits; a fresh one is made for every reading of a text."""

    def take(self, hit: Hit) -> None: ...


T = TypeVar("T", bound=Taker)


@dataclass(slots=True)
class Scan(Generic[T]):
    """What one text gave, the hits in `taker`."""

    taker: T
    records: int = 0
    refusals: list[Refusal] = field(default_factory=list)


class Engine:
    """Compiled rules. Scanning keeps no state, so one engine serves any number of texts."""

    def __init__(self, rules: Sequence[ir.Rule], tables: Tables | None = None) -> None:
        self.rules = tuple(rules)
        self._kernel = Kernel(tables or prepared([rule.condition for rule in rules]))
        self._tests: list[Test | None] = [None] * len(self.rules)

    def scan(self, text: bytes | bytearray, path: str, new_taker: Callable[[], T]) -> Scan[T]:
        """Every hit in one file's text, taken. Bad records become refusals; nothing in the text makes it raise."""
        try:
            scan = Scan(new_taker())
            for piece in clean_pieces(text):
                self._add(scan, piece)
            return scan
        except (NotClean, orjson.JSONEncodeError, RecursionError):  # the last two: nested deeper than can be written
            scan = Scan(new_taker())
            for piece in exact_pieces(text, path, scan.refusals):
                self._add(scan, piece)
            return scan

    def scan_records(self, records: Sequence[bytes], new_taker: Callable[[], T]) -> Scan[T]:
        """Every hit in records that were cut already, each the JSON of one object."""
        scan = Scan(new_taker())
        for piece in record_pieces(records):
            self._add(scan, piece)
        return scan

    def candidates(self, piece: Piece) -> tuple[int, Iterator[tuple[Row, list[int]]]]:
        """How many records there are, and those that rules match or may (see `Kernel.scan`). Raises NotClean."""
        try:
            return self._kernel.scan(piece.text, piece.start, piece.end, check=piece.check)
        except NotClean:
            if piece.check:
                raise
        if len(piece.parsed) > 1:  # one of them cannot be written as JSON again: each by itself
            parts = ((at, self.candidates(part)[1]) for at, part in enumerate(piece.parts()))
            return len(piece.parsed), (((at, *row[1:]), rules) for at, found in parts for row, rules in found)
        return 1, iter([((0,), [2 * rule for rule in range(len(self.rules))])])

    def _add(self, scan: Scan[T], piece: Piece) -> None:
        count, rows = self.candidates(piece)
        scan.records += count
        take = scan.taker.take
        for row, rules in rows:
            record = piece.record(row)
            if matched := tuple([rule >> 1 for rule in rules if rule & 1 or self._holds(rule >> 1, record)]):
                take(Hit(matched, record, piece, row))

    def _holds(self, rule: int, record: Record) -> bool:
        test = self._tests[rule]
        if test is None:
            test = self._tests[rule] = build(self.rules[rule].condition)
        return test(record)

"""The one algorithm: point at records by their raw text, look into those, evaluate the rules that point at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import orjson

from sakimori.detect import ir
from sakimori.detect.evaluate import Test, build
from sakimori.detect.fields import Record
from sakimori.detect.prefilter import Prefilter, prepared
from sakimori.detect.reading import NotClean, Piece, check_keys, clean_pieces, exact_pieces, record_pieces
from sakimori.model.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that rules matched (their indexes, ascending). The record lives only while it is being taken."""

    rules: tuple[int, ...]
    record: Record
    piece: Piece
    index: int

    @property
    def raw(self) -> bytes:
        """The record's JSON as it stood in the file."""
        start, end = self.piece.span(self.index)
        return self.piece.text[start:end]


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

    def __init__(self, rules: Sequence[ir.Rule], prefilter: Prefilter | None = None) -> None:
        self.rules = tuple(rules)
        self.prefilter = prefilter or prepared([rule.condition for rule in rules])
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

    def matching(self, record: Record, rules: Sequence[int]) -> tuple[int, ...]:
        """Which of these rules (by index) match the record."""
        tests = self._tests
        if len(rules) == 1:
            rule = rules[0]
            return (rule,) if (tests[rule] or self._built(rule))(record) else ()
        return tuple(sorted([rule for rule in rules if (tests[rule] or self._built(rule))(record)]))

    def _add(self, scan: Scan[T], piece: Piece) -> None:
        scan.records += piece.count
        take = scan.taker.take
        for index, rules in self.candidates(piece):
            record = piece.record(index)
            if matched := self.matching(record, rules):
                check_keys(record)
                take(Hit(matched, record, piece, index))

    def candidates(self, piece: Piece) -> Iterator[tuple[int, Sequence[int]]]:
        always = self.prefilter.plan.always
        if not always:
            return self.prefilter.candidates(piece)
        pointed = dict(self.prefilter.candidates(piece))
        return ((index, [*always, *pointed.get(index, ())]) for index in range(piece.count))

    def _built(self, rule: int) -> Test:
        test = self._tests[rule] = build(self.rules[rule].condition)
        return test

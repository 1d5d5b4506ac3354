"""The one algorithm: the kernel says which rules match which records or may; where it cannot tell, Python looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import orjson

from sakimori.detect import ir
from sakimori.detect.evaluate import Test, ValueTest, build, value_test
from sakimori.detect.fields import Record
from sakimori.detect.grouping import ReadyMatch, read_ready
from sakimori.detect.kernel import Kernel, NotClean, Scanned
from sakimori.detect.matched import pattern_of
from sakimori.detect.reading import Piece, Told, clean_pieces, exact_pieces, record_pieces
from sakimori.detect.tables import Tables, prepared
from sakimori.model.refusal import Refusal

Matched = list[tuple[int, dict[str, Any] | None]]
"""Rules that match (their indexes, ascending), each with the values that made it hold, if these were plain to see."""


class Taker(Protocol):
    """What collects hits, records that rules matched; a fresh one is made for every reading of a text."""

    def take(self, hit: Told, matched: Matched) -> None: ...


class Candidates(NamedTuple):
    """How many records a piece has, those that rules match or may, and the matches that are ready: see Scan."""

    records: int
    hits: list[Told]
    matches: int = 0
    ready: tuple[bytes, ...] = ()


T = TypeVar("T", bound=Taker)


@dataclass(slots=True)
class Scan(Generic[T]):
    """What one text gave, the hits in `taker`."""

    taker: T
    records: int = 0
    matches: int = 0
    """Of those, how many are not among the hits: `ready` has them, as `grouping.Ready`."""
    ready: list[bytes] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


class Engine:
    """Compiled rules. Scanning keeps no state, so one engine serves any number of texts.

    With `wants_ready` what is plain to see of a match is not taken as a hit: it is made ready to be a finding.
    """

    def __init__(self, rules: Sequence[ir.Rule], tables: Tables | None = None, *, wants_ready: bool = False) -> None:
        self.rules = tuple(rules)
        self._wants_ready = wants_ready
        self._kernel = Kernel(tables or prepared([rule.condition for rule in rules]))
        self._tests: list[Test | None] = [None] * len(self.rules)
        self._patterns: dict[str, tuple[str, ValueTest]] = {}

    def scan(self, text: bytes | bytearray, path: str, new_taker: Callable[[], T]) -> Scan[T]:
        """Every hit in one file's text, taken. Bad records become refusals; nothing in the text makes it raise."""
        scan = self.scan_clean(text, new_taker)
        if scan is None:
            refusals: list[Refusal] = []
            scan = self._taken(self._found(exact_pieces(text, path, refusals)), new_taker())
            scan.refusals = refusals
        return scan

    def scan_clean(self, text: bytes | bytearray, new_taker: Callable[[], T]) -> Scan[T] | None:
        """The same of a text that is clean in every byte; None if it is not."""
        try:
            # All of them before the first hit is looked into: the kernel and Python drive each other out of the cache.
            return self._taken(list(self._found(clean_pieces(text))), new_taker())
        except (NotClean, orjson.JSONEncodeError, RecursionError):  # the last two: nested deeper than can be written
            return None

    def scan_records(self, records: Sequence[bytes], new_taker: Callable[[], T]) -> Scan[T]:
        """Every hit in records that were cut already, each the JSON of one object."""
        return self._taken(self._found(record_pieces(records)), new_taker())

    def candidates(self, piece: Piece) -> Candidates:
        """The records that rules match or may. Raises NotClean."""
        try:
            scanned = self._kernel.scan(
                piece.text, piece.start, piece.end, check=piece.check, wants_ready=self._wants_ready
            )
            return Candidates(scanned.records, piece.hits(scanned.told), *self._closed(scanned))
        except NotClean:
            if piece.check:
                raise
        if len(piece.parsed) > 1:  # one of them cannot be written as JSON again: each by itself
            return Candidates(len(piece.parsed), [hit for part in piece.parts() for hit in self.candidates(part).hits])
        every = range(len(self.rules))
        hit = Told(0, 0, 0, [2 * rule for rule in every], [None for _ in every], piece=piece, parsed=piece.parsed[0])
        return Candidates(1, [hit])

    def _found(self, pieces: Iterable[Piece]) -> Iterator[Candidates]:
        return map(self.candidates, pieces)

    def _taken(self, found: Iterable[Candidates], taker: T) -> Scan[T]:
        scan = Scan(taker)
        take, holds = taker.take, self._holds
        for some in found:
            scan.records += some.records
            if some.matches:
                scan.matches += some.matches
                scan.ready += some.ready
            for hit in some.hits:
                record, told = hit.parsed or hit, zip(hit.rules, hit.shown, strict=True)
                matched = [(rule >> 1, shown) for rule, shown in told if rule & 1 or holds(rule >> 1, record)]
                if matched:
                    take(hit, matched)
        return scan

    def _closed(self, scanned: Scanned) -> tuple[int, tuple[bytes, ...]]:
        """The ready matches, and how many; with those of the pending ones that are matches."""
        if scanned.pending == b"[]":
            return scanned.matches, (scanned.ready,)
        matches = [each for each in read_ready(scanned.pending) if self._is_found(each)]
        return scanned.matches + len(matches), (scanned.ready, orjson.dumps(matches))

    def _is_found(self, pending: ReadyMatch) -> bool:
        (rule, *_), _, _, shown = pending
        if not self._patterns:
            patterns = {each.meta.id: pattern_of(each.condition) for each in self.rules}
            self._patterns = {rule: (each.field, value_test(each)) for rule, each in patterns.items() if each}
        field, found = self._patterns[rule]
        return found(shown[field])

    def _holds(self, rule: int, record: Record) -> bool:
        test = self._tests[rule]
        if test is None:
            test = self._tests[rule] = build(self.rules[rule].condition)
        return test(record)

"""From texts to findings: the engine's hits sighted, grouped and correlated.

A worker looks at one text and gives a small Look; looks merge into one; from the whole come the findings. For the lake
the same hits are given as Matches, which the ledger keeps, and from which the same findings come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
import orjson

from sakimori.collect.decode import decode_chunks
from sakimori.collect.delivery import STREAM_LIMIT, WHOLE_BYTES, whole_text
from sakimori.collect.records import split_stream
from sakimori.collect.sources import SourceError, SourceObject, chunks, read
from sakimori.detect import correlation, matched
from sakimori.detect.correlation import Correlator, Seen
from sakimori.detect.engine import Engine, Matched, Scan
from sakimori.detect.fields import Record
from sakimori.detect.grouping import Groups
from sakimori.detect.ir import Rule
from sakimori.detect.reading import Told
from sakimori.detect.rulebook import Rulebook
from sakimori.detect.sighting import asset, epoch, group_values, sighting
from sakimori.detect.tables import Report, prepared
from sakimori.model.finding import Finding
from sakimori.model.match import Match, Observed
from sakimori.model.refusal import Refusal

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Seen]).decode


@dataclass(slots=True)
class Look:
    """What one or more texts gave."""

    records: int = 0
    matched: int = 0
    bytes_in: int = 0
    groups: Groups = field(default_factory=Groups)
    seen: list[Seen] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def __getstate__(self) -> tuple[Any, ...]:
        """What goes from a worker to its parent."""
        seen: bytes | list[Seen] = self.seen
        with suppress(UnicodeEncodeError):  # half surrogates
            seen = _encode(self.seen)
        return self.records, self.matched, self.bytes_in, self.groups, seen, self.refusals

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.records, self.matched, self.bytes_in, self.groups, seen, self.refusals = state
        self.seen = _decode(seen) if isinstance(seen, bytes) else seen

    def merge(self, other: Look) -> None:
        self.records += other.records
        self.matched += other.matched
        self.bytes_in += other.bytes_in
        self.groups.merge(other.groups)
        self.seen += other.seen
        self.refusals += other.refusals


class Detector:
    """A rulebook with its engine, and an observer of ingest, if only of which texts are clean.

    `since` and `until` bound the records' times (ISO 8601 in UTC, "" is open).
    """

    def __init__(self, book: Rulebook, *, since: str = "", until: str = "") -> None:
        self.book = book
        needed = correlation.needed_fields(book.correlations)
        conditions = [rule.condition for rule in book.rules]
        reports = [None if rule.meta.id in needed else _report(rule) for rule in book.rules]
        tables = prepared(conditions, book.matcher, reports)
        self.engine = Engine(book.rules, tables, wants_ready=not (since or until))
        self.since, self.until = since, until or "~"  # after any digit
        self.reported = [(rule, rule.meta.id, rule.meta.asset, needed.get(rule.meta.id)) for rule in book.rules]
        self._shows: list[Callable[[Record], dict[str, Any]] | None] = [None] * len(book.rules)

    def look(self, text: bytes | bytearray, path: str) -> Look:
        """What the rules make of one file's text."""
        return _looked(self.engine.scan(text, path, lambda: _LookTaker(self)))

    def look_at(self, source: SourceObject) -> Look:
        """What the rules make of one log object, read here; what cannot be read is among the refusals."""
        try:
            if 0 <= source.size <= WHOLE_BYTES:
                content = read(source)
                decoded = whole_text(content, source.path)
                if decoded is None:
                    return self._look_through((content,), source.path)
                look = self.look(decoded.text, source.path) if decoded.text else Look()
                look.refusals[:0] = decoded.refusals
                look.bytes_in = len(content)
                return look
            return self._look_through(chunks(source), source.path)
        except SourceError as error:
            return Look(refusals=[error.refusal])

    def _look_through(self, delivered: Iterable[bytes], path: str) -> Look:
        """The same for an object whose text may be too large to be held: a stretch at a time."""
        whole = Look()
        length = 0

        def counted() -> Iterator[bytes]:
            for chunk in delivered:
                whole.bytes_in += len(chunk)
                yield chunk

        def text() -> Iterator[bytes | bytearray]:
            nonlocal length
            for chunk in decode_chunks(counted(), path, STREAM_LIMIT):
                whole.refusals.extend(chunk.refusals)
                length += len(chunk.text)
                yield chunk.text

        for split in split_stream(text(), path):
            whole.refusals += split.refusals if length else []  # why there is no text was said
            whole.merge(self.look_over(split.records))
        return whole

    def look_over(self, records: Sequence[bytes]) -> Look:
        """What the rules make of records that were cut already."""
        return _looked(self.engine.scan_records(records, lambda: _LookTaker(self)))

    def text(self, source: SourceObject, text: bytes | bytearray) -> tuple[int, Observed] | None:
        """See `collect.ingest.Observer`."""
        scan = self.engine.scan_clean(text, lambda: _LookTaker(self))
        return None if scan is None else (scan.records, self._observed(_looked(scan)))

    def records(self, source: SourceObject, records: Sequence[bytes]) -> Observed:
        """See `collect.ingest.Observer`."""
        return self._observed(self.look_over(records))

    def _observed(self, look: Look) -> Observed:
        """As the ledger keeps it: findings of single records, and the matches that correlations need."""
        matches = [
            Match(seen.rule, *seen.sighting, seen.asset, orjson.dumps(seen.fields).decode()) for seen in look.seen
        ]
        return Observed(matches, look.groups.reported(self.book.metas))

    def findings(self, look: Look) -> Iterator[Finding]:
        """The findings of one look, which is used up."""
        whole = Whole(self.book)
        whole.take(look)
        return whole.findings()

    def matched(self, rule: int, record: Record) -> dict[str, Any]:
        """The values that made the rule (by index) hold."""
        show = self._shows[rule]
        if show is None:
            show = self._shows[rule] = matched.build(self.book.rules[rule].condition)
        return show(record)


def _report(rule: Rule) -> Report | None:
    """What the kernel needs to make its matches ready; None if they are not reported, or the id takes an escape."""
    plain = rule.meta.id.isascii() and orjson.dumps(rule.meta.id) == f'"{rule.meta.id}"'.encode()
    return Report(rule.meta.id, rule.meta.asset) if rule.reports and plain else None


def _looked(scan: Scan[_LookTaker]) -> Look:
    look = scan.taker.look
    look.records, look.refusals = scan.records, scan.refusals
    look.matched += scan.matches
    look.groups.add_ready(scan.ready)
    return look


class Whole:
    """Looks, as many as come, until all have come: then the findings. Memory is bounded; the rest waits on disk."""

    def __init__(self, book: Rulebook) -> None:
        self._metas = book.metas
        self._groups = Groups()
        self._correlator = Correlator(book.correlations)

    def take(self, look: Look) -> None:
        """Takes a look in, and uses it up."""
        self._groups.merge(look.groups)
        for seen in look.seen:
            self._correlator.add(seen)

    def findings(self) -> Iterator[Finding]:
        """All findings, by the time of their first records; a record that was read twice counts once.

        Where they are too many to be sorted in memory, those of single records come first, by rule.
        """
        if self._groups.are_aside:
            return chain(self._groups.findings(self._metas), self._correlator.findings())
        found = [*self._groups.findings(self._metas), *self._correlator.findings()]
        return iter(sorted(found, key=attrgetter("first_seen", "severity", "uid")))


class _LookTaker:
    """Takes hits into a Look."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.look = Look()

    def take(self, hit: Told, matched: Matched) -> None:
        detector, look = self._detector, self.look
        seen = sighting(hit)
        if not detector.since <= seen.time < detector.until:
            return
        for index, shown in matched:
            rule, name, paths, needed = detector.reported[index]
            touched = asset(hit, paths, seen)
            look.matched += 1
            if rule.reports:
                look.groups.add(name, seen, touched, shown or partial(detector.matched, index, hit))
            if needed is not None and seen.time:
                look.seen.append(Seen(name, epoch(seen.time), seen, touched, group_values(hit, needed)))

"""Detection on logs on their way into the lake: what is found is in the ledger with the objects it was found in.

Findings of single records are committed with their object. Correlations look across objects: their matches are
committed with the objects, and evaluated once a batch of objects is in, as far back as their windows reach. Killed in
between, the next run evaluates them over all that the ledger has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sakimori.collect.ingest import Ingested
from sakimori.collect.sources import SourceObject
from sakimori.detect.detection import Detector
from sakimori.detect.ir import Correlation
from sakimori.detect.rulebook import Rulebook
from sakimori.model.match import Match, Observed
from sakimori.store.ledger import Ledger, Upserted

PENDING = "correlations.pending"
"""The ledger's setting that says "yes" from before objects go in until their correlations are evaluated."""


class Watch:
    """Detection over one run of ingest: `observe` goes to the workers, `note` and `settle` stay here."""

    def __init__(self, book: Rulebook) -> None:
        self._detector = Detector(book)
        self._reach = max(map(_reach, book.correlations), default=0)
        self._first, self._last = "", ""
        self._everything = False

    def observe(self, source: SourceObject, records: Sequence[bytes]) -> Observed:
        """What the rules make of one object's records."""
        return self._detector.observed(records)

    def begin(self, ledger: Ledger) -> None:
        """To be called before objects go in."""
        self._everything = self._everything or ledger.setting(PENDING) == "yes"
        ledger.set_setting(PENDING, "yes")

    def note(self, done: Ingested) -> None:
        """To be told of every object that is in."""
        times = [match.time for match in done.matches if match.time]
        if times:
            self._first = min(filter(None, (self._first, min(times))))
            self._last = max(self._last, *times)

    def settle(self, ledger: Ledger) -> Upserted:
        """Evaluates the correlations that the new matches can have changed."""
        done = Upserted()
        if self._first or self._everything:
            done = ledger.upsert_findings(self._detector.correlated(self._matches(ledger)))
        ledger.set_setting(PENDING, "no")
        self._first = self._last = ""
        self._everything = False
        return done

    def _matches(self, ledger: Ledger) -> Iterator[Match]:
        since = "" if self._everything else _shifted(self._first, -self._reach)
        until = "" if self._everything else _shifted(self._last, self._reach + 1)
        for rule in sorted({rule for correlation in self._detector.book.correlations for rule in correlation.rules}):
            yield from ledger.matches_of(rule, since, until)


def _reach(correlation: Correlation) -> int:
    """How far apart, in seconds, two matches can be of which one changes what the other means."""
    return correlation.timespan + max(correlation.history, correlation.min_history)


def _shifted(time: str, seconds: int) -> str:
    moved = datetime.fromisoformat(time) + timedelta(seconds=seconds)
    return moved.strftime("%Y-%m-%dT%H:%M:%SZ")

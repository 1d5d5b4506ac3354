"""Detection on logs on their way into the lake: what is found is in the ledger with the objects it was found in.

Findings of single records are committed with their object. Correlations look across objects: their matches are
committed with the objects, and evaluated once a batch of objects is in, over every day that the new matches can change,
which is then as if all logs had been read at once. What a killed run left unevaluated the next one evaluates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from sakimori.detect.correlation import Correlator, Seen
from sakimori.detect.detection import Detector
from sakimori.detect.ir import Correlation
from sakimori.detect.rulebook import Rulebook
from sakimori.detect.sighting import Sighting, epoch
from sakimori.model.finding import Finding
from sakimori.model.match import Match
from sakimori.store.ledger import Ledger, Superseded, Upserted

_LOOK_AT_ALL_HISTORY = ("first_seen", "baseline")


class Watch:
    """Detection over runs of ingest: `observer` goes to the workers, `settle` follows when their objects are in."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.observer = Detector(book)

    def settle(self, ledger: Ledger) -> Upserted:
        """Evaluates every correlation that matches not looked at before can have changed."""
        done = Upserted()
        settling = ledger.begin_settling()
        if settling is None:
            return done
        try:
            for correlation in self.book.correlations:
                reach = reach_of(correlation, settling.spans)
                if reach is not None:
                    found = _findings(correlation, reach, ledger)
                    done += ledger.replace_findings(settling, correlation.meta.id, reach.since, reach.until, found)
            ledger.end_settling(settling)
        except Superseded:
            return done  # the run that took over looks at these matches, too
        return done


@dataclass(frozen=True, slots=True)
class Reach:
    """What matches change: findings last seen in `since <= time < until` ("" is open), which hang on matches from
    `history` on."""

    history: str
    since: str
    until: str


def reach_of(correlation: Correlation, spans: Mapping[str, tuple[str, str]]) -> Reach | None:
    """What new matches (rule -> their first and last time) change of a correlation's findings, in whole days.

    A window changes if it ends up to `timespan` after a match. Where it is asked how long a group has been known, one
    old match changes all that follows. A baseline's bucket may begin on the day before.
    """
    touched = [spans[rule] for rule in correlation.rules if rule in spans]
    if not touched:
        return None
    first, last = min(span[0] for span in touched), max(span[1] for span in touched)
    width, open_ended = correlation.timespan, correlation.kind in _LOOK_AT_ALL_HISTORY
    bucket = width if correlation.kind == "baseline" else 0
    since = _day(first, -bucket)
    until = "" if open_ended else _day(last, width + 86_400)
    return Reach(_shifted(since, -width - bucket - (correlation.history if bucket else 0)), since, until)


def _findings(correlation: Correlation, reach: Reach, ledger: Ledger) -> Iterator[Finding]:
    correlator = Correlator((correlation,))
    for rule in dict.fromkeys(correlation.rules):
        if correlation.kind in _LOOK_AT_ALL_HISTORY and reach.history:
            for group_key, time in ledger.first_matches_of(rule, reach.history):
                correlator.add(_seen(Match(rule, "", time, "", "", "", "", "", group_key)))
        for match in ledger.matches_of(rule, reach.history, reach.until):
            if match.time:
                correlator.add(_seen(match))
    for finding in correlator.findings():
        if reach.since <= finding.last_seen and (not reach.until or finding.last_seen < reach.until):
            yield finding


def _seen(match: Match) -> Seen:
    seen = Sighting(match.record_id, match.time, match.account, match.region, match.actor, match.source_ip)
    return Seen(match.rule, epoch(match.time), seen, match.asset, orjson.loads(match.group_key) or {})


def _day(time: str, seconds: int) -> str:
    """When the day begins of the moment so many seconds after `time`; "" past the ends of the calendar."""
    return moved[:10] + "T00:00:00Z" if (moved := _shifted(time, seconds)) else ""


def _shifted(time: str, seconds: int) -> str:
    if not time:
        return ""
    try:
        moved = datetime.fromisoformat(time) + timedelta(seconds=seconds)
    except OverflowError:
        return ""
    return moved.isoformat().replace("+00:00", "Z")

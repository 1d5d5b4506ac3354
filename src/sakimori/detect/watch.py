"""Detection on logs on their way into the lake: what is found is in the ledger with the objects it was found in.

Findings of single records are committed with their object. Correlations look across objects: their matches are
committed with the objects, and evaluated once a batch of objects is in, over every day that the new matches can change,
which is then as if all logs had been read at once. What a killed run left unevaluated the next one evaluates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import orjson

from sakimori.detect.correlation import Correlator, Seen, chain_of
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
            for correlation in (each for each in self.book.correlations if each.reports):
                chain = chain_of(self.book.correlations, {correlation.meta.id})
                reach = reach_of(chain, settling.spans)
                if reach is not None:
                    found = _findings(chain, reach, ledger)
                    done += ledger.replace_findings(settling, correlation.meta.id, reach.since, reach.until, found)
            ledger.end_settling(settling)
        except Superseded:
            return done  # the run that took over looks at these matches, too
        return done


@dataclass(frozen=True, slots=True)
class Reach:
    """What matches change: findings last seen in `since <= time < until` ("" is open), which hang on matches from
    `history` to before `horizon`."""

    history: str
    since: str
    until: str
    horizon: str


def reach_of(chain: Sequence[Correlation], spans: Mapping[str, tuple[str, str]]) -> Reach | None:
    """What new matches (rule -> their first and last time) change of the findings of a correlation, the last of a chain
    of those that it refers to, in whole days.

    A window changes if it ends up to `timespan` after a match; in a chain, window upon window. Where it is asked how
    long a group has been known, one old match changes all that follows. A baseline's bucket may begin a day before;
    an expression may ask what has no match until `timespan` after a window.
    """
    touched = [spans[rule] for correlation in chain for rule in correlation.rules if rule in spans]
    if not touched:
        return None
    first, last = min(span[0] for span in touched), max(span[1] for span in touched)
    width = sum(correlation.timespan for correlation in chain)
    baselines = [correlation for correlation in chain if correlation.kind == "baseline"]
    bucket = sum(correlation.timespan for correlation in baselines)
    ahead = sum(correlation.timespan for correlation in chain if correlation.expression is not None)
    since = _day(first, -bucket - ahead)
    if any(correlation.kind in _LOOK_AT_ALL_HISTORY for correlation in chain):
        history = sum(correlation.history for correlation in baselines)
        asks_since_when = bool(baselines) or any(correlation.min_history for correlation in chain)
        return Reach(
            "" if len(chain) > 1 and asks_since_when else _shifted(since, -width - bucket - history), since, "", ""
        )
    until = _day(last, width + 86_400)
    return Reach(_shifted(since, -width), since, until, _shifted(until, ahead))


def _findings(chain: Sequence[Correlation], reach: Reach, ledger: Ledger) -> Iterator[Finding]:
    """The findings of the last of the chain."""
    *inner, correlation = chain
    correlator = Correlator([*(msgspec.structs.replace(each, reports=False) for each in inner), correlation])
    inner_ids = {each.meta.id for each in inner}
    for rule in dict.fromkeys(rule for each in chain for rule in each.rules if rule not in inner_ids):
        if correlation.kind in _LOOK_AT_ALL_HISTORY and reach.history:
            for group_key, time in ledger.first_matches_of(rule, reach.history):
                correlator.add(_seen(Match(rule, "", time, "", "", "", "", "", group_key)))
        for match in ledger.matches_of(rule, reach.history, reach.horizon):
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

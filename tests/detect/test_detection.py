"""From texts to findings: in one go, in parts, by way of what the ledger keeps; and only the times that are wanted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

import sakimori.detect
from corpus import cloudtrail_records
from sakimori.collect.sources import SourceObject
from sakimori.detect.correlation import Correlator, Seen
from sakimori.detect.detection import Detector, Look, Whole
from sakimori.detect.rulebook import Rulebook, load
from sakimori.detect.sighting import Sighting, epoch
from sakimori.detect.sigma import rule_tests
from sakimori.model.finding import Finding
from sakimori.model.match import Match

PACK = Path(sakimori.detect.__file__).parent / "rules"


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load()


def own_records() -> list[dict[str, Any]]:
    """The records that the rules of the pack are tested with."""
    found = []
    for file in sorted(PACK.rglob("*.yml")):
        found += [event for test in rule_tests(file, file.stem) for event in test.events]
    return found


def text(records: list[dict[str, Any]]) -> bytes:
    return json.dumps({"Records": records}, separators=(",", ":")).encode()


def by_uid(findings: list[Finding]) -> dict[str, Finding]:
    assert len({finding.uid for finding in findings}) == len(findings)
    return {finding.uid: finding for finding in findings}


def cut(records: list[dict[str, Any]]) -> list[bytes]:
    return [orjson.dumps(record) for record in records]


SOMEWHERE = SourceObject("p", 0, "", datetime.now(UTC), "file")


def correlated(book: Rulebook, matches: list[Match]) -> list[Finding]:
    """The findings of correlations over matches as the ledger keeps them."""
    correlator = Correlator(book.correlations)
    for match in matches:
        seen = Sighting(match.record_id, match.time, match.account, match.region, match.actor, match.source_ip)
        correlator.add(Seen(match.rule, epoch(match.time), seen, match.asset, orjson.loads(match.group_key)))
    return list(correlator.findings())


def test_what_the_ledger_keeps_gives_the_findings_of_the_texts(book: Rulebook) -> None:
    detector = Detector(book)
    records = own_records()
    look = detector.look(text(records), "p")
    assert (look.refusals, look.records) == ([], len(records))
    observed = detector.records(SOMEWHERE, cut(records))
    kept = list(observed.matches)
    of_many = correlated(book, Random(1).sample(kept, len(kept)))
    found = by_uid(list(detector.findings(look)))
    assert by_uid([*observed.findings, *of_many]) == found
    assert {each.rule for each in found.values()} & {each.meta.id for each in book.correlations}


def test_real_records_in_parts_give_the_findings_of_the_whole(book: Rulebook) -> None:
    detector = Detector(book)
    records = cloudtrail_records()
    whole = Whole(book)
    kept = []
    for at in range(0, len(records), 700):
        whole.take(detector.look(text(records[at : at + 700]), "p"))
        kept += detector.records(SOMEWHERE, cut(records[at : at + 700])).matches
    found = by_uid(list(whole.findings()))
    assert found == by_uid(list(detector.findings(detector.look_over(cut(records)))))
    correlations = {each.meta.id for each in book.correlations}
    of_many = {uid: each for uid, each in found.items() if each.rule in correlations}
    assert by_uid(correlated(book, kept)) == of_many


def test_only_wanted_times(book: Rulebook) -> None:
    stop = {
        "eventVersion": "1.10",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "requestParameters": {"name": "t"},
    }
    hours = {hour: f"2026-11-21T{hour:02d}:00:00Z" for hour in (8, 9, 10)}
    records = [{**stop, "eventTime": time, "eventID": time} for time in hours.values()]
    records += [{**stop, "eventTime": odd, "eventID": odd} for odd in ("9999-01-01T00:00:00Z", "yesterday")]
    pack = book.only(["cloudtrail_logging_stopped"])

    def seen(**bounds: str) -> set[str]:
        detector = Detector(pack, **bounds)
        return {each for finding in detector.findings(detector.look(text(records), "p")) for each in finding.records}

    assert seen() == {*hours.values(), "9999-01-01T00:00:00Z", "yesterday"}
    assert seen(since=hours[9]) == {hours[9], hours[10], "9999-01-01T00:00:00Z"}
    assert seen(until=hours[9]) == {hours[8], "yesterday"}
    assert seen(since=hours[9], until=hours[10]) == {hours[9]}


def test_impossible_times_do_not_stop_a_correlation(book: Rulebook) -> None:
    records = [
        {**event, "eventTime": "2026-13-45T99:99:99Z", "eventID": f"e{at}"} for at, event in enumerate(own_records())
    ]
    detector = Detector(book)
    look = detector.look(text(records), "p")
    assert look.matched > 300
    assert look.seen == []


def test_an_empty_look_has_no_findings(book: Rulebook) -> None:
    assert list(Detector(book).findings(Look())) == []

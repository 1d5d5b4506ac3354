"""Correlations over the ledger: evaluated once whatever happens in between, and as if all logs had come at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec
import orjson
import pytest

from sakimori.detect import ir, watch
from sakimori.detect.correlation import Correlator, Seen
from sakimori.detect.rulebook import Rulebook
from sakimori.detect.sighting import Sighting, epoch
from sakimori.detect.watch import Watch, reach_of
from sakimori.model.match import Match
from sakimori.model.severity import Severity
from sakimori.store.ledger import Arrival, Ledger, ObjectEntry, Status, Superseded, Upserted, open_ledger

START = int(datetime(2026, 11, 10, tzinfo=UTC).timestamp())
HOUR, DAY = 3600, 86_400
RULES = ("r0", "r1")
KINDS = get_args(ir.CorrelationKind)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


def meta(rule: str) -> ir.Meta:
    return ir.Meta(id=rule, name=rule, uuid="", title=rule, description="", severity=Severity.HIGH)


def correlation(kind: ir.CorrelationKind = "event_count", **settings: Any) -> ir.Correlation:
    given = {"rules": ("r0",), "group_by": ("who",), "timespan": HOUR, "count": 2.0} | settings
    return ir.Correlation(meta=meta("c"), kind=kind, **given)


def book(*correlations: ir.Correlation) -> Rulebook:
    rules = tuple(ir.Rule(meta=meta(rule), condition=ir.Null("x"), reports=False) for rule in RULES)
    return Rulebook(rules, correlations, (), {each: meta(each) for each in (*RULES, "c")})


def match(number: int, seconds: int, rule: str = "r0", **fields: str) -> Match:
    time = datetime.fromtimestamp(START + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    keys = orjson.dumps({"who": "w"} | fields).decode()
    return Match(rule, f"id{number:03}", time, "A", "X", "u", f"10.0.0.{number}", f"asset{number % 2}", keys)


def commit(ledger: Ledger, uid: str, *matches: Match) -> None:
    entry = ObjectEntry(uid, f"/logs/{uid}", "cloudtrail", 1, "s", "", 1, 0, "A", "X", None, None, ())
    ledger.commit_objects([Arrival(entry, [], matches)])


def standing(ledger: Ledger) -> dict[str, dict[str, Any]]:
    return {
        stored.finding.uid: stored.finding.to_json()
        for stored in ledger.findings()
        if stored.status is not Status.RESOLVED
    }


def settled_by_and_by(
    rng: Random, place: Path, matches: list[Match], often: float, *rules: ir.Correlation
) -> dict[str, dict[str, Any]]:
    """The findings that stand when matches came one by one, in any order, and were settled now and then."""
    settled = Watch(book(*rules))
    with open_ledger(place) as ledger:
        for at, each in enumerate(rng.sample(matches, len(matches))):
            commit(ledger, f"o{at}", each)
            if rng.random() < often:
                settled.settle(ledger)
        settled.settle(ledger)
        return standing(ledger)


def at_once(rule: ir.Correlation, matches: list[Match], *outer: ir.Correlation) -> dict[str, dict[str, Any]]:
    correlator = Correlator((rule, *outer))
    for each in matches:
        seen = Sighting(each.record_id, each.time, each.account, each.region, each.actor, each.source_ip)
        correlator.add(Seen(each.rule, epoch(each.time), seen, each.asset, orjson.loads(each.group_key)))
    return {finding.uid: finding.to_json() for finding in correlator.findings()}


def random_correlation(rng: Random, kind: ir.CorrelationKind) -> ir.Correlation:
    return correlation(
        kind,
        rules=rng.choice((("r0",), ("r0", "r1"), ("r1", "r0"))),
        group_by=rng.choice(((), ("who",))),
        timespan=rng.choice((10, HOUR, 7 * HOUR, 30 * HOUR)),
        op=rng.choice(("lt", "lte", "gt", "gte", "eq", "neq")),
        count=float(rng.randrange(1, 4)),
        field=("city",),
        min_history=rng.choice((0, HOUR, 2 * DAY)),
        history=rng.choice((HOUR, 10 * HOUR, 3 * DAY)),
        factor=rng.choice((0.5, 2.0)),
    )


def random_matches(rng: Random) -> list[Match]:
    """In knots, some about midnight, over two weeks: quiet days between them, too."""
    knots = [rng.randrange(14) * DAY + rng.choice((0, 5 * HOUR, 23 * HOUR)) for _ in range(rng.randrange(1, 6))]
    return [
        match(
            number,
            rng.choice(knots) + rng.randrange(-HOUR, HOUR),
            rng.choice(RULES),
            who=rng.choice(("w", "w", "z")),
            city=rng.choice("pqr"),
        )
        for number in range(rng.randrange(1, 20))
    ]


def test_what_must_not_be_takes_a_finding_back_days_later(ledger: Ledger) -> None:
    nothing = ir.Combined("and", ("r0", ir.Combined("not", ("r1",))))
    settled = Watch(book(correlation("temporal", rules=("r0", "r1"), timespan=30 * HOUR, expression=nothing)))
    commit(ledger, "first", match(1, 23 * HOUR))
    settled.settle(ledger)
    assert len(standing(ledger)) == 1
    commit(ledger, "late", match(2, 52 * HOUR, "r1"))
    settled.settle(ledger)
    assert standing(ledger) == {}


def test_what_an_expression_finds_is_taken_back_when_what_must_not_be_comes_late(tmp_path: Path) -> None:
    rng = Random("expression")
    nothing = ir.Combined("not", ("r1",))
    alone, either = ir.Combined("and", ("r0", nothing)), ir.Combined("or", ("r1", ir.Combined("not", ("r0",))))
    some = 0
    for number in range(60):
        rule = msgspec.structs.replace(
            random_correlation(rng, "temporal"), rules=("r0", "r1"), expression=rng.choice((alone, alone, either))
        )
        matches = [
            match(at, rng.randrange(3 * DAY), rng.choice(("r0", "r1")), who="w", city="p")
            for at in range(rng.randrange(2, 9))
        ]
        found = settled_by_and_by(rng, tmp_path / f"{number}.sqlite", matches, 0.7, rule)
        wanted = at_once(rule, matches)
        assert found == wanted, f"{rule}\n{matches}"
        some += bool(wanted)
    assert some > 20


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_order_and_the_runs_the_findings_are_those_of_all_logs_at_once(
    kind: ir.CorrelationKind, tmp_path: Path
) -> None:
    rng = Random(kind)
    some = 0
    for number in range(25):
        rule, matches = random_correlation(rng, kind), random_matches(rng)
        found = settled_by_and_by(rng, tmp_path / f"{number}.sqlite", matches, 0.5, rule)
        wanted = at_once(rule, matches)
        assert found == wanted, f"{rule}\n{matches}"
        some += bool(wanted)
    assert some > 5


def test_a_chain_of_correlations_is_settled_like_all_logs_at_once(tmp_path: Path) -> None:
    rng = Random("chain")
    some = 0
    for number in range(60):
        inner = msgspec.structs.replace(
            random_correlation(rng, rng.choice(("event_count", "value_count", "first_seen", "baseline"))),
            meta=meta("inner"), rules=("r0",), reports=False,
        )  # fmt: skip
        kind = rng.choice(("temporal", "temporal_ordered", "event_count", "first_seen"))
        rule = msgspec.structs.replace(random_correlation(rng, kind), rules=("inner", "r1"), op="gte", count=2.0)
        matches = random_matches(rng)
        found = settled_by_and_by(rng, tmp_path / f"{number}.sqlite", matches, 0.5, rule, inner)
        wanted = at_once(inner, matches, rule)
        assert found == wanted, f"{rule}\n{inner}\n{matches}"
        some += bool(wanted)
    assert some > 5


def test_what_a_killed_run_left_the_next_one_evaluates(ledger: Ledger) -> None:
    commit(ledger, "o1", match(1, 0))
    commit(ledger, "o2", match(2, 60))  # killed here
    assert Watch(book(correlation())).settle(ledger).new == 1
    assert Watch(book(correlation())).settle(ledger) == Upserted()  # nothing is left to do


def test_killed_in_the_middle_of_evaluating(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(ledger, "o1", match(1, 0), match(2, 60))
    with monkeypatch.context() as killed:
        killed.setattr(Ledger, "end_settling", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            Watch(book(correlation())).settle(ledger)
    before = standing(ledger)
    assert len(before) == 1
    assert Watch(book(correlation())).settle(ledger).known == 1
    assert standing(ledger) == before
    assert ledger.begin_settling() is None


def test_a_run_that_began_later_takes_over(ledger: Ledger) -> None:
    commit(ledger, "o1", match(1, 0))
    earlier = ledger.begin_settling()
    commit(ledger, "o2", match(2, 60))
    later = ledger.begin_settling()
    assert earlier is not None
    assert later is not None
    assert later.spans == {"r0": (match(1, 0).time, match(2, 60).time)}
    with pytest.raises(Superseded):
        ledger.replace_findings(earlier, "c", "", "", [])
    with pytest.raises(Superseded):
        ledger.end_settling(earlier)
    assert Watch(book(correlation())).settle(ledger).new == 1


def test_what_is_committed_meanwhile_is_left_for_the_next_time(ledger: Ledger) -> None:
    commit(ledger, "o1", match(1, 0))
    settling = ledger.begin_settling()
    assert settling is not None
    commit(ledger, "o2", match(2, 60))
    ledger.end_settling(settling)
    left = ledger.begin_settling()
    assert left is not None
    assert left.spans == {"r0": (match(2, 60).time, match(2, 60).time)}


def test_a_finding_that_no_longer_holds_is_resolved_and_comes_back(ledger: Ledger) -> None:
    rule = correlation("first_seen", field=("city",), timespan=30 * DAY)
    settled = Watch(book(rule))
    commit(ledger, "o1", match(1, 5 * DAY, city="p"))
    settled.settle(ledger)
    (found,) = standing(ledger)
    commit(ledger, "o2", match(2, 4 * DAY, city="p"))  # late: it was seen the day before
    settled.settle(ledger)
    assert found not in standing(ledger)
    history = ledger.status_history(found)
    assert [(change.status, change.by) for change in history] == [("New", "sakimori"), ("Resolved", "sakimori")]
    assert history[-1].note.startswith("withdrawn")


def test_what_people_resolved_stays_so_until_there_is_more(ledger: Ledger) -> None:
    settled = Watch(book(correlation()))
    commit(ledger, "o1", match(1, 0), match(2, 60))
    settled.settle(ledger)
    (uid,) = standing(ledger)
    ledger.set_status(uid, Status.RESOLVED, "ann")
    commit(ledger, "o2", match(3, 5 * HOUR))  # evaluated again, and the same
    settled.settle(ledger)
    assert standing(ledger) == {}
    commit(ledger, "o3", match(4, 120))
    settled.settle(ledger)
    assert standing(ledger)[uid]["count"] == 3


def test_matches_without_a_time_are_in_no_correlation(ledger: Ledger) -> None:
    commit(ledger, "o1", *(replace(match(number, 0), time="") for number in range(4)))
    assert Watch(book(correlation())).settle(ledger).new == 0
    assert ledger.begin_settling() is None


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_times_at_the_ends_of_the_calendar(ledger: Ledger, time: str) -> None:
    for kind in KINDS:
        assert reach_of([correlation(kind, field=("who",), history=DAY)], {"r0": (time, time)}) is not None
    commit(ledger, "o1", *(replace(match(number, 0), time=time) for number in range(4)))
    assert Watch(book(correlation())).settle(ledger).new == 1


def test_only_what_the_new_matches_can_change_is_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    settled = Watch(book(correlation()))
    for day in range(10):
        commit(ledger, f"o{day}", match(day, day * DAY))
    settled.settle(ledger)
    read: list[str] = []
    of = Ledger.matches_of

    def reading(self: Ledger, rule: str, since: str = "", until: str = "") -> Iterator[Match]:
        for each in of(self, rule, since, until):
            read.append(each.record_id)
            yield each

    monkeypatch.setattr(watch.Ledger, "matches_of", reading)
    commit(ledger, "new", match(99, 9 * DAY + 60))
    assert settled.settle(ledger).new == 1
    assert read == ["id009", "id099"]


def test_a_bucket_of_a_baseline_that_goes_on_after_midnight(ledger: Ledger) -> None:
    width = 30 * HOUR
    bucket = (START + 5 * DAY) // width * width - START
    assert (START + bucket + HOUR) // DAY != (START + bucket + 29 * HOUR) // DAY
    rule = correlation("baseline", timespan=width, factor=2.0, history=10 * DAY)
    matches = [match(number, bucket + hours * HOUR) for number, hours in enumerate((-120, 1, 2, 29))]
    settled = Watch(book(rule))
    for each in matches:
        commit(ledger, each.record_id, each)
        settled.settle(ledger)
    assert standing(ledger) == at_once(rule, matches)
    assert len(standing(ledger)) == 1
    assert len(ledger.findings()) == 2  # that of the day before was withdrawn

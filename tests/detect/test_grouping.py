"""Repeats are one finding: the same one, in whatever order and in however many parts the records are read."""

from __future__ import annotations

import pickle
from random import Random

import pytest

from sakimori.detect import grouping, ir
from sakimori.detect.grouping import Groups
from sakimori.detect.sighting import Sighting
from sakimori.model.severity import Severity

META = ir.Meta(id="r", name="r", uuid="", title="Title", description="Why", severity=Severity.HIGH, tactics=("impact",))
RULES = {"r": META, "s": META}


def sighted(number: int, time: str, actor: str = "ann", ip: str = "") -> Sighting:
    return Sighting(f"e{number}", time, "111122223333", "eu-west-1", actor, ip or f"10.0.0.{number}")


def groups(matches: list[tuple[str, Sighting, str]]) -> Groups:
    made = Groups()
    for rule, seen, asset in matches:
        made.add(rule, seen, asset, lambda seen=seen: {"from": seen.source_ip})
    return made


def test_one_rule_actor_asset_and_day_is_one_finding() -> None:
    day = [sighted(2, "2026-11-21T23:59:59Z"), sighted(1, "2026-11-21T00:00:00Z"), sighted(1, "2026-11-21T00:00:00Z")]
    others = [
        ("r", sighted(4, "2026-11-22T00:00:00Z"), "x"),
        ("r", sighted(5, "2026-11-21T00:00:01Z", actor="bob"), "x"),
        ("r", sighted(6, "2026-11-21T00:00:01Z"), "y"),
        ("s", sighted(7, "2026-11-21T00:00:01Z"), "x"),
    ]
    found = sorted(
        groups([("r", seen, "x") for seen in day] + others).findings(RULES), key=lambda each: each.first_seen
    )
    assert len(found) == len({finding.uid for finding in found}) == 5
    first = found[0]
    assert (first.count, first.records) == (2, ("e1", "e2"))
    assert (first.first_seen, first.last_seen) == ("2026-11-21T00:00:00Z", "2026-11-21T23:59:59Z")
    assert (first.source_ip, first.matched) == ("10.0.0.1", {"from": "10.0.0.1"})
    assert (first.title, first.severity, first.tactics, first.description) == (
        "Title",
        Severity.HIGH,
        ("impact",),
        "Why",
    )
    assert {finding.records[0] for finding in found} == {"e1", "e5", "e6", "e7", "e4"}


def test_order_and_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(1)
    for number in range(60):
        matches = []
        for at in range(rng.randrange(1, 40)):
            time = f"2026-11-{rng.choice((21, 22))}T00:00:{rng.randrange(9):02d}Z"
            matches.append((rng.choice("rs"), sighted(at % 30, time, actor=rng.choice("ab")), rng.choice("xy")))
        whole = list(groups(matches).findings(RULES))
        if number % 2:
            monkeypatch.setattr(grouping, "HELD", 5)  # next to nothing fits in memory
        parts = Groups()
        mixed = rng.sample(matches, len(matches))
        for at in range(0, len(mixed), 3):
            parts.merge(pickle.loads(pickle.dumps(groups(mixed[at : at + 3]))))
        found = list(parts.findings(RULES))
        assert {finding.uid: finding for finding in found} == {finding.uid: finding for finding in whole}
        monkeypatch.undo()

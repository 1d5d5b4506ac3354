"""What our own modifiers, and those that pySigma lacks, hold for: against plain ways to say the same."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random

import pytest

from plain import holds
from sakimori.detect import ir, sigma_modifiers, sigma_time
from sakimori.detect.sigma import load_file

RELATIONS = {
    "eq": int.__eq__,
    "lt": int.__lt__,
    "lte": int.__le__,
    "gt": int.__gt__,
    "gte": int.__ge__,
}
HEAD = "title: T\nlogsource: {product: aws, service: cloudtrail}\n"


def condition(folder: Path, item: str) -> ir.Condition:
    path = folder / "rule.yml"
    path.write_text(f"{HEAD}detection:\n    s: {{{item}}}\n    condition: s\n", encoding="utf-8")
    (rule,) = load_file(path)
    assert isinstance(rule, ir.Rule), rule
    return rule.condition


@pytest.mark.parametrize("part", ["minute", "hour", "day", "month", "year"])
@pytest.mark.parametrize("op", RELATIONS)
def test_a_part_of_a_time_is_what_datetime_says(tmp_path: Path, part: str, op: str) -> None:
    rng = Random(f"{part} {op}")
    start = datetime(2020, 1, 1)
    times = [start + timedelta(seconds=rng.randrange(12 * 365 * 86_400)) for _ in range(200)]
    for number in {getattr(rng.choice(times), part) for _ in range(6)}:
        item = f"eventTime|{part}: {number}" if op == "eq" else f"eventTime|{part}|{op}: {number}"
        try:
            wanted = condition(tmp_path, item)
        except AssertionError:  # before the first minute, after the last month
            assert not any(RELATIONS[op](getattr(time, part), number) for time in times)
            continue
        for time in times:
            for text in (time.strftime("%Y-%m-%dT%H:%M:%SZ"), time.isoformat(" ")):
                assert holds(wanted, {"eventTime": text}) == RELATIONS[op](getattr(time, part), number), (item, text)


@pytest.mark.parametrize("text", ["", "2026", "20261120T080000Z", "Nov 20, 2026 8:00:00 AM", "1795161600"])
def test_what_is_no_time_has_no_parts(text: str) -> None:
    assert not holds(sigma_time.in_time("t", sigma_time.TimestampPart.HOUR, "gte", 0), {"t": text})


def test_dashes_stand_for_each_other_wherever_one_begins_a_word(tmp_path: Path) -> None:
    dashes = "-/–—―"
    found = condition(tmp_path, "f|windash: 'cmd —a b-c /d ―e'")
    for first, second, third in product(dashes, repeat=3):
        assert holds(found, {"f": f"cmd {first}a b-c {second}d {third}e"})
    assert not holds(found, {"f": "cmd -a b/c /d -e"})


def test_operators_are_read_in_capitals_and_names_are_left_alone() -> None:
    given = {"detection": {"NOT": {}, "a": {}, "condition": ["a AND NOT b", "ALL OF a* OR 1 of them", "a_AND-b"]}}
    said = sigma_modifiers.in_small_letters(given, "detection")["detection"]["condition"]
    assert said == ["a and NOT b", "all of a* or 1 of them", "a_AND-b"]
    assert re.search("AND", given["detection"]["condition"][0]), "the document itself is not changed"

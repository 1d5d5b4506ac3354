"""A finding comes back out of its row as it went in, but for what no database can hold."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import RowMapping

from sakimori.model.finding import Finding
from sakimori.model.severity import Severity
from sakimori.store.finding_rows import to_finding, to_row
from sakimori.store.tables import findings

NOW = "2026-11-20T10:00:00Z"


def finding(**given: Any) -> Finding:
    made: dict[str, Any] = {
        "uid": "u1",
        "rule": "r",
        "title": "T",
        "severity": Severity.HIGH,
        "tactics": ("impact",),
        "techniques": ("T1485", "T1490"),
        "account": "111122223333",
        "region": "eu-west-1",
        "actor": "a",
        "source_ip": "198.51.100.7",
        "asset": "arn:aws:s3:::b",
        "count": 2,
        "first_seen": NOW,
        "last_seen": NOW,
        "records": ("e1", "e2"),
        "times": (NOW, NOW),
        "matched": {"eventName": "DeleteBucket", "n": [1, None]},
    }
    return Finding(**made | given)


def there_and_back(given: Finding) -> Finding:
    times = given.times or ("",) * len(given.records)
    row = cast(RowMapping, to_row(given, "New", NOW))
    return to_finding(row, list(zip(given.records, times, strict=True)))


def test_a_row_has_the_columns_of_the_table_in_its_order() -> None:
    assert list(to_row(finding(), "New", NOW)) == [column.name for column in findings.columns]


@pytest.mark.parametrize(
    "given",
    [
        finding(),
        finding(times=(), matched={}, tactics=(), techniques=()),
        finding(class_uid=2003, records=(), times=(), evidence={"request": {"a": [1]}}, remediation="Fix it."),
    ],
)
def test_it_comes_back_as_it_was(given: Finding) -> None:
    assert there_and_back(given) == given


def test_a_record_that_is_named_twice_counts_once_and_none_leaves_the_count_alone() -> None:
    assert to_row(finding(records=("e1", "e1", "e2"), count=3), "New", NOW)["count"] == 2
    assert to_row(finding(records=("e1",), count=9), "New", NOW)["count"] == 1
    assert to_row(finding(records=(), count=9), "New", NOW)["count"] == 9


@given(st.text(st.characters()), st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_whatever_an_attacker_chose_can_be_stored(text: str, matched: dict[str, Any]) -> None:
    row = to_row(finding(actor=text, title=text, matched=matched), "New", NOW)
    for value in row.values():
        if isinstance(value, str):
            assert "\0" not in value
            value.encode("utf-8")
    if text.isprintable() and text.isascii():
        assert there_and_back(finding(actor=text)).actor == text

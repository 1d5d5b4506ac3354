"""The lake's schema as data."""

from __future__ import annotations

import hashlib

import pytest

from sakimori.model.record import COLUMNS, MAX_RECORD_ID, record_uid


def test_every_column_is_explained_once() -> None:
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    for column in COLUMNS:
        assert column.help.endswith("."), column.name


@pytest.mark.parametrize("event_id", [None, "", 7, ["a"], "x" * (MAX_RECORD_ID + 1)])
def test_a_record_without_a_usable_id_is_known_by_its_text(event_id: object) -> None:
    assert record_uid(event_id, b"{}") == "sha256:" + hashlib.sha256(b"{}").hexdigest()


def test_a_record_is_known_by_its_event_id() -> None:
    assert record_uid("cdd739f3-6dc4-b8c3-23e6-d87b2a745005", b"{}") == "cdd739f3-6dc4-b8c3-23e6-d87b2a745005"

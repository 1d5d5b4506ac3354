"""Times and keys as the credential report has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from estates import user
from sakimori.assess.access.credential_report import active_keys, moment_of, report_of

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-02T12:00:00+00:00", NOON),
        ("2026-01-02T12:00:00Z", NOON),
        ("2026-01-02T21:00:00+09:00", NOON),
        ("2026-01-02 12:00:00", NOON),
        (NOON.replace(tzinfo=None), NOON),
        (NOON, NOON),
        ("N/A", None),
        ("no_information", None),
        ("not_supported", None),
        ("", None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_a_time_or_never(value: Any, expected: datetime | None) -> None:
    assert moment_of(value) == expected


def test_only_active_keys_with_their_last_rotation_and_use() -> None:
    report = {
        "access_key_1_active": "true",
        "access_key_1_last_rotated": "2026-01-02T12:00:00Z",
        "access_key_1_last_used_date": "N/A",
        "access_key_2_active": "false",
        "access_key_2_last_rotated": "2026-01-02T12:00:00Z",
    }
    assert [*active_keys(report)] == [(1, NOON, None)]
    assert [*active_keys({"access_key_2_active": True})] == [(2, None, None)]
    assert [*active_keys({})] == []


def test_a_user_without_a_row_has_none() -> None:
    assert report_of(user("ann")) is None
    assert report_of(user("ann", CredentialReport="refused")) is None
    assert report_of(user("ann", CredentialReport={"user": "ann"})) == {"user": "ann"}

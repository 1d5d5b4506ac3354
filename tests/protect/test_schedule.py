"""When tasks run: checked against a plain walk over the minutes of the following weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sakimori.protect.schedule import DAYS, MONTHS, next_run

START = datetime(2026, 2, 27, 10, 30, 30, tzinfo=UTC)


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def walked(fits: Any, after: datetime) -> int:
    """The first whole minute after `after` that fits."""
    minute = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for _ in range(60 * 24 * 70):
        if fits(minute):
            return ms(minute)
        minute += timedelta(minutes=1)
    raise AssertionError("no minute fits")


def at(hour: int, minute: int) -> int:
    return ms(datetime(1970, 1, 2, hour, minute, tzinfo=UTC))


@pytest.mark.parametrize(
    ("details", "fits"),
    [
        (
            {"recurrenceType": "hourly", "hourlyScheduleParameters": {"minutesPastTheHour": "20"}},
            lambda m: m.minute == 20,
        ),
        (
            {"recurrenceType": "daily", "dailyScheduleParameters": {"startTime": at(3, 15)}},
            lambda m: (m.hour, m.minute) == (3, 15),
        ),
        (
            {
                "recurrenceType": "daily",
                "dailyScheduleParameters": {"startTime": at(3, 15), "frequencyType": "weekdays"},
            },
            lambda m: (m.hour, m.minute) == (3, 15) and m.weekday() < 5,
        ),
        (
            {
                "recurrenceType": "weekly",
                "weeklyScheduleParameters": {"startTime": at(9, 0), "days": ["tuesday", "sunday"]},
            },
            lambda m: (m.hour, m.minute) == (9, 0) and m.weekday() in (1, 6),
        ),
        (
            {
                "recurrenceType": "monthly",
                "monthlyScheduleParameters": {"startTime": at(9, 0), "frequencyType": "last-day-of-month"},
            },
            lambda m: (m.hour, m.minute) == (9, 0) and (m + timedelta(days=1)).day == 1,
        ),
        (
            {
                "recurrenceType": "monthly",
                "monthlyScheduleParameters": {
                    "startTime": at(9, 0),
                    "frequencyType": "custom",
                    "weekOfMonth": "second",
                    "dayOfWeek": "friday",
                    "months": ["march", "april"],
                },
            },
            lambda m: (m.hour, m.minute, m.weekday()) == (9, 0, 4) and 8 <= m.day <= 14 and m.month in (3, 4),
        ),
    ],
)
def test_it_is_the_first_minute_that_fits(details: dict[str, Any], fits: Any) -> None:
    assert next_run(details, ms(START)) == walked(fits, START)


def test_a_time_zone_moves_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = ZoneInfo("Asia/Tokyo")
    start = ms(datetime(1970, 1, 2, 8, 0, tzinfo=zone))
    details = {
        "recurrenceType": "daily",
        "timeZone": "Asia/Tokyo",
        "dailyScheduleParameters": {"startTime": start},
    }
    found = next_run(details, ms(START))
    assert found is not None
    assert datetime.fromtimestamp(found / 1_000, zone).time().isoformat() == "08:00:00"


def test_once_is_its_moment_and_never_again() -> None:
    later = ms(START) + 5
    once = {"recurrenceType": "none", "onceOnlyScheduleParameters": {"startTime": later}}
    assert next_run(once, ms(START)) == later
    assert next_run(once, later) is None
    assert next_run({"recurrenceType": "none"}, ms(START)) is None


WHATEVER = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(("none", "daily", "weekly", "monthly")),
    WHATEVER,
    WHATEVER,
    st.lists(st.sampled_from(DAYS), max_size=2),
    st.lists(st.sampled_from(MONTHS), max_size=2),
    st.sampled_from(("everyday", "weekdays", "custom", "day-of-month", "last-day-of-month", None)),
    st.text(max_size=12),
)
def test_whatever_is_asked_for_it_lies_ahead(
    kind: str, start: Any, number: Any, days: list[str], months: list[str], frequency: str | None, zone: str
) -> None:
    own = {
        "startTime": start,
        "interval": number,
        "customInterval": number,
        "dayOfMonth": number if isinstance(number, int) and 1 <= number <= 31 else None,
        "days": days,
        "months": months,
        "frequencyType": frequency,
    }
    names = (
        "dailyScheduleParameters",
        "weeklyScheduleParameters",
        "monthlyScheduleParameters",
        "onceOnlyScheduleParameters",
    )
    found = next_run({"recurrenceType": kind, "timeZone": zone, **dict.fromkeys(names, own)}, ms(START))
    assert found is None or found > ms(START)

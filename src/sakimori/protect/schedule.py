"""When a scheduled task runs next."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = "january feburary march april may june july august september october november december".split()
"""As the API spells them, the second one included."""

DAY_MS = 86_400_000
_HORIZON = 5 * 366
"""Days to look ahead: a 29th of February comes within them."""


def next_run(details: Mapping[str, Any], after: int) -> int | None:
    """The first moment after `after` (ms since 1970) at which the schedule fires; None if there is none.

    A `startTime` is a time of day in milliseconds since 1970, of which the date does not count, but for once-only
    tasks, where it is the moment itself.
    """
    kind = details.get("recurrenceType") or "none"
    own = details.get(_PARAMETERS.get(kind, "onceOnlyScheduleParameters")) or {}
    zone = _zone(details.get("timeZone"))
    if kind == "none":
        start = own.get("startTime") or 0
        return start if start > after else None
    if kind == "hourly":
        return _next_hourly(int(own.get("minutesPastTheHour") or 0), after)
    at = _time_of_day(own.get("startTime") or 0, zone)
    today = datetime.fromtimestamp(after / 1_000, UTC).astimezone(zone).date()
    fits = {"daily": _daily, "weekly": _weekly, "monthly": _monthly}[kind]
    for day in _days_from(today):
        if fits(own, day):
            moment = int(datetime.combine(day, at, zone).timestamp() * 1_000)
            if moment > after:
                return moment
    return None


_PARAMETERS = {
    "none": "onceOnlyScheduleParameters",
    "hourly": "hourlyScheduleParameters",
    "daily": "dailyScheduleParameters",
    "weekly": "weeklyScheduleParameters",
    "monthly": "monthlyScheduleParameters",
}


def is_zone(name: Any) -> bool:
    """Whether a time zone is known; none is UTC."""
    return not name or _known_zone(str(name)) is not None


def _zone(name: Any) -> tzinfo:
    return (_known_zone(str(name)) if name else None) or UTC


def _known_zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _time_of_day(start: int, zone: tzinfo) -> time:
    try:
        return datetime.fromtimestamp(start / 1_000, UTC).astimezone(zone).time()
    except (OverflowError, ValueError, OSError):
        return time()


def _days_from(day: date) -> Iterator[date]:
    for ahead in range(_HORIZON):
        try:
            yield day + timedelta(days=ahead)
        except OverflowError:
            return


def _next_hourly(minutes: int, after: int) -> int:
    hour = after // 3_600_000 * 3_600_000
    moment = hour + minutes * 60_000
    return moment if moment > after else moment + 3_600_000


def _daily(own: Mapping[str, Any], day: date) -> bool:
    match own.get("frequencyType") or "everyday":
        case "weekdays":
            return day.weekday() < 5
        case "custom":
            return _every(own.get("customInterval"), day.toordinal(), _ordinal(own.get("startTime")))
        case _:
            return True


def _weekly(own: Mapping[str, Any], day: date) -> bool:
    if DAYS[day.weekday()] not in (own.get("days") or DAYS[:1]):
        return False
    monday = day.toordinal() - day.weekday()
    return _every(own.get("interval"), monday // 7, (_ordinal(own.get("startTime")) - 1) // 7)


def _monthly(own: Mapping[str, Any], day: date) -> bool:
    if own.get("months") and MONTHS[day.month - 1] not in own["months"]:
        return False
    last = calendar.monthrange(day.year, day.month)[1]
    match own.get("frequencyType") or "day-of-month":
        case "last-day-of-month":
            return day.day == last
        case "custom":
            if DAYS[day.weekday()] != (own.get("dayOfWeek") or "monday"):
                return False
            week = own.get("weekOfMonth") or "first"
            return day.day + 7 > last if week == "last" else (day.day - 1) // 7 == _WEEKS.index(week)
        case _:
            return day.day == min(own.get("dayOfMonth") or 1, last)


_WEEKS = ("first", "second", "third", "fourth")


def _ordinal(start: Any) -> int:
    """The day (or for weeks the Monday) that an interval is counted from."""
    try:
        return datetime.fromtimestamp((start or 0) / 1_000, UTC).date().toordinal()
    except (OverflowError, ValueError, OSError):
        return 1


def _every(interval: Any, number: int, first: int) -> bool:
    step = interval if isinstance(interval, int) and interval > 0 else 1
    return (number - first) % step == 0

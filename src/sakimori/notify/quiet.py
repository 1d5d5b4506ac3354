"""Quiet hours: when a route is not to disturb anybody, in its own time zone.

quiet = ["22:00-07:00"]             # local times; a span may go over midnight
quiet_days = ["saturday", "sunday"] # whole days
time_zone = "Asia/Tokyo"            # default: UTC
quiet_passes = "critical"           # all from here up is sent at once; default: nothing is
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sakimori.model.severity import Severity
from sakimori.notify.errors import NotifyError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SETTINGS = ("quiet", "quiet_days", "time_zone", "quiet_passes")

_SPAN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Quiet:
    """When it is quiet. Spans are (from, until) in local time, `until` not among them; days count from Monday, 0."""

    spans: tuple[tuple[time, time], ...] = ()
    days: frozenset[int] = frozenset()
    zone: str = "UTC"
    passes: Severity | None = None

    def holds(self, severity: Severity, now: datetime) -> bool:
        """Whether a message of this severity has to wait now."""
        return self.is_now(now) and (self.passes is None or severity < self.passes)

    def is_now(self, now: datetime) -> bool:
        """Whether it is quiet at this moment."""
        local = now.astimezone(ZoneInfo(self.zone))
        at = local.time().replace(tzinfo=None)
        return local.weekday() in self.days or any(
            begin <= at < end if begin < end else at >= begin or at < end for begin, end in self.spans
        )


def quiet(where: str, given: Mapping[str, Any]) -> Quiet:
    """The quiet hours that a route's settings say. Raises NotifyError."""
    spans, days = _list(given.get("quiet", [])), _list(given.get("quiet_days", []))
    zone, passes = str(given.get("time_zone", "UTC")), str(given.get("quiet_passes", "")).upper()
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NotifyError(
            f"{where}: {zone!r} is no time zone, such as Asia/Tokyo, that this machine knows (is tzdata installed?)"
        ) from None
    wrong = [day for day in days if day.lower() not in DAYS]
    if wrong:
        raise NotifyError(f"{where}: {wrong[0]!r} in quiet_days is none of {', '.join(DAYS)}")
    if passes and passes not in Severity.__members__:
        raise NotifyError(f"{where}: quiet_passes is one of {', '.join(Severity.__members__).lower()}")
    found = tuple(_span(where, span) for span in spans)
    level = Severity[passes] if passes else None
    return Quiet(found, frozenset(DAYS.index(day.lower()) for day in days), zone, level)


def _span(where: str, text: str) -> tuple[time, time]:
    found = _SPAN.fullmatch(text.replace(" ", ""))
    begin, end = (time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))) if found else (time(), time())
    if begin == end:
        raise NotifyError(f"{where}: {text!r} in quiet is no span of a day, such as 22:00-07:00 (see quiet_days)")
    return begin, end


def _list(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value])]

"""When a log line was written, as far as it says so itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MONTHS = {name: at for at, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)}
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)")
_SYSLOG = re.compile(r"^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)\b")
_COMMON = re.compile(r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ")
_CTIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d{4})")
_AUDIT = re.compile(r"audit\((\d{10})\.\d+:\d+\)")


def written_at(line: str, year: int) -> float | None:
    """Seconds since 1970, the zone taken for UTC; None if the line has no time. Syslog has no year: `year` is used."""
    head = line[:200]
    if found := _AUDIT.search(head):
        return float(found[1])
    try:
        if found := _ISO.search(head):
            return _seconds(*map(int, found.groups()))
        if found := _COMMON.search(head):
            day, month, own_year, *rest = found.groups()
            return _seconds(int(own_year), _MONTHS[month], int(day), *map(int, rest))
        if found := _SYSLOG.search(head):
            month, *rest = found.groups()
            return _seconds(year, _MONTHS[month], *map(int, rest))
        if found := _CTIME.search(head):
            month, day, hour, minute, second, own_year = found.groups()
            return _seconds(int(own_year), _MONTHS[month], int(day), int(hour), int(minute), int(second))
    except (KeyError, ValueError):
        return None  # looks like a date and is none
    return None


def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> float:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()

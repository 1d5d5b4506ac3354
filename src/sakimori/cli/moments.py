"""Times as users type them."""

from __future__ import annotations

from datetime import UTC, datetime

import typer


def moment(text: str, option: str) -> datetime | None:
    """A date or an ISO 8601 time, in UTC unless it says otherwise; None for "". `option` is named in the error."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a time: write 2026-11-20 or 2026-11-20T08:00Z", param_hint=option
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def span(since: str, until: str) -> tuple[datetime | None, datetime | None]:
    """What --since and --until bound, None where it is open; a span that can hold nothing is a mistake."""
    begin, end = moment(since, "--since"), moment(until, "--until")
    if begin and end and begin >= end:
        raise typer.BadParameter(f"{since} is not before --until {until}", param_hint="--since")
    return begin, end


def milliseconds(time: datetime | None) -> int | None:
    """Milliseconds since 1970, as the lake counts."""
    return None if time is None else int(time.timestamp() * 1000)

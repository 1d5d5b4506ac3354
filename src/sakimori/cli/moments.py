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


def milliseconds(text: str, option: str) -> int | None:
    """The same in milliseconds since 1970, as the lake counts."""
    found = moment(text, option)
    return None if found is None else int(found.timestamp() * 1000)

"""The rows of IAM's credential report, read for what is old or unused ("Get credential reports", IAM user guide)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sakimori.model.asset import Asset

OLD = timedelta(days=90)
"""CIS AWS Foundations Benchmark: keys are rotated, and what is not used is removed, within 90 days (45 for users)."""

_NEVER = frozenset(("", "n/a", "no_information", "not_supported", "none"))


def report_of(asset: Asset) -> Mapping[str, Any] | None:
    """The row about a user, or None where the inventory has none."""
    found = asset.config.get("CredentialReport")
    return found if isinstance(found, Mapping) else None


def moment_of(value: Any) -> datetime | None:
    """A time of the report or of a describe answer; None for never."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    text = str(value or "").strip()
    if text.lower() in _NEVER:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def active_keys(report: Mapping[str, Any]) -> Iterator[tuple[int, datetime | None, datetime | None]]:
    """The number, last rotation and last use of each active access key."""
    for number in (1, 2):
        if str(report.get(f"access_key_{number}_active")).lower() == "true":
            rotated = moment_of(report.get(f"access_key_{number}_last_rotated"))
            yield number, rotated, moment_of(report.get(f"access_key_{number}_last_used_date"))

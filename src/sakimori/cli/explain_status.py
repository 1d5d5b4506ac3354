"""Where a finding stands, and where it stood: as JSON and for eyes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sakimori.cli.output import printable

if TYPE_CHECKING:
    from sakimori.store.ledger import Ledger


def history_json(ledger: Ledger, uid: str) -> list[dict[str, str]]:
    """Every status the finding has had, the first first: when, by whom and why."""
    changes = ledger.status_history(uid)
    return [{"at": each.at, "status": each.status.value, "by": each.by, "note": each.note} for each in changes]


def history_lines(finding: Mapping[str, Any]) -> Iterator[str]:
    """`status      Resolved`, and a line for each change; nothing of a finding that no ledger holds."""
    if "history" not in finding:
        return
    yield f"{'status':<11} {finding['status']}"
    for each in finding["history"]:
        note = f": {each['note']}" if each["note"] else ""
        yield printable(f"{'':<11} {each['at']}  {each['status']}, by {each['by']}{note}")

"""Where a finding stood, as `explain` tells it: from the ledger, for programs and for eyes."""

from __future__ import annotations

from pathlib import Path

from sakimori.cli.explain_status import history_json, history_lines
from sakimori.model.finding import Finding
from sakimori.model.severity import Severity
from sakimori.store.ledger import Status, open_ledger

FINDING = Finding(
    *("u1", "r", "T", Severity.HIGH, (), (), "111122223333", "eu-west-1", "a", "", "b", 1),
    *("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z", ("e1",)),
)


def test_every_status_is_told_with_who_and_why(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.upsert_findings([FINDING])
        ledger.set_status("u1", Status.SUPPRESSED, by="ann", note="known \x1b[31m backup")
        history = history_json(ledger, "u1")
    assert [(each["status"], each["by"], each["note"]) for each in history][-1] == (
        "Suppressed",
        "ann",
        "known \x1b[31m backup",
    )
    assert history[0]["status"] == "New"
    first, *lines = history_lines({"status": "Suppressed", "history": history})
    assert first.split() == ["status", "Suppressed"]
    assert len(lines) == len(history)
    assert lines[-1].endswith(r"Suppressed, by ann: known \x1b[31m backup")
    assert not any("\x1b" in line for line in lines)


def test_of_a_finding_that_no_ledger_holds_nothing_is_told() -> None:
    assert list(history_lines({"status": "New"})) == []

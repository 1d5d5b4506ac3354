"""What rules would have raised on the history in the lake, before they are switched on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from sakimori.detect.detection import Detector, Whole
from sakimori.detect.rulebook import Rulebook
from sakimori.model.finding import Finding
from sakimori.store.lake import Lake, read_batches
from sakimori.store.ledger import Ledger

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Backtest:
    """The findings that would have been, how many each rule, the records read and the time up to which."""

    findings: list[Finding]
    per_rule: list[tuple[str, int]]
    records: int
    until: str


def backtest(book: Rulebook, lake: Lake, ledger: Ledger, days: int) -> Backtest:
    """The rules over the last `days` days of the lake, counted back from its newest record. Raises LakeError."""
    files = ledger.lake_files()
    newest = max((file.last for file in files if file.last is not None), default=None)
    if newest is None:
        return Backtest([], [], 0, "")
    detector, whole, read = Detector(book), Whole(book), 0
    for batch in read_batches(lake, files, ["raw_data"], since=newest + 1 - days * DAY_MS):
        records = [text.encode() for text in batch.column("raw_data").to_pylist()]
        whole.take(detector.look_over(records))
        read += len(records)
    findings = list(whole.findings())
    return Backtest(findings, Counter(each.rule for each in findings).most_common(), read, _time(newest))


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""A coverage report on the way out. Keys in a bucket may be an attacker's: they reach a terminal as text only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum

from sakimori.cli.output import plural, printable, to_line
from sakimori.collect.coverage.report import CoverageReport, LaneCoverage, Problem


class ReportFormat(StrEnum):
    """TABLE is for eyes; JSON is the whole report as one object; JSONL is one problem a line."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


_HEADINGS = (
    "account",
    "region",
    "files",
    "proven",
    "pending",
    "unproven",
    "suspect",
    "ingested",
    "digests",
    "from",
    "to",
    "problems",
)


def report_lines(report: CoverageReport, form: ReportFormat) -> Iterator[str]:
    """The report's lines for standard output."""
    if form is ReportFormat.JSON:
        yield to_line(report.to_json())
    elif form is ReportFormat.JSONL:
        yield from (to_line(problem.to_json()) for problem in report.problems)
    else:
        yield from _table([_HEADINGS, *(_row(lane) for lane in report.lanes)])
        yield from (_problem(problem) for problem in report.problems)


def summary(report: CoverageReport) -> str:
    """One line: how much was looked at, and whether anything is wrong."""
    files = sum(lane.files for lane in report.lanes)
    proven = sum(lane.proven for lane in report.lanes)
    pending = sum(lane.pending for lane in report.lanes)
    looked = f"{files:,} log files of {len(report.lanes):,} accounts and regions in {printable(report.place)}"
    proof = f"{proven:,} proven, {pending:,} waiting for their digest"
    if not report.lanes:
        return f"no CloudTrail files in {printable(report.place)} in this time: is this the place that holds AWSLogs/?"
    if not report.problems:
        return f"complete: {looked}: {proof}, nothing missing"
    kinds = Counter(problem.kind for problem in report.problems)
    told = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(kinds.items()))
    return f"incomplete: {looked}: {proof}; {plural(len(report.problems), 'problem')}: {told}"


def _row(lane: LaneCoverage) -> tuple[str, ...]:
    ingested = "-" if lane.ingested is None else f"{lane.ingested:,}"
    counts = (lane.files, lane.proven, lane.pending, lane.unproven, lane.suspect)
    times = (f"{time:%Y-%m-%dT%H:%MZ}" if time else "-" for time in (lane.first, lane.last))
    numbers = tuple(f"{count:,}" for count in counts)
    return (lane.account, lane.region, *numbers, ingested, f"{lane.digests:,}", *times, f"{len(lane.problems):,}")


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Aligned columns: names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.ljust(width) if index < 2 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _problem(problem: Problem) -> str:
    told = f"{problem.account} {problem.region} {problem.key}: {problem.detail}. {problem.remedy}"
    return f"{problem.kind}: {printable(told)}"

"""Answers of `sakimori access` on the way out: tables for eyes, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sakimori.cli.output import guarded, printable, short_arn, to_line

if TYPE_CHECKING:
    from sakimori.assess.access.effective import Right
    from sakimori.assess.access.engine import Answer
    from sakimori.assess.access.instances import Through
    from sakimori.assess.access.questions import Row


class AccessFormat(StrEnum):
    """How answers are written; JSON has everything, with a witness request for every step."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


def write_rows(heading: Sequence[str], rows: Iterable[Sequence[str]], form: AccessFormat) -> None:
    """Rows of text as an aligned table or as CSV."""
    if form is AccessFormat.CSV:
        line = io.StringIO()
        writer = csv.writer(line, lineterminator="\n")
        writer.writerow([name.lower() for name in heading])
        writer.writerows([guarded(cell) for cell in row] for row in rows)
        sys.stdout.write(line.getvalue())
        return
    for text in _aligned(heading, [[printable(cell) for cell in row] for row in rows]):
        sys.stdout.write(text + "\n")


def _aligned(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """All columns as wide as their widest cell; nothing is cut, so that grep finds what is there."""
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    for row in (heading, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def write_json(objects: Iterable[dict[str, Any]], whole: dict[str, Any], form: AccessFormat) -> None:
    """Everything as one object, or an object a line."""
    if form is AccessFormat.JSON:
        sys.stdout.write(to_line(whole) + "\n")
    else:
        sys.stdout.writelines(to_line(each) + "\n" for each in objects)


WHO_HEADING = ("PRINCIPAL", "ACCOUNT", "", "CAN", "BY", "IF")


def who_row(row: Row) -> tuple[str, ...]:
    """A principal that can: who, of which account, whether a stranger, directly or through which roles, and if what."""
    return (
        _name(row),
        row.account,
        "" if row.ours else "OUTSIDE" if row.account else "",
        _can(row.outcome.value),
        by_path(row),
        row.why if row.outcome.value == "Unknown" else "; ".join(row.conditions),
    )


def _name(row: Row) -> str:
    if row.kind == "root":
        return "root user" if row.ours else "whoever it lets"
    return {"anonymous": "anybody, without signing in", "anybody": "anybody with an AWS account"}.get(
        row.principal.rpartition("/")[2], _short(row.principal)
    )


def _short(arn: str) -> str:
    """`user/ann`, `role/app`, `assumed-role/app/session`; what is no ARN as it is."""
    return arn.split(":", 5)[5] if arn.startswith("arn:") and arn.count(":") >= 5 else arn


def _can(outcome: str) -> str:
    return {"Allowed": "yes", "AllowedIf": "if", "Unknown": "unknown"}.get(outcome, "no")


def by_path(row: Row) -> str:
    """`itself`, or the roles that are assumed on the way."""
    return " > ".join(_short(arn) for arn in row.path[1:]) if len(row.path) > 1 else "itself"


THROUGH_HEADING = ("INSTANCE", "ACCOUNT", "REGION", "IMDSV1", "ROLE", "CAN", "BY", "IF")


def through_row(each: Through) -> tuple[str, ...]:
    parts = each.instance.split(":", 5)
    return (
        parts[5].rpartition("/")[2],
        parts[4],
        parts[3],
        "yes" if each.imdsv1 else "no",
        short_arn(each.role),
        _can(each.row.outcome.value),
        by_path(each.row),
        each.row.why if each.row.outcome.value == "Unknown" else "; ".join(each.row.conditions),
    )


WHAT_HEADING = ("RISK", "SERVICE", "ACTIONS", "CAN", "ON", "IF")
SHOWN = 3


def what_row(right: Right) -> tuple[str, ...]:
    names = [action.partition(":")[2] for action in right.actions]
    return (
        right.risk.value,
        right.service,
        _some(names),
        _can(right.outcome.value),
        _some(right.resources),
        right.why if right.outcome.value == "Unknown" else "; ".join(right.conditions),
    )


def _some(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def answer_lines(answer: Answer) -> Iterator[str]:
    """The response, why, and the statements that decided it."""
    yield printable(f"{answer.response.value}: {answer.why}")
    for statement in answer.decided_by:
        told = statement.reference()
        yield printable(f"  {told['effect']:<5}  {told['policy']}  {told['sid']}")

"""`sakimori findings`: what the ledger holds of findings, and where each of them stands."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from sakimori.cli.detect import FAILED, severity
from sakimori.cli.home import ledger_place
from sakimori.cli.inventories import LedgerOption
from sakimori.cli.moments import span
from sakimori.cli.output import Format, Tally, printable, to_line, write
from sakimori.model.severity import Severity

if TYPE_CHECKING:
    from sakimori.store.ledger import Ledger, Status, StoredFinding

AMBIGUOUS = 4
"""Findings that are looked at to see whether a beginning is ambiguous, and one more than are named then."""


class ListFormat(StrEnum):
    """How findings are listed."""

    TABLE = "table"
    JSONL = "jsonl"
    OCSF = "ocsf"


class StatusName(StrEnum):
    """What users call the places where a finding can stand."""

    NEW = "new"
    IN_PROGRESS = "in-progress"
    SUPPRESSED = "suppressed"
    RESOLVED = "resolved"


def findings(
    uid: Annotated[str, typer.Argument(help="Only this finding: its uid, or how it begins.", show_default=False)] = "",
    status: Annotated[StatusName | None, typer.Option(help="Only what stands so.")] = None,
    rule: Annotated[str, typer.Option(help="Only this rule's.")] = "",
    account: Annotated[str, typer.Option(help="Only this account's.")] = "",
    min_severity: Annotated[
        Severity, typer.Option(parser=severity, metavar="LEVEL", help="Only from this level on.")
    ] = Severity.INFORMATIONAL,
    since: Annotated[str, typer.Option(metavar="TIME", help="Last seen at this time or later.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Last seen before this time.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the worst first.")] = 1_000,
    form: Annotated[ListFormat, typer.Option("--format", help="How to write them.")] = ListFormat.TABLE,
    change: Annotated[StatusName | None, typer.Option("--set", help="From now on the finding stands so.")] = None,
    note: Annotated[str, typer.Option(help="Why, for the finding's history.")] = "",
    ledger: LedgerOption = "",
) -> None:
    """List the ledger's findings, the worst first, then the latest; or say where one of them stands.

    `sakimori findings UID --set suppressed --note "our scanner"` keeps quiet about it from then on; one that is
    resolved comes back when there is more of it. `sakimori explain UID` shows the history of where it stood.
    """
    from sakimori.store.ledger import FindingFilter, LedgerError, open_ledger

    if change is not None and not uid:
        raise typer.BadParameter("name the finding whose status it is: UID", param_hint="--set")
    if note and change is None:
        raise typer.BadParameter("goes with --set", param_hint="--note")
    begin, end = span(since, until)
    place = ledger or ledger_place()
    if isinstance(place, Path) and not place.exists():
        _fail(f"there is no ledger at {place}: `sakimori collect --detect` or `sakimori assess` makes one")
    wanted = FindingFilter(
        status=_status(status) if status else None,
        rule=rule,
        account=account,
        min_severity=min_severity,
        since=begin.isoformat() if begin else "",
        until=end.isoformat() if end else "",
        limit=limit,
    )
    try:
        with open_ledger(place) as opened:
            if change is not None:
                _set(opened, uid, _status(change), note)
                return
            one = opened.finding(_one(opened, uid)) if uid else None
            found = [one] if one else opened.findings(wanted)
    except LedgerError as error:
        _fail(str(error))
    told = _written(found, form)
    typer.echo(f"{told}; --limit {limit:,} was reached" if not uid and len(found) == limit else str(told), err=True)


def _written(found: list[StoredFinding], form: ListFormat) -> Tally:
    if form is ListFormat.OCSF:
        return write((each.finding for each in found), Format.OCSF, sys.stdout)
    tally = Tally()
    for each in found:
        tally.add((each.finding,))
        typer.echo(to_line(_to_json(each)) if form is ListFormat.JSONL else printable(_row(each)))
    return tally


def _to_json(stored: StoredFinding) -> dict[str, Any]:
    return stored.finding.to_json() | {"status": stored.status.value, "updated_at": stored.updated_at}


def _row(stored: StoredFinding) -> str:
    finding = stored.finding
    head = f"{finding.severity.label:<13} {stored.status.value:<11} {finding.last_seen:<20} {finding.uid[:12]}"
    where = " ".join(filter(None, (finding.account, finding.region, finding.asset)))
    return f"{head}  {finding.title}  [{finding.rule}]  {where}"


def _set(ledger: Ledger, uid: str, status: Status, note: str) -> None:
    from sakimori.cli.respond_parts import person

    whole = _one(ledger, uid)
    ledger.set_status(whole, status, person(), note)
    typer.echo(f"{whole} is {status.value}", err=True)


def _one(ledger: Ledger, uid: str) -> str:
    """The uid that begins like this. Ends the program where there is none, or more than one."""
    found = [each.finding.uid for each in ledger.findings_beginning(uid, AMBIGUOUS)]
    if not found:
        _fail(f"no finding's uid begins with {uid!r}: `sakimori findings` lists those there are")
    if len(found) > 1:
        some = ", ".join(found[: AMBIGUOUS - 1]) + (", ..." if len(found) == AMBIGUOUS else "")
        raise typer.BadParameter(f"more than one finding's uid begins with {uid!r}: {some}", param_hint="UID")
    return found[0]


def _status(name: StatusName) -> Status:
    from sakimori.store.ledger import Status

    return Status[name.name]


def _fail(message: str) -> NoReturn:
    typer.echo(printable(f"failed: {message}"), err=True)
    raise typer.Exit(FAILED)

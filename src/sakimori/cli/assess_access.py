"""`sakimori assess access`: who can do what that nobody should, with a witness for each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sakimori.cli.detect import FINDINGS, INCOMPLETE, severity
from sakimori.cli.home import ledger_place
from sakimori.cli.inventories import LedgerOption, SnapshotOption, load_inventory
from sakimori.cli.output import Format, printable, write
from sakimori.model.finding import IAM_ANALYSIS
from sakimori.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sakimori.assess.access.assessment import Assessment, NotDecided
    from sakimori.store.findings import Upserted

SHOWN_REASONS = 10


def access(
    check: Annotated[
        list[str] | None, typer.Option(help="Only this check; may be repeated. Default: all.", metavar="ID")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write the findings.")] = Format.TABLE,
    fail_on: Annotated[
        Severity | None,
        typer.Option(parser=severity, metavar="LEVEL", help="Exit with 1 if a finding is at or above this level."),
    ] = None,
    snapshot: SnapshotOption = None,
    ledger: LedgerOption = "",
) -> None:
    """Find rights that nobody should have: open resources, ways to become administrator, loose trust, unused rights.

    Looks at the assets that `sakimori discover` found, and keeps the findings in the ledger: seen again they are
    updated, gone they are resolved. Each has a witness request and the chain to it, which `sakimori access can` answers
    alike. With --snapshot nothing is kept. Exit code 3 if something could not be decided or was not looked at.
    """
    from sakimori.assess.access.assessment import assess

    only = check or []
    rules = _known(only)
    assessed = assess(load_inventory(snapshot, ledger), only)
    tally = write(assessed.findings, form, sys.stdout, of=IAM_ANALYSIS)
    kept = "" if snapshot else _kept(assessed, rules, ledger)
    _say(f"{tally}{kept}")
    undecided = [each for each in assessed.undecided if not each.unwanted]
    _say_undecided(undecided)
    for note in dict.fromkeys(each.reason for each in assessed.undecided if each.unwanted):
        _say(f"note: {note}")
    if not {"public_resource", "cross_account_resource"}.isdisjoint(rules):
        _say("note: policies of some rarer kinds of resources are not looked at: docs/access.md names them")
    missing = f"{len(undecided):,} not decided" if undecided else ""
    failed = fail_on is not None and any(level >= fail_on for level in tally.severities)
    if missing:
        _say(f"incomplete: {missing}" if failed else f"incomplete, so the exit code is {INCOMPLETE}: {missing}")
    if failed or missing:
        raise typer.Exit(FINDINGS if failed else INCOMPLETE)


def _known(only: list[str]) -> list[str]:
    """The ids of the checks that run."""
    from sakimori.assess.access.exposure import checks

    known = [plugin.id for plugin in checks()]
    unknown = [each for each in only if each not in known]
    if unknown:
        raise typer.BadParameter(f"no check {', '.join(unknown)}: there are {', '.join(known)}", param_hint="--check")
    return only or known


def _kept(assessed: Assessment, rules: list[str], ledger: str) -> str:
    from sakimori.store.ledger import LedgerError, Place, open_ledger

    places = {Place(account=each.account, asset=each.asset) for each in assessed.undecided}
    try:
        with open_ledger(ledger or ledger_place()) as opened:
            return _in_words(opened.put_assessment(rules, assessed.findings, places))
    except LedgerError as error:
        _say(f"failed: {error}")
        raise typer.Exit(4) from None


def _in_words(done: Upserted) -> str:
    """`; 2 new, 1 known, 3 resolved`, without what is none."""
    counts = {"new": done.new, "known": done.known, "reopened": done.reopened, "resolved": done.resolved}
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return f"; {told}" if told else ""


def _say_undecided(undecided: Sequence[NotDecided]) -> None:
    """What could not be decided: the first few in full, and how many more there are."""
    for each in undecided[:SHOWN_REASONS]:
        about = f"{each.check}: {each.asset or each.account}" if each.check else each.account or "the organisation"
        _say(f"not decided: {about}: {each.reason}")
    more = len(undecided) - SHOWN_REASONS
    if more > 0:
        _say(f"not decided: {more:,} more")


def _say(text: str) -> None:
    typer.echo(printable(text), err=True)

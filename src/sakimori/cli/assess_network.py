"""`sakimori assess network`: what the internet reaches, and which assertions about the network do not hold."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sakimori.cli.detect import severity
from sakimori.cli.home import ledger_place
from sakimori.cli.inventories import LedgerOption, SnapshotOption, load_inventory
from sakimori.cli.output import Format, Tally, printable, write
from sakimori.cli.remembered import Memory
from sakimori.model.finding import COMPLIANCE
from sakimori.model.severity import Severity

if TYPE_CHECKING:
    from sakimori.assess.network.findings import Assessment

FINDINGS, INCOMPLETE, FAILED = 1, 3, 4


def network(
    assertions: Annotated[
        Path | None,
        typer.Option(help="A file or folder of assertions.", metavar="PATH", show_default="./assertions, if there"),
    ] = None,
    form: Annotated[Format | None, typer.Option("--format", help="Default: table on a terminal, else jsonl.")] = None,
    fail_on: Annotated[
        Severity | None, typer.Option(parser=severity, metavar="LEVEL", help="Exit code 1 from this level on.")
    ] = None,
    snapshot: SnapshotOption = None,
    ledger: LedgerOption = "",
) -> None:
    """Find what the internet reaches, and which assertions about the network do not hold.

    Every asset that is exposed to the internet is a finding, with its ports, a path and a packet that proves it; so is
    every asset that violates one of your assertions. Assertions that hold are named with the number of packet classes
    that were judged. What cannot be decided is named, and the exit code is 3.

    Findings go to the ledger: what is no longer found is resolved there, and reopened if it returns; so are those of
    assertions that are no longer among yours, and of assets that are gone. With --snapshot they are only printed.
    `sakimori explain UID` asks the question behind a finding again.
    """
    from sakimori.assess.network.assertions import read_assertions
    from sakimori.assess.network.findings import assess as assess_network
    from sakimori.collect.memory import spare_the_collector

    spare_the_collector()
    inventory = load_inventory(snapshot, ledger)
    place = _place(assertions)
    wanted, problems = read_assertions(place) if place else ([], [])
    done = assess_network(inventory, wanted, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    if snapshot is None:
        problems += _remember(done, None if problems else place, ledger)
    with Memory([str(snapshot)] if snapshot is not None else [], [], pack=False) as memory:
        found = sorted(done.findings, key=lambda each: (-each.severity, each.rule, each.asset))
        form = form or (Format.TABLE if sys.stdout.isatty() else Format.JSONL)
        tally = write(found, form, sys.stdout, memory.keep, of=COMPLIANCE)
    _report(done, problems, tally)
    if fail_on is not None and any(level >= fail_on for level in tally.severities):
        raise typer.Exit(FINDINGS)
    if problems or done.undecided or done.not_evaluated or any(proof.problem for proof in done.proofs):
        raise typer.Exit(INCOMPLETE)


def _place(given: Path | None) -> Path | None:
    """Where the assertions are; None if there are none."""
    if given is not None and not given.exists():
        raise typer.BadParameter(f"there is no {given}", param_hint="--assertions")
    usual = Path("assertions")
    return given or (usual if usual.is_dir() else None)


def _remember(done: Assessment, place: Path | None, ledger: str) -> list[str]:
    """Enters the findings in the ledger; nothing is resolved where something was not evaluated.

    `place` is where all assertions were read from, None if they were not: what stays open for that is returned.
    """
    from sakimori.assess.network.findings import ASSERTION
    from sakimori.store.ledger import LedgerError, Place, open_ledger

    places = [*(Place(asset=uid) for uid in done.undecided), *(Place(rule=rule) for rule in done.unproved)]
    for missing in done.not_evaluated:
        places.append(Place(missing.account, "" if missing.region == "global" else missing.region))
    try:
        with open_ledger(ledger or ledger_place()) as opened:
            opened.put_assessment(done.rules, done.findings, places)
            others = [rule for rule in opened.open_rules(ASSERTION) if rule not in done.rules]
            if place is None:
                return [_STAYS.format(rule.removeprefix(ASSERTION)) for rule in others]
            for rule in others:
                opened.retire_rule(rule, f"its assertion is no longer in {place.resolve()}")
    except LedgerError as error:
        _say(f"failed: {error}")
        raise typer.Exit(FAILED) from None
    return []


_STAYS = "not evaluated: {}: was not read, so its findings stay open: name all your assertions with --assertions"


def _report(done: Assessment, problems: list[str], tally: Tally) -> None:
    for problem in problems:
        _say(problem)
    for proof in done.proofs:
        told = f"{proof.verdict}: {proof.assertion.id}: {_count(proof.classes, 'packet class', 'packet classes')}"
        if proof.violations:
            told += f", {_count(len(proof.violations), 'violation')}"
        _say(told if not proof.problem else f"{proof.verdict}: {proof.assertion.id}: {proof.problem}")
    for uid, reasons in done.undecided.items():
        _say(f"not evaluated: {uid}: {'; '.join(dict.fromkeys(reasons))}")
    if done.not_evaluated:
        calls = _count(len(done.not_evaluated), "call")
        _say(f"not evaluated: {calls} that discovery could not make: see `sakimori discover`")
    seen = f"{_count(done.interfaces, 'interface')} in {_count(done.classes, 'class', 'classes')}"
    _say(f"{tally}; {_count(done.exposed, 'asset')} exposed, {seen}")


def _count(number: int, noun: str, several: str = "") -> str:
    """`1 call`, `2 calls`."""
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"


def _say(text: str) -> None:
    typer.echo(printable(text), err=True)

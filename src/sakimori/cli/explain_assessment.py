"""Findings of assessments, explained: the question behind one is asked again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sakimori.cli.explain_status import history_json, history_lines
from sakimori.cli.output import printable, printable_lines, to_line
from sakimori.model.finding import DETECTION, IAM_ANALYSIS

if TYPE_CHECKING:
    from sakimori.assess.network.engine import Answer, Engine

INCOMPLETE, FAILED = 3, 4
GAP = "protection_not_enforced"
"""The rule of `sakimori.protect.gaps`, which need not be loaded to know it."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """A finding as JSON, and the snapshot that it came from: None if it is the ledger's."""

    finding: dict[str, Any]
    snapshot: Path | None = None


def find_assessed(uid: str, place: str | Path) -> Assessed | None:
    """The one finding of an assessment whose uid begins like this; None if that is not what there is."""
    from sakimori.cli.remembered import recall
    from sakimori.store.ledger import LedgerError, open_ledger

    if not uid:
        return None
    found: dict[str, Assessed] = {}
    for remembered in recall(uid).values():
        snapshot = Path(remembered.paths[0]) if remembered.paths else None
        found[remembered.finding["uid"]] = Assessed(remembered.finding, snapshot)
    try:
        if not isinstance(place, Path) or place.exists():
            with open_ledger(place) as ledger:
                for stored in ledger.findings_beginning(uid, 2):
                    history = history_json(ledger, stored.finding.uid)
                    told = stored.finding.to_json() | {"status": stored.status.value, "history": history}
                    found[stored.finding.uid] = Assessed(told)
    except LedgerError:
        return None  # said by whoever looks for detections next
    each = next(iter(found.values()), None)
    if each is None or len(found) > 1 or each.finding.get("class_uid", DETECTION) == DETECTION:
        return None
    return each


def show_assessed(assessed: Assessed, place: str | Path, *, as_json: bool) -> None:
    """Prints the finding, and what its question is answered with now. Exit code 3 where it cannot be asked again."""
    finding = assessed.finding
    if finding["class_uid"] == IAM_ANALYSIS:
        _show_access(assessed, place, as_json=as_json)
        return
    if finding["rule"] == GAP:
        _show_gap(finding, place, as_json=as_json)
        return
    again = _ask_again(assessed, place)
    if as_json:
        typer.echo(to_line({"finding": finding, "again": again[1].to_json() if again else None}))
    else:
        _print(finding, again)
    if again is None:
        raise typer.Exit(INCOMPLETE)


def _show_access(assessed: Assessed, place: str | Path, *, as_json: bool) -> None:
    """The same of a finding about access. Exit code 3 where it has no request that could be evaluated again."""
    from sakimori.cli.explain_access import evaluated_again, step_lines

    finding = assessed.finding
    steps = evaluated_again(finding, assessed.snapshot, str(place))
    if as_json:
        typer.echo(to_line({"finding": finding, "again": steps}))
    else:
        _head(finding)
        for line in step_lines(steps, finding["evidence"].get("conditions") or []):
            typer.echo(printable(line))
    if not steps:
        raise typer.Exit(INCOMPLETE)


def _show_gap(finding: dict[str, Any], place: str | Path, *, as_json: bool) -> None:
    """The same of a computer that does not enforce what its policy says."""
    from sakimori.cli.explain_protection import looked_at_again, module_lines

    again = looked_at_again(finding, place)
    if as_json:
        typer.echo(to_line({"finding": finding, "again": again}))
        return
    _head(finding)
    for line in module_lines(again):
        typer.echo(printable(line))


def _ask_again(assessed: Assessed, place: str | Path) -> tuple[Engine, Answer] | None:
    """The engine and its answer; None for findings that are no question about the network, or whose ends are gone."""
    asked = assessed.finding["evidence"].get("question")
    if not assessed.finding["rule"].startswith("network/") or not asked:
        return None
    from sakimori.assess.network.engine import Engine, Question
    from sakimori.assess.network.resolve import UnknownEnd
    from sakimori.cli.inventories import load_inventory

    engine = Engine(load_inventory(assessed.snapshot, str(place)))
    packet = assessed.finding["evidence"].get("packet", {})
    try:
        return engine, engine.ask(Question(asked["from"], asked["to"], _protocol(packet), packet.get("dst_port")))
    except UnknownEnd as error:
        typer.echo(printable(f"cannot be asked again: {error}"), err=True)
        return None


def _protocol(packet: dict[str, Any]) -> int | None:
    from sakimori.cli.reach import protocol_number

    return protocol_number(packet.get("protocol", ""))


def _head(finding: dict[str, Any]) -> None:
    for name in ("title", "severity", "rule", "asset", "account", "region"):
        if finding.get(name):
            typer.echo(f"{name:<11} {printable(str(finding[name]))}")
    typer.echo(f"{'when':<11} {printable(finding['first_seen'])} to {printable(finding['last_seen'])}")
    for line in history_lines(finding):
        typer.echo(line)
    typer.echo(f"\n{printable_lines(finding['description'])}")
    typer.echo(f"What to do: {printable_lines(finding['remediation'])}\n")


def _print(finding: dict[str, Any], again: tuple[Engine, Answer] | None) -> None:
    _head(finding)
    if again is None:
        typer.echo(printable_lines(json.dumps(finding["evidence"], indent=2, ensure_ascii=False)))
        return
    from sakimori.assess.network.explain import sentences

    engine, answer = again
    before = "packet" in finding["evidence"]
    typer.echo("Asked again, it is as it was:" if before == (answer.answer == "reachable") else "Asked again:")
    for line in sentences(engine.net, answer):
        typer.echo(printable(line))

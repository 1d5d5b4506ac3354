"""An asset, explained: what it is, what it hangs together with, and what became of it since it was first seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sakimori.cli.output import printable, to_line

if TYPE_CHECKING:
    from sakimori.store.ledger import HistoryEntry, KnownAsset, Run

FAILED = 4
MOST = 4
"""Assets that are looked at to see whether an id is ambiguous, and one more than are named then."""
SHOWN_RELATIONS = 20
SHOWN = 160
"""Characters of a value that stand in a line."""


@dataclass(frozen=True, slots=True)
class Told:
    """An asset of the ledger, its history, and the runs of discovery by number."""

    known: KnownAsset
    history: list[HistoryEntry]
    runs: Mapping[int, Run]


def find_asset(named: str, place: str | Path) -> Told | None:
    """The one asset of the ledger with this ARN, or this id at the end of it; None if there is none."""
    from sakimori.store.ledger import LedgerError, open_ledger

    if not named or (isinstance(place, Path) and not place.exists()):
        return None
    try:
        with open_ledger(place) as ledger:
            found = ledger.assets_called(named, MOST)
            if len(found) > 1:
                some = ", ".join(each.asset.uid for each in found[: MOST - 1]) + (", ..." if len(found) == MOST else "")
                raise typer.BadParameter(f"more than one asset is called {named!r}: {some}", param_hint="UID")
            if not found:
                return None
            runs = {run.number: run for run in ledger.discoveries()}
            return Told(found[0], ledger.asset_history(found[0].asset.uid), runs)
    except LedgerError as error:
        typer.echo(printable(f"failed: {error}"), err=True)
        raise typer.Exit(FAILED) from None


def show_asset(told: Told, *, as_json: bool) -> None:
    """Prints it, as one JSON object or for eyes."""
    for line in [to_line(_to_json(told))] if as_json else _lines(told):
        typer.echo(printable(line))


def _to_json(told: Told) -> dict[str, Any]:
    known = told.known
    return {
        "asset": asdict(known.asset),
        "first_seen": known.first_seen,
        "changed_at": known.changed_at,
        "gone_at": known.gone_at,
        "relations": [asdict(each) for each in known.relations],
        "history": [
            {"at": each.at, "run": each.run, "source": _source(told, each), "event": each.event.value}
            | {"changes": list(each.changes)}
            for each in told.history
        ],
    }


def _source(told: Told, entry: HistoryEntry) -> str:
    run = told.runs.get(entry.run)
    return run.source if run else ""


def _lines(told: Told) -> Iterator[str]:
    known, asset = told.known, told.known.asset
    stands = f"gone since {known.gone_at}" if known.gone_at else "there"
    heads = {"asset": asset.uid, "type": asset.type, "name": asset.name, "account": asset.account}
    heads |= {"region": asset.region, "tags": ", ".join(f"{key}={value}" for key, value in asset.tags.items())}
    for name, value in (heads | {"status": stands}).items():
        if value:
            yield f"{name:<11} {value}"
    if known.relations:
        yield ""
        yield "Relations"
    own = sorted(known.relations, key=lambda each: each.source != asset.uid)
    for each in own[:SHOWN_RELATIONS]:
        if each.source == asset.uid:
            yield f"  {each.kind} {each.target}"
        else:
            yield f"  {each.source} {each.kind} this"
    if len(own) > SHOWN_RELATIONS:
        yield f"  and {len(own) - SHOWN_RELATIONS:,} more: --json has them all"
    yield ""
    yield "History"
    yield f"  {known.first_seen}  first seen"
    for entry in told.history:
        yield f"  {entry.at}  {entry.event.value}  (discovery {entry.run}: {_source(told, entry)})"
        for change in entry.changes:
            yield from (f"      {line}" for line in _change_lines(change))


def _change_lines(change: Mapping[str, Any]) -> Iterator[str]:
    """`State: "pending" -> "available"`; of a list, a line for each member that went or came."""
    path = change["path"]
    for sign, name in (("-", "removed"), ("+", "added")):
        yield from (f"{path}: {sign} {_short(each)}" for each in change.get(name, ()))
    if "before" in change and "after" in change:
        yield f"{path}: {_short(change['before'])} -> {_short(change['after'])}"
    elif "before" in change:
        yield f"{path}: - {_short(change['before'])}"
    elif "after" in change:
        yield f"{path}: + {_short(change['after'])}"


def _short(value: Any) -> str:
    """JSON, cut; `--json` has the whole."""
    line = to_line(value)
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."

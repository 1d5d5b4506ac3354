"""Where the verbs that ask about assets have them from: the ledger that `discover` filled, or a snapshot folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sakimori.cli.home import ledger_place
from sakimori.cli.output import printable

if TYPE_CHECKING:
    from sakimori.model.asset import Inventory

FAILED = 4

SnapshotOption = Annotated[
    Path | None, typer.Option(help="Read a folder of answers instead of the ledger.", metavar="DIR")
]
LedgerOption = Annotated[
    str, typer.Option(help="The ledger's file or database URL. Default: in SAKIMORI_HOME.", metavar="FILE_OR_URL")
]


def load_inventory(snapshot: Path | None, ledger: str) -> Inventory:
    """The inventory, or the end of the program with the reason and what to type."""
    from sakimori.discover.snapshot import SnapshotError, read
    from sakimori.store.ledger import LedgerError, open_ledger

    try:
        if snapshot is not None:
            return read(snapshot)
        with open_ledger(ledger or ledger_place()) as opened:
            found = opened.inventory()
    except (SnapshotError, LedgerError) as error:
        typer.echo(printable(f"failed: {error}"), err=True)
        raise typer.Exit(FAILED) from None
    if not len(found):
        typer.echo("failed: the ledger holds no assets: run `sakimori discover` first, or name a --snapshot", err=True)
        raise typer.Exit(FAILED)
    return found

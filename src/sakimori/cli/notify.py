"""`sakimori notify`: who is told what, what is new, and whether every way of telling works."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli.home import ledger_place
from sakimori.cli.respond_parts import failures, opened_notifier, person

if TYPE_CHECKING:
    from sakimori.notify.notifier import Notifier

INCOMPLETE, FAILED = 3, 4

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Tell people what is new, once, and prove that every way of telling works.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]


@app.command("list")
def list_routes(as_json: JsonOption = False) -> None:
    """List the routes of sakimori.toml."""
    with _opened() as notifier:
        rows = [
            {
                "route": each.name,
                "channel": each.channel,
                "min_severity": each.min_severity.label,
                "accounts": list(each.accounts),
                "workflows": list(each.workflows),
                "language": each.language,
                "person": each.person,
            }
            for each in notifier.routes
        ]
    if as_json:
        _print(rows)
        return
    for row in rows:
        typer.echo(f"{row['route']:<16} {row['channel']:<14} from {row['min_severity']:<14} {row['person']}".rstrip())


@app.command()
def send(as_json: JsonOption = False) -> None:
    """Send what is new about findings through the routes that they fit. Without news, nothing is sent.

    Exit code 3 if a route failed; what failed is tried again the next time, five times in all.
    """
    from sakimori.store.ledger import open_ledger

    with _opened() as notifier, open_ledger(ledger_place()) as ledger:
        outcomes = notifier.send_findings(ledger.findings())
    failed = [each for each in outcomes if each.why]
    if as_json:
        _print([{"route": each.route, "key": each.key, "failed": each.why} for each in outcomes])
    else:
        typer.echo(f"{len(outcomes) - len(failed)} messages sent, {len(failed)} failed", err=True)
    for each in failed:
        typer.echo(f"{each.route}: {each.why}", err=True)
    if failed:
        raise typer.Exit(INCOMPLETE)


@app.command()
def drill(
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for acknowledgements.")] = 300.0,
    as_json: JsonOption = False,
) -> None:
    """Send a canary through every route and wait for its acknowledgement; a dead route becomes a High finding.

    Whoever gets the canary types the command in it (`sakimori notify ack ...`). Exit code 3 if a route is dead.
    """
    from sakimori.notify.notifier import dead_route
    from sakimori.store.findings import Status
    from sakimori.store.ledger import open_ledger

    with _opened() as notifier, open_ledger(ledger_place()) as ledger:
        canaries = notifier.drill()
        deadline = time.monotonic() + wait
        pending = {(route.name, key) for route, key, why in canaries if not why}
        while pending and time.monotonic() < deadline:
            pending = {each for each in pending if not notifier.acknowledged(*each)}
            threading.Event().wait(min(0.5, wait))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows = []
        for route, key, why in canaries:
            reason = why or (
                f"nobody acknowledged it within {wait:.0f} seconds" if (route.name, key) in pending else ""
            )
            finding = dead_route(route, reason, now)
            stored = ledger.finding(finding.uid)
            if reason:
                ledger.upsert_findings([finding])
                if stored is not None and stored.status is Status.RESOLVED:
                    ledger.set_status(finding.uid, Status.NEW, "sakimori", "the route is dead again")
            elif stored is not None and stored.status is not Status.RESOLVED:
                ledger.set_status(finding.uid, Status.RESOLVED, "sakimori", "the drill was acknowledged")
            rows.append({"route": route.name, "alive": not reason, "why": reason})
    if as_json:
        _print(rows)
    for row in () if as_json else rows:
        typer.echo(f"{row['route']:<16} {'alive' if row['alive'] else 'dead'}  {row['why']}".rstrip())
    if not all(row["alive"] for row in rows):
        raise typer.Exit(INCOMPLETE)


@app.command()
def ack(token: Annotated[str, typer.Argument(help="What the canary said.")]) -> None:
    """Acknowledge a canary."""
    with _opened() as notifier:
        route = notifier.acknowledge(token, person())
    typer.echo(f"the route {route} is acknowledged", err=True)


@contextmanager
def _opened() -> Iterator[Notifier]:
    try:
        with opened_notifier() as notifier:
            yield notifier
    except failures() as error:
        from sakimori.cli.output import printable

        typer.echo(f"failed: {printable(str(error))}", err=True)
        raise typer.Exit(FAILED) from None


def _print(value: Any) -> None:
    from sakimori.cli.output import to_line

    typer.echo(to_line(value))

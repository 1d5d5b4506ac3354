"""`sakimori notify`: who is told what, what is new, and whether every way of telling works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli.deployed import deployed_sender, deployment
from sakimori.cli.home import ledger_place
from sakimori.cli.respond_parts import failures, opened_notifier, person

if TYPE_CHECKING:
    from sakimori.notify.notifier import Notifier
    from sakimori.notify.sender import Sender

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
    from sakimori.cli.notify_output import route_line, route_row

    with _opened() as notifier:
        rows = [route_row(each) for each in notifier.routes]
    if as_json:
        _print(rows)
        return
    for row in rows:
        typer.echo(route_line(row))


@app.command()
def send(
    again: Annotated[bool, typer.Option("--again", help="Also try at once what waits, and what was given up.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send what is new about findings through the routes that they fit, and what is due of before: what failed, was
    held in quiet hours, or was acknowledged by nobody. Without news, nothing is sent.

    Exit code 3 if a route failed; what failed is tried again by the next run, with growing pauses, for most of a day.
    """
    from sakimori.store.findings import FindingFilter
    from sakimori.store.ledger import open_ledger

    with _opened() as notifier, open_ledger(ledger_place()) as ledger:
        outcomes = notifier.send_findings(ledger.findings(FindingFilter()))
        outcomes += notifier.deliver(again=True) if again else []
        waiting = notifier.waiting()
    failed = [each for each in outcomes if each.why]
    if as_json:
        _print([{"route": each.route, "key": each.key, "failed": each.why} for each in outcomes])
    else:
        done = len(outcomes) - len(failed)
        typer.echo(f"{done} message{'' if done == 1 else 's'} sent, {len(failed)} failed{waiting}", err=True)
    for route, why in dict.fromkeys((each.route, each.why) for each in failed):
        typer.echo(f"{route}: {_safe(why)}", err=True)
    if failed:
        raise typer.Exit(INCOMPLETE)


@app.command()
def drill(
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for acknowledgements.")] = 300.0,
    route: Annotated[list[str] | None, typer.Option(help="Only this route. Default: all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Send a canary through every route and wait for its acknowledgement; a dead route becomes a High finding.

    Whoever gets the canary opens its link or types its command (`sakimori notify ack ...`), or closes its ticket; of
    Security Hub it is asked whether it shows the canary. Exit code 3 if a route is dead.
    """
    from sakimori.cli.notify_drill import drilled

    with _opened() as notifier:
        rows = drilled(notifier, wait, route or [])
    if as_json:
        _print(rows)
    for row in () if as_json else rows:
        typer.echo(f"{row['route']:<16} {'alive' if row['alive'] else 'dead'}  {_safe(row['why'])}".rstrip())
    if not all(row["alive"] for row in rows):
        raise typer.Exit(INCOMPLETE)


@app.command()
def ack(token: Annotated[str, typer.Argument(help="What the message said.")]) -> None:
    """Acknowledge a message, also one of the deployment that SAKIMORI_DEPLOYMENT names: it goes to nobody else."""
    with _told_by() as sender:
        seen = sender.acknowledge(token, person())
    typer.echo(f"acknowledged: {seen.news}, by the route {seen.route}", err=True)


@app.command()
def log(
    route: Annotated[str, typer.Option(help="Only this route.")] = "",
    state: Annotated[str, typer.Option(help="Only what is in this state, such as held, failed or given up.")] = "",
    digest: Annotated[str, typer.Option(help="Only what is in this digest.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List what was sent and what is to be sent, the newest first, with who acknowledged it and why it failed: by this
    machine, or by the deployment that SAKIMORI_DEPLOYMENT names."""
    from sakimori.cli.notify_output import log_line, log_row
    from sakimori.notify.outbox import State

    if state and state not in tuple(State):
        raise typer.BadParameter(f"{state!r} is no state: there are {', '.join(State)}", param_hint="--state")
    with _told_by() as sender:
        rows = [log_row(each) for each in sender.log(route, state, digest, limit)]
    if as_json:
        _print(rows)
        return
    for row in rows:
        typer.echo(_safe(log_line(row)))


@contextmanager
def _opened() -> Iterator[Notifier]:
    with _explained(), opened_notifier() as notifier:
        yield notifier


@contextmanager
def _told_by() -> Iterator[Sender]:
    """What tells people: a deployment where SAKIMORI_DEPLOYMENT names one, else this machine."""
    if name := deployment():
        with _explained():
            yield deployed_sender(name)
        return
    with _opened() as notifier:
        yield notifier


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except failures() as error:
        typer.echo(f"failed: {_safe(str(error))}", err=True)
        raise typer.Exit(FAILED) from None


def _safe(text: str) -> str:
    from sakimori.cli.output import printable

    return printable(text)


def _print(value: Any) -> None:
    from sakimori.cli.output import to_line

    typer.echo(to_line(value))

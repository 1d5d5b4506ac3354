"""The verbs of `sakimori protect` that have to do with modes: detect first, prevent when proven.

They work on the manager's ledger, as `sakimori protect key` does; a manager that is running notices within a second.
"""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli.home import ledger_place
from sakimori.cli.output import Format, printable, to_line, write
from sakimori.model.finding import COMPLIANCE

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from sakimori.protect.promotion import Asked, Decision

FAILED, REFUSED = 4, 1

TenantOption = Annotated[int, typer.Option(help="The tenant's ID; 0 is the primary one.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
PolicyOption = Annotated[str, typer.Option(help="The policy, by ID or name.")]
WhyOption = Annotated[str, typer.Option(help="Why, for the record.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
TargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="RULE|MODULE", help="A virtual patch or firewall rule by ID, identifier or name, or a module."
    ),
]


def days(text: str) -> float:
    """`14d`, `36h`, `2w` or `14` as days."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([hdw]?)", text.strip().lower())
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a length of time: write 14d, 36h or 2w", param_hint="--after")
    return float(found[1]) * {"h": 1 / 24, "d": 1, "": 1, "w": 7}[found[2]]


def promote(
    target: TargetArgument,
    policy: PolicyOption,
    after: Annotated[
        str, typer.Option(metavar="TIME", help="How long it must have been in detect: 14d, 36h, 2w.")
    ] = "14d",
    max_false_positives: Annotated[
        int, typer.Option(min=0, help="How many events in that time may have been judged wrong, or not judged at all.")
    ] = 0,
    why: WhyOption = "",
    dry_run: DryOption = False,
    tenant: TenantOption = 0,
    json: JsonOption = False,
) -> None:
    """Have a rule or module prevent, if that is proven.

    It is proven by what it saw on a policy while it only detected. Exit code 1 if it is not; every reason is named.
    """
    from sakimori.protect.promotion import promote as decide

    _decided(decide, target, policy, _asked(days(after), max_false_positives, why, dry_run), tenant, json=json)


def demote(
    target: TargetArgument,
    policy: PolicyOption,
    why: WhyOption = "",
    dry_run: DryOption = False,
    tenant: TenantOption = 0,
    json: JsonOption = False,
) -> None:
    """Have a rule or module only detect again. It needs no evidence."""
    from sakimori.protect.promotion import demote as decide

    _decided(decide, target, policy, _asked(0, 0, why, dry_run), tenant, json=json)


def undo(
    change: Annotated[int, typer.Argument(help="The change's ID, from `sakimori protect modes`.")],
    why: WhyOption = "",
    tenant: TenantOption = 0,
) -> None:
    """Give back the mode from before a change.

    Not if somebody has changed it since.
    """
    from sakimori.protect import promotion
    from sakimori.store.database import writing

    def ran(engine: Engine) -> Any:
        with writing(engine) as connection:
            return promotion.undo(connection, tenant, change, _who(), why)

    undone = _on_ledger(ran)
    _say(f"{undone.subject} in {undone.scope} is {_shown(undone.after, undone.subject)} again (change {undone.id})")


def list_modes(
    policy: Annotated[str, typer.Option(help="Only what was changed on this policy, by ID or name.")] = "",
    tenant: TenantOption = 0,
    json: JsonOption = False,
) -> None:
    """List every change of what is enforced.

    When, where, what, who and why.
    """
    from sakimori.protect import modes, proof
    from sakimori.store.database import reading

    def ran(engine: Engine) -> Any:
        with reading(engine) as connection:
            scopes = [f"policies/{proof.policy_of(connection, tenant, policy)[0]}"] if policy else []
            return modes.changes(connection, tenant, scopes=scopes, limit=1_000_000)

    catalogue = tuple(f"{each}/" for each in (*modes.RULE_WORDS, modes.SCANS))
    found = [each for each in _on_ledger(ran) if json or each.before or not each.scope.startswith(catalogue)]
    if json:
        for each in found:
            typer.echo(to_line(each.to_json()))
        return
    rows = [
        (
            str(each.id),
            _moment(each.at),
            each.scope,
            each.subject,
            f"{_shown(each.before, each.subject)} -> {_shown(each.after, each.subject)}",
            each.who,
            each.why,
        )
        for each in found
    ]
    _table(("change", "time", "where", "what", "from -> to", "who", "why"), rows)


def list_events(
    rule: Annotated[int, typer.Option(help="Only events of this rule, by ID.")] = 0,
    module: Annotated[str, typer.Option(help="Only events of this module.")] = "",
    unjudged: Annotated[bool, typer.Option("--unjudged", help="Only events that nobody has judged.")] = False,
    tenant: TenantOption = 0,
    json: JsonOption = False,
) -> None:
    """List what modules saw, the newest first."""
    from sqlalchemy import select

    from sakimori.protect import tables
    from sakimori.store.database import reading

    events = tables.events
    wanted = select(events).where(events.c.tenant == tenant)
    for column, value in ((events.c.rule, rule), (events.c.module, module)):
        wanted = wanted.where(column == value) if value else wanted
    if unjudged:
        wanted = wanted.where(events.c.verdict == "")

    def ran(engine: Engine) -> Any:
        import orjson

        with reading(engine) as connection:
            rows = connection.execute(wanted.order_by(events.c.id.desc()).limit(10_000)).all()
        return [(row, orjson.loads(row.body)) for row in rows]

    found = _on_ledger(ran)
    if json:
        for row, body in found:
            typer.echo(to_line({**body, "ID": row.id, "computerID": row.computer, "verdict": row.verdict or "none"}))
        return
    lines = [
        (
            str(row.id),
            _moment(row.at),
            row.module,
            str(row.rule),
            str(row.computer),
            row.verdict or "not judged",
            str(body.get("message", ""))[:80],
        )
        for row, body in found
    ]
    _table(("event", "time", "module", "rule", "computer", "verdict", "what"), lines)


def verdict(
    event: Annotated[int, typer.Argument(help="The event's ID, from `sakimori protect events`.")],
    said: Annotated[str, typer.Argument(metavar="VERDICT", help="true-positive, false-positive or none.")],
    note: Annotated[str, typer.Option(help="What it really was.")] = "",
    tenant: TenantOption = 0,
) -> None:
    """Say what an event really was. Promotion goes by it."""
    from sqlalchemy import update

    from sakimori.protect import tables
    from sakimori.store.database import writing

    if said not in ("true-positive", "false-positive", "none"):
        raise typer.BadParameter(f"{said!r} is no verdict: true-positive, false-positive or none")
    events = tables.events

    def ran(engine: Engine) -> Any:
        values = {"verdict": "" if said == "none" else said, "note": note[:4_000]}
        with writing(engine) as connection:
            here = (events.c.tenant == tenant) & (events.c.id == event)
            return connection.execute(update(events).where(here).values(**values)).rowcount

    if not _on_ledger(ran):
        _say(f"there is no event {event}: `sakimori protect events` lists them")
        raise typer.Exit(FAILED)
    _say(f"event {event}: {said}")


def list_gaps(
    form: Annotated[Format | None, typer.Option("--format", help="Default: table on a terminal, else jsonl.")] = None,
) -> None:
    """Find hosts that do not do what their policy says.

    They are kept as findings, which are resolved by themselves once the gap is closed.
    """
    from sakimori.cli.configuration import protect_settings
    from sakimori.protect import gaps
    from sakimori.protect.agent_states import Beats
    from sakimori.protect.policies import Policies

    interval = protect_settings().heartbeat_seconds

    def ran(engine: Engine) -> Any:
        gaps.report(engine, Policies(), Beats(), interval)
        return list(gaps.found(engine, Policies(), Beats(), interval))

    form = form or (Format.TABLE if sys.stdout.isatty() else Format.JSONL)
    tally = write(_on_ledger(ran), form, sys.stdout, of=COMPLIANCE)
    _say(str(tally))


COMMANDS: Sequence[tuple[str, Callable[..., None]]] = (
    ("promote", promote),
    ("demote", demote),
    ("undo", undo),
    ("modes", list_modes),
    ("events", list_events),
    ("verdict", verdict),
    ("gaps", list_gaps),
)


def _asked(after: float, most: int, why: str, dry: bool) -> Asked:
    from sakimori.cli.configuration import protect_settings
    from sakimori.protect.promotion import Asked

    return Asked(after, most, _who(), why, dry, protect_settings().heartbeat_seconds)


def _decided(
    decide: Callable[..., Decision], target: str, policy: str, asked: Asked, tenant: int, *, json: bool
) -> None:
    from sakimori.store.database import writing

    def ran(engine: Engine) -> Any:
        with writing(engine) as connection:
            return decide(connection, tenant, target, policy, asked)

    found: Decision = _on_ledger(ran)
    if json:
        typer.echo(to_line(found.to_json()))
    else:
        for line in _told(found, asked):
            typer.echo(printable(line))
    if found.refused:
        raise typer.Exit(REFUSED)


def _told(found: Decision, asked: Asked) -> list[str]:
    lines = [f"{found.target}, on {found.policy_name} (policy {found.policy})"]
    seen = found.evidence
    if seen is not None:
        since = _moment(seen.since) if seen.since is not None else "not known"
        lines += [
            f"  in {found.before} since  {since} ({seen.days:.1f} days, {asked.after_days:g} asked for)",
            f"  watched by       {seen.watching} of {seen.computers} computers",
            f"  events           {seen.events} in {asked.after_days:g} days: {seen.true_positives} right, "
            f"{seen.false_positives} wrong, {seen.unjudged} not judged ({asked.max_false_positives} allowed)",
        ]
    lines += [f"  note             {note}" for note in found.notes]
    lines += [f"  refused          {reason}" for reason in found.refused]
    if found.change:
        lines.append(f"  now              {found.after}; undo it with `sakimori protect undo {found.change}`")
    elif not found.refused:
        lines.append(f"  would be         {found.after}; nothing was changed")
    return lines


def _on_ledger(what: Callable[[Engine], Any]) -> Any:
    from sakimori.protect.errors import ProtectError
    from sakimori.store.database import LedgerError, connect

    try:
        engine = connect(ledger_place())
        try:
            return what(engine)
        finally:
            engine.dispose()
    except (ProtectError, LedgerError) as error:
        _say(str(error))
        raise typer.Exit(FAILED) from None


def _who() -> str:
    return getpass.getuser()


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")


def _shown(value: Any, subject: str) -> str:
    """A place's own value as people say it; without one of its own, it has what it inherits."""
    from sakimori.protect import modes

    if isinstance(value, list):
        return f"{len(value)} rule{'s' if len(value) != 1 else ''}"
    if value is None:
        return "inherited" if subject.endswith((*modes.CHANGEABLE, "/detectOnly")) else "none"
    return str(value)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    cells = [list(columns), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    for line in cells if rows else ():
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _say(text: str) -> None:
    typer.echo(printable(text), err=True)

"""`sakimori respond`: what is done about findings, by whom it was allowed, and how to take it back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli import respond_parts as parts
from sakimori.cli.deployed import ask_to_go_on, deployment
from sakimori.cli.home import ledger_place
from sakimori.cli.respond_keys import rotate

if TYPE_CHECKING:
    from sakimori.respond.runs import Run

INCOMPLETE, FAILED, INTERRUPTED = 3, 4, 130


class ModeOption(StrEnum):
    """How far a workflow goes by itself."""

    OBSERVE = "observe"
    APPROVE = "approve"
    AUTO = "auto"


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Act on findings: within limits, with proof, and with a way back.",
)
dlq = typer.Typer(no_args_is_help=True, help="Dead letters: what could not be read, and runs that failed.")
audit_log = typer.Typer(no_args_is_help=True, help="The audit log: every decision and every change.")
app.command()(rotate)
app.add_typer(dlq, name="dlq")
app.add_typer(audit_log, name="audit")

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]


@app.command("list")
def list_workflows(as_json: JsonOption = False) -> None:
    """List the workflows, with the mode that each has, and the actions."""
    from sakimori.respond import plugins

    with _explained():
        policy = parts.chosen_policy()
        workflows = [
            {
                "workflow": name,
                "mode": str(policy.mode(name, "")),
                "what": plugins.summary(plugins.workflow(name)),
            }
            for name in plugins.workflow_names()
        ]
        actions = [
            {
                "action": name,
                "what": plugins.summary(plugins.action(name)),
                "permissions": list(plugins.action(name).IAM_ACTIONS),
            }
            for name in plugins.action_names()
        ]
    if as_json:
        _print({"workflows": workflows, "actions": actions})
        return
    for each in workflows:
        typer.echo(f"{each['workflow']:<16} {each['mode']:<8} {each['what']}")
    typer.echo()
    for action in actions:
        typer.echo(f"{action['action']:<22} {action['what']}")


@app.command()
def permissions(
    action: Annotated[list[str] | None, typer.Option(help="Only for these actions. Default: all.")] = None,
) -> None:
    """Print the IAM policy that responses need: exactly what workflows and actions declare beside their calls.

    It goes on the role that acts in an account. Narrow its resources to those that may be changed.
    """
    import json

    from sakimori.respond import plugins

    with _explained():
        statement = {"Effect": "Allow", "Action": plugins.permissions(action or ()), "Resource": "*"}
    typer.echo(json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2))


@app.command()
def show(
    what: Annotated[str, typer.Argument(help="A run's id, or the name of a workflow or an action.")],
    as_json: JsonOption = False,
) -> None:
    """Show a run with its story, or what a workflow or an action does."""
    from sakimori.respond import plugins

    with _explained():
        for names, load in ((plugins.workflow_names(), plugins.workflow), (plugins.action_names(), plugins.action)):
            if what in names:
                module = load(what)
                typer.echo((module.__doc__ or "").strip())
                allowed = ", ".join(sorted(set(getattr(module, "IAM_ACTIONS", ()))))
                typer.echo(f"\nPermissions: {allowed or 'those of its actions'}")
                return
        with parts.opened_engine("show", parts.chosen_policy()) as engine:
            run, event = engine.book.run(what), engine.book.event_of(what)
            story = [each.to_json() for each in engine.book.entries(what)]
    if as_json:
        _print({**run.to_json(), "event": event.to_json(), "story": story})
        return
    _tell(run)
    for each in story:
        typer.echo(f"  {each['at'][:19]} {each['by']}: {each['what']}")


@app.command()
def run(
    workflow: Annotated[str, typer.Argument(help="The workflow, as `respond list` lists it.")],
    source: Annotated[str, typer.Argument(metavar="EVENT", help="A file of events in any shape, or - for stdin.")],
    mode: Annotated[ModeOption | None, typer.Option(help="Instead of the mode that sakimori.toml says.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a workflow on an event, and say what was done or would be.

    The same revision of a finding is acted on once: run again, it prints what came of it, or, where nothing was
    changed, looks anew. Exit code 3 if something could not be evaluated or read, 4 if it failed.
    """
    from sakimori.collect.events import heard
    from sakimori.respond import plugins

    with _explained():
        plugins.workflow(workflow)
        found = heard(_read(source), source)
        for refused in found.refusals:
            _say(str(refused))
        chosen = None if mode is None else _mode(mode)
        owner = f"run-{os.getpid()}-{os.urandom(4).hex()}"
        with parts.opened_engine(owner, parts.chosen_policy(chosen), frozenset((workflow,))) as engine:
            runs = [parts.carried(engine, workflow, event, _say) for event in found.events]
    if as_json:
        documents = [each.to_json() for each in runs]
        _print(documents[0] if len(documents) == 1 else documents)
    else:
        for each in runs:
            _tell(each)
    if any(each.state == "failed" for each in runs):
        raise typer.Exit(FAILED)
    if found.refusals or not runs or any(each.not_evaluated for each in runs):
        raise typer.Exit(INCOMPLETE)


@app.command()
def runs(
    workflow: Annotated[str, typer.Option(help="Only those of this workflow.")] = "",
    state: Annotated[str, typer.Option(help="Only those in this state, such as `waiting for approval`.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List runs, the newest first."""
    from sakimori.respond.runs import RunState

    with _explained():
        if state and state not in tuple(RunState):
            raise typer.BadParameter(f"{state!r} is no state: there are {', '.join(RunState)}", param_hint="--state")
        with parts.opened_engine("runs", parts.chosen_policy()) as engine:
            found = engine.book.runs(RunState(state) if state else None, workflow, limit)
    if as_json:
        _print([each.to_json() for each in found])
        return
    for each in found:
        typer.echo(f"{each.id}  {each.created_at[:19]}  {each.workflow:<14} {each.state:<20} {_safe(each.decision)}")


@app.command()
def approve(
    what: Annotated[str, typer.Argument(metavar="TOKEN_OR_RUN_ID", help="The token that you were sent, or the run.")],
    reject: Annotated[bool, typer.Option("--reject", help="Decide that it is not to be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let a run that waits for a person go on, or end it. Each approval counts once, and expires."""
    from sakimori.respond.durable import DurableEngine
    from sakimori.respond.runs import RunState

    with _explained():
        owner = f"approve-{os.getpid()}-{os.urandom(4).hex()}"
        with parts.opened_engine(owner, parts.chosen_policy()) as engine:
            decided = engine.decide(what, parts.person(), approved=not reject)
            if decided.state is RunState.CARRYING and deployment():
                why = ask_to_go_on(deployment())  # it is the function that may do it
                _say(f"the function goes on {f'with its next heartbeat ({why})' if why else 'now'}")
            elif decided.state is RunState.CARRYING:
                with DurableEngine(engine, ledger_place(), tries=parts.AT_A_TERMINAL) as durable:
                    durable.start(decided.id, decided.attempt)
                    durable.wait(decided.id, decided.attempt)
            found = engine.book.run(decided.id)
    _print(found.to_json()) if as_json else _tell(found)
    if found.state == "failed":
        raise typer.Exit(FAILED)


@app.command()
def undo(
    what: Annotated[str, typer.Argument(metavar="RUN_ID", help="A run, or one action of it: RUN_ID/NUMBER.")],
    as_json: JsonOption = False,
) -> None:
    """Restore the state that a run found, or say what somebody has changed since. Exit code 3 if anything was
    refused."""
    from sakimori.respond.undo import undo as undone

    with _explained(), parts.opened_engine("undo", parts.chosen_policy()) as engine:
        outcomes = undone(engine, what, parts.person())
    if as_json:
        _print([each.to_json() for each in outcomes])
    for each in () if as_json else outcomes:
        typer.echo(f"{each.undo_id}  {each.action} on {_safe(each.target)}: {_safe(each.why) or 'undone'}")
    if not all(each.undone for each in outcomes):
        raise typer.Exit(INCOMPLETE)


@app.command()
def listen(
    queue: Annotated[str, typer.Option(help="The URL or ARN of an SQS queue that EventBridge or SNS fills.")] = "",
    webhook: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Take events over HTTP here, at POST /events.")
    ] = "",
    topic: Annotated[
        list[str] | None, typer.Option(help="The ARN of an SNS topic that may deliver to the webhook.")
    ] = None,
    poll: Annotated[float, typer.Option(min=0, help="Seconds that a look at the queue waits for messages.")] = 20.0,
) -> None:
    """Take events from a queue or over HTTP and run the workflows that subscribe to them, until told to stop.

    The webhook's key is SAKIMORI_WEBHOOK_KEY. Put a proxy with TLS in front of it.
    """
    from sakimori.cli.respond_listen import listen as listened

    if not queue and not webhook:
        raise typer.BadParameter("say where events come from: --queue, --webhook or both", param_hint="--queue")
    with _explained():
        listened(queue, webhook, topic or [], poll)


@dlq.command("list")
def list_dead(as_json: JsonOption = False) -> None:
    """List dead letters, the newest first."""
    with _explained(), parts.opened_engine("dlq", parts.chosen_policy()) as engine:
        letters = engine.book.dead_letters()
    if as_json:
        _print([each.to_json() for each in letters])
        return
    for each in letters:
        typer.echo(f"{each.id}  {each.last_at[:19]}  x{each.times}  {_safe(each.place)}: {_safe(each.reason)}")


@dlq.command("show")
def show_dead(
    which: Annotated[str, typer.Argument(metavar="ID", help="The dead letter, as `dlq list` lists it.")],
    as_json: JsonOption = False,
) -> None:
    """Show a dead letter with its body, as it arrived."""
    from sakimori.cli.output import printable_lines

    with _explained(), parts.opened_engine("dlq", parts.chosen_policy()) as engine:
        letter, body = engine.book.dead_letter(which)
    if as_json:
        _print(letter.to_json() | {"body": body})
        return
    typer.echo(f"{letter.id}  {letter.last_at[:19]}  x{letter.times}  {_safe(letter.place)}: {_safe(letter.reason)}")
    typer.echo(printable_lines(body))


@dlq.command("replay")
def replay_dead(
    which: Annotated[str, typer.Argument(metavar="ID", help="The dead letter, as `dlq list` lists it, or all.")],
    as_json: JsonOption = False,
) -> None:
    """Read a message again, or let a failed run go on with what is not done of it."""
    from sakimori.respond.dead import replay
    from sakimori.respond.durable import DurableEngine

    with _explained():
        owner = f"replay-{os.getpid()}-{os.urandom(4).hex()}"
        with (
            parts.opened_engine(owner, parts.chosen_policy()) as engine,
            DurableEngine(engine, ledger_place(), tries=parts.AT_A_TERMINAL) as durable,
        ):
            outcomes = replay(engine, which, parts.person())
            begun = [run for outcome in outcomes for run in outcome.runs]
            states = {each: durable.wait(each, engine.book.run(each).attempt) for each in begun}
    if as_json:
        runs = [{run: states[run] for run in each.runs} for each in outcomes]
        _print([{"id": each.letter, "runs": own, "why": each.why} for each, own in zip(outcomes, runs, strict=True)])
    for each in () if as_json else outcomes:
        came_of_it = ", ".join(f"{run}: {states[run]}" for run in each.runs)
        typer.echo(f"{each.letter}  {came_of_it or _safe(str(each.why))}")
    if any(each.why for each in outcomes):
        raise typer.Exit(INCOMPLETE)


@audit_log.command("verify")
def verify_audit(as_json: JsonOption = False) -> None:
    """Check that nobody has changed, removed or added an entry. Exit code 4 if somebody has."""
    with _explained(), parts.opened_engine("audit", parts.chosen_policy()) as engine:
        audited = engine.book.audited()
    if as_json:
        _print({"entries": audited.entries, "whole": not audited.broken, "broken": audited.broken})
    else:
        after = "; nothing from there on is proved: compare the log with a backup"
        typer.echo(f"{audited.broken}{after}" if audited.broken else f"{audited.entries:,} entries, none changed")
    if audited.broken:
        raise typer.Exit(FAILED)


@audit_log.command("show")
def show_audit(
    run_id: Annotated[str, typer.Option("--run", help="Only the entries of this run.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Print the audit log, the oldest entry first."""
    with _explained(), parts.opened_engine("audit", parts.chosen_policy()) as engine:
        entries = engine.book.entries(run_id)
    for each in entries:
        if as_json:
            _print(each.to_json())
        else:
            typer.echo(f"{each.number:>6}  {each.at[:19]}  {_safe(each.by):<12} {each.what:<16} {each.run_id}")


def _read(source: str) -> bytes:
    from sakimori.respond.errors import RespondError

    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise RespondError(f"cannot read {source}: {error.strerror or error}") from error


def _mode(option: ModeOption) -> Any:
    from sakimori.model.action import Mode

    return Mode(str(option))


def _tell(run: Run) -> None:
    from sakimori.cli.respond_output import told

    for line in told(run):
        typer.echo(line)


def _safe(text: str) -> str:
    from sakimori.cli.output import printable

    return printable(text)


def _print(value: Any) -> None:
    from sakimori.cli.output import to_line

    typer.echo(to_line(value))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        _say("interrupted: what was begun goes on when a process takes it over")
        raise typer.Exit(INTERRUPTED) from None
    except parts.failures() as error:
        _say(f"failed: {_safe(str(error))}")
        raise typer.Exit(FAILED) from None


def _say(text: str) -> None:
    typer.echo(text, err=True)

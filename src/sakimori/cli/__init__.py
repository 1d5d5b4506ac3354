"""The `sakimori` command: one file a verb, and a verb is imported only when it is called.

Exit codes: 0 done, 1 findings at or above --fail-on, 2 usage, 3 incomplete (something was not read or not evaluated),
4 failed, 130 interrupted.
"""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import os
import select
import sys
import threading
from typing import Annotated, Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup
from typer.main import get_command

from sakimori import __version__
from sakimori.cli import leash

gc.set_threshold(20_000, 20, 50)  # what a start makes stays: looking for garbage in it takes a seventh of the time

VERBS = {
    "up": "Run Sakimori's services: the workload protection manager, the console, and the intake of events.",
    "demo": "Make a day of sample logs with an attack in them, and find it.",
    "detect": "Find attacks in CloudTrail logs.",
    "collect": "Bring logs into the lake, each object exactly once.",
    "coverage": "Prove that no log file is missing, changed or unread.",
    "hunt": "Ask the lake in SQL.",
    "reach": "Say what can reach what, with a packet that proves it, or everything that is in the way.",
    "assess": "Find what an attacker could do with what is in the accounts.",
    "access": "Answer who can do what, with the policy statements that decide it.",
    "discover": "Find out what is in your accounts, and how it hangs together.",
    "findings": "List the ledger's findings, the worst first, then the latest; or say where one of them stands.",
    "explain": "Show why a finding was raised, re-evaluated on its records.",
    "rules": "Look at, test and try out detection rules.",
    "protect": "Run the workload protection manager, its keys, and what it enforces.",
    "respond": "Act on findings: within limits, with proof, and with a way back.",
    "deploy": "Deploy responses to your AWS account, change them, and take them away without a trace.",
    "notify": "Tell people what is new, once, and prove that every way of telling works.",
    "doctor": "Say what is set up, what is missing, and what to type.",
}
"""Every verb with the first line of its help, so that `--help` need not import them."""

GROUPS = frozenset(("access", "assess", "deploy", "notify", "protect", "respond", "rules"))
"""Verbs that have verbs of their own: their module defines `app` instead of a function of its name."""


class LazyVerbs(TyperGroup):
    """Loads `cli/VERB.py` when VERB is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"sakimori.cli.{cmd_name}")
        if cmd_name in GROUPS:
            group = get_command(module.app)
            group.name = cmd_name
            return group
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        single.command(name=cmd_name)(getattr(module, cmd_name))
        return get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


app = typer.Typer(
    cls=LazyVerbs,
    name="sakimori",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sakimori {__version__}")
        raise typer.Exit


@app.callback(epilog="Start with `sakimori demo`, or with `sakimori detect PATH` on logs of your own.")
def sakimori(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Find what attackers are doing across your AWS accounts."""


def main() -> None:
    """The console script. A closed pipe ends it quietly; Ctrl-C that no verb answered ends it with 130."""
    leash.watch()
    out, errors = sys.stdout, sys.stderr
    try:
        try:
            app()
        except SystemExit as done:
            pacified, (sys.stdout, sys.stderr) = sys.stdout is not out, (out, errors)
            if pacified:
                _closed_pipe(out, errors)
            _leave(done)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        _seen_enough(out)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _full(out, error)


def _closed_pipe(out: TextIO, errors: TextIO) -> NoReturn:
    """A pipe was closed: Typer says nothing of it, leaves with 1, and has put something in place of our streams."""
    poll = select.poll()
    for stream in (out, errors):
        poll.register(stream.fileno(), 0)
    if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
        _seen_enough(out)
    typer.echo("failed: a connection was closed by the other side", err=True)
    sys.exit(4)


def _seen_enough(out: TextIO) -> NoReturn:
    """What reads our output has seen enough (`| head`). Python must not complain while it flushes at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
    sys.exit(0)


def _full(out: TextIO, error: OSError) -> NoReturn:
    """There is no room for what is written: standard output is a file as a rule."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
    place = f"{error.filename}: " if error.filename else ""
    typer.echo(f"failed: {place}{error.strerror}: make room, and run it again", err=True)
    sys.exit(4)


def _leave(done: SystemExit) -> NoReturn:
    """Ends the process, and leaves what is in memory to the system, which takes it back at once: to take it apart
    object by object is a fiftieth of the work on a million records."""
    if isinstance(done.code, str) or threading.active_count() > 1:
        raise done
    sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()
    os._exit(done.code or 0)

"""`sakimori doctor`: what is set up, what is missing, and what to type."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from sakimori.cli.checkup import Check

INCOMPLETE = 3


class DoctorFormat(StrEnum):
    """How the doctor's answer is written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


def doctor(
    iam: Annotated[
        bool, typer.Option("--iam", help="Print the least-privilege IAM policies for reading, as a list, and stop.")
    ] = False,
    part: Annotated[int | None, typer.Option(min=1, help="Print only the policy of this number, for --iam.")] = None,
    bucket: Annotated[str, typer.Option(help="The trail's bucket, for --iam.")] = "",
    queue: Annotated[str, typer.Option(help="The SQS queue of the bucket's notifications, for --iam.")] = "",
    form: Annotated[DoctorFormat, typer.Option("--format", help="How to write the answer.")] = DoctorFormat.TABLE,
) -> None:
    """Say what is set up, what is missing, and what to type.

    Looks at Python and the packages, the data folder, the ledger, the lake, the rules and AWS, and changes nothing.
    Exit code 3 if something that is needed is missing.

    --iam prints a list of policy documents, each within the 6,144 characters that a managed policy holds: make a policy
    of each (aws iam create-policy --policy-name sakimori-1 --policy-document "$(sakimori doctor --iam --part 1)") and
    attach all of them. A role takes ten, if its quota was not raised.
    """
    if iam:
        _print_policies(bucket, queue, part, form)
        return
    from sakimori.cli.checkup import State, checks
    from sakimori.cli.home import home, lake_folder, ledger_place

    found = list(_shown(checks(home(), ledger_place(), lake_folder()), form))
    if form is DoctorFormat.JSON:
        typer.echo(json.dumps([check.to_json() for check in found], indent=2))
    missing = [check.name for check in found if check.state is State.MISSING]
    if missing:
        typer.echo(f"missing: {', '.join(missing)}", err=True)
        raise typer.Exit(INCOMPLETE)
    typer.echo("all that is needed is there", err=True)


def _print_policies(bucket: str, queue: str, part: int | None, form: DoctorFormat) -> None:
    """The policy documents on standard output: a JSON list, or a line each; of a `part` that document alone."""
    from sakimori.cli import permissions

    documents = permissions.policies(bucket or permissions.TRAIL_BUCKET, queue or permissions.QUEUE)
    if part and part > len(documents):
        raise typer.BadParameter(f"there are {len(documents)} policies: no number {part}", param_hint="--part")
    if form is DoctorFormat.JSONL:
        typer.echo("\n".join(map(json.dumps, documents[part - 1 : part] if part else documents)))
    else:
        typer.echo(json.dumps(documents[part - 1] if part else documents, indent=2))
    for broken in permissions.broken():
        typer.echo(f"note: left out: {broken.reason}", err=True)
    if not part:
        typer.echo(
            f"note: {len(documents)} policies, each within the {permissions.MANAGED_POLICY:,} characters of a managed "
            "policy; attach all of them to the role. One alone: --iam --part N",
            err=True,
        )


def _shown(checks: Iterable[Check], form: DoctorFormat) -> Iterable[Check]:
    """Passes the checks on, each shown as soon as it is made: the last ones may wait for a network."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for check in checks:
        if form is DoctorFormat.TABLE:
            console.print(_line(check))
        elif form is DoctorFormat.JSONL:
            typer.echo(json.dumps(check.to_json()))
        yield check


def _line(check: Check) -> Text:
    from rich.text import Text

    from sakimori.cli.checkup import State
    from sakimori.cli.output import printable

    sign, style = {
        State.FINE: ("ok", "green"),
        State.ABSENT: ("--", "dim"),
        State.MISSING: ("!!", "bold red"),
    }[check.state]
    line = Text.assemble((sign, style), f"  {check.name:<18}", printable(check.found))
    if check.todo:
        line.append(f"\n    {'':<18}-> {check.todo}", style="cyan")
    return line

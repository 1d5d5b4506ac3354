"""`sakimori access`: who can do what, answered exactly, with the statements that decide it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sakimori.cli.output import printable, to_line

INCOMPLETE = 3
FAILED = 4

app = typer.Typer(
    name="access", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.callback()
def access() -> None:
    """Answer who can do what, with the policy statements that decide it."""


@app.command()
def simulate(
    case: Annotated[Path, typer.Argument(help="A JSON file with one case or a list of cases; - reads standard input.")],
) -> None:
    """Evaluate a self-contained case: a request with all the policies that have a say in it.

    A case has request (principal, action, resource with resource and accountId, context), identityPolicies,
    serviceControlPolicies and resourceControlPolicies (lists of orgIdentifier and policies), permissionBoundaries,
    sessionPolicy, resourcePolicy and endpointPolicies. Prints response, decided_by and why as JSON; a list gives a
    list.
    """
    from sakimori.assess.access.cases import CaseError
    from sakimori.assess.access.cases import simulate as simulated

    found = _read(case)
    wrong = []
    answers = []
    for position, each in enumerate(found if isinstance(found, list) else [found], 1):
        try:
            answers.append(simulated(each).to_json())
        except CaseError as error:
            place = f"case {position}: " if isinstance(found, list) else ""
            wrong.append(f"{place}{error}")
            answers.append({"response": "Unknown", "decided_by": [], "why": str(error)})
    typer.echo(_lines(answers) if isinstance(found, list) else to_line(answers[0]))
    for line in wrong:
        typer.echo(printable(f"not evaluated: {line}"), err=True)
    if wrong:
        raise typer.Exit(INCOMPLETE)


def _read(case: Path) -> Any:
    try:
        return json.loads(sys.stdin.read() if str(case) == "-" else case.read_text(encoding="utf-8"))
    except OSError as error:
        _fail(f"cannot read {case}: {error.strerror or error}")
    except UnicodeDecodeError as error:
        _fail(f"{case}: offset {error.start}: is not UTF-8")
    except ValueError as error:
        _fail(f"{case}: is not JSON: {error}")


def _fail(message: str) -> None:
    typer.echo(printable(f"failed: {message}"), err=True)
    raise typer.Exit(FAILED)


def _lines(answers: list[dict[str, object]]) -> str:
    return "[" + ",\n".join(map(to_line, answers)) + "]"

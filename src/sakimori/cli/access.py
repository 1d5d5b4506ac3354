"""`sakimori access`: who can do what, answered exactly, with the statements that decide it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli.access_output import (
    THROUGH_HEADING,
    WHAT_HEADING,
    WHO_HEADING,
    AccessFormat,
    answer_lines,
    through_row,
    what_row,
    who_row,
    write_json,
    write_rows,
)
from sakimori.cli.inventories import LedgerOption, SnapshotOption, load_inventory
from sakimori.cli.output import printable, to_line

if TYPE_CHECKING:
    from sakimori.assess.access.estate import Estate

INCOMPLETE = 3
FAILED = 4

app = typer.Typer(
    name="access", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.callback()
def access() -> None:
    """Answer who can do what, with the policy statements that decide it."""


FormatOption = Annotated[AccessFormat, typer.Option("--format", help="How to write the answer.")]
ActionArgument = Annotated[str, typer.Argument(metavar="ACTION", help="An action, such as s3:GetObject.")]
ResourceArgument = Annotated[
    str, typer.Argument(metavar="RESOURCE", help="An ARN, which may have wildcards, or s3://BUCKET; * for any.")
]


class Through(StrEnum):
    """What may stand between the question and the principals."""

    INSTANCES = "instances"


@app.command()
def can(
    principal: Annotated[
        str, typer.Argument(metavar="PRINCIPAL", help="An ARN, or as much of its end as there is one of: user/ann.")
    ],
    action: ActionArgument,
    resource: ResourceArgument,
    context: Annotated[
        list[str] | None, typer.Option(help="A key of the request's context; may be repeated.", metavar="KEY=VALUE")
    ] = None,
    session_policy: Annotated[
        Path | None, typer.Option(help="The policy, a JSON file, that the principal's session was made with.")
    ] = None,
    form: FormatOption = AccessFormat.TABLE,
    snapshot: SnapshotOption = None,
    ledger: LedgerOption = "",
) -> None:
    """May this principal do that? With the statements that decide it.

    A context key that is neither given nor known from the inventory counts as one that the request lacks. With
    aws:SourceVpce, the policy of that VPC endpoint has a say as well.
    """
    from sakimori.assess.access import questions
    from sakimori.assess.access.policy import PolicyError

    given = _context(context or [])
    action, resource = _action(action), _resource(resource)
    narrowed = None if session_policy is None else _read(session_policy)
    found = _estate(snapshot, ledger)
    who_ = _principal(found, principal)
    try:
        answer = questions.can(found, who_, action, resource, given, narrowed)
    except PolicyError as error:
        raise typer.BadParameter(f"{session_policy}: {error}", param_hint="--session-policy") from None
    if form is AccessFormat.TABLE:
        typer.echo("\n".join(answer_lines(answer)))
    else:
        write_json([answer.to_json()], answer.to_json(), form)
    if answer.response.value == "Unknown":
        raise typer.Exit(INCOMPLETE)


@app.command()
def who(
    action: ActionArgument,
    resource: ResourceArgument,
    through: Annotated[
        Through | None, typer.Option(help="Only what reaches it so: instances, by the role that each hands out.")
    ] = None,
    form: FormatOption = AccessFormat.TABLE,
    snapshot: SnapshotOption = None,
    ledger: LedgerOption = "",
) -> None:
    """Who can do this? Every principal, ours or not, directly or by assuming roles, and under what condition.

    What depends on the request (network, TLS, MFA, tags of a session) stays a condition. What could not be looked at is
    told on standard error, and the exit code is 3. Example: sakimori access who s3:GetObject s3://payroll
    """
    from sakimori.assess.access import instances, questions

    action, resource = _action(action), _resource(resource)
    found = _estate(snapshot, ledger)
    if through is Through.INSTANCES:
        reached = instances.instances_that_can(found, action, resource)
        objects = [each.to_json() for each in reached]
        unknown: tuple[str, ...] = instances.unlooked_at(found, action, resource)
        whole: dict[str, Any] = {"action": action, "instances": objects, "unknown": list(unknown)}
        rows: list[tuple[str, ...]] = [through_row(each) for each in reached]
        heading: tuple[str, ...] = THROUGH_HEADING
        outcomes = [each.row.outcome.value for each in reached]
    else:
        answer = questions.who_can(found, action, resource)
        whole, unknown = answer.to_json(), answer.unknown
        objects = whole["who"]
        rows, heading = [who_row(row) for row in answer.rows], WHO_HEADING
        outcomes = [row.outcome.value for row in answer.rows]
    _write(heading, rows, objects, whole, form)
    _close(_tally(outcomes, "instance" if through else "principal"), unknown, "Unknown" in outcomes)


@app.command()
def what(
    principal: Annotated[
        str, typer.Argument(metavar="PRINCIPAL", help="An ARN, or as much of its end as there is one of: user/ann.")
    ],
    form: FormatOption = AccessFormat.TABLE,
    snapshot: SnapshotOption = None,
    ledger: LedgerOption = "",
) -> None:
    """What can this principal do? Its effective actions by risk and service, the gravest first."""
    from sakimori.assess.access.effective import what_can

    found = _estate(snapshot, ledger)
    answer = what_can(found, _principal(found, principal))
    rights = [right.to_json() for right in answer.rights]
    _write(WHAT_HEADING, [what_row(right) for right in answer.rights], rights, answer.to_json(), form)
    count = sum(len(right.actions) for right in answer.rights)
    outcomes = [right.outcome.value for right in answer.rights]
    _close(
        f"{count:,} actions of {len({right.service for right in answer.rights})} services",
        answer.unknown,
        "Unknown" in outcomes,
    )


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
    from sakimori.assess.access.cases import CaseError, unheeded
    from sakimori.assess.access.cases import simulate as simulated

    found = _read(case)
    wrong = []
    answers = []
    for position, each in enumerate(found if isinstance(found, list) else [found], 1):
        place = f"case {position}: " if isinstance(found, list) else ""
        wrong += [f"not heeded: {place}{text}" for text in unheeded(each)]
        try:
            answers.append(simulated(each).to_json())
        except CaseError as error:
            wrong.append(f"not evaluated: {place}{error}")
            answers.append({"response": "Unknown", "decided_by": [], "why": str(error)})
    typer.echo(_lines(answers) if isinstance(found, list) else to_line(answers[0]))
    for line in wrong:
        typer.echo(printable(line), err=True)
    if any(each["response"] == "Unknown" for each in answers):
        raise typer.Exit(INCOMPLETE)


def _read(case: Path) -> Any:
    try:
        text = sys.stdin.read() if str(case) == "-" else case.read_text(encoding="utf-8-sig")
        return json.loads(text, object_pairs_hook=_once)
    except OSError as error:
        _fail(f"cannot read {case}: {error.strerror or error}")
    except UnicodeDecodeError as error:
        _fail(f"{case}: offset {error.start}: is not UTF-8")
    except ValueError as error:
        _fail(f"{case}: is not JSON: {error}")
    except RecursionError:
        _fail(f"{case}: is nested too deeply to be a policy")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object, unless a key stands in it twice: one of the two would be left out of the answer."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in one object")
    return found


def _fail(message: str) -> None:
    typer.echo(printable(f"failed: {message}"), err=True)
    raise typer.Exit(FAILED)


def _write(
    heading: Sequence[str],
    rows: Sequence[Sequence[str]],
    objects: list[dict[str, Any]],
    whole: dict[str, Any],
    form: AccessFormat,
) -> None:
    if form in (AccessFormat.TABLE, AccessFormat.CSV):
        write_rows(heading, rows, form)
    else:
        write_json(objects, whole, form)


def _tally(outcomes: list[str], noun: str) -> str:
    """`3 principals can, 1 of them under a condition; of 1 it is unknown`."""
    able = [each for each in outcomes if each != "Unknown"]
    conditional = able.count("AllowedIf")
    told = f"{len(able):,} {noun}{'' if len(able) == 1 else 's'} can"
    told += f", {conditional:,} of them under a condition" if conditional else ""
    unclear = len(outcomes) - len(able)
    return told + (f"; of {unclear:,} it is unknown" if unclear else "")


def _close(told: str, unknown: Sequence[str], unclear: bool) -> None:
    """The summary, what was not looked at, and the exit code."""
    typer.echo(told, err=True)
    for reason in unknown:
        typer.echo(printable(f"not looked at: {reason}"), err=True)
    if unknown or unclear:
        raise typer.Exit(INCOMPLETE)


def _estate(snapshot: Path | None, ledger: str) -> Estate:
    from sakimori.assess.access.estate import estate

    return estate(load_inventory(snapshot, ledger))


def _principal(found: Estate, text: str) -> str:
    """The principal that is meant: by its ARN, or by an end of it that only one of ours has."""
    from sakimori.assess.access.principals import BadPrincipal, principal_of

    if text in found.identities:
        return text
    ours = [arn for arn in found.identities if arn.endswith((f":{text}", f"/{text}"))]
    if len(ours) == 1:
        return ours[0]
    if ours:
        raise typer.BadParameter(f"{text} may be {' or '.join(ours[:5])}: give the ARN", param_hint="PRINCIPAL")
    try:
        return principal_of(text).arn
    except BadPrincipal as error:
        count = len(found.identities)
        none = "" if text.startswith("arn:") else f"; and of {count:,} users and roles none is called that"
        raise typer.BadParameter(f"{error}{none}", param_hint="PRINCIPAL") from None


def _resource(text: str) -> str:
    """An ARN or a pattern of some, `*`, or `s3://bucket/key` as the ARN that it means."""
    if text.startswith("s3://") and text.removeprefix("s3://").strip("/"):
        return f"arn:aws:s3:::{text.removeprefix('s3://').rstrip('/')}"
    if text == "*" or (text.startswith("arn:") and text.count(":") >= 5):
        return text
    raise typer.BadParameter(f"{text!r} is no ARN: give one, s3://BUCKET, or * for any", param_hint="RESOURCE")


def _action(text: str) -> str:
    """The action as AWS writes it; of a pattern, itself."""
    from difflib import get_close_matches

    from sakimori.assess.access.arns import is_pattern
    from sakimori.assess.access.catalogue import actions_like, actions_of, prefixes

    prefix, _, name = text.partition(":")
    known = {each.lower(): each for each in actions_of(prefix.lower())}
    if text.lower() in known:
        return known[text.lower()]
    if is_pattern(text) and actions_like(text):
        return text
    near = get_close_matches(text.lower(), known, 3, 0.5) if known else get_close_matches(prefix.lower(), prefixes(), 3)
    hint = f"; did you mean {' or '.join(known.get(each, f'{each}:{name}') for each in near)}?" if near else ""
    like = "is like" if is_pattern(text) else "is"
    raise typer.BadParameter(f"no action that AWS has {like} {text!r}{hint}", param_hint="ACTION")


def _context(pairs: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--context")
        found.setdefault(key, []).append(value)
    return found


def _lines(answers: list[dict[str, object]]) -> str:
    return "[" + ",\n".join(map(to_line, answers)) + "]"

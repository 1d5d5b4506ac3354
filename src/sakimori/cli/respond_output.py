"""Runs as `sakimori respond` tells them: what was decided and why, what changes, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sakimori.cli.output import printable

if TYPE_CHECKING:
    from sakimori.respond.runs import ActionRow, Run

MOST_LINES = 40
"""Lines of a change that are shown; --json has all of them."""


def told(run: Run, *, changes: bool = True) -> Iterator[str]:
    """The lines about a run."""
    decision = f": {printable(run.decision)}" if run.decision else ""
    yield f"{run.id}  {run.workflow}: {run.state}{decision}"
    yield f"  because {printable(run.why)}"
    for each in run.actions:
        why = f": {printable(each.why)}" if each.why else ""
        yield f"  {each.number} {each.action} on {printable(each.target.uid)}: {each.state}{why}"
        yield from _changes(each) if changes else ()
    for reason in run.not_evaluated:
        yield f"  not evaluated: {printable(reason)}"
    if hint := _next(run):
        yield f"  {hint}"


def _changes(row: ActionRow) -> Iterator[str]:
    from sakimori.respond.compared import changed_lines

    lines = changed_lines(row.before, row.after or row.would)
    yield from (f"      {printable(line)}" for line in lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        yield f"      ... and {len(lines) - MOST_LINES} lines more: --json has them"


def _next(run: Run) -> str:
    """What a person may do now."""
    from sakimori.respond.runs import RunState

    if run.state is RunState.OBSERVED and run.actions:
        return "nothing was changed: --mode approve waits for a person, --mode auto does it"
    if run.state is RunState.WAITING:
        return f"it waits for you: sakimori respond approve {run.id} (or --reject)"
    if run.state is RunState.FAILED:
        return (
            f"its story: sakimori respond show {run.id}; to go on with what is not done: respond dlq list, dlq replay"
        )
    if run.state is RunState.DONE and any(each["undo_id"] for each in run.to_json()["actions"]):
        return f"to take it back: sakimori respond undo {run.id}"
    return ""

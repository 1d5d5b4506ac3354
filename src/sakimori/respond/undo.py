"""The way back: an action's recorded state is restored, unless somebody has changed it since; then that is said
instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sakimori.respond import plugins
from sakimori.respond.engine import Engine
from sakimori.respond.errors import RespondError
from sakimori.respond.runs import ActionRow, ActionState, Run, RunState
from sakimori.respond.world import Trouble


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of undoing an action. `why` says why it was refused, "" where it was undone."""

    undo_id: str
    action: str
    target: str
    undone: bool
    why: str

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def undo(engine: Engine, which: str, by: str) -> list[Outcome]:
    """Undoes a run (its actions, the last first), or one action of it (`RUN/NUMBER`). Raises RespondError where there
    is nothing to undo."""
    run, _, number = which.partition("/")
    found = engine.book.run(run)
    rows = [row for row in found.actions if row.applied_at and row.state in (ActionState.DONE, ActionState.FAILED)]
    if number:
        rows = [row for row in rows if str(row.number) == number]
    if not rows:
        raise RespondError(
            f"nothing of {which} can be undone: the run is {found.state}, and changed nothing that still is"
        )
    outcomes = [_one(engine, found, row, by) for row in reversed(rows)]
    left = [row for row in engine.book.run(run).actions if row.state in (ActionState.DONE, ActionState.FAILED)]
    if not [row for row in left if row.applied_at]:
        engine.book.finish(run, RunState.UNDONE, by=by)
    return outcomes


def _one(engine: Engine, run: Run, row: ActionRow, by: str) -> Outcome:
    why = _refusal(engine, row)
    if not why:
        engine.book.end_action(run, row, ActionState.UNDONE, "it is as it was before", row.after, by)
    else:
        engine.book.note(by, "undo refused", run.id, {"action": row.action, "number": row.number, "why": why})
    return Outcome(f"{run.id}/{row.number}", row.action, row.target.uid, not why, why)


def _refusal(engine: Engine, row: ActionRow) -> str:
    """Restores the state, and gives ""; or says why not."""
    module, world, target = plugins.action(row.action), engine.world, row.target
    if final := str(getattr(module, "FINAL", "")):
        return final
    try:
        if engine.policy.shields(module.tags(world, target)):
            return f"{target.uid} is tagged {engine.policy.limits.protected}"
        current = module.before(world, target)
        if current == row.before:
            return ""
        if row.state is ActionState.DONE and current != row.after:
            return f"somebody has changed it since: {differences(row.after, current)}"
        module.undo(world, target, row.before, row.after)
        found = module.before(world, target)
    except Trouble as error:
        return str(error)
    return "" if found == row.before else f"it is not as it was before: {differences(row.before, found)}"


def differences(expected: dict[str, Any], found: dict[str, Any]) -> str:
    """`HttpTokens is "optional", not "required"`, for each member that differs."""
    parts = [
        f"{name} is {found.get(name)!r}, not {expected.get(name)!r}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
    return "; ".join(parts)[:1000]

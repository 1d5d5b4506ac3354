"""Runs, their actions and dead letters, as they stand in the book."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from sakimori.model.action import Mode, Plan, Target
from sakimori.model.event import Event
from sakimori.model.said import Made
from sakimori.respond.compared import changed_lines
from sakimori.respond.errors import RespondError
from sakimori.store.text import storable

if TYPE_CHECKING:
    from sqlalchemy import Row


class RunState(StrEnum):
    """Where a run stands."""

    NEW = "new"
    OBSERVED = "observed"
    WAITING = "waiting for approval"
    CARRYING = "carrying out"
    DONE = "done"
    NOTHING = "nothing to do"
    FAILED = "failed"
    REJECTED = "rejected"
    UNDONE = "undone"


class ActionState(StrEnum):
    """Where an action stands."""

    PLANNED = "planned"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNDONE = "undone"


UNTOUCHED = (RunState.OBSERVED, RunState.NOTHING)
"""The states of a run that has ended and changed nothing."""

ENDED = (RunState.DONE, RunState.NOTHING, RunState.FAILED, RunState.REJECTED, RunState.UNDONE, RunState.OBSERVED)


@dataclass(frozen=True, slots=True)
class ActionRow:
    """An action of a run as it stands. `before` and `after` are the states found, `would` the one that was wanted."""

    number: int
    action: str
    target: Target
    state: ActionState
    before: dict[str, Any]
    would: dict[str, Any]
    after: dict[str, Any]
    why: str
    applied_at: str


@dataclass(frozen=True, slots=True)
class Run:
    """A workflow's run on a revision of an event.

    `said` is what its sentences were made of, by the sentence: `why`, those of `not_evaluated` and of the actions.
    """

    id: str
    workflow: str
    event_uid: str
    revision: str
    account: str
    mode: Mode
    state: RunState
    attempt: int
    decision: str
    why: str
    not_evaluated: tuple[str, ...]
    created_at: str
    updated_at: str
    actions: tuple[ActionRow, ...] = field(default=())
    said: Mapping[str, Made] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What `sakimori respond run` and `respond runs` print: the contract that others build on."""
        return {
            "run_id": self.id,
            "workflow": self.workflow,
            "finding": self.event_uid,
            "revision": self.revision,
            "mode": str(self.mode),
            "state": str(self.state),
            "decision": self.decision,
            "why": self.why,
            "actions": [self._action(each) for each in self.actions],
            "not_evaluated": list(self.not_evaluated),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }

    def _action(self, row: ActionRow) -> dict[str, Any]:
        settled = row.state in (ActionState.DONE, ActionState.FAILED, ActionState.UNDONE) and row.applied_at
        return {
            "action": row.action,
            "target": row.target.uid,
            "state": str(row.state),
            "before": row.before,
            **({"after": row.after} if settled else {"would": row.would}),
            "verified": (row.state is not ActionState.FAILED) if settled else None,
            "diff": changed_lines(row.before, row.after if settled else row.would),
            "undo_id": f"{self.id}/{row.number}" if row.state is ActionState.DONE and not is_final(row) else None,
            "why": row.why,
        }


def is_final(row: ActionRow) -> bool:
    """Whether an action cannot be undone."""
    from sakimori.respond import plugins

    try:
        return bool(getattr(plugins.action(row.action), "FINAL", ""))
    except RespondError:
        return False  # an action of others that is not installed any more


OF_A_RUN = "run "
"""How the place of a dead letter begins that is about a run, before the run's id."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be read, or an event whose run failed; `size` is its body's, in characters."""

    id: str
    place: str
    reason: str
    times: int
    first_at: str
    last_at: str
    replayed_at: str
    size: int

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def no_letter(own_id: str) -> RespondError:
    """What is said of a dead letter that is not there."""
    return RespondError(f"no dead letter has the id {own_id!r}: `sakimori respond dlq list` lists them")


def run_id(event_uid: str, revision: str, workflow: str) -> str:
    """The identity of a run: one for each revision of what an event is about, and workflow."""
    parts = "\x1f".join((event_uid, revision, workflow))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def sentences(plan: Plan) -> Iterator[str]:
    """Every sentence of a plan."""
    yield from (plan.why, *plan.not_evaluated, *(step.why for step in plan.steps))


def encoded(event: Event) -> str:
    """An event as JSON; `decoded` gives it back."""
    try:
        return storable(msgspec.json.encode(event).decode())
    except (OverflowError, ValueError, TypeError, UnicodeError):  # numbers past 64 bits
        return storable(json.dumps(msgspec.to_builtins(event), default=str))


def decoded(text: str) -> Event:
    """See `encoded`."""
    return msgspec.convert(json.loads(text), Event)


def action_of(row: Row[Any]) -> ActionRow:
    return ActionRow(
        row.number,
        row.action,
        msgspec.json.decode(row.target, type=Target),
        ActionState(row.state),
        json.loads(row.before),
        json.loads(row.would),
        json.loads(row.after),
        row.why,
        row.applied_at,
    )


def run_of(row: Row[Any], actions: Sequence[ActionRow]) -> Run:
    return Run(
        row.id,
        row.workflow,
        row.event_uid,
        row.revision,
        row.account,
        Mode(row.mode),
        RunState(row.state),
        row.attempt,
        row.decision,
        row.why,
        tuple(json.loads(row.not_evaluated)),
        row.created_at,
        row.updated_at,
        tuple(actions),
        msgspec.json.decode(row.said, type=dict[str, Made]),
    )

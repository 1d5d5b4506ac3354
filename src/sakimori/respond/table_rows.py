"""The items of a book in DynamoDB: how runs, their actions and dead letters are written, found and changed.

A run is one item, with its event and its actions, compressed: it is read and written as a whole.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sakimori.model.action import Mode, Plan, Step
from sakimori.model.event import Event
from sakimori.model.said import Made, made_of, say
from sakimori.respond.errors import RespondError
from sakimori.respond.policy import Limits
from sakimori.respond.runs import ActionRow, ActionState, DeadLetter, Run, RunState, encoded, sentences
from sakimori.respond.table import Item, Page, stamp
from sakimori.store.text import storable

LEASE = timedelta(minutes=10)
"""How long a process has a run for itself, from each step that it takes."""

GOING = (RunState.NEW, RunState.CARRYING)
FINDING_BODY = 300_000
"""Characters of an item: DynamoDB's items have at most 400 kB."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What people were asked about a run, and what they decided; "" until then."""

    id: str
    expires_at: str
    used_at: str = ""
    used_by: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A run as it is kept."""

    run: Run
    event: str
    owner: str
    lease_until: str
    asked: tuple[Asked, ...] = ()


def run_key(run: str) -> str:
    return f"run#{run}"


def opened(item: Item) -> Kept:
    return msgspec.json.decode(zlib.decompress(bytes(item["body"])), type=Kept)


def kept_run(page: Page, run: str) -> Kept | None:
    item = page.get(run_key(run), "run")
    return opened(item) if item else None


def run_there(page: Page, run: str) -> Kept:
    kept = kept_run(page, run)
    if kept is None:
        raise RespondError(f"no run has the id {run!r}: `sakimori respond runs` lists them")
    return kept


def keep(page: Page, kept: Kept, *, new: bool = False) -> None:
    """Writes a run, and whether it is open."""
    kept = replace(kept, run=replace(kept.run, updated_at=stamp()))
    run = kept.run
    shown = {"workflow": run.workflow, "state": str(run.state)}
    page.put(run_key(run.id), "run", body=zlib.compress(msgspec.json.encode(kept)), **shown)
    if new:
        page.put("runs", f"{run.created_at}#{run.id}")
    if run.state in GOING:
        page.put("open", run.id)
    else:
        page.delete("open", run.id)


def new_run(run: str, event: Event, workflow: str, mode: Mode, owner: str) -> Kept:
    now = stamp()
    revision, account = storable(event.revision), storable(event.account)
    entered = Run(run, workflow, event.uid, revision, account, mode, RunState.NEW, 1, "", "", (), now, now)
    return Kept(entered, encoded(event), owner, leased())


def may_go_on(before: Mode, now: Mode) -> bool:
    return before is Mode.OBSERVE and now is not Mode.OBSERVE


def renewed(page: Page, kept: Kept, mode: Mode, owner: str, by: str) -> int:
    """A run that changed nothing is to be planned anew; gives the attempt."""
    again = replace(kept.run, state=RunState.NEW, mode=mode, attempt=kept.run.attempt + 1, actions=())
    keep(page, replace(kept, run=again, owner=owner, lease_until=leased()))
    page.note(by, "asked again", again.id, {"mode": str(mode)})
    return again.attempt


def planned_action(number: int, step: Step, seen: tuple[dict[str, Any], dict[str, Any]]) -> ActionRow:
    """An action that is planned, with the state that its target has, and the one that it would have."""
    before, would, why = plain(seen[0]), plain(seen[1]), storable(str(step.why))
    return ActionRow(number, step.action, step.target, ActionState.PLANNED, before, would, {}, why, "")


def planned_run(run: Run, plan: Plan, actions: tuple[ActionRow, ...], state: RunState) -> Run:
    """The run with its plan."""
    return replace(
        run,
        state=state,
        decision=storable(plan.decision),
        why=storable(str(plan.why)),
        not_evaluated=tuple(storable(str(each)) for each in plan.not_evaluated),
        said=made_of(sentences(plan)),
        actions=actions,
    )


def finished_run(run: Run, state: RunState, why: str) -> Run:
    """The run as it ended, with the reason, if there is one."""
    said = {**run.said, **made_of([why])}
    return replace(run, state=state, why=storable(str(why)) or run.why, said=said)


def with_action(kept: Kept, row: ActionRow, state: RunState, said: Mapping[str, Made] | None = None) -> Kept:
    """The run with one action as it is now, and with what it says was made of."""
    actions = tuple(row if each.number == row.number else each for each in kept.run.actions)
    return replace(kept, run=replace(kept.run, state=state, actions=actions, said={**kept.run.said, **(said or {})}))


def to_do(row: ActionRow) -> ActionRow:
    if row.state not in (ActionState.FAILED, ActionState.REFUSED):
        return row
    return replace(row, state=ActionState.BEGUN if row.applied_at else ActionState.PLANNED)


def limit_reached(page: Page, run: Run, action: ActionRow, limits: Limits) -> str:
    """Why the action would be one too many; "" if it is not."""
    since = (datetime.now(UTC) - timedelta(minutes=limits.minutes)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    changed = list(page.query("changed", since=since))
    account = action.target.account or run.account
    of_workflow = sum(each["workflow"] == run.workflow for each in changed)
    in_account = sum(each["account"] == storable(account) for each in changed)
    if of_workflow >= limits.actions:
        return say(
            "the workflow {workflow} made {count} changes in {minutes} minutes, which is its limit",
            workflow=run.workflow,
            count=of_workflow,
            minutes=limits.minutes,
        )
    if in_account >= limits.account_actions:
        return say(
            "{count} changes were made in account {account} in {minutes} minutes, which is the limit",
            count=in_account,
            account=account,
            minutes=limits.minutes,
        )
    return ""


def letter_of(item: Item) -> tuple[DeadLetter, str]:
    """A dead letter and its body."""
    body = zlib.decompress(bytes(item["body"])).decode()
    names = ("place", "reason", "times", "first_at", "last_at", "replayed_at")
    return DeadLetter(id=item["sk"], size=len(body), **{name: item[name] for name in names}), body


def entry_of(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in ("pk", "sk")}


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON keeps it."""
    plain: dict[str, Any] = json.loads(storable(json.dumps(value, sort_keys=True, default=str)))
    return plain


def leased() -> str:
    return (datetime.now(UTC) + LEASE).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

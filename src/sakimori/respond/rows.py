"""The rows of runs and actions: how they are written, found and changed inside a transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, select, update

from sakimori.model.action import Mode, Target
from sakimori.model.event import Event
from sakimori.model.said import made_of
from sakimori.respond import tables
from sakimori.respond.page import held_until, stamp
from sakimori.respond.runs import ActionRow, ActionState, Run, RunState, action_of, encoded
from sakimori.store.database import among
from sakimori.store.text import storable


def new_run(run: str, event: Event, workflow: str, mode: Mode, owner: str) -> dict[str, Any]:
    now = stamp()
    return {
        "id": run,
        "workflow": workflow,
        "event_uid": event.uid,
        "revision": storable(event.revision),
        "event": encoded(event),
        "account": storable(event.account),
        "mode": mode,
        "state": RunState.NEW,
        "attempt": 1,
        "decision": "",
        "why": "",
        "not_evaluated": "[]",
        "said": "{}",
        "owner": owner,
        "lease_until": held_until(),
        "created_at": now,
        "updated_at": now,
    }


def renew(connection: Connection, run: str, mode: Mode, owner: str, attempt: int) -> None:
    connection.execute(delete(tables.actions).where(tables.actions.c.run_id == run))
    set_run(connection, run, state=RunState.NEW, mode=mode, attempt=attempt + 1, owner=owner, lease_until=held_until())


def row_of(connection: Connection, run: str) -> Row[Any] | None:
    return connection.execute(select(tables.runs).where(tables.runs.c.id == run)).first()


def set_run(connection: Connection, run: str, **values: Any) -> None:
    connection.execute(update(tables.runs).where(tables.runs.c.id == run).values(updated_at=stamp(), **values))


def set_action(connection: Connection, run: str, number: int, **values: Any) -> None:
    c = tables.actions.c
    connection.execute(update(tables.actions).where(c.run_id == run, c.number == number).values(**values))


def action_row(
    run: Run, number: int, action: str, target: Target, why: str, seen: tuple[dict[str, Any], dict[str, Any]]
) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "number": number,
        "workflow": run.workflow,
        "account": storable(target.account or run.account),
        "action": action,
        "target": storable(msgspec.json.encode(target).decode()),
        "state": ActionState.PLANNED,
        "before": json_text(seen[0]),
        "would": json_text(seen[1]),
        "after": "{}",
        "why": storable(str(why)),
        "applied_at": "",
    }


def actions_of(connection: Connection, runs: Sequence[str]) -> dict[str, list[ActionRow]]:
    c = tables.actions.c
    found: dict[str, list[ActionRow]] = {}
    query = select(tables.actions).where(among(connection, c.run_id, runs))
    for row in connection.execute(query.order_by(c.run_id, c.number)) if runs else ():
        found.setdefault(row.run_id, []).append(action_of(row))
    return found


def json_text(value: Mapping[str, Any]) -> str:
    return storable(json.dumps(value, sort_keys=True, default=str))


def remembered(connection: Connection, run: str, sentence: str) -> dict[str, str]:
    """The column of what a run's sentences were made of, with one more; {} for a text that is no sentence."""
    made = made_of([sentence])
    row = row_of(connection, run) if made else None
    return {"said": msgspec.json.encode(json.loads(row.said) | made).decode()} if row else {}


def told_why(connection: Connection, run: str, why: str) -> dict[str, str]:
    """What a run keeps of why it ended, and of what that was made."""
    return {"why": storable(str(why)), **remembered(connection, run, why)}

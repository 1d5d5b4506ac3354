"""Actions in the book: entered before anything is changed, within limits that hold for all processes together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from sakimori.model.said import say
from sakimori.respond import plugins, tables
from sakimori.respond.page import OURSELVES, Page, held_until, stamp
from sakimori.respond.policy import Limits
from sakimori.respond.rows import json_text, remembered, set_action, set_run
from sakimori.respond.runs import ActionRow, ActionState, Run, RunState
from sakimori.store.text import storable


class Changes(Page):
    """The book's page of what is changed."""

    def begin_action(
        self, run: Run, action: ActionRow, before: Mapping[str, Any], limits: Limits | None
    ) -> tuple[bool, str]:
        """Enters what is going to be changed; (False, why) where the limits forbid it. Entered before, it stays so."""
        now, c = stamp(), tables.actions.c
        with self.writing() as (connection, note):
            own = (c.run_id == run.id) & (c.number == action.number)
            if connection.execute(select(c.state).where(own)).scalar() != ActionState.PLANNED:
                return True, ""  # it counts already, and not against itself
            reached = limit_reached(connection, run, action, limits) if limits else ""
            if reached:
                return False, reached
            values = {"state": ActionState.BEGUN, "before": json_text(before), "applied_at": now}
            connection.execute(update(tables.actions).where(own).values(values))
            set_run(connection, run.id, state=RunState.CARRYING, lease_until=held_until())
            body = {"action": action.action, "number": action.number, "before": before}
            note(OURSELVES, "begun", run.id, body)
            return True, ""

    def end_action(
        self,
        run: Run,
        action: ActionRow,
        state: ActionState,
        why: str,
        after: Mapping[str, Any] | None = None,
        by: str = OURSELVES,
    ) -> None:
        """Enters what came of an action. When it was the last, and done, so is the run."""
        found = {"after": json_text(after)} if after is not None else {}
        body = {"action": action.action, "number": action.number, "why": str(why)}
        last = state is ActionState.DONE and action.number + 1 == len(run.actions)
        with self.writing() as (connection, note):
            set_action(connection, run.id, action.number, state=state, why=storable(str(why)), **found)
            note(by, f"action {state}", run.id, body | ({"after": after} if after is not None else {}))
            ended = {"state": RunState.DONE, "lease_until": ""} if last else {}
            if changed := ended | remembered(connection, run.id, why):
                set_run(connection, run.id, **changed)
            if last:
                note(by, str(RunState.DONE), run.id, {})


def limit_reached(connection: Connection, run: Run, action: ActionRow, limits: Limits) -> str:
    """Why the action would be one too many; "" if it is not."""
    since = (datetime.now(UTC) - timedelta(minutes=limits.minutes)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    c, account = tables.actions.c, action.target.account or run.account
    counts = select(
        func.count().filter(c.workflow == run.workflow), func.count().filter(c.account == storable(account))
    ).where(c.applied_at >= since, c.action.not_in(plugins.answers()))
    of_workflow, in_account = connection.execute(counts).one()
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

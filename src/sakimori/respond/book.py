"""The book of responses: runs, their actions, approvals and dead letters. Every method is one transaction.

A run is entered once for what it is about, its revision and the workflow, however often that is delivered. What is
going to be changed is entered before it is changed, with the state that it had.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, literal, select, tuple_, update

from sakimori.model.action import Mode, Plan
from sakimori.model.event import Event, State
from sakimori.model.said import made_of
from sakimori.respond import tables
from sakimori.respond.asked import Asked
from sakimori.respond.changes import Changes
from sakimori.respond.errors import RespondError
from sakimori.respond.letters import Letters
from sakimori.respond.page import OURSELVES, held_until, stamp
from sakimori.respond.rows import action_row, actions_of, new_run, renew, row_of, set_run, told_why
from sakimori.respond.runs import (
    ENDED,
    UNTOUCHED,
    ActionState,
    Run,
    RunState,
    decoded,
    run_id,
    run_of,
    sentences,
)
from sakimori.store import findings
from sakimori.store.database import reading
from sakimori.store.text import storable


class Book(Changes, Asked, Letters):
    """The book in an open ledger's database."""

    def enter(self, event: Event, workflows: Iterable[tuple[str, Mode]], owner: str) -> list[tuple[str, int]]:
        """Enters an event's finding and its runs; gives the runs that are new or, having been observed only, are to be
        done now, each with its attempt. Delivered again, it gives none."""
        fresh: list[tuple[str, int]] = []
        with self.writing() as (connection, note):
            keep_finding(connection, event)
            for workflow, mode in workflows:
                run = run_id(event.uid, event.revision, workflow)
                row = row_of(connection, run)
                if row is None:
                    connection.execute(insert(tables.runs), new_run(run, event, workflow, mode, owner))
                    fresh.append((run, 1))
                elif row.state == RunState.OBSERVED and row.mode == Mode.OBSERVE and mode is not Mode.OBSERVE:
                    renew(connection, run, mode, owner, row.attempt)
                    note(OURSELVES, "asked again", run, {"mode": str(mode)})
                    fresh.append((run, row.attempt + 1))
        return fresh

    def begin(self, run: str, owner: str) -> tuple[Run, Event] | None:
        """Takes the run for this process, and gives it; None while another has it, or when it has ended."""
        now = stamp()
        c = tables.runs.c
        free = (c.owner == owner) | (c.lease_until < now)
        taken = update(tables.runs).where(c.id == run, c.state.not_in(ENDED), free)
        with self.alone() as connection:
            if not connection.execute(taken.values(owner=owner, lease_until=held_until(), updated_at=now)).rowcount:
                return None
            row = row_of(connection, run)
            return (run_of(row, actions_of(connection, [run]).get(run, [])), decoded(row.event)) if row else None

    def unfinished(self, owner: str) -> list[tuple[str, int]]:
        """The runs (with their attempts) that were begun and that nobody is at, but `owner` itself."""
        c = tables.runs.c
        idle = (c.owner == owner) | (c.lease_until < stamp())
        query = select(c.id, c.attempt).where(c.state.in_((RunState.NEW, RunState.CARRYING)), idle)
        with reading(self.engine) as connection:
            return [(row.id, row.attempt) for row in connection.execute(query.order_by(c.created_at))]

    def event_of(self, run: str) -> Event:
        """The event of a run. Raises RespondError if there is no such run."""
        with reading(self.engine) as connection:
            found = connection.execute(select(tables.runs.c.event).where(tables.runs.c.id == run)).scalar()
        if found is None:
            raise RespondError(f"no run has the id {run!r}: `sakimori respond runs` lists them")
        return decoded(found)

    def take_over(self, run: str, owner: str) -> int:
        """The run goes on in this process, whoever had it; gives the new attempt."""
        with self.writing() as (connection, note):
            row = row_of(connection, run)
            attempt = (row.attempt if row else 0) + 1
            set_run(connection, run, attempt=attempt, owner=owner, lease_until=held_until())
            note(OURSELVES, "taken over", run, {"attempt": attempt, "by": owner})
            return attempt

    def planned(
        self, run: Run, plan: Plan, mode: Mode, seen: Sequence[tuple[dict[str, Any], dict[str, Any]]], state: RunState
    ) -> None:
        """Keeps a plan, with the state that each target has and the one that it would have. Kept once only.

        `mode` is the one that counts after a look at the targets; the run keeps the one that it was entered with.
        """
        c = tables.runs.c
        values = {"state": state, "decision": storable(plan.decision), "updated_at": stamp()}
        values |= {"why": storable(str(plan.why)), "not_evaluated": json.dumps([*map(storable, plan.not_evaluated)])}
        values["said"] = msgspec.json.encode(made_of(sentences(plan))).decode()
        rows = [
            action_row(run, number, step.action, step.target, step.why, seen[number])
            for number, step in enumerate(plan.steps)
        ]
        with self.writing() as (connection, note):
            new = update(tables.runs).where(c.id == run.id, c.state == RunState.NEW)
            if not connection.execute(new.values(values)).rowcount:
                return
            if rows:
                connection.execute(insert(tables.actions), rows)
            if plan.findings:
                findings.upsert(connection, plan.findings)
            steps = [{"action": step.action, "target": step.target.uid} for step in plan.steps]
            note(OURSELVES, "planned", run.id, {"mode": str(mode), "decision": plan.decision, "steps": steps})

    def finish(self, run: str, state: RunState, why: str = "", by: str = OURSELVES) -> None:
        """Ends a run."""
        with self.writing() as (connection, note):
            values = told_why(connection, run, why) if why else {}
            set_run(connection, run, state=state, lease_until="", **values)
            note(by, str(state), run, {"why": why} if why else {})

    def again(self, run: str, by: str, owner: str) -> int:
        """A failed run is to go on with what is not done of it; gives the attempt. Raises RespondError."""
        with self.writing() as (connection, note):
            row = row_of(connection, run)
            if row is None or row.state != RunState.FAILED:
                raise RespondError(f"the run {run} is {row.state if row else 'unknown'}: only a failed one is replayed")
            c = tables.actions.c
            failed = update(tables.actions).where(
                c.run_id == run, c.state.in_((ActionState.FAILED, ActionState.REFUSED))
            )
            begun = failed.where(c.applied_at != "").values(state=ActionState.BEGUN)
            connection.execute(begun)
            connection.execute(failed.where(c.applied_at == "").values(state=ActionState.PLANNED))
            has_plan = connection.execute(select(func.count()).where(c.run_id == run)).scalar()
            state = RunState.CARRYING if has_plan else RunState.NEW
            set_run(connection, run, state=state, attempt=row.attempt + 1, owner=owner, lease_until=held_until())
            note(by, "replayed", run, {"attempt": row.attempt + 1})
            return int(row.attempt) + 1

    def look_again(self, run: str, by: str, owner: str, mode: Mode) -> int:
        """A run that changed nothing is planned anew, with the world as it is now; gives the attempt. Raises
        RespondError."""
        with self.writing() as (connection, note):
            row = row_of(connection, run)
            if row is None or row.state not in UNTOUCHED:
                raise RespondError(f"the run {run} is {row.state if row else 'unknown'}: it is not planned again")
            renew(connection, run, mode, owner, row.attempt)
            note(by, "asked again", run, {"mode": str(mode)})
            return int(row.attempt) + 1

    def run(self, run: str) -> Run:
        """A run with its actions. Raises RespondError if there is none."""
        with reading(self.engine) as connection:
            row = row_of(connection, run)
            if row is None:
                raise RespondError(f"no run has the id {run!r}: `sakimori respond runs` lists them")
            return run_of(row, actions_of(connection, [run]).get(run, []))

    def runs(
        self, state: RunState | None = None, workflow: str = "", limit: int = 100, *, about: str = "", before: str = ""
    ) -> list[Run]:
        """Runs, the newest first. `about`: only those on this event or finding; `before`: only those that come after
        the run of this id."""
        c = tables.runs.c
        query = select(tables.runs).order_by(c.created_at.desc(), c.id.desc()).limit(limit)
        query = query.where(c.state == state) if state is not None else query
        query = query.where(c.workflow == workflow) if workflow else query
        query = query.where(c.event_uid == about) if about else query
        if before:
            mark = select(c.created_at).where(c.id == before).scalar_subquery()
            query = query.where(tuple_(c.created_at, c.id) < tuple_(mark, literal(before)))
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
            actions = actions_of(connection, [row.id for row in rows])
            return [run_of(row, actions.get(row.id, [])) for row in rows]

    def tally(self) -> dict[RunState, int]:
        """How many runs there are in each state; empty where that is not counted."""
        c = tables.runs.c
        with reading(self.engine) as connection:
            counted = connection.execute(select(c.state, func.count()).group_by(c.state))
            return {RunState(state): count for state, count in counted}

    def done_by(self, workflow: str, limit: int = 5_000) -> list[Run]:
        """The workflow's runs that changed something that still is, the newest first."""
        c = tables.runs.c
        query = select(tables.runs).where(c.workflow == workflow, c.state.in_((RunState.DONE, RunState.FAILED)))
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(c.created_at.desc(), c.id).limit(limit)).all()
            actions = actions_of(connection, [row.id for row in rows])
            return [run_of(row, actions.get(row.id, [])) for row in rows]


def keep_finding(connection: Connection, event: Event) -> None:
    """Upserts the event's finding; the product's word that it is closed or suppressed closes ours."""
    if event.finding is None:
        return
    findings.upsert(connection, [event.finding])
    wanted = {State.CLOSED: findings.Status.RESOLVED, State.SUPPRESSED: findings.Status.SUPPRESSED}.get(event.state)
    stored = findings.get(connection, event.finding.uid) if wanted else None
    if wanted and stored and stored.status is not wanted:
        note = f"{event.product} says that it is {event.state}"
        findings.change_status(connection, event.finding.uid, wanted, OURSELVES, note)

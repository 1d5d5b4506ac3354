"""The book of responses: runs, their actions, approvals and dead letters. Every method is one transaction.

A run is entered once for what it is about, its revision and the workflow, however often that is delivered. What is
going to be changed is entered before it is changed, with the state that it had.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from sakimori.model.action import Mode, Plan, Target
from sakimori.model.event import Event, State
from sakimori.respond import audit, tables
from sakimori.respond.approval import Approval, Decided
from sakimori.respond.errors import RespondError
from sakimori.respond.policy import Limits
from sakimori.respond.runs import (
    ENDED,
    ActionRow,
    ActionState,
    DeadLetter,
    Run,
    RunState,
    action_of,
    decoded,
    encoded,
    run_id,
    run_of,
)
from sakimori.store import findings
from sakimori.store.database import insert_new, reading, writing
from sakimori.store.text import storable

LEASE = timedelta(minutes=10)
"""How long a process has a run for itself, from each step that it takes."""

OURSELVES = "sakimori"


class Book:
    """The book in an open ledger's database. `key` makes the audit log's chain; its head is kept in `head`."""

    def __init__(self, engine: Engine, key: bytes, head: Path) -> None:
        self.engine = engine
        self._key = key
        self._head = audit.Head(head)
        self._lock = threading.Lock()

    # Runs

    def enter(self, event: Event, workflows: Iterable[tuple[str, Mode]], owner: str) -> list[tuple[str, int]]:
        """Enters an event's finding and its runs; gives the runs that are new or, having been observed only, are to be
        done now, each with its attempt. Delivered again, it gives none."""
        fresh: list[tuple[str, int]] = []
        with self._writing() as (connection, note):
            _keep_finding(connection, event)
            for workflow, mode in workflows:
                run = run_id(event.uid, event.revision, workflow)
                row = _run_row(connection, run)
                if row is None:
                    connection.execute(insert(tables.runs), _new_run(run, event, workflow, mode, owner))
                    fresh.append((run, 1))
                elif row.state == RunState.OBSERVED and row.mode == Mode.OBSERVE and mode is not Mode.OBSERVE:
                    _renew(connection, run, mode, owner, row.attempt)
                    note(OURSELVES, "asked again", run, {"mode": str(mode)})
                    fresh.append((run, row.attempt + 1))
        return fresh

    def begin(self, run: str, owner: str) -> tuple[Run, Event] | None:
        """Takes the run for this process, and gives it; None while another has it, or when it has ended."""
        now = _now()
        c = tables.runs.c
        free = (c.owner == owner) | (c.lease_until < now)
        taken = update(tables.runs).where(c.id == run, c.state.not_in(ENDED), free)
        with self._alone() as connection:
            if not connection.execute(taken.values(owner=owner, lease_until=_lease(), updated_at=now)).rowcount:
                return None
            row = _run_row(connection, run)
            return (run_of(row, _actions(connection, [run]).get(run, [])), decoded(row.event)) if row else None

    def unfinished(self, owner: str) -> list[tuple[str, int]]:
        """The runs (with their attempts) that were begun and that nobody is at, but `owner` itself."""
        c = tables.runs.c
        idle = (c.owner == owner) | (c.lease_until < _now())
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
        with self._writing() as (connection, note):
            row = _run_row(connection, run)
            attempt = (row.attempt if row else 0) + 1
            _set_run(connection, run, attempt=attempt, owner=owner, lease_until=_lease())
            note(OURSELVES, "taken over", run, {"attempt": attempt, "by": owner})
            return attempt

    def planned(
        self, run: Run, plan: Plan, mode: Mode, seen: Sequence[tuple[dict[str, Any], dict[str, Any]]], state: RunState
    ) -> None:
        """Keeps a plan, with the state that each target has and the one that it would have. Kept once only.

        `mode` is the one that counts after a look at the targets; the run keeps the one that it was entered with.
        """
        c = tables.runs.c
        values = {"state": state, "decision": storable(plan.decision), "why": storable(plan.why), "updated_at": _now()}
        values["not_evaluated"] = json.dumps(plan.not_evaluated)
        rows = [
            _action_row(run, number, step.action, step.target, step.why, seen[number])
            for number, step in enumerate(plan.steps)
        ]
        with self._writing() as (connection, note):
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
        with self._writing() as (connection, note):
            _set_run(connection, run, state=state, lease_until="", **({"why": storable(why)} if why else {}))
            note(by, str(state), run, {"why": why} if why else {})

    def run(self, run: str) -> Run:
        """A run with its actions. Raises RespondError if there is none."""
        with reading(self.engine) as connection:
            row = _run_row(connection, run)
            if row is None:
                raise RespondError(f"no run has the id {run!r}: `sakimori respond runs` lists them")
            return run_of(row, _actions(connection, [run]).get(run, []))

    def runs(self, state: RunState | None = None, workflow: str = "", limit: int = 100) -> list[Run]:
        """Runs, the newest first."""
        c = tables.runs.c
        query = select(tables.runs).order_by(c.created_at.desc(), c.id).limit(limit)
        query = query.where(c.state == state) if state is not None else query
        query = query.where(c.workflow == workflow) if workflow else query
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
            actions = _actions(connection, [row.id for row in rows])
            return [run_of(row, actions.get(row.id, [])) for row in rows]

    # Actions

    def begin_action(
        self, run: Run, action: ActionRow, before: Mapping[str, Any], limits: Limits | None
    ) -> tuple[bool, str]:
        """Enters what is going to be changed; (False, why) where the limits forbid it. Entered before, it stays so."""
        now, c = _now(), tables.actions.c
        with self._writing() as (connection, note):
            reached = _limit_reached(connection, run, action, limits) if limits else ""
            if reached:
                return False, reached
            planned = update(tables.actions).where(
                c.run_id == run.id, c.number == action.number, c.state == ActionState.PLANNED
            )
            values = {"state": ActionState.BEGUN, "before": _json(before), "applied_at": now}
            if connection.execute(planned.values(values)).rowcount:
                _set_run(connection, run.id, state=RunState.CARRYING, lease_until=_lease())
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
        found = {"after": _json(after)} if after is not None else {}
        body = {"action": action.action, "number": action.number, "why": why}
        with self._writing() as (connection, note):
            _set_action(connection, run.id, action.number, state=state, why=storable(why), **found)
            note(by, f"action {state}", run.id, body | ({"after": after} if after is not None else {}))
            if state is ActionState.DONE and action.number + 1 == len(run.actions):
                _set_run(connection, run.id, state=RunState.DONE, lease_until="")
                note(by, str(RunState.DONE), run.id, {})

    # Approvals

    def ask(self, approval: Approval) -> None:
        """Enters that people are asked; what was asked before about the run does not count any more."""
        c = tables.approvals.c
        with self._writing() as (connection, note):
            connection.execute(delete(tables.approvals).where(c.run_id == approval.run_id, c.used_at == ""))
            row = {"id": approval.id, "run_id": approval.run_id, "expires_at": approval.expires_at}
            connection.execute(insert(tables.approvals), row | {"used_at": "", "used_by": "", "verdict": ""})
            note(OURSELVES, "approval asked", approval.run_id, {"expires_at": approval.expires_at})

    def open_approval(self, run: str) -> Approval | None:
        """What people were asked about a run, while nobody has decided."""
        c = tables.approvals.c
        query = select(c.id, c.run_id, c.expires_at).where(c.run_id == run, c.used_at == "")
        with reading(self.engine) as connection:
            row = connection.execute(query).first()
        return Approval(*row) if row else None

    def decided(self, approval: Approval) -> Decided | None:
        """What was decided with an approval; None where nobody is asked with it any more."""
        c = tables.approvals.c
        query = select(c.used_at, c.used_by, c.verdict).where(c.id == approval.id, c.run_id == approval.run_id)
        with reading(self.engine) as connection:
            row = connection.execute(query).first()
        return Decided(*row) if row else None

    def decide(self, approval: Approval, by: str, approved: bool) -> None:
        """Enters a person's decision, once. Raises RespondError if it was decided, has expired or nobody was asked."""
        c, now = tables.approvals.c, _now()
        verdict = "approved" if approved else "rejected"
        with self._writing() as (connection, note):
            row = connection.execute(select(tables.approvals).where(c.id == approval.id)).first()
            if row is None or row.run_id != approval.run_id:
                raise RespondError(f"nobody is asked about the run {approval.run_id} with this approval any more")
            if row.used_at:
                raise RespondError(f"the run {row.run_id} was {row.verdict} by {row.used_by} at {row.used_at} already")
            if row.expires_at <= now:
                raise RespondError(f"the approval expired at {row.expires_at}: run the workflow again to be asked anew")
            values = {"used_at": now, "used_by": storable(by), "verdict": verdict}
            connection.execute(update(tables.approvals).where(c.id == approval.id).values(values))
            state = RunState.CARRYING if approved else RunState.REJECTED
            run_row = _run_row(connection, row.run_id)
            attempt = run_row.attempt + 1 if run_row else 1
            _set_run(connection, row.run_id, state=state, attempt=attempt, owner="", lease_until="")
            note(by, verdict, row.run_id, {"approval": approval.id})

    def done_by(self, workflow: str, limit: int = 5_000) -> list[Run]:
        """The workflow's runs that changed something that still is, the newest first."""
        c = tables.runs.c
        query = select(tables.runs).where(c.workflow == workflow, c.state.in_((RunState.DONE, RunState.FAILED)))
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(c.created_at.desc(), c.id).limit(limit)).all()
            actions = _actions(connection, [row.id for row in rows])
            return [run_of(row, actions.get(row.id, [])) for row in rows]

    def was_approved(self, run: str) -> bool:
        """Whether a person has approved the run."""
        c = tables.approvals.c
        with reading(self.engine) as connection:
            query = select(c.id).where(c.run_id == run, c.verdict == "approved")
            return connection.execute(query).first() is not None

    def again(self, run: str, by: str, owner: str) -> int:
        """A failed run is to go on with what is not done of it; gives the attempt. Raises RespondError."""
        with self._writing() as (connection, note):
            row = _run_row(connection, run)
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
            _set_run(connection, run, state=state, attempt=row.attempt + 1, owner=owner, lease_until=_lease())
            note(by, "replayed", run, {"attempt": row.attempt + 1})
            return int(row.attempt) + 1

    # Dead letters

    def bury(self, place: str, reason: str, body: str) -> None:
        """Keeps what could not be handled; the same again is counted."""
        own_id, now = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:24], _now()
        c = tables.dead_letters.c
        row = {"id": own_id, "place": place, "reason": storable(reason), "body": storable(body), "times": 0}
        row |= {"first_at": now, "last_at": now, "replayed_at": ""}
        with self._alone() as connection:
            connection.execute(insert_new(connection, tables.dead_letters), row)
            changed = {"times": c.times + 1, "last_at": now, "reason": storable(reason), "replayed_at": ""}
            connection.execute(update(tables.dead_letters).where(c.id == own_id).values(changed))

    def dead_letters(self, *, replayed: bool = False) -> list[DeadLetter]:
        """What could not be handled, the newest first; without what was replayed."""
        c = tables.dead_letters.c
        query = select(tables.dead_letters).order_by(c.last_at.desc(), c.id)
        with reading(self.engine) as connection:
            rows = connection.execute(query if replayed else query.where(c.replayed_at == "")).mappings()
            return [DeadLetter(**row) for row in rows]

    def exhume(self, own_id: str) -> None:
        """Enters that a dead letter was replayed."""
        c = tables.dead_letters.c
        with self._alone() as connection:
            connection.execute(update(tables.dead_letters).where(c.id == own_id).values(replayed_at=_now()))

    # The audit log

    def audited(self) -> audit.Audited:
        """Whether the audit log is whole."""
        head = self._head.read()  # before the log, which only grows
        with reading(self.engine) as connection:
            return audit.verify(connection, self._key, head)

    def entries(self, run: str = "", since: int = 0) -> list[audit.Entry]:
        """The audit log's entries, of one run or all."""
        with reading(self.engine) as connection:
            return list(audit.entries(connection, run, since))

    def note(self, by: str, what: str, run: str, body: Mapping[str, Any]) -> None:
        """Adds an entry that comes with no change of the book."""
        with self._writing() as (_, note):
            note(by, what, run, body)

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """A transaction, one at a time in this process: SQLite would have the others sleep, and not for short."""
        with self._lock, writing(self.engine) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, Any]]:
        head: list[tuple[int, str]] = []
        with self._alone() as connection:

            def note(by: str, what: str, run: str, body: Mapping[str, Any]) -> None:
                head.append(audit.append(connection, self._key, _now(), by, what, run, dict(body)))

            yield connection, note
        if head:
            self._head.keep(*head[-1])


def _keep_finding(connection: Connection, event: Event) -> None:
    """Upserts the event's finding; the product's word that it is closed or suppressed closes ours."""
    if event.finding is None:
        return
    findings.upsert(connection, [event.finding])
    wanted = {State.CLOSED: findings.Status.RESOLVED, State.SUPPRESSED: findings.Status.SUPPRESSED}.get(event.state)
    stored = findings.get(connection, event.finding.uid) if wanted else None
    if wanted and stored and stored.status is not wanted:
        note = f"{event.product} says that it is {event.state}"
        findings.change_status(connection, event.finding.uid, wanted, OURSELVES, note)


def _new_run(run: str, event: Event, workflow: str, mode: Mode, owner: str) -> dict[str, Any]:
    now = _now()
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
        "owner": owner,
        "lease_until": _lease(),
        "created_at": now,
        "updated_at": now,
    }


def _renew(connection: Connection, run: str, mode: Mode, owner: str, attempt: int) -> None:
    connection.execute(delete(tables.actions).where(tables.actions.c.run_id == run))
    _set_run(connection, run, state=RunState.NEW, mode=mode, attempt=attempt + 1, owner=owner, lease_until=_lease())


def _run_row(connection: Connection, run: str) -> Row[Any] | None:
    return connection.execute(select(tables.runs).where(tables.runs.c.id == run)).first()


def _set_run(connection: Connection, run: str, **values: Any) -> None:
    connection.execute(update(tables.runs).where(tables.runs.c.id == run).values(updated_at=_now(), **values))


def _set_action(connection: Connection, run: str, number: int, **values: Any) -> None:
    c = tables.actions.c
    connection.execute(update(tables.actions).where(c.run_id == run, c.number == number).values(**values))


def _action_row(
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
        "before": _json(seen[0]),
        "would": _json(seen[1]),
        "after": "{}",
        "why": storable(why),
        "applied_at": "",
    }


def _limit_reached(connection: Connection, run: Run, action: ActionRow, limits: Limits) -> str:
    """Why the action would be one too many; "" if it is not."""
    since = (datetime.now(UTC) - timedelta(minutes=limits.minutes)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    c, account = tables.actions.c, action.target.account or run.account
    counts = select(
        func.count().filter(c.workflow == run.workflow), func.count().filter(c.account == storable(account))
    ).where(c.applied_at >= since)
    of_workflow, in_account = connection.execute(counts).one()
    if of_workflow >= limits.actions:
        return f"the workflow {run.workflow} made {of_workflow} changes in {limits.minutes} minutes, which is its limit"
    if in_account >= limits.account_actions:
        return f"{in_account} changes were made in account {account} in {limits.minutes} minutes, which is the limit"
    return ""


def _actions(connection: Connection, runs: Sequence[str]) -> dict[str, list[ActionRow]]:
    c = tables.actions.c
    found: dict[str, list[ActionRow]] = {}
    for at in range(0, len(runs), findings.IN_CLAUSE):
        query = select(tables.actions).where(c.run_id.in_(runs[at : at + findings.IN_CLAUSE]))
        for row in connection.execute(query.order_by(c.run_id, c.number)):
            found.setdefault(row.run_id, []).append(action_of(row))
    return found


def _json(value: Mapping[str, Any]) -> str:
    return storable(json.dumps(value, sort_keys=True, default=str))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _lease() -> str:
    return (datetime.now(UTC) + LEASE).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

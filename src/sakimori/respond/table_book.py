"""The book of responses in a table of DynamoDB: what `book.py` is in the ledger, for functions that have no ledger.

A run is one item, with its event and its actions, compressed. `open` lists the runs that are not finished, `runs` all
of them by time, `changed` what was changed when, for the limits.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sakimori.model.action import Mode, Plan
from sakimori.model.event import Event
from sakimori.model.finding import Finding
from sakimori.model.said import made_of
from sakimori.respond.approval import Approval, Decided
from sakimori.respond.bookkeeping import OURSELVES
from sakimori.respond.errors import RespondError
from sakimori.respond.policy import Limits
from sakimori.respond.runs import (
    ENDED,
    UNTOUCHED,
    ActionRow,
    ActionState,
    Run,
    RunState,
    decoded,
    run_id,
)
from sakimori.respond.table import Page, stamp
from sakimori.respond.table_letters import TableLetters
from sakimori.respond.table_rows import (
    FINDING_BODY,
    Asked,
    Kept,
    finished_run,
    keep,
    kept_run,
    leased,
    limit_reached,
    may_go_on,
    new_run,
    opened,
    plain,
    planned_action,
    planned_run,
    renewed,
    run_key,
    run_there,
    to_do,
    with_action,
)
from sakimori.store.text import storable


class TableBook(TableLetters):
    """The book in a table."""

    # Runs

    def enter(self, event: Event, workflows: Iterable[tuple[str, Mode]], owner: str) -> list[tuple[str, int]]:
        """See Book.enter."""
        wanted = [(run_id(event.uid, event.revision, name), name, mode) for name, mode in workflows]
        if event.finding is not None:
            self._keep_findings([event.finding], str(event.state))

        def entered(page: Page) -> list[tuple[str, int]]:
            fresh: list[tuple[str, int]] = []
            for run, workflow, mode in wanted:
                kept = kept_run(page, run)
                if kept is None:
                    keep(page, new_run(run, event, workflow, mode, owner), new=True)
                    fresh.append((run, 1))
                elif kept.run.state is RunState.OBSERVED and may_go_on(kept.run.mode, mode):
                    fresh.append((run, renewed(page, kept, mode, owner, OURSELVES)))
            return fresh

        return self.table.alone(self._key, entered) if wanted else []

    def begin(self, run: str, owner: str) -> tuple[Run, Event] | None:
        """See Book.begin."""

        def begun(page: Page) -> Kept | None:
            kept = kept_run(page, run)
            if kept is None or kept.run.state in ENDED or not (kept.owner == owner or kept.lease_until < stamp()):
                return None
            taken = replace(kept, owner=owner, lease_until=leased())
            keep(page, taken)
            return taken

        kept = self.table.alone(self._key, begun)
        return (kept.run, decoded(kept.event)) if kept else None

    def release(self, run: str, owner: str) -> None:
        """The run is free for others at once: its owner could not go on for now."""

        def released(page: Page) -> None:
            kept = kept_run(page, run)
            if kept is not None and kept.owner == owner:
                keep(page, replace(kept, owner="", lease_until=""))

        self.table.alone(self._key, released)

    def unfinished(self, owner: str) -> list[tuple[str, int]]:
        """See Book.unfinished."""
        now = stamp()
        going = [self._known(str(item["sk"])) for item in self.table.query("open")]
        idle = [kept.run for kept in going if kept.owner == owner or kept.lease_until < now]
        return [(run.id, run.attempt) for run in sorted(idle, key=lambda run: run.created_at)]

    def event_of(self, run: str) -> Event:
        """See Book.event_of."""
        return decoded(self._known(run).event)

    def take_over(self, run: str, owner: str) -> int:
        """See Book.take_over."""

        def taken(page: Page) -> int:
            kept = run_there(page, run)
            attempt = kept.run.attempt + 1
            keep(page, replace(kept, run=replace(kept.run, attempt=attempt), owner=owner, lease_until=leased()))
            page.note(OURSELVES, "taken over", run, {"attempt": attempt, "by": owner})
            return attempt

        return self.table.alone(self._key, taken)

    def planned(
        self, run: Run, plan: Plan, mode: Mode, seen: Sequence[tuple[dict[str, Any], dict[str, Any]]], state: RunState
    ) -> None:
        """See Book.planned."""
        actions = tuple(planned_action(n, step, seen[n]) for n, step in enumerate(plan.steps))
        steps = [{"action": step.action, "target": step.target.uid} for step in plan.steps]

        def kept_once(page: Page) -> bool:
            kept = run_there(page, run.id)
            if kept.run.state is not RunState.NEW:
                return False
            keep(page, replace(kept, run=planned_run(kept.run, plan, actions, state)))
            page.note(OURSELVES, "planned", run.id, {"mode": str(mode), "decision": plan.decision, "steps": steps})
            return True

        if self.table.alone(self._key, kept_once) and plan.findings:
            self._keep_findings(plan.findings, "open")

    def finish(self, run: str, state: RunState, why: str = "", by: str = OURSELVES) -> None:
        """See Book.finish."""

        def finished(page: Page) -> None:
            kept = run_there(page, run)
            keep(page, replace(kept, run=finished_run(kept.run, state, why), lease_until=""))
            page.note(by, str(state), run, {"why": why} if why else {})

        self.table.alone(self._key, finished)

    def run(self, run: str) -> Run:
        """See Book.run."""
        return self._known(run).run

    def runs(
        self, state: RunState | None = None, workflow: str = "", limit: int = 100, *, about: str = "", before: str = ""
    ) -> list[Run]:
        """See Book.runs."""
        found: list[Run] = []
        mark = self.table.get(run_key(before), "run") if before else None
        if before and mark is None:
            return found
        last = f"{opened(mark).run.created_at}#{before}" if mark else ""
        for item in self.table.query("runs", newest_first=True):
            if len(found) == limit:
                break
            if last and str(item["sk"]) >= last:
                continue
            run = self._known(str(item["sk"]).partition("#")[2]).run
            if state in (None, run.state) and workflow in ("", run.workflow) and about in ("", run.event_uid):
                found.append(run)
        return found

    def tally(self) -> dict[RunState, int]:
        """See Book.tally. Not counted: every run would have to be read."""
        return {}

    def done_by(self, workflow: str, limit: int = 5_000) -> list[Run]:
        """See Book.done_by."""
        changed = (RunState.DONE, RunState.FAILED)
        return [run for run in self.runs(None, workflow, limit) if run.state in changed]

    # Actions

    def begin_action(
        self, run: Run, action: ActionRow, before: Mapping[str, Any], limits: Limits | None
    ) -> tuple[bool, str]:
        """See Book.begin_action."""

        def begun(page: Page) -> tuple[bool, str]:
            kept = run_there(page, run.id)
            row = kept.run.actions[action.number]
            if row.state is not ActionState.PLANNED:
                return True, ""  # it counts already, and not against itself
            if reached := (limit_reached(page, run, action, limits) if limits else ""):
                return False, reached
            now = stamp()
            row = replace(row, state=ActionState.BEGUN, before=plain(before), applied_at=now)
            keep(page, replace(with_action(kept, row, RunState.CARRYING), lease_until=leased()))
            account = storable(action.target.account or run.account)
            page.put("changed", f"{now}#{run.id}#{action.number}", workflow=run.workflow, account=account)
            body = {"action": action.action, "number": action.number, "before": before}
            page.note(OURSELVES, "begun", run.id, body)
            return True, ""

        return self.table.alone(self._key, begun)

    def end_action(
        self,
        run: Run,
        action: ActionRow,
        state: ActionState,
        why: str,
        after: Mapping[str, Any] | None = None,
        by: str = OURSELVES,
    ) -> None:
        """See Book.end_action."""
        body = {"action": action.action, "number": action.number, "why": str(why)}
        last = state is ActionState.DONE and action.number + 1 == len(run.actions)

        def ended(page: Page) -> None:
            kept = run_there(page, run.id)
            row = kept.run.actions[action.number]
            found = row.after if after is None else plain(after)
            row = replace(row, state=state, why=storable(str(why)), after=found)
            kept = with_action(kept, row, RunState.DONE if last else kept.run.state, made_of([why]))
            keep(page, replace(kept, lease_until="") if last else kept)
            page.note(by, f"action {state}", run.id, body | ({"after": after} if after is not None else {}))
            if last:
                page.note(by, str(RunState.DONE), run.id, {})

        self.table.alone(self._key, ended)

    # Approvals

    def ask(self, approval: Approval) -> None:
        """See Book.ask."""

        def asked(page: Page) -> None:
            kept = run_there(page, approval.run_id)
            used = tuple(each for each in kept.asked if each.used_at)
            keep(page, replace(kept, asked=(*used, Asked(approval.id, approval.expires_at))))
            page.note(OURSELVES, "approval asked", approval.run_id, {"expires_at": approval.expires_at})

        self.table.alone(self._key, asked)

    def open_approval(self, run: str) -> Approval | None:
        """See Book.open_approval."""
        item = self.table.get(run_key(run), "run")
        asked = opened(item).asked if item else ()
        return next((Approval(each.id, run, each.expires_at) for each in asked if not each.used_at), None)

    def decided(self, approval: Approval) -> Decided | None:
        """See Book.decided."""
        item = self.table.get(run_key(approval.run_id), "run")
        found = next((each for each in (opened(item).asked if item else ()) if each.id == approval.id), None)
        return Decided(found.used_at, found.used_by, found.verdict) if found else None

    def decide(self, approval: Approval, by: str, approved: bool) -> None:
        """See Book.decide."""
        verdict = "approved" if approved else "rejected"

        def decided(page: Page) -> None:
            kept, now = run_there(page, approval.run_id), stamp()
            found = next((each for each in kept.asked if each.id == approval.id), None)
            if found is None:
                raise RespondError(f"nobody is asked about the run {approval.run_id} with this approval any more")
            if found.used_at:
                who = f"{found.verdict} by {found.used_by} at {found.used_at}"
                raise RespondError(f"the run {approval.run_id} was {who} already")
            if found.expires_at <= now:
                raise RespondError(
                    f"the approval expired at {found.expires_at}: run the workflow again to be asked anew"
                )
            used = replace(found, used_at=now, used_by=storable(by), verdict=verdict)
            state = RunState.CARRYING if approved else RunState.REJECTED
            run = replace(kept.run, state=state, attempt=kept.run.attempt + 1)
            asked = tuple(used if each.id == approval.id else each for each in kept.asked)
            keep(page, Kept(run, kept.event, "", "", asked))
            page.note(by, verdict, run.id, {"approval": approval.id})

        self.table.alone(self._key, decided)

    def was_approved(self, run: str) -> bool:
        """See Book.was_approved."""
        return any(each.verdict == "approved" for each in self._known(run).asked)

    def again(self, run: str, by: str, owner: str) -> int:
        """See Book.again."""

        def replayed(page: Page) -> int:
            kept = kept_run(page, run)
            if kept is None or kept.run.state is not RunState.FAILED:
                state = kept.run.state if kept else "unknown"
                raise RespondError(f"the run {run} is {state}: only a failed one is replayed")
            attempt, state = kept.run.attempt + 1, RunState.CARRYING if kept.run.actions else RunState.NEW
            now = replace(kept.run, state=state, attempt=attempt, actions=tuple(map(to_do, kept.run.actions)))
            keep(page, replace(kept, run=now, owner=owner, lease_until=leased()))
            page.note(by, "replayed", run, {"attempt": attempt})
            return attempt

        return self.table.alone(self._key, replayed)

    def look_again(self, run: str, by: str, owner: str, mode: Mode) -> int:
        """See Book.look_again."""

        def asked(page: Page) -> int:
            kept = kept_run(page, run)
            if kept is None or kept.run.state not in UNTOUCHED:
                raise RespondError(f"the run {run} is {kept.run.state if kept else 'unknown'}: it is not planned again")
            return renewed(page, kept, mode, owner, by)

        return self.table.alone(self._key, asked)

    # What others are told

    def findings(self) -> list[dict[str, Any]]:
        """The findings that came in or were made of one, as JSON."""
        return [json.loads(zlib.decompress(bytes(item["body"]))) for item in self.table.query("finding")]

    def _keep_findings(self, findings: Iterable[Finding], state: str) -> None:
        """The newest telling of each finding."""
        for finding in findings:
            text = json.dumps({**finding.to_json(), "state": state}, default=str)
            packed = zlib.compress(storable(text).encode())
            if len(packed) <= FINDING_BODY:
                self.table.put("finding", finding.uid, body=packed, at=stamp())

    def _known(self, run: str) -> Kept:
        item = self.table.get(run_key(run), "run")
        if item is None:
            raise RespondError(f"no run has the id {run!r}: `sakimori respond runs` lists them")
        return opened(item)

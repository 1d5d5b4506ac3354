"""The engine: an event starts the workflows that subscribe to it; each runs once for a revision, durably, within
limits.

    engine.take(event)            # enters the finding and the runs, and starts them
    engine.carry(run)             # what a run consists of; called again after a crash, it goes on

A run plans first, and keeps what it planned. In the mode observe that is all. In approve it waits for a person. Then
each action in turn: is the target protected, is there room in the limits, what state has it (kept before anything is
changed), change, prove. An action that fails ends the run, and the run can be replayed or undone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from sakimori.model.action import Mode, Plan, Step
from sakimori.model.event import Event
from sakimori.model.said import say, told
from sakimori.notify.signing import Signer
from sakimori.respond import approval, plugins
from sakimori.respond.bookkeeping import Bookkeeping
from sakimori.respond.errors import Busy, Passing, RespondError
from sakimori.respond.guard import PASSING
from sakimori.respond.keys import first_link_keys
from sakimori.respond.policy import Policy
from sakimori.respond.runs import OF_A_RUN, ActionRow, ActionState, Run, RunState
from sakimori.respond.world import Trouble, World

HELD = "held"
"""What comes of an action that a limit stopped."""

Seen = tuple[dict[str, Any], dict[str, Any]]
"""The state that a target has, and the one that it would have."""


class Durable(Protocol):
    """Runs `step` once and remembers its answer; a run that was interrupted finds what it had."""

    def step(self, name: str, do: Callable[[], str]) -> str: ...


class Straight:
    """Runs steps as they come, without remembering: for looking only."""

    def step(self, name: str, do: Callable[[], str]) -> str:
        """See Durable."""
        return do()


@dataclass(slots=True)
class Engine:
    """What a process needs to respond. `owner` names the process in the book; `start` runs a run in the background.

    `tell` is told of a run of which people should know (it waits for them, it was carried out, it failed), and after a
    crash again: it tells people once. `link_keys` sign what they decide with.
    """

    book: Bookkeeping
    world: World
    policy: Policy
    secret: bytes
    owner: str
    start: Callable[[str, int], None] | None = None
    tell: Callable[[Run, Event], None] | None = None
    only: frozenset[str] = field(default_factory=frozenset)
    link_keys: tuple[bytes, ...] = ()

    # What comes in

    def take(self, event: Event) -> list[str]:
        """Enters an event and starts its workflows; gives the runs that are new. Again the same gives none."""
        wanted = [(name, self.policy.mode(name, event.account)) for name in self.subscribers(event)]
        fresh = self.book.enter(event, wanted, self.owner)
        if self.start is not None:
            for run, attempt in fresh:
                self.start(run, attempt)
        return [run for run, _ in fresh]

    def subscribers(self, event: Event) -> Iterator[str]:
        """The workflows that want to see the event, by name. Whoever asks for one in Security Hub gets that one."""
        for name in plugins.workflow_names():
            if self.only and name not in self.only:
                continue
            if event.asked:
                wanted = any(plugins.asks_for(each, name) for each in (event.asked, event.asked_name) if each)
            else:
                wanted = plugins.workflow(name).subscribes(event)
            if wanted:
                yield name

    def refusal(self, event: Event) -> str:
        """Why nothing is done about what a person or a schedule of ours asks for; "" if it is done or nobody asks."""
        if not event.asked or any(True for _ in self.subscribers(event)):
            return ""
        schedule = event.product == "schedule"
        if schedule and not event.asked.lower().startswith(plugins.OURS):
            return ""  # somebody else's
        what = "the schedule" if schedule else "the custom action of Security Hub"
        known = ", ".join(plugins.workflow_names())
        return f"{what} {event.asked_name or event.asked!r} names no workflow: call it `sakimori` and one of {known}"

    # What a run consists of

    def carry(self, run: str, durable: Durable) -> str:
        """Plans a run and carries it out; gives its state. Raises Passing for what may be over the next time."""
        begun = self.book.begin(run, self.owner)
        if begun is None:
            state = self.book.run(run).state
            if state in (RunState.NEW, RunState.CARRYING):
                raise Busy(f"another process is at the run {run}: try again when it is done")
            return self._told(run, self.book.event_of(run))  # killed after its end, nobody may have been told
        found, event = begun
        if durable.step("plan", partial(self._plan, found, event)) == RunState.CARRYING:
            found = self.book.run(run)
            for row in found.actions:
                came_of_it = durable.step(f"action {row.number}", partial(self._act, found, row))
                if came_of_it != ActionState.DONE:
                    break
        return self._told(run, event)

    def _told(self, run: str, event: Event) -> str:
        found = self.book.run(run)
        if self.tell is not None and found.state is not RunState.NOTHING:
            self.tell(found, event)
        return str(found.state)

    def _plan(self, found: Run, event: Event) -> str:
        if found.state is not RunState.NEW:
            return str(found.state)
        try:
            plan = plugins.workflow(found.workflow).plan(event, self.world)
            plan, seen, mode = self._looked_at(plan, found)
        except PASSING as error:
            raise Passing(told(error)) from error
        except Trouble as error:
            self._failed(found.id, say("it could not be planned: {error}", error=error))
            return str(RunState.FAILED)
        state = _state_after_planning(plan, mode)
        self.book.planned(found, plan, mode, seen, state)
        if state is RunState.WAITING:
            self._ask(found.id)
        return str(state)

    def _looked_at(self, plan: Plan, run: Run) -> tuple[Plan, list[Seen], Mode]:
        """The plan with the state that each target has and would have, and the most cautious mode of the targets.

        What is protected, or cannot be looked at, is left out of the plan and named.
        """
        steps: list[Step] = []
        seen: list[Seen] = []
        modes: list[Mode] = []
        left_out = list(plan.not_evaluated)
        trouble: str = ""
        for step in plan.steps:
            module, target = plugins.action(step.action), step.target
            try:
                tags = module.tags(self.world, target)
                before = module.before(self.world, target)
            except PASSING as error:
                raise Passing(told(error)) from error
            except Trouble as error:
                trouble = say("{measure} on {target}: {error}", measure=step.action, target=target.uid, error=error)
                left_out.append(trouble)
                continue
            if self.policy.shields(tags):
                left_out.append(say("{measure}: {why}", measure=step.action, why=_protected(step, self.policy)))
                continue
            steps.append(replace(step, target=replace(target, tags=dict(tags))))
            seen.append((before, module.would(target, before)))
            mode = self.policy.mode(run.workflow, target.account or run.account, tags)
            modes.append(Mode.APPROVE if step.ask and mode is Mode.AUTO else mode)
        if trouble and not steps and run.mode is not Mode.OBSERVE:
            # it can be replayed when that is seen to
            raise RespondError(say("nothing of it can be done: {trouble}", trouble=trouble))
        kept = replace(plan, steps=tuple(steps), not_evaluated=tuple(left_out), decision=_left_of(plan, steps))
        return kept, seen, min(modes, key=list(Mode).index, default=run.mode)

    def _ask(self, run: str) -> None:
        until = datetime.now(UTC) + timedelta(minutes=self.policy.approval_minutes)
        self.book.ask(approval.issue(run, until.strftime("%Y-%m-%dT%H:%M:%SZ")))

    def ask_again(self, run: str) -> bool:
        """People are asked anew about a run whose approval has expired; whether they are."""
        asked, now = self.book.open_approval(run), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if self.book.run(run).state is not RunState.WAITING or (asked is not None and asked.expires_at > now):
            return False
        self._ask(run)
        self._told(run, self.book.event_of(run))
        return True

    def _act(self, run: Run, row: ActionRow) -> str:
        """One action, begun or not. What was done is not done again; tried again, it goes on with the state that was
        kept when it was begun."""
        row = self.book.run(run.id).actions[row.number]
        if row.state not in (ActionState.PLANNED, ActionState.BEGUN):
            return str(row.state)
        module, before = plugins.action(row.action), row.before
        try:
            if row.state is ActionState.PLANNED:
                if self.policy.shields(module.tags(self.world, row.target)):
                    return self._stopped(run, row, ActionState.REFUSED, _protected(row, self.policy))
                before = module.before(self.world, row.target)
                approved = run.attempt > 1 and self.book.was_approved(run.id)
                free = approved or getattr(module, "ANSWERS", False)
                begun, why = self.book.begin_action(run, row, before, None if free else self.policy.limits)
                if not begun:
                    return self._hold(run.id, why)
            module.apply(self.world, row.target, before, f"{run.id}-{row.number}")
            proof = module.verify(self.world, row.target, before)
        except PASSING as error:
            raise Passing(told(error)) from error
        except Trouble as error:
            return self._stopped(run, row, ActionState.FAILED, told(error))
        if not proof.verified:
            return self._stopped(run, row, ActionState.FAILED, proof.why, proof.after)
        self.book.end_action(run, row, ActionState.DONE, proof.why, proof.after)
        return str(ActionState.DONE)

    def _stopped(
        self, run: Run, row: ActionRow, state: ActionState, why: str, after: Mapping[str, Any] | None = None
    ) -> str:
        """An action that was not done, or not proved, ends the run."""
        self.book.end_action(run, row, state, why, after)
        about = {"measure": row.action, "target": row.target.uid, "why": why}
        if state is ActionState.FAILED:
            self._failed(run.id, say("{measure} on {target} failed: {why}", **about))
        else:
            self._failed(run.id, say("{measure} on {target} was refused: {why}", **about))
        return str(state)

    def _hold(self, run: str, why: str) -> str:
        """A limit is reached: a person decides whether the run goes on."""
        self.book.finish(run, RunState.WAITING, say("held: {why}", why=why))
        self._ask(run)
        return HELD

    def _failed(self, run: str, why: str) -> None:
        """The run ends, and is among the dead letters, from which it can be replayed."""
        self.book.finish(run, RunState.FAILED, why)
        self.book.bury(f"{OF_A_RUN}{run}", str(why), json.dumps({"run": run}))

    def gave_up(self, run: str, error: BaseException) -> None:
        """A run whose trouble did not pass, or that met an error of ours."""
        if isinstance(error, Passing):
            self._failed(run, say("given up after several tries: {error}", error=error))
        else:
            self._failed(run, say("an error of ours, {kind}: {error}", kind=type(error).__name__, error=error))
        self._told(run, self.book.event_of(run))

    # What people decide

    @property
    def signer(self) -> Signer:
        """Signs what people decide with."""
        return Signer(self.link_keys or first_link_keys(self.secret))

    def token(self, run: str, person: str = "", route: str = "") -> str:
        """The signed token that lets a person decide on a waiting run; "" if nobody is asked."""
        asked = self.book.open_approval(run)
        if asked is None:
            return ""
        return approval.token(self.signer, approval.Asked(asked, approval.plan_of(self.book.run(run)), person, route))

    def decide(self, token_or_run: str, by: str, *, approved: bool) -> Run:
        """A person's decision, by a token or, at the machine itself, by the run's id. Raises RespondError."""
        if "." in token_or_run:
            asked, _ = self.asked(token_or_run)
            if not by:
                by = asked.name("the link")
            elif asked.person:
                by = f"{by}, with the token of {asked.person}"
            self.book.decide(asked.approval, by, approved)
            return self.book.run(asked.approval.run_id)
        run = self.book.run(token_or_run)
        found = self.book.open_approval(run.id)
        if found is None:
            raise RespondError(f"nobody is asked about the run {token_or_run}: it is {run.state}")
        self.book.decide(found, by, approved)
        return self.book.run(run.id)

    def asked(self, token: str) -> tuple[approval.Asked, Run]:
        """What a token stands for, and the run as it is. Raises approval.Refused if it does not count (any more)."""
        asked = approval.read_token(self.signer, token, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        decided = self.book.decided(asked.approval)
        if decided is None:
            said = f"nobody is asked about the run {asked.approval.run_id} with this approval any more"
            raise approval.Refused(said, "elsewhere")
        if decided.at:
            said = f"the run {asked.approval.run_id} was {decided.verdict} by {decided.by} at {decided.at} already"
            raise approval.Refused(said, "used", verdict=decided.verdict, by=decided.by, at=decided.at)
        run = self.book.run(asked.approval.run_id)
        if approval.plan_of(run) != asked.plan:
            raise approval.Refused(f"the run {run.id} would do something else than was asked about", "changed")
        return asked, run


def _left_of(plan: Plan, steps: list[Step]) -> str:
    """The decision without the actions of which none is left."""
    gone = {step.action for step in plan.steps} - {step.action for step in steps}
    return ", ".join(part for part in plan.decision.split(", ") if part not in gone) or "nothing can be done"


def _state_after_planning(plan: Plan, mode: Mode) -> RunState:
    if not plan.steps:
        return RunState.OBSERVED if plan.tell or plan.not_evaluated else RunState.NOTHING
    by_mode = {Mode.OBSERVE: RunState.OBSERVED, Mode.APPROVE: RunState.WAITING, Mode.AUTO: RunState.CARRYING}
    return by_mode[mode]


def _protected(what: Step | ActionRow, policy: Policy) -> str:
    return say("{target} is tagged {tag}, and never changed", target=what.target.uid, tag=policy.limits.protected)

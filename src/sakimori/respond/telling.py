"""What people are told about a run: that it waits for them, what it did, that it failed, or what they should look
at."""

from __future__ import annotations

from sakimori.model.event import Event
from sakimori.model.finding import Finding, titled
from sakimori.model.said import Said, joined, made_of, recalled, say
from sakimori.model.severity import Severity
from sakimori.notify.message import Message
from sakimori.respond.approval import Approval, plan_of
from sakimori.respond.runs import Run, RunState, is_final

KINDS = {
    RunState.WAITING: "run-waiting",
    RunState.DONE: "run-done",
    RunState.FAILED: "run-failed",
    RunState.OBSERVED: "run-told",
}

FOR_GOOD = "run-ended"
"""What is told of a run of which nothing can be taken back."""

STOPPED = (
    "held: {why}",
    "given up after several tries: {error}",
    "an error of ours, {kind}: {error}",
    "{measure} on {target} failed: {why}",
    "{measure} on {target} was refused: {why}",
)
"""Why a run stopped. When it was carried out after all, that is the reason no more: what its actions found then is."""

LONGEST_TITLE = 160
"""Letters of a finding's title, which others wrote: it must not push out why something is done."""

MOST_NAMED = 4
"""Further targets that a message names."""


def about(run: Run, event: Event, asked: Approval | None = None) -> Message | None:
    """The message about a run as it stands; None where there is nothing to tell. `asked` is what people are asked."""
    kind = KINDS.get(run.state)
    if kind is None:
        return None
    if run.state is RunState.DONE and all(is_final(each) for each in run.actions):
        kind = FOR_GOOD
    severity = event.finding.severity if event.finding else Severity.MEDIUM
    if run.state is RunState.FAILED:
        severity = max(severity, Severity.HIGH)
    changed = dict.fromkeys(each.target.uid for each in run.actions)
    target, *others = [*changed] or [next((each.uid for each in event.resources), "")]
    tags = next((each.target.tags for each in run.actions if each.target.uid == target), None) or event.tags_of(target)
    reason = _reason(run, event)
    facts = {
        "workflow": run.workflow,
        "decision": run.decision or event.kind,
        "reason": str(reason),
        "run": run.id,
    }
    if others:
        facts["others"] = ", ".join(others[:MOST_NAMED]) + (", ..." if len(others) > MOST_NAMED else "")
    if asked is not None:
        facts |= {"approval": asked.id, "until": asked.expires_at, "plan": plan_of(run)}
    attempt = "" if run.state is RunState.OBSERVED else f"/{run.attempt}"  # looked at again, it is no news
    asking = f"/{asked.id[:8]}" if asked is not None else ""  # asked anew, it is
    key = f"{run.id}{attempt}/{kind}{asking}"
    who = event.finding.actor if event.finding else ""
    return Message(
        kind,
        key,
        severity,
        run.account,
        target,
        who,
        facts,
        about=run.id,
        at=run.updated_at,
        tags=tags,
        said=made_of([reason]),
    )


def _reason(run: Run, event: Event) -> str:
    """What was found, why the run does what it does, and what it could not find out."""
    why = recalled(run.why, run.said)
    if run.state is RunState.DONE and isinstance(why, Said) and why.template in STOPPED:
        why = joined("; ", [recalled(each.why, run.said) for each in run.actions])
    if event.finding:
        why = say("{title}: {why}", title=_title(event.finding), why=why)
    if not run.not_evaluated:
        return say("{why}.", why=why)
    return say(
        "{why}. Not evaluated: {missing}",
        why=why,
        missing=joined("; ", [recalled(each, run.said) for each in run.not_evaluated]),
    )


def _title(finding: Finding) -> str:
    title = titled(finding)
    return title if len(title) <= LONGEST_TITLE else title[:LONGEST_TITLE]

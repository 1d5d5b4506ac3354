"""Runs of responses: what was decided and done about which finding, and one of them with its story; undo."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sakimori.console.page import PER_PAGE, Act, Asked, Console, NotThere, Outcome, Page, paged
from sakimori.model.event import Event
from sakimori.notify.translation import retold
from sakimori.respond import approval, plugins
from sakimori.respond.errors import RespondError
from sakimori.respond.runs import Run, RunState
from sakimori.respond.undo import undo
from sakimori.store import findings
from sakimori.store.database import reading


def _list(console: Console, asked: Asked) -> dict[str, Any]:
    """Runs, the newest first, by state and workflow; and how many there are in each state."""
    state, workflow = asked.given.get("state", ""), asked.given.get("workflow", "")
    if state and state not in tuple(RunState):
        raise NotThere(f"no run is ever {state!r}: the states are {', '.join(RunState)}")
    book, before = console.engine.book, asked.given.get("before", "")
    found = book.runs(RunState(state) if state else None, workflow, PER_PAGE + 1, before=before)
    return told(console, found, asked.language) | {
        "state": state,
        "workflow": workflow,
        "before": before,
        "tally": {str(name): count for name, count in book.tally().items()},
        "states": [str(each) for each in RunState],
        "workflows": plugins.workflow_names(),
    }


def told(console: Console, found: list[Run], language: str) -> dict[str, Any]:
    """Runs as lines of a list, with the titles of their findings, and after which the next page begins."""
    titles = _titles(console, [run.event_uid for run in found], language)
    lines = [as_told(run, language) | {"title": titles.get(run.event_uid, "")} for run in found]
    page, after = paged(lines, [run.id for run in found])
    return {"runs": page, "next": after}


def as_told(run: Run, language: str) -> dict[str, Any]:
    """A run as `sakimori respond show --json` prints it, its sentences in a language."""

    def retell(sentence: str) -> str:
        return retold(sentence, run.said, language)

    shown = run.to_json()
    actions = [each | {"why": retell(each["why"])} for each in shown["actions"]]
    missing = [retell(each) for each in run.not_evaluated]
    return shown | {"account": run.account, "why": retell(run.why), "actions": actions, "not_evaluated": missing}


def _titles(console: Console, uids: list[str], language: str) -> dict[str, str]:
    with reading(console.database) as connection:
        found = findings.titles(connection, uids)
    return {uid: retold(title, said, language) for uid, (title, said) in found.items()}


def _one(console: Console, asked: Asked) -> dict[str, Any]:
    """A run with its event, its audit log, and what a person may decide about it."""
    book = console.engine.book
    try:
        run, event = book.run(asked.path["run"]), book.event_of(asked.path["run"])
    except RespondError as error:
        raise NotThere(str(error)) from error
    return {
        **as_told(run, asked.language),
        "event": _event(event, asked.language),
        "story": [each.to_json() for each in book.entries(run.id)],
        "approval": asked_about(console, run),
        "undoable": any(each.state in ("done", "failed") and each.applied_at for each in run.actions),
    }


def _event(event: Event, language: str) -> dict[str, Any]:
    """An event as JSON, the title of its finding in a language."""
    shown, found = event.to_json(), event.finding
    if found is not None:
        shown["finding"]["title"] = retold(found.title, found.said or {}, language)
    return shown


def asked_about(console: Console, run: Run) -> dict[str, Any] | None:
    """What a person decides with: a token for what this run would do, as it is shown; None if nobody is asked."""
    open_one = console.engine.book.open_approval(run.id) if run.state is RunState.WAITING else None
    if open_one is None:
        return None
    token = approval.token(console.engine.signer, approval.Asked(open_one, approval.plan_of(run), "", ""))
    expired = open_one.expires_at <= datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"token": token, "expires_at": open_one.expires_at, "expired": expired}


def _undo(console: Console, asked: Asked) -> Outcome:
    """Takes a run back, or one action of it; says what was refused and why."""
    run, number = asked.path["run"], asked.given.get("action", "")
    outcomes = undo(console.engine, f"{run}/{number}" if number else run, asked.person.signature)
    refused = [each for each in outcomes if not each.undone]
    shown = {
        "title": "undo-refused" if refused else "undone",
        "back": f"/runs/{run}",
        "outcomes": [each.to_json() | {"done": each.undone} for each in outcomes],
    }
    return Outcome(shown, "" if refused else f"/runs/{run}", "undone", 409 if refused else 200)


PAGES = (Page("/runs", "runs.html", _list, tab="runs"), Page("/runs/{run}", "run.html", _one))
ACTS = (Act("/runs/{run}/undo", _undo, ("action",)),)

"""Approvals: the runs that wait for a person, and the person's decision."""

from __future__ import annotations

from typing import Any

from sakimori.console.page import PER_PAGE, Act, Asked, Console, NotUnderstood, Outcome, Page
from sakimori.console.pages.runs import asked_about, told
from sakimori.respond.runs import RunState

VERDICTS = {"approve": "approved", "reject": "rejected"}
"""What a person may say, and what is then said."""


def _list(console: Console, asked: Asked) -> dict[str, Any]:
    """The runs that wait, the newest first, with until when a decision counts."""
    book, before = console.engine.book, asked.given.get("before", "")
    found = book.runs(RunState.WAITING, "", PER_PAGE + 1, before=before)
    asked_of = {run.id: asked_about(console, run) or {"expires_at": "", "expired": True} for run in found}
    shown = told(console, found, asked.language)
    lines = [
        line | {name: asked_of[line["run_id"]][name] for name in ("expires_at", "expired")} for line in shown["runs"]
    ]
    return shown | {"runs": lines, "before": before}


def _decide(console: Console, asked: Asked) -> Outcome:
    """Decides with the token that the page holds, as a signed link does, and starts what was approved."""
    token, verdict = asked.given.get("token", ""), asked.given.get("verdict", "")
    if verdict not in VERDICTS:
        raise NotUnderstood(f"the verdict is {verdict!r}: it is approve or reject")
    console.engine.asked(token)  # a token, and no run's id: a person decides on what they have seen
    run = console.engine.decide(token, asked.person.signature, approved=verdict == "approve")
    if run.state is RunState.CARRYING and console.engine.start is not None:
        console.engine.start(run.id, run.attempt)
    return Outcome(run.to_json(), f"/runs/{run.id}", VERDICTS[verdict])


PAGES = (Page("/approvals", "approvals.html", _list, tab="approvals"),)
ACTS = (Act("/approvals/decide", _decide, ("token", "verdict")),)

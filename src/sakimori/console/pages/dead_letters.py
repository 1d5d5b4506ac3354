"""Dead letters: what could not be read, and runs that failed; what one holds, and replay."""

from __future__ import annotations

from typing import Any

from sakimori.console.page import PER_PAGE, Act, Asked, Console, NotThere, Outcome, Page, paged
from sakimori.notify.translation import retold
from sakimori.respond.dead import Replayed, replay, run_in
from sakimori.respond.errors import RespondError
from sakimori.respond.runs import OF_A_RUN, DeadLetter

MOST_OUTCOMES = 100
"""Outcomes of a replay of all that a page names."""


def _list(console: Console, asked: Asked) -> dict[str, Any]:
    """Dead letters, the newest first; with `replayed`, those that were replayed as well."""
    before, replayed = asked.given.get("before", ""), asked.given.get("replayed", "") == "yes"
    found = console.engine.book.dead_letters(replayed=replayed, limit=PER_PAGE + 1, before=before)
    lines, after = paged([_line(console, each, asked.language) for each in found], [each.id for each in found])
    return {"letters": lines, "next": after, "before": before, "replayed": replayed}


def _one(console: Console, asked: Asked) -> dict[str, Any]:
    """A dead letter with its body, and the run that it is about, if it is about one."""
    letter, body = _letter(console, asked)
    return _line(console, letter, asked.language) | {"body": body, "run": run_in(letter, body)}


def _line(console: Console, letter: DeadLetter, language: str) -> dict[str, Any]:
    """A letter without its body; why a run failed, in a language."""
    shown = letter.to_json()
    if language != "en" and letter.place.startswith(OF_A_RUN):
        try:
            run = console.engine.book.run(letter.place.removeprefix(OF_A_RUN))
        except RespondError:  # a letter that outlived its run
            return shown
        shown["reason"] = retold(letter.reason, run.said, language)
    return shown


def _letter(console: Console, asked: Asked) -> tuple[DeadLetter, str]:
    try:
        return console.engine.book.dead_letter(asked.path["letter"])
    except RespondError as error:
        raise NotThere(str(error)) from error


def _replay(console: Console, asked: Asked) -> Outcome:
    """Reads a message again, or lets a failed run go on; `all` replays every one."""
    which = asked.path["letter"]
    outcomes = replay(console.engine, which, asked.person.signature)
    refused = [each for each in outcomes if each.why]
    shown = {
        "title": "replay-refused" if refused else "replayed",
        "back": "/dead-letters",
        "outcomes": [_told(each) for each in (refused or outcomes)[:MOST_OUTCOMES]],
        "replayed": len(outcomes) - len(refused),
        "refused": len(refused),
    }
    runs = [run for each in outcomes for run in each.runs]
    goes_to = f"/runs/{runs[0]}" if len(runs) == 1 else "/runs"
    return Outcome(shown, "" if refused else goes_to, "replayed", 409 if refused else 200)


def _told(outcome: Replayed) -> dict[str, Any]:
    return {"id": outcome.letter, "runs": list(outcome.runs), "why": outcome.why, "done": not outcome.why}


PAGES = (
    Page("/dead-letters", "dead_letters.html", _list, tab="dead-letters"),
    Page("/dead-letters/{letter}", "dead_letter.html", _one),
)
ACTS = (Act("/dead-letters/{letter}/replay", _replay),)

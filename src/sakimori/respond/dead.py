"""Dead letters, replayed: what could not be read is read again, and a failed run goes on with what is not done of
it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sakimori.collect.events import heard
from sakimori.model.refusal import Refusal
from sakimori.respond.bookkeeping import Bookkeeping
from sakimori.respond.engine import Engine
from sakimori.respond.runs import OF_A_RUN, DeadLetter, RunState

MOST_REASONS = 3


def bury_refused(book: Bookkeeping, refusals: Sequence[Refusal], body: str) -> None:
    """Keeps a body of which something was refused, once, with the reasons."""
    reasons = list(dict.fromkeys(each.reason for each in refusals))
    if reasons:
        more = [f"and {len(reasons) - MOST_REASONS} other reasons"] if len(reasons) > MOST_REASONS else []
        book.bury(refusals[0].path, "; ".join(reasons[:MOST_REASONS] + more), body)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay: the runs that go on or are new, and why nothing did."""

    letter: str
    runs: tuple[str, ...]
    why: str


def replay(engine: Engine, which: str, by: str) -> list[Replayed]:
    """Replays one dead letter, or `all`. Raises RespondError if there is none of that id."""
    chosen = [letter.id for letter in engine.book.dead_letters()] if which == "all" else [which]
    return [_one(engine, own_id, by) for own_id in chosen]


def _one(engine: Engine, own_id: str, by: str) -> Replayed:
    letter, body = engine.book.dead_letter(own_id)
    if letter.replayed_at:
        return Replayed(own_id, (), f"it was replayed at {letter.replayed_at} already")
    if run := run_in(letter, body):
        if engine.book.run(run).state is not RunState.FAILED:
            engine.book.exhume(letter.id)
            return Replayed(letter.id, (), f"the run is {engine.book.run(run).state}")
        attempt = engine.book.again(run, by, engine.owner)
        engine.book.exhume(letter.id)
        if engine.start is not None:
            engine.start(run, attempt)
        return Replayed(letter.id, (run,), "")
    found = heard(body, letter.place)
    if not found.events:
        return Replayed(letter.id, (), found.refusals[0].reason)
    runs = tuple(run for event in found.events for run in engine.take(event))
    refused = next(filter(None, map(engine.refusal, found.events)), "")
    if refused and not runs:
        return Replayed(letter.id, (), refused)
    engine.book.exhume(letter.id)
    return Replayed(letter.id, runs, "" if runs else "its events were handled before")


def run_in(letter: DeadLetter, body: str) -> str:
    """The run that a letter is about; "" if it is a message."""
    if not letter.place.startswith(OF_A_RUN):
        return ""
    try:
        return str(json.loads(body)["run"])
    except (ValueError, KeyError, TypeError):
        return ""

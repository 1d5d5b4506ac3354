"""The way back, and the log that cannot be edited."""

from __future__ import annotations

import pytest
from pretend import Pretended, engine, event, pretended, run_of, waiting
from sqlalchemy import text

from sakimori.respond.engine import Engine, Straight
from sakimori.respond.errors import RespondError
from sakimori.respond.runs import RunState
from sakimori.respond.undo import undo

__all__ = ["engine", "pretended"]


def test_undo_restores_what_was_recorded(engine: Engine, pretended: Pretended) -> None:
    pretended.steps = 2
    run = run_of(engine, event())
    outcomes = undo(engine, run.id, "kaede")
    assert [(each.undo_id, each.undone) for each in outcomes] == [(f"{run.id}/1", True), (f"{run.id}/0", True)]
    assert set(pretended.values.values()) == {"white"}
    assert engine.book.run(run.id).state is RunState.UNDONE
    with pytest.raises(RespondError, match="nothing of"):
        undo(engine, run.id, "kaede")


def test_undo_of_one_action_leaves_the_others(engine: Engine, pretended: Pretended) -> None:
    pretended.steps = 2
    run = run_of(engine, event())
    undo(engine, f"{run.id}/1", "kaede")
    assert sorted(pretended.values.values()) == ["red", "white"]
    assert engine.book.run(run.id).state is RunState.DONE


def test_undo_refuses_where_somebody_changed_it_since(engine: Engine, pretended: Pretended) -> None:
    run = run_of(engine, event())
    pretended.values[run.actions[0].target.uid] = "green"
    [outcome] = undo(engine, run.id, "kaede")
    assert (outcome.undone, outcome.why) == (False, "somebody has changed it since: colour is 'green', not 'red'")
    assert pretended.values[run.actions[0].target.uid] == "green"


def test_the_audit_log_tells_the_whole_story(engine: Engine, pretended: Pretended) -> None:
    run, token = waiting(engine)
    engine.decide(token, "kaede", approved=True)
    engine.carry(run.id, Straight())
    undo(engine, run.id, "akari")
    story = [(entry.by, entry.what) for entry in engine.book.entries(run.id)]
    assert story == [
        ("sakimori", "planned"),
        ("sakimori", "approval asked"),
        ("kaede", "approved"),
        ("sakimori", "begun"),
        ("sakimori", "action done"),
        ("sakimori", "done"),
        ("akari", "action undone"),
        ("akari", "undone"),
    ]
    audited = engine.book.audited()
    assert (audited.entries, audited.broken) == (8, "")


@pytest.mark.parametrize(
    ("edit", "told_of"),
    [
        ("UPDATE respond_audit SET body = replace(body, 'white', 'pink') WHERE number = 2", "entry 2 (begun, "),
        ("UPDATE respond_audit SET at = '2020' WHERE number = 2", "entry 2 (begun, 2020) is not what was written"),
        ("UPDATE respond_audit SET \"by\" = 'mallory' WHERE number = 3", "entry 3 (action done, "),
        ("DELETE FROM respond_audit WHERE number = 2", "entry 2 is missing: the next is 3"),
        ("DELETE FROM respond_audit WHERE number = 4", "ends at entry 3, but had an entry 4: its end is gone"),
        ("DELETE FROM respond_audit", "ends at entry 0, but had an entry 4: its end is gone"),
        ("UPDATE respond_audit SET number = 9 WHERE number = 3", "entry 3 is missing: the next is 4"),
    ],
)
def test_the_audit_log_cannot_be_edited_unseen(engine: Engine, pretended: Pretended, edit: str, told_of: str) -> None:
    run_of(engine, event())
    assert engine.book.audited().broken == ""
    with engine.book.engine.begin() as connection:
        connection.execute(text(edit))
    assert told_of in engine.book.audited().broken

"""Asked again by a person, a run that changed nothing is planned with the world as it is now; one that did something is
not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pretend import Pretended, opened_engine, pretended
from sqlalchemy import update
from test_respond_engine import event

from sakimori.model.action import Mode
from sakimori.model.event import Event
from sakimori.respond import tables
from sakimori.respond.approval import Refused
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.errors import RespondError
from sakimori.respond.policy import Policy
from sakimori.respond.runs import Run, RunState
from sakimori.respond.telling import about
from sakimori.store.database import writing

__all__ = ["pretended"]


@pytest.fixture
def engine(tmp_path: Path, pretended: Pretended) -> Iterator[Engine]:
    with opened_engine(tmp_path / "ledger.sqlite", Policy(Mode.OBSERVE)) as opened:
        yield opened


def taken(engine: Engine) -> Run:
    [run] = engine.take(event())
    engine.carry(run, Straight())
    return engine.book.run(run)


def again(engine: Engine, run: Run, mode: Mode = Mode.OBSERVE) -> Run:
    engine.book.look_again(run.id, "kaede", engine.owner, mode)
    engine.carry(run.id, Straight())
    return engine.book.run(run.id)


def test_what_was_observed_is_observed_as_it_is_now_and_people_are_not_told_twice(
    engine: Engine, pretended: Pretended
) -> None:
    first = taken(engine)
    pretended.values[first.actions[0].target.uid] = "blue"
    pretended.steps = 2
    second = again(engine, first)
    assert (second.state, len(second.actions), second.actions[0].before) == (
        RunState.OBSERVED,
        2,
        {"colour": "blue"},
    )
    assert pretended.applied == {}
    messages = [about(run, event()) for run in (first, second)]
    assert len({each.key for each in messages if each is not None}) == 1
    assert [each.by for each in engine.book.entries(first.id) if each.what == "asked again"] == ["kaede"]


def test_what_had_nothing_to_do_may_have_now(engine: Engine, pretended: Pretended) -> None:
    pretended.steps = 0
    first = taken(engine)
    assert first.state is RunState.NOTHING
    pretended.steps = 1
    engine.policy = Policy(Mode.AUTO)
    assert again(engine, first, Mode.AUTO).state is RunState.DONE
    assert list(pretended.applied.values()) == [1]


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.APPROVE])
def test_what_was_done_or_waits_is_not_planned_again(engine: Engine, pretended: Pretended, mode: Mode) -> None:
    engine.policy = Policy(mode)
    run = taken(engine)
    with pytest.raises(RespondError, match="it is not planned again"):
        engine.book.look_again(run.id, "kaede", engine.owner, mode)
    assert engine.take(event()) == [], "and no delivery starts it again"


def test_people_are_asked_anew_when_an_approval_has_expired_and_only_then(engine: Engine, pretended: Pretended) -> None:
    engine.policy = Policy(Mode.APPROVE)
    told: list[str] = []

    def tell(found: Run, told_event: Event) -> None:
        message = about(found, told_event, engine.book.open_approval(found.id))
        assert message is not None
        told.append(message.key)

    engine.tell = tell
    run = taken(engine)
    old = engine.token(run.id)
    assert engine.ask_again(run.id) is False, "it still counts"
    with writing(engine.book.engine) as connection:  # type: ignore[attr-defined]
        connection.execute(update(tables.approvals).values(expires_at="2026-01-01T00:00:00Z"))
    assert engine.ask_again(run.id) is True
    assert len(set(told)) == len(told) == 2, "it is news"
    with pytest.raises(Refused):
        engine.decide(old, "kaede", approved=True)
    assert engine.decide(engine.token(run.id), "kaede", approved=True).state is RunState.CARRYING
    engine.carry(run.id, Straight())
    assert engine.book.run(run.id).state is RunState.DONE
    assert engine.ask_again(run.id) is False

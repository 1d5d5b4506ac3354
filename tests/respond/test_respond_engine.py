"""The engine: a revision once, whatever fails, is killed or comes again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pretend import Pretended, engine, event, pretended, run_of

import told_events as told
from sakimori.aws.errors import AccessDenied, Throttled
from sakimori.collect.events import heard
from sakimori.model.action import Mode
from sakimori.model.event import Event
from sakimori.respond.dead import replay
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.errors import Busy, Passing, RespondError
from sakimori.respond.policy import Limits, Policy
from sakimori.respond.runs import Run, RunState, decoded, encoded
from sakimori.store.findings import Status

__all__ = ["engine", "pretended"]


def test_a_run_records_the_state_before_and_after_and_that_it_was_proved(engine: Engine, pretended: Pretended) -> None:
    run = run_of(engine, event())
    assert (run.state, run.decision) == (RunState.DONE, "paint")
    assert run.to_json()["actions"] == [
        {
            "action": "paint",
            "target": run.actions[0].target.uid,
            "state": "done",
            "before": {"colour": "white"},
            "after": {"colour": "red"},
            "verified": True,
            "diff": ["  {", '-   "colour": "white"', '+   "colour": "red"', "  }"],
            "undo_id": f"{run.id}/0",
            "why": "it is red",
        }
    ]


def test_a_revision_is_acted_on_once_by_whichever_feed_and_however_often(engine: Engine, pretended: Pretended) -> None:
    feeds = [told.guardduty(), told.imported(told.asff()), told.imported_v2()] * 3
    for document in feeds:
        run_of(engine, heard(json.dumps(document), "test").events[0])
    assert pretended.applied.total() == 1
    run_of(engine, event(updated="2026-11-25T09:00:00.000Z", count=2))
    assert pretended.applied.total() == 2
    assert len(engine.book.runs()) == 2


def test_the_finding_is_in_the_ledger_and_closes_when_the_product_says_so(engine: Engine, tmp_path: Path) -> None:
    from sakimori.store.ledger import open_ledger

    first = event()
    engine.take(first)
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        stored = ledger.finding(first.uid)
        assert stored is not None
        assert stored.status is Status.NEW
        engine.take(event(updated="2026-11-25T09:00:00.000Z", archived=True))
        stored = ledger.finding(first.uid)
        assert stored is not None
        assert stored.status is Status.SUPPRESSED


def test_an_event_survives_the_book(engine: Engine) -> None:
    found = event()
    assert decoded(encoded(found)) == found


def test_an_effect_that_cannot_be_proved_fails_the_run(engine: Engine, pretended: Pretended) -> None:
    pretended.proves = False
    run = run_of(engine, event())
    assert run.state is RunState.FAILED
    assert run.to_json()["actions"][0]["verified"] is False
    assert "it is red" in run.why


def test_an_action_that_fails_stops_those_behind_it_and_can_be_replayed(engine: Engine, pretended: Pretended) -> None:
    pretended.steps = 3
    pretended.troubles = [AccessDenied("paint:Thing", "it", "AccessDenied", "no")]
    run = run_of(engine, event())
    assert [action.state for action in run.actions] == ["failed", "planned", "planned"]
    assert "AccessDenied" in run.why
    letter = engine.book.dead_letters()[0]
    assert letter.place == f"run {run.id}"
    assert replay(engine, letter.id, "kaede")[0].runs == (run.id,)
    assert engine.carry(run.id, Straight()) == RunState.DONE
    assert sorted(pretended.applied.values()) == [1, 1, 1]
    assert engine.book.dead_letters() == []


def test_what_cannot_be_looked_at_at_all_fails_and_can_be_replayed(
    engine: Engine, pretended: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(world: object, target: object) -> dict[str, str]:
        raise AccessDenied("paint:GetThing", "it", "AccessDenied", "you may not")

    with monkeypatch.context() as patched:
        patched.setattr(pretended, "tags", denied)
        observed = replace(engine, policy=Policy(Mode.OBSERVE))
        assert run_of(observed, event(2)).state is RunState.OBSERVED
        run = run_of(engine, event())
        assert run.state is RunState.FAILED
        assert "nothing of it can be done" in run.why
        assert "you may not" in run.why
    [letter] = engine.book.dead_letters()
    attempt = engine.book.again(run.id, "kaede", engine.owner)
    assert engine.carry(run.id, Straight()) == RunState.DONE
    assert (letter.reason, attempt, pretended.applied.total()) == (run.why, 2, 1)


def test_trouble_that_may_pass_leaves_the_run_to_be_tried_again(engine: Engine, pretended: Pretended) -> None:
    pretended.troubles = [Throttled("paint:Thing", "it", "Throttling", "slow down")]
    [run] = engine.take(event())
    with pytest.raises(Passing):
        engine.carry(run, Straight())
    assert engine.book.run(run).actions[0].before == {"colour": "white"}
    assert engine.carry(run, Straight()) == RunState.DONE
    assert pretended.applied.total() == 1


def test_a_crash_between_the_change_and_its_record_keeps_the_first_state(engine: Engine, pretended: Pretended) -> None:
    [run] = engine.take(event())
    begun = engine.book.begin(run, engine.owner)
    assert begun is not None
    engine._plan(*begun)
    planned = engine.book.run(run)
    assert engine.book.begin_action(planned, planned.actions[0], {"colour": "white"}, Limits())[0]
    pretended.values[planned.actions[0].target.uid] = "red"  # and now it is killed
    assert engine.carry(run, Straight()) == RunState.DONE
    assert engine.book.run(run).actions[0].before == {"colour": "white"}


def test_two_processes_are_not_at_one_run(engine: Engine, pretended: Pretended) -> None:
    [run] = engine.take(event())
    engine.owner = "another"
    with pytest.raises(Busy):
        engine.carry(run, Straight())
    assert engine.book.unfinished("another") == []
    assert engine.book.unfinished("test") == [(run, 1)]


def test_a_message_that_cannot_be_read_is_kept_once_and_read_again_on_replay(
    engine: Engine, pretended: Pretended
) -> None:
    for _ in range(3):
        engine.book.bury("queue message 1", "not JSON", "hello")
    [letter] = engine.book.dead_letters()
    assert (letter.times, letter.reason) == (3, "not JSON")
    assert replay(engine, letter.id, "kaede")[0].why.startswith("not JSON")
    engine.book.bury("queue message 2", "the ledger was away", json.dumps(told.guardduty()))
    assert sum(len(each.runs) for each in replay(engine, "all", "kaede")) == 1
    assert [each.id for each in engine.book.dead_letters()] == [letter.id]
    assert engine.book.dead_letter(letter.id) == (engine.book.dead_letters()[0], "hello")
    [other] = [each for each in engine.book.dead_letters(replayed=True) if each.id != letter.id]
    assert replay(engine, other.id, "kaede")[0].why == f"it was replayed at {other.replayed_at} already"
    with pytest.raises(RespondError, match="no dead letter"):
        replay(engine, "unknown", "kaede")


@pytest.mark.parametrize("mode", [Mode.APPROVE, Mode.AUTO])
def test_killed_before_people_were_told_they_are_told_when_it_goes_on(
    engine: Engine, pretended: Pretended, mode: Mode
) -> None:
    class Killed(BaseException):
        pass

    def killed(run: Run, event: Event) -> None:
        raise Killed

    engine.policy, engine.tell = Policy(mode), killed
    [run] = engine.take(event())
    with pytest.raises(Killed):
        engine.carry(run, Straight())
    heard_of: list[tuple[str, RunState]] = []
    engine.tell = lambda run, event: heard_of.append((run.id, run.state))
    engine.carry(run, Straight())
    assert heard_of == [(run, RunState.WAITING if mode is Mode.APPROVE else RunState.DONE)]


def test_people_are_told_of_a_run_that_is_given_up(engine: Engine, pretended: Pretended) -> None:
    heard_of: list[RunState] = []
    engine.tell = lambda run, event: heard_of.append(run.state)
    [run] = engine.take(event())
    engine.gave_up(run, Passing("the manager is away"))
    assert heard_of == [RunState.FAILED]


def test_runs_and_dead_letters_are_listed_page_by_page(engine: Engine, pretended: Pretended) -> None:
    for number in range(7):
        run_of(engine, event(number))
        engine.book.bury(f"place {number}", "not JSON", f"body {number}")
    whole = [run.id for run in engine.book.runs()]
    paged: list[str] = []
    while found := engine.book.runs(limit=3, before=paged[-1] if paged else ""):
        paged += [run.id for run in found]
    assert (paged, len(paged)) == (whole, 7)
    assert engine.book.tally() == {RunState.DONE: 7}
    one = engine.book.run(whole[3])
    assert [run.id for run in engine.book.runs(about=one.event_uid)] == [one.id]
    letters = [each.id for each in engine.book.dead_letters()]
    some: list[str] = []
    while part := engine.book.dead_letters(limit=2, before=some[-1] if some else ""):
        some += [each.id for each in part]
    assert (some, len(some)) == (letters, 7)

"""The engine: once, within limits, in the mode that was chosen, and back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pretend import Pretended, opened_engine, pretended
from sqlalchemy import text

import told_events as told
from sakimori.aws.errors import AccessDenied, Throttled
from sakimori.collect.events import heard
from sakimori.model.action import Mode
from sakimori.model.event import Event
from sakimori.notify.signing import Signer
from sakimori.respond import approval
from sakimori.respond.dead import replay
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.errors import Busy, Passing, RespondError
from sakimori.respond.policy import Limits, Policy
from sakimori.respond.runs import Run, RunState, decoded, encoded
from sakimori.respond.undo import undo
from sakimori.store.findings import Status

__all__ = ["pretended"]


def event(number: int = 1, **options: Any) -> Event:
    return heard(json.dumps(told.guardduty(number=number, **options)), "test").events[0]


@pytest.fixture
def engine(tmp_path: Path, pretended: Pretended) -> Iterator[Engine]:
    with opened_engine(tmp_path / "ledger.sqlite") as opened:
        yield opened


def run_of(engine: Engine, told_event: Event) -> Run:
    """Takes the event and carries its run out."""
    for run in engine.take(told_event):
        engine.carry(run, Straight())
    return engine.book.runs()[0]


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


def test_observing_changes_nothing_and_says_what_would_be(engine: Engine, pretended: Pretended) -> None:
    engine.policy = Policy(Mode.OBSERVE)
    run = run_of(engine, event())
    assert run.state is RunState.OBSERVED
    action = run.to_json()["actions"][0]
    assert (action["before"], action["would"], action["verified"]) == ({"colour": "white"}, {"colour": "red"}, None)
    assert "after" not in action
    assert pretended.applied.total() == 0


def test_what_was_only_observed_can_be_done_later_and_then_once(engine: Engine, pretended: Pretended) -> None:
    engine.policy = Policy(Mode.OBSERVE)
    run_of(engine, event())
    engine.policy = Policy(Mode.AUTO)
    for _ in range(3):
        run = run_of(engine, event())
    assert (run.state, run.attempt, pretended.applied.total()) == (RunState.DONE, 2, 1)


def test_the_most_particular_mode_wins_and_of_tags_the_most_cautious() -> None:
    policy = Policy(
        Mode.OBSERVE,
        {"painter": Mode.APPROVE},
        {"111122223333": Mode.AUTO},
        {"environment=dev": Mode.AUTO, "critical": Mode.OBSERVE},
    )
    assert policy.mode("other", "") is Mode.OBSERVE
    assert policy.mode("painter", "") is Mode.APPROVE
    assert policy.mode("painter", "111122223333") is Mode.AUTO
    assert policy.mode("painter", "", {"environment": "dev"}) is Mode.AUTO
    assert policy.mode("painter", "", {"environment": "dev", "critical": "yes"}) is Mode.OBSERVE


def test_a_tag_of_the_target_decides_the_mode(engine: Engine, pretended: Pretended) -> None:
    engine.policy = Policy(Mode.OBSERVE, tags={"environment=dev": Mode.AUTO})
    found = event()
    pretended.things_tags[f"thing-{found.uid[:6]}-0"] = {"environment": "dev"}
    assert run_of(engine, found).state is RunState.DONE
    assert run_of(engine, event(2)).state is RunState.OBSERVED


def test_what_is_tagged_protected_is_never_touched(engine: Engine, pretended: Pretended) -> None:
    found = event()
    pretended.things_tags[f"thing-{found.uid[:6]}-0"] = {"sakimori:protected": ""}
    run = run_of(engine, found)
    assert pretended.applied.total() == 0
    assert "is tagged sakimori:protected, and never changed" in run.not_evaluated[0]


def test_a_tag_that_comes_between_planning_and_acting_protects_too(engine: Engine, pretended: Pretended) -> None:
    engine.policy = Policy(Mode.APPROVE)
    run = run_of(engine, event())
    pretended.things_tags[run.actions[0].target.uid] = {"sakimori:protected": "true"}
    engine.decide(run.id, "kaede", approved=True)
    engine.carry(run.id, Straight())
    run = engine.book.run(run.id)
    assert (run.state, run.actions[0].state, pretended.applied.total()) == (RunState.FAILED, "refused", 0)


def test_a_limit_holds_a_run_until_a_person_lets_it_go_on(engine: Engine, pretended: Pretended) -> None:
    engine.policy = Policy(Mode.AUTO, limits=Limits(actions=2))
    states = [run_of(engine, event(number)).state for number in range(4)]
    assert sorted(states) == sorted([RunState.DONE, RunState.DONE, RunState.WAITING, RunState.WAITING])
    held = engine.book.runs(RunState.WAITING)[0]
    assert "which is its limit" in held.why
    engine.decide(held.id, "kaede", approved=True)
    assert engine.carry(held.id, Straight()) == RunState.DONE
    assert pretended.applied.total() == 3


def test_limits_of_an_account_count_all_workflows(engine: Engine, pretended: Pretended) -> None:
    engine.policy = Policy(Mode.AUTO, limits=Limits(account_actions=1))
    assert [run_of(engine, event(number)).state for number in range(2)] == [RunState.DONE, RunState.WAITING]


def waiting(engine: Engine) -> tuple[Run, str]:
    engine.policy = Policy(Mode.APPROVE)
    run = run_of(engine, event())
    assert run.state is RunState.WAITING
    return run, engine.token(run.id)


def test_an_approval_is_used_once_and_then_the_run_goes_on(engine: Engine, pretended: Pretended) -> None:
    run, token = waiting(engine)
    assert engine.decide(token, "kaede", approved=True).state is RunState.CARRYING
    assert engine.carry(run.id, Straight()) == RunState.DONE
    with pytest.raises(RespondError, match="approved by kaede"):
        engine.decide(token, "mallory", approved=True)
    assert pretended.applied.total() == 1


def test_a_rejected_run_does_nothing(engine: Engine, pretended: Pretended) -> None:
    run, token = waiting(engine)
    engine.decide(token, "kaede", approved=False)
    assert engine.carry(run.id, Straight()) == RunState.REJECTED
    assert pretended.applied.total() == 0


def test_an_approval_that_is_changed_expired_or_of_another_key_is_refused(engine: Engine, pretended: Pretended) -> None:
    run, token = waiting(engine)
    payload, _, signature = token.partition(".")
    for changed in (
        payload + "." + signature[:-2] + "AA",
        payload[:-2] + "AA." + signature,
        "x.y",
        ".",
        "a.b.c",
        "é.é",
    ):
        with pytest.raises(RespondError, match="not one that was issued here"):
            engine.decide(changed, "mallory", approved=True)
    plan = approval.plan_of(run)

    def forged(key: bytes, until: str, plan: str = plan) -> str:
        return approval.token(Signer((key,)), approval.Asked(approval.issue(run.id, until), plan, "", ""))

    other = forged(b"x" * 32, "2999-01-01T00:00:00Z")
    with pytest.raises(RespondError, match="not one that was issued here"):
        engine.decide(other, "mallory", approved=True)
    [ours] = engine.signer.keys
    expired = forged(ours, "2020-01-01T00:00:00Z")
    with pytest.raises(RespondError, match="expired"):
        engine.decide(expired, "kaede", approved=True)
    unknown = forged(ours, "2999-01-01T00:00:00Z")
    with pytest.raises(RespondError, match="nobody is asked"):
        engine.decide(unknown, "kaede", approved=True)
    assert engine.carry(run.id, Straight()) == RunState.WAITING


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

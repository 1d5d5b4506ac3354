"""How far the engine goes by itself: modes, protected tags, limits, and what people decide."""

from __future__ import annotations

import pytest
from pretend import Pretended, act_again_under_a_limit_of_one, engine, event, pretended, run_of, waiting

from sakimori.model.action import Mode
from sakimori.notify.signing import Signer
from sakimori.respond import approval
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.errors import RespondError
from sakimori.respond.policy import Limits, Policy
from sakimori.respond.runs import RunState

__all__ = ["engine", "pretended"]


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


def test_an_action_that_is_tried_again_does_not_count_against_its_own_limit(
    engine: Engine, pretended: Pretended
) -> None:
    act_again_under_a_limit_of_one(engine, pretended, event())


def test_limits_of_an_account_count_all_workflows(engine: Engine, pretended: Pretended) -> None:
    engine.policy = Policy(Mode.AUTO, limits=Limits(account_actions=1))
    assert [run_of(engine, event(number)).state for number in range(2)] == [RunState.DONE, RunState.WAITING]


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

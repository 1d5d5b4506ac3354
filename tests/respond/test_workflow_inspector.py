"""Inspector: rules for exactly a CVE, and the way back when its finding closes."""

from __future__ import annotations

from pathlib import Path

import accounts
from trend_stub import COMPUTER, DEPENDENCY, LOG4SHELL, LONGER, POLICY, Trend
from workflow_cases import (
    carry,
    engine_of,
    event,
    on_trends_instance,
    plan,
)

import told_events as told
from sakimori.respond.runs import RunState
from sakimori.respond.world import World
from sakimori.simulate.aws import SimulatedAws


def test_inspector_assigns_the_rules_of_exactly_that_cve_with_what_they_depend_on(world: World, trend: Trend) -> None:
    trend.own_rules["policies"] = set()
    found = plan("inspector", on_trends_instance(told.inspector()), world)
    [step] = found.steps
    assert step.action == "assign-rules"
    assert step.target.parameters == {"computer": COMPUTER, "policy": POLICY, "rules": [DEPENDENCY, LOG4SHELL]}
    assert LONGER not in step.target.parameters["rules"]


def test_inspector_may_assign_to_the_computer_alone(world: World) -> None:
    world.settings = {"inspector": {"assign_to": "computer"}}
    [step] = plan("inspector", on_trends_instance(told.inspector()), world).steps
    assert "policy" not in step.target.parameters


def test_inspector_has_nothing_to_do_where_the_rule_is_in_force_or_none_exists(world: World, trend: Trend) -> None:
    trend.own_rules["policies"] = {DEPENDENCY, LOG4SHELL}
    assert "in force already" in plan("inspector", on_trends_instance(told.inspector()), world).why
    none = plan("inspector", on_trends_instance(told.inspector("CVE-1999-0001")), world)
    assert (none.decision, none.steps) == ("nothing to do", ())
    assert "no intrusion prevention rule" in none.why


def test_a_finding_that_closes_withdraws_what_was_assigned_for_it_and_nothing_else(
    world: World, trend: Trend, aws: SimulatedAws, tmp_path: Path
) -> None:
    instance = accounts.make_instance(aws)
    trend.instance = instance
    opened = event(on_trends_instance(told.inspector(), instance))
    closed = event(
        on_trends_instance(told.inspector(status="CLOSED", updated="Thu Nov 26 08:30:00.951 UTC 2026"), instance)
    )
    with engine_of(world, tmp_path) as engine:
        world.done_by = engine.book.done_by
        carry(engine, opened)
        assert trend.own_rules["policies"] == {DEPENDENCY, LOG4SHELL}
        trend.own_rules["policies"].add(LONGER)  # somebody assigns another meanwhile
        run = carry(engine, closed)
    assert [action.action for action in run.actions] == ["withdraw-rules"]
    assert trend.own_rules["policies"] == {DEPENDENCY, LONGER}


def test_what_another_open_finding_needs_is_not_withdrawn(
    world: World, trend: Trend, aws: SimulatedAws, tmp_path: Path
) -> None:
    instance = accounts.make_instance(aws)
    trend.instance = instance
    with engine_of(world, tmp_path) as engine:
        world.done_by = engine.book.done_by
        carry(engine, event(on_trends_instance(told.inspector(), instance)))
        other = on_trends_instance(told.inspector("CVE-2021-45046"), instance)
        assert carry(engine, event(other)).state is RunState.NOTHING  # the same rule, in force already
        later = "Thu Nov 26 08:30:00.951 UTC 2026"
        run = carry(
            engine,
            event(on_trends_instance(told.inspector("CVE-2021-45046", status="CLOSED", updated=later), instance)),
        )
    assert run.state is RunState.NOTHING
    assert LOG4SHELL in trend.own_rules["policies"]


def test_without_a_manager_nothing_is_said_of_what_is_not_known(aws: SimulatedAws) -> None:
    found = plan("inspector", on_trends_instance(told.inspector()), accounts.world_of(aws))
    assert (found.decision, found.why) == ("nothing can be done", "whether it is protected is not known")
    assert "no workload protection manager is set up" in found.not_evaluated[0]

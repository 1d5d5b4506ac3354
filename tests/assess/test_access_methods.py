"""Privilege escalation: for every declared method an account in which it works, and the same with the one thing that
stops it.

Both twins are made from the declaration, so that a method cannot be declared without its tests.
"""

from __future__ import annotations

import pytest

from escalation_twins import Twin
from estates import (
    ACCOUNT,
    OTHER,
    allow,
    bounded,
    deny,
    inventory,
    managed,
    organization,
)
from sakimori.assess.access.catalogue import actions_of
from sakimori.assess.access.engine import decide
from sakimori.assess.access.escalation import escalations
from sakimori.assess.access.estate import asset_of, estate
from sakimori.assess.access.methods import CATEGORIES, PREPARE, Method, methods
from sakimori.assess.access.questions import policies_over
from sakimori.assess.access.replay import replayed
from sakimori.assess.access.symbolic import Outcome


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.id)
def test_every_method_leads_to_an_administrator_by_steps_that_replay(method: Method) -> None:
    twin = Twin(method)
    assets = inventory(*twin.assets(twin.statements()))
    found = estate(assets)
    (escalation,) = (each for each in escalations(found) if each.principal == twin.arn)
    edges = {edge.method.id: edge for edge in (escalation.chain[0], *escalation.others)}
    assert method.id in edges
    edge = edges[method.id]
    assert edge.outcome is Outcome.ALLOWED
    assert {step.witness.action for step in edge.steps} >= set(method.actions)
    for step in edge.steps:
        assert step.answer.allowed
        if step.witness.principal.arn == twin.arn:
            identity, asset = found.identities[twin.arn], asset_of(found, step.witness.resource)
            policies, _ = policies_over(found, identity, asset, step.witness.account, step.witness.action)
            assert decide(step.witness, policies).allowed


@pytest.mark.parametrize("method", [each for each in methods() if each.alone], ids=lambda method: method.id)
def test_chains_that_change_rights_are_evaluated_again_with_these(method: Method) -> None:
    twin = Twin(method)
    found = estate(inventory(*twin.assets(twin.statements())))
    told = [each.to_json() for each in escalations(found) if each.principal == twin.arn]
    assert [answer.allowed for each in told for _, answer in replayed(found, each)]
    assert all(answer.allowed for each in told for _, answer in replayed(found, each))


EVERY = pytest.mark.parametrize("method", methods(), ids=lambda method: method.id)


@EVERY
def test_a_permission_that_is_missing_stops_a_method(method: Method) -> None:
    twin = Twin(method)
    for action in method.actions:
        assert not twin.works(twin.statements(without=action)), action


@EVERY
def test_a_condition_that_is_never_met_stops_a_method(method: Method) -> None:
    twin = Twin(method)
    wrong = {"StringEquals": {"aws:PrincipalAccount": OTHER}}
    for action in method.actions:
        assert not twin.works(twin.statements(on=action, condition=wrong)), action
    right = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
    assert twin.works(twin.statements(on=method.actions[0], condition=right))


@EVERY
def test_a_boundary_stops_a_method(method: Method) -> None:
    twin = Twin(method)
    bound = bounded(f"arn:aws:iam::{ACCOUNT}:policy/limit")
    for action in method.actions:
        assert not twin.works(twin.statements(), managed("limit", allow("*"), deny(action)), limits=bound), action
        others = {"Effect": "Allow", "NotAction": action, "Resource": "*"}
        assert not twin.works(twin.statements(), managed("limit", others), limits=bound), f"{action}, not allowed"


@EVERY
def test_a_service_control_policy_stops_a_method(method: Method) -> None:
    twin = Twin(method)
    attacker = {"ArnEquals": {"aws:PrincipalArn": twin.arn}}
    for action in method.actions:
        scps = organization(OTHER, ACCOUNT, scps={"ou-1": [deny(action, Condition=attacker)]})
        assert not twin.works(twin.statements(), scps), action
    elsewhere = organization(OTHER, ACCOUNT, scps={OTHER: [deny("*")]})
    assert twin.works(twin.statements(), elsewhere), "of another account"


@pytest.mark.parametrize("method", [each for each in methods() if each.passes], ids=lambda method: method.id)
def test_a_role_that_does_not_trust_the_service_stops_a_method(method: Method) -> None:
    twin = Twin(method)
    twin.trusts = {"Service": "another.amazonaws.com"}
    assert not twin.works(twin.statements())


@pytest.mark.parametrize("method", [each for each in methods() if each.profile], ids=lambda method: method.id)
def test_a_role_in_no_instance_profile_stops_a_method_that_needs_one(method: Method) -> None:
    twin = Twin(method)
    twin.profile = False
    assert not twin.works(twin.statements())


@pytest.mark.parametrize("method", [each for each in methods() if each.holder], ids=lambda method: method.id)
def test_nothing_that_runs_under_the_role_stops_a_method_that_needs_it(method: Method) -> None:
    twin = Twin(method)
    twin.held = False
    assert not twin.works(twin.statements())


ON_MACHINES = [each for each in methods() if any(need.place.startswith("own-inst") for need in each.needs)]


@pytest.mark.parametrize("method", ON_MACHINES, ids=lambda method: method.id)
def test_a_role_that_no_instance_hands_out_stops_a_method_that_is_used_on_it(method: Method) -> None:
    twin = Twin(method)
    twin.on_machine = False
    assert not twin.works(twin.statements())


@pytest.mark.parametrize("method", [each for each in methods() if each.gives in PREPARE], ids=lambda method: method.id)
def test_a_preparation_that_leads_nowhere_is_none(method: Method) -> None:
    twin = Twin(method)
    twin.way = False
    assert not twin.works(twin.statements())


def test_a_role_that_one_of_two_services_may_not_take_on_stops_a_method_that_needs_both() -> None:
    twin = Twin(next(each for each in methods() if each.trusts))
    twin.trusts = {"Service": twin.method.passes}
    assert not twin.works(twin.statements())
    twin.trusts = {"Service": twin.method.trusts}
    assert not twin.works(twin.statements())


@pytest.mark.parametrize("method", [each for each in methods() if each.below], ids=lambda method: method.id)
def test_a_role_of_none_of_the_names_that_a_service_takes_stops_a_method_that_needs_one(method: Method) -> None:
    twin = Twin(method)
    for each in method.below:
        twin.call(each)
        assert twin.works(twin.statements()), each
    twin.call("other")
    assert not twin.works(twin.statements())


def test_every_action_that_a_method_needs_exists() -> None:
    wanted = {action for method in methods() for action in method.actions}
    assert sorted(action for action in wanted if action not in actions_of(action.partition(":")[0])) == []


def test_there_are_enough_methods_of_every_kind() -> None:
    assert len(methods()) >= 65
    assert {method.category for method in methods()} == set(CATEGORIES)
    assert len({method.id for method in methods()}) == len(methods())
    assert all(method.how.endswith(".") for method in methods())

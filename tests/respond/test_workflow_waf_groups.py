"""The workflow waf: which rule groups fit, within what a web ACL can take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import accounts
import pytest
from accounts import Thing
from trend_stub import Trend
from waf_account import BAD, COMMON, WCU, Network, groups, missing, offers, plan, protected_by

from sakimori.protect.client import Client
from sakimori.protect.client_errors import ManagerError
from sakimori.respond import plugins
from sakimori.respond.errors import RespondError
from sakimori.respond.workflows import waf
from sakimori.respond.world import World
from sakimori.simulate.aws import Answer, SimulatedAws


@pytest.fixture(autouse=True)
def offered(aws: SimulatedAws) -> None:
    offers(aws, WCU)


@pytest.fixture
def front(world: World, aws: SimulatedAws, instance: str) -> Thing:
    """A web ACL in front of a protected web server."""
    network, acl = Network(aws), accounts.web_acl(aws)
    balancer = network.balancer()
    network.group(balancer, [instance])
    protected_by(aws, acl, balancer)
    return acl


def test_a_group_that_does_not_fit_into_the_capacity_is_named(world: World, aws: SimulatedAws, front: Thing) -> None:
    offers(aws, {COMMON: 1_400, BAD: 200})
    found = plan(world)
    assert groups(found) == [COMMON]
    assert missing(found, f"{BAD} takes 200 WCU and {front.target.uid} to 1601, more than the 1500")
    world.settings = {"waf": {"capacity": 5000}}
    assert groups(plan(world)) == [COMMON, BAD]


def test_what_is_not_offered_or_cannot_be_checked_is_named(world: World, aws: SimulatedAws, front: Thing) -> None:
    offers(aws, {COMMON: 700})
    assert missing(plan(world), f"{BAD} is not offered in us-east-1 for REGIONAL")
    aws.handlers["wafv2:CheckCapacity"] = lambda _: Answer(b'{"__type": "WAFInvalidParameterException"}', 400)
    found = plan(world)
    assert (found.steps, missing(found, f"whether {COMMON} fits into")) == ((), True)


def test_what_is_there_is_not_proposed_again(world: World, front: Thing) -> None:
    action = plugins.action("add-waf-rule-group")
    for step in plan(world).steps:
        action.apply(world, step.target, action.before(world, step.target), "run")
    assert plan(world).steps == ()


def test_groups_that_are_sold_are_taken_where_they_are_subscribed_to(
    world: World, aws: SimulatedAws, front: Thing
) -> None:
    offers(aws, {"WebServer_Rules": 500}, vendor="Trend Micro")
    [step] = plan(world).steps
    assert step.target.parameters == {"vendor": "Trend Micro", "group": "WebServer_Rules"}


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        ("Web Server Apache Struts", [COMMON, BAD]),
        ("Database MySQL", ["AWSManagedRulesSQLiRuleSet"]),
        ("WordPress", ["AWSManagedRulesWordPressRuleSet"]),
        ("Microsoft IIS", ["AWSManagedRulesWindowsRuleSet"]),
        ("Build Server Required", []),
        ("Mail Client", []),
    ],
)
def test_defect_the_pattern_ui_matched_build_and_require(application: str, expected: list[str]) -> None:
    assert chosen_for({"application": {application}}) == expected


def test_defect_one_recommendation_was_not_enough() -> None:
    assert chosen_for({"application": {"PHP"}}) == ["AWSManagedRulesPHPRuleSet"]


def test_policies_platforms_and_images_are_signs_too() -> None:
    assert chosen_for({"policy": {"Linux Web Server"}}) == [COMMON, BAD]
    assert chosen_for({"platform": {"Microsoft Windows Server 2022 (64 bit)"}}) == ["AWSManagedRulesWindowsRuleSet"]
    assert chosen_for({"image": {"registry/wordpress:6"}}) == ["AWSManagedRulesWordPressRuleSet"]


def chosen_for(signs: dict[str, set[str]]) -> list[str]:
    rows = [row for row in waf.table(None) if waf.fits(row, signs)]
    every = [("AWS", group) for row in rows for group in row["groups"]]
    return [name for _, name in waf.groups_for(rows, every, "", [])]


def test_defect_any_rule_of_a_type_counted_assigned_or_not(
    world: World, trend: Trend, front: Thing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Types that no assigned rule has say nothing."""
    own = Client.assignments

    def without(self: Client, *words: Any, **options: Any) -> Any:
        return replace(own(self, *words, **options), application_types=frozenset())

    monkeypatch.setattr(Client, "assignments", without)
    monkeypatch.setattr(trend, "policy_name", "Base")
    assert plan(world).steps == ()


def test_users_have_a_table_of_their_own(tmp_path: Path) -> None:
    place = tmp_path / "waf.yml"
    place.write_text("- image: ['*']\n  groups: [Mine]\n")
    assert waf.table(tmp_path) == [{"image": ("*",), "groups": ("Mine",)}]
    for wrong, said in (
        ("- application: ['*']\n  colour: [red]\n", "line 2: there is no column 'colour'"),
        ("- application: ['*']\n", "line 1: a row has one of"),
        ("- groups: [x]\n", "line 1: a row has one of"),
        ("- application: x\n  groups: [y]\n", "line 1: 'application' is not a list of texts"),
    ):
        place.write_text(wrong)
        with pytest.raises(RespondError, match=said):
            waf.table(tmp_path)


def test_a_manager_that_does_not_tell_what_runs_is_named(world: World, trend: Trend, front: Thing) -> None:
    def gone(self: Client, number: int) -> Any:
        raise ManagerError("nothing is there")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Client, "application_type", gone)
        patched.setattr(trend, "policy_name", "Base")
        found = plan(world)
    assert (found.steps, missing(found, "the protection manager: nothing is there")) == ((), True)

"""AWS Config: what a rule is answered about instances, in bulk, on schedule, and when nothing can be known."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import accounts
import pytest
from trend_stub import INSTANCE, Trend
from workflow_cases import (
    event,
    plan,
)

import told_events as told
from sakimori.respond import plugins
from sakimori.respond.errors import Passing, RespondError
from sakimori.respond.workflows import config
from sakimori.respond.world import World
from sakimori.simulate.aws import Answer, Call, SimulatedAws


def config_plan(world: World, message: str, item: dict[str, Any] | None, **fields: Any) -> list[dict[str, Any]]:
    found = plan("config", told.config_invocation(message, item, **fields), world)
    return list(found.steps[0].target.parameters["evaluations"]) if found.steps else []


CHANGE = "ConfigurationItemChangeNotification"


def item(**fields: Any) -> dict[str, Any]:
    return told.configuration_item(resourceId=INSTANCE, **fields)


@pytest.mark.parametrize(
    ("parameters", "rule", "verdict"),
    [
        ({"dsPolicy": "Web Servers"}, "ds-DoesInstanceHavePolicy", "COMPLIANT"),
        ({"dsPolicy": "Other"}, "ds-DoesInstanceHavePolicy", "NON_COMPLIANT"),
        ({"dsControl": "anti_malware"}, "ds-IsInstanceProtectedBy", "COMPLIANT"),
        ({"module": "intrusionPrevention"}, "mine", "COMPLIANT"),
        ({}, "ds-IsInstanceProtectedByAntiMalware", "COMPLIANT"),
        ({}, "ds-IsInstanceClear", "COMPLIANT"),
    ],
)
def test_config_rules_answer(world: World, parameters: dict[str, str], rule: str, verdict: str) -> None:
    [evaluation] = config_plan(world, CHANGE, item(), rule=rule, parameters=parameters)
    assert evaluation["ComplianceType"] == verdict


@pytest.mark.parametrize("control", ["web_reputation", "firewall", "log_inspection"])
def test_defect_not_configured_contains_on_and_was_compliant(world: World, control: str) -> None:
    [evaluation] = config_plan(world, CHANGE, item(), parameters={"dsControl": control})
    assert evaluation["ComplianceType"] == "NON_COMPLIANT"


def test_defect_a_capital_letter_in_the_policy_never_matched(world: World) -> None:
    for spelt in ("Web Servers", "WEB SERVERS", "web servers"):
        [evaluation] = config_plan(world, CHANGE, item(), parameters={"dsPolicy": spelt})
        assert evaluation["ComplianceType"] == "COMPLIANT"


def test_defect_the_time_was_now_and_not_that_of_the_configuration(world: World) -> None:
    [evaluation] = config_plan(world, CHANGE, item())
    assert evaluation["OrderingTimestamp"] == "2026-11-25T08:29:30.000Z"


@pytest.mark.parametrize(
    ("fields", "invocation"),
    [
        ({"configurationItemStatus": "ResourceDeleted"}, {}),
        ({}, {"eventLeftScope": True}),
        ({"resourceType": "AWS::S3::Bucket"}, {}),
    ],
)
def test_defect_deleted_instances_and_other_resources_are_not_applicable(
    world: World, fields: Any, invocation: Any
) -> None:
    [evaluation] = config_plan(world, CHANGE, item(**fields), **invocation)
    assert evaluation["ComplianceType"] == "NOT_APPLICABLE"


def test_defect_an_outage_was_non_compliant(world: World, trend: Trend) -> None:
    trend.answers = [(503, {}, b"{}")] * 100
    with pytest.raises(Passing):
        config_plan(world, CHANGE, item())
    no_manager = World(lambda *_: None)
    assert config_plan(no_manager, CHANGE, item()) == []


def test_an_instance_that_the_manager_does_not_know_does_not_comply(world: World) -> None:
    [evaluation] = config_plan(world, CHANGE, told.configuration_item(resourceId="i-0unknown"))
    assert evaluation["ComplianceType"] == "NON_COMPLIANT"
    assert "does not know it" in evaluation["Annotation"]


OVERSIZED = "OversizedConfigurationItemChangeNotification"


def history(aws: SimulatedAws, *items: dict[str, Any]) -> list[dict[str, Any]]:
    """What AWS Config has recorded of a resource; gives what it was asked."""
    asked: list[dict[str, Any]] = []

    def answer(call: Call) -> Answer:
        asked.append(json.loads(call.body))
        return Answer(json.dumps({"configurationItems": list(items)}).encode())

    aws.handlers["config:GetResourceConfigHistory"] = answer
    return asked


def test_oversized_items_are_read_from_the_history(world: World, aws: SimulatedAws) -> None:
    asked = history(aws, {"configurationItemStatus": "OK", "resourceType": "AWS::EC2::Instance"})
    [evaluation] = config_plan(world, OVERSIZED, item())
    assert (evaluation["ComplianceResourceId"], evaluation["ComplianceType"]) == (INSTANCE, "COMPLIANT")
    assert evaluation["OrderingTimestamp"] == "2026-11-25T08:29:30.000Z"
    assert (asked[0]["resourceType"], asked[0]["resourceId"], asked[0]["limit"]) == ("AWS::EC2::Instance", INSTANCE, 1)
    history(aws, {"configurationItemStatus": "ResourceDeleted"})
    [evaluation] = config_plan(world, OVERSIZED, item())
    assert evaluation["ComplianceType"] == "NOT_APPLICABLE"


def test_an_oversized_item_that_cannot_be_read_is_not_evaluated(world: World, aws: SimulatedAws) -> None:
    history(aws)
    found = plan("config", told.config_invocation(OVERSIZED, item()), world)
    assert (found.steps, "not recorded" in found.not_evaluated[0]) == ((), True)
    denied = b'{"__type": "AccessDeniedException", "message": "no"}'
    aws.handlers["config:GetResourceConfigHistory"] = lambda _: Answer(denied, 400)
    found = plan("config", told.config_invocation(OVERSIZED, item()), world)
    assert (found.steps, "AccessDenied" in found.not_evaluated[0]) == ((), True)


def test_an_invocation_is_answered_once_and_one_that_asks_anew_again(world: World) -> None:
    first, again, anew = (
        event(told.config_invocation(CHANGE, item(), resultToken=token)) for token in ("one", "one", "two")
    )
    assert (first.uid, first.revision) == (again.uid, again.revision)
    assert (first.uid, first.revision) != (anew.uid, anew.revision)


def test_what_is_no_invocation_is_refused(world: World) -> None:
    with pytest.raises(RespondError, match="no question of a custom Config rule"):
        config.plan(event(told.guardduty()), world)


def test_on_schedule_every_instance_is_answered_a_hundred_in_a_call(world: World, aws: SimulatedAws) -> None:
    calls: list[Call] = []
    for _ in range(3):
        accounts.make_instance(aws)
    found = plan("config", told.config_invocation("ScheduledNotification", None), world)
    [step] = found.steps
    assert len(step.target.parameters["evaluations"]) == 3
    assert step.target.parameters["evaluations"][0]["OrderingTimestamp"] == "2026-11-25T08:31:00.000Z"
    many = [step.target.parameters["evaluations"][0] | {"ComplianceResourceId": f"i-{n}"} for n in range(250)]
    target = replace(step.target, parameters={**step.target.parameters, "evaluations": many})
    aws.handlers["config:PutEvaluations"] = lambda call: calls.append(call)
    action = plugins.action("put-evaluations")
    action.apply(world, target, {}, "k")
    assert [len(json.loads(call.body)["Evaluations"]) for call in calls] == [100, 100, 50]


def test_a_module_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(RespondError, match="'antivirus'"):
        config.asked(event(told.config_invocation(CHANGE, item(), parameters={"module": "antivirus"})))

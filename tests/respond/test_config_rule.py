"""A custom Config rule as Lambda invokes it, with the evaluations that AWS Config then has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from trend_stub import INSTANCE, KEY, Trend, trend_stub

import told_events as told
from sakimori.respond import config_rule, plugins
from sakimori.respond.config_rule import handler
from sakimori.respond.errors import RespondError
from sakimori.simulate.aws import Answer, Call, SimulatedAws

CHANGE = "ConfigurationItemChangeNotification"


@pytest.fixture
def trend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trend]:
    with trend_stub() as served:
        monkeypatch.setenv("SAKIMORI_PROTECT_URL", served.url)
        monkeypatch.setenv("SAKIMORI_PROTECT_KEY", KEY)
        yield served


@pytest.fixture
def put(aws: SimulatedAws) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def answer(call: Call) -> Answer:
        calls.append(json.loads(call.body))
        return Answer(b"{}")

    aws.handlers["config:PutEvaluations"] = answer
    return calls


def asked(**fields: Any) -> dict[str, Any]:
    return told.config_invocation(CHANGE, told.configuration_item(resourceId=INSTANCE), resultToken="t", **fields)


def test_an_invocation_is_answered_with_the_time_of_the_configuration(trend: Trend, put: list[dict[str, Any]]) -> None:
    assert handler(asked(parameters={"policy": "web servers"}), None) == {"evaluations": 1, "not_evaluated": []}
    [call] = put
    assert (call["ResultToken"], call["TestMode"]) == ("t", False)
    [evaluation] = call["Evaluations"]
    assert (evaluation["ComplianceType"], evaluation["ComplianceResourceId"]) == ("COMPLIANT", INSTANCE)
    assert evaluation["OrderingTimestamp"] == pytest.approx(1_795_595_370.0)


def test_what_is_gone_is_not_applicable_and_the_manager_is_not_asked(trend: Trend, put: list[dict[str, Any]]) -> None:
    trend.answers = [(503, {}, b"{}")] * 100
    assert handler(asked(eventLeftScope=True), None)["evaluations"] == 1
    assert put[0]["Evaluations"][0]["ComplianceType"] == "NOT_APPLICABLE"


@pytest.mark.parametrize("trouble", ["unreachable", "refuses the key", "not set up"])
def test_a_manager_that_gives_no_answer_is_an_error_and_no_evaluation(
    trend: Trend, put: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    if trouble == "unreachable":
        monkeypatch.setenv("SAKIMORI_PROTECT_URL", "http://127.0.0.1:9")
        monkeypatch.setattr("sakimori.protect.client_transport.time.sleep", lambda _: None)
        monkeypatch.setattr("sakimori.respond.guard.PACES", {})
    elif trouble == "refuses the key":
        monkeypatch.setenv("SAKIMORI_PROTECT_KEY", "another")
    else:
        monkeypatch.delenv("SAKIMORI_PROTECT_KEY")
    with pytest.raises(RespondError):
        handler(asked(), None)
    assert put == []


def test_many_instances_are_answered_a_hundred_in_a_call(
    trend: Trend, put: list[dict[str, Any]], aws: SimulatedAws
) -> None:
    ec2 = aws.client("ec2")
    ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=130, MaxCount=130)
    scheduled = told.config_invocation("ScheduledNotification", None, resultToken="t")
    assert handler(scheduled, None) == {"evaluations": 130, "not_evaluated": []}
    assert [len(call["Evaluations"]) for call in put] == [100, 30]
    times = {each["OrderingTimestamp"] for call in put for each in call["Evaluations"]}
    assert times == {1_795_595_460.0}, "when Config asked"


def test_no_instance_is_an_answer_too(trend: Trend, put: list[dict[str, Any]], aws: SimulatedAws) -> None:
    assert handler(told.config_invocation("ScheduledNotification", None), None)["evaluations"] == 0
    assert put == []


def test_its_permissions_are_declared() -> None:
    assert set(config_rule.IAM_ACTIONS) >= set(plugins.workflow("config").IAM_ACTIONS)


def test_it_imports_nothing_that_is_too_big_for_a_function() -> None:
    code = "import sakimori.respond.config_rule, sys; print(*({'pyarrow', 'scipy', 'dbos'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

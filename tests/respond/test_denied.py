"""Every call that a workflow looks with is denied, one after the other: what cannot be known for it is named with the
call, and nothing breaks or is silently left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import accounts
import pytest
from more_things import Pipelines
from test_appspec import written
from test_workflow_macie import company
from test_workflow_sequences import key, resource, sequence
from trend_stub import Trend
from waf_account import WCU, Network, offers, protected_by
from workflow_cases import carry, engine_of, event, on_instance

import told_events as told
from sakimori.model.action import Mode
from sakimori.respond.policy import Policy
from sakimori.respond.runs import Run, RunState
from sakimori.respond.world import World
from sakimori.simulate.aws import Answer, Call, SimulatedAws, refused
from sakimori.simulate.recognise import Operation

WHO_WE_ARE = "sts:GetCallerIdentity"
"""Asked once a process, and allowed to everybody, whatever policies say (GetCallerIdentity, STS API reference)."""


@dataclass
class Setting:
    aws: SimulatedAws
    world: World
    trend: Trend

    def instance(self) -> str:
        made = accounts.make_instance(self.aws)
        self.trend.instance = made
        return made


def of_guardduty(given: Setting) -> dict[str, Any]:
    return on_instance("Trojan:EC2/DNSDataExfiltration", given.instance())


def of_a_sequence(given: Setting) -> dict[str, Any]:
    bucket, access_key, role = accounts.bucket(given.aws), accounts.access_key(given.aws), accounts.role(given.aws)
    actor = {"id": "1", "user": {"type": "AssumedRole"}, "session": {"issuer": role.target.uid}}
    named = [resource("S3_BUCKET", bucket.target.id), key(access_key.target.uid), resource("ECS_TASK", task(given))]
    return sequence("AttackSequence:S3/CompromisedData", named, (actor,))


def task(given: Setting) -> str:
    return accounts.task(given.aws).target.uid


def of_macie(given: Setting) -> dict[str, Any]:
    accounts.bucket(given.aws)
    instance = given.instance()
    given.world.inventory = lambda: company(instance)
    return told.macie()


def of_inspector(given: Setting) -> dict[str, Any]:
    document = told.inspector()
    document["detail"]["resources"][0]["id"] = given.instance()
    return document


def of_imds(given: Setting) -> dict[str, Any]:
    fields = {"ProductFields": {"ControlId": "EC2.8"}, "ProductArn": "arn:aws:securityhub:x::product/aws/securityhub"}
    document = told.asff(Id="imds", **fields)
    document["Resources"][0]["Id"] = accounts.instance_target(given.instance()).uid
    return told.imported(document)


def of_an_exposed_key(given: Setting) -> dict[str, Any]:
    exposed = accounts.access_key(given.aws).target.uid
    entities = [{"entityValue": exposed}]
    detail = {"eventArn": "a:1", "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED", "affectedEntities": entities}
    return told.envelope("aws.health", "AWS Health Event", detail)


def of_a_deployment(given: Setting) -> dict[str, Any]:
    given.aws.client("s3").create_bucket(Bucket="code")
    Pipelines(given.aws)
    return written()


def of_the_schedule(given: Setting) -> dict[str, Any]:
    offers(given.aws, WCU)
    acl, network, instance = accounts.web_acl(given.aws), Network(given.aws), given.instance()
    balancer = network.balancer()
    network.group(balancer, [instance])
    network.group(network.balancer("inside", "network"), [network.address(instance)], "ip", "inside")
    protected_by(given.aws, acl, balancer)
    given.aws.client("apigateway").create_rest_api(name="shop")
    return told.envelope("aws.events", "Scheduled Event", {}, resources=["arn:aws:events:x:1:rule/sakimori-waf"])


def of_config(given: Setting) -> dict[str, Any]:
    given.instance()
    return told.config_invocation("ScheduledNotification", None, "mine", resultToken="t")


CASES: dict[str, tuple[str, Callable[[Setting], dict[str, Any]]]] = {
    "guardduty": ("guardduty", of_guardduty),
    "a sequence": ("guardduty", of_a_sequence),
    "macie": ("macie", of_macie),
    "inspector": ("inspector", of_inspector),
    "imds": ("imds", of_imds),
    "key-exposed": ("key-exposed", of_an_exposed_key),
    "s3-appspec": ("s3-appspec", of_a_deployment),
    "waf": ("waf", of_the_schedule),
    "config": ("config", of_config),
}


@contextmanager
def seen(aws: SimulatedAws) -> Iterator[list[str]]:
    """The operations that are called, each once."""
    called: list[str] = []

    def watch(_: Call, operation: Operation | None) -> None:
        if operation is not None and str(operation) not in (*called, WHO_WE_ARE):
            called.append(str(operation))

    aws.watchers.append(watch)
    yield called
    aws.watchers.remove(watch)


@contextmanager
def denied(aws: SimulatedAws, name: str) -> Iterator[None]:
    def deny(_: Call, operation: Operation | None) -> Answer | None:
        code = "UnauthorizedOperation" if name.startswith("ec2:") else "AccessDeniedException"
        return refused(operation, code, status=403) if operation is not None and str(operation) == name else None

    aws.watchers.append(deny)
    yield
    aws.watchers.remove(deny)


def looked(given: Setting, folder: Path, workflow: str, document: dict[str, Any]) -> Run:
    folder.mkdir()
    with engine_of(given.world, folder) as engine:
        engine.only, engine.policy = frozenset((workflow,)), Policy(Mode.OBSERVE)
        return carry(engine, event(document))


@pytest.mark.parametrize("case", CASES)
def test_what_may_not_be_asked_is_named(
    case: str, world: World, aws: SimulatedAws, trend: Trend, tmp_path: Path
) -> None:
    workflow, made_by = CASES[case]
    given = Setting(aws, world, trend)
    document = made_by(given)
    with seen(aws) as called:
        whole = looked(given, tmp_path / "whole", workflow, document)
    assert whole.state is RunState.OBSERVED, whole.to_json()
    assert called
    silent = []
    for number, name in enumerate(called):
        with denied(aws, name):
            run = looked(given, tmp_path / str(number), workflow, document)
        said = " ".join((*run.not_evaluated, run.why))
        if name.partition(":")[2] not in said or run.state not in (RunState.OBSERVED, RunState.FAILED):
            silent.append((name, run.state, run.not_evaluated, run.why))
    assert silent == []

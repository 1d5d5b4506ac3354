"""What holds for every action there is: undo leaves no trace and refuses where somebody was there since, verify sees
when nothing came of it. The cases are looked up by the action's name: an action without one fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import accounts
import more_things
import pytest
from accounts import Thing, instance_target, world_of
from trend_stub import COMPUTER, DEPENDENCY, KEY, LOG4SHELL, LONGER, POLICY, Trend, trend_stub

import told_events as told
from sakimori.collect.events import heard
from sakimori.model.action import Mode, Plan, Step
from sakimori.protect.client import Client, Settings
from sakimori.respond import plugins
from sakimori.respond.book import Book
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.keys import derived
from sakimori.respond.policy import Policy
from sakimori.respond.runs import Run, RunState
from sakimori.respond.undo import undo
from sakimori.simulate.aws import SimulatedAws
from sakimori.simulate.aws import told as answered
from sakimori.store.database import connect

SECRET = b"x" * 32


@dataclass(frozen=True)
class Case:
    """How an action is tried: what it is done to, the call of which AWS or the manager only pretends to do it, and what
    somebody may do afterwards. `final` is why it cannot be undone."""

    make: Callable[[SimulatedAws, Trend], Thing]
    effect: str
    meddle: Callable[[SimulatedAws, Trend, Thing], Any] | None = None
    final: str = ""


def of_aws(make: Callable[[SimulatedAws], Thing]) -> Callable[[SimulatedAws, Trend], Thing]:
    return lambda aws, trend: make(aws)


def computer(**parameters: Any) -> Callable[[SimulatedAws, Trend], Thing]:
    """The computer of the manager that is an instance of the account."""

    def make(aws: SimulatedAws, trend: Trend) -> Thing:
        instance = accounts.make_instance(aws)
        trend.instance = instance
        target = instance_target(instance, computer=COMPUTER, **parameters)
        return Thing(target, lambda: {name: sorted(rules) for name, rules in trend.own_rules.items()})

    return make


def open_again(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    off = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
    aws.client("s3").put_public_access_block(Bucket="data", PublicAccessBlockConfiguration=off)


def activate(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    aws.client("iam").update_access_key(UserName="kaede", AccessKeyId=thing.target.uid, Status="Active")
    aws.client("iam").delete_access_key(UserName="kaede", AccessKeyId=thing.target.uid)


def other_policy(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    theirs = json.dumps(accounts.OWN_POLICY)
    aws.client("iam").put_role_policy(RoleName="web", PolicyName="SakimoriDenyOlderSessions", PolicyDocument=theirs)


def hops(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    aws.client("ec2").modify_instance_metadata_options(InstanceId=thing.target.id, HttpPutResponseHopLimit=3)


def reconnect(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    other = ec2.create_security_group(GroupName="forensics", Description="for a look", VpcId=vpc)["GroupId"]
    for interface in ec2.describe_network_interfaces()["NetworkInterfaces"]:
        ec2.modify_network_interface_attribute(NetworkInterfaceId=interface["NetworkInterfaceId"], Groups=[other])


def more_evidence(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    ec2 = aws.client("ec2")
    for volume in ec2.describe_volumes()["Volumes"]:
        tags = [{"Key": "sakimori:evidence-of", "Value": thing.target.id}]
        described = {"ResourceType": "snapshot", "Tags": tags}
        ec2.create_snapshot(VolumeId=volume["VolumeId"], TagSpecifications=[described])


def more_db_evidence(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    aws.client("rds").create_db_snapshot(DBSnapshotIdentifier="sakimori-theirs", DBInstanceIdentifier="orders")


def retag(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    aws.client("ec2").create_tags(Resources=[thing.target.id], Tags=[{"Key": "Name", "Value": "mine"}])


def other_rule(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    from waf_account import add_rule

    add_rule(aws, thing, "theirs")


def own_reason(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    named = {"pipelineName": "shop", "stageName": "Deploy", "transitionType": "Inbound"}
    aws.client("codepipeline").disable_stage_transition(**named, reason="a freeze before the holidays")


def rename_stage(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    codepipeline = aws.client("codepipeline")
    pipeline = codepipeline.get_pipeline(name="shop")["pipeline"]
    pipeline["stages"][-1]["actions"][0]["configuration"]["ApplicationName"] = "cart"
    codepipeline.update_pipeline(pipeline=pipeline)


def on_policy(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    trend.own_rules["policies"].add(LONGER)


def on_computer(aws: SimulatedAws, trend: Trend, thing: Thing) -> None:
    trend.own_rules["computers"].add(LONGER)


ONLY_LOOKS = "only looks: there is nothing to undo"
CASES: dict[str, Case] = {
    "block-public-access": Case(of_aws(accounts.bucket), "s3:PutPublicAccessBlock", open_again),
    "deactivate-access-key": Case(of_aws(accounts.access_key), "iam:UpdateAccessKey", activate),
    "quarantine-role": Case(of_aws(accounts.role), "iam:PutRolePolicy", other_policy),
    "require-imdsv2": Case(of_aws(accounts.instance), "ec2:ModifyInstanceMetadataOptions", hops),
    "isolate-instance": Case(of_aws(accounts.instance), "ec2:ModifyNetworkInterfaceAttribute", reconnect),
    "isolate-task": Case(of_aws(accounts.task), "ec2:ModifyNetworkInterfaceAttribute", reconnect),
    "stop-task": Case(of_aws(accounts.task), "ecs:StopTask", final="cannot be started again"),
    "snapshot-instance": Case(of_aws(accounts.instance), "ec2:CreateSnapshot", more_evidence),
    "snapshot-db-instance": Case(of_aws(more_things.database), "rds:CreateDBSnapshot", more_db_evidence),
    "tag-resource": Case(of_aws(accounts.tagged_instance), "resourcegroupstaggingapi:TagResources", retag),
    "add-waf-rule-group": Case(of_aws(accounts.web_acl), "wafv2:UpdateWebACL", other_rule),
    "disable-transition": Case(of_aws(more_things.pipeline), "codepipeline:DisableStageTransition", own_reason),
    "add-approval": Case(of_aws(more_things.pipeline), "codepipeline:UpdatePipeline", rename_stage),
    "reject-approval": Case(
        of_aws(more_things.asking_pipeline), "codepipeline:PutApprovalResult", final="retry the stage in CodePipeline"
    ),
    "put-evaluations": Case(of_aws(more_things.config_rule), "config:PutEvaluations", final="not taken back"),
    "recommendation-scan": Case(computer(), "the scan ends", final=ONLY_LOOKS),
    "integrity-scan": Case(computer(), "the scan ends", final=ONLY_LOOKS),
    "malware-scan": Case(computer(), "the scan ends", final=ONLY_LOOKS),
    "assign-rules": Case(computer(policy=POLICY, rules=[LOG4SHELL]), "rules are assigned", on_policy),
    "withdraw-rules": Case(computer(policy=POLICY, rules=[DEPENDENCY]), "rules are assigned", on_policy),
    "apply-recommendations": Case(computer(), "rules are assigned", on_computer),
}


@pytest.fixture
def trend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trend]:
    monkeypatch.setattr("sakimori.respond.scanning.LOOK_EVERY", 0.05)
    monkeypatch.setattr("sakimori.respond.actions.put_evaluations.LOOK_EVERY", 0.05)
    with trend_stub() as served:
        yield served


@pytest.fixture
def engine(aws: SimulatedAws, trend: Trend, tmp_path: Path) -> Iterator[Engine]:
    database = connect(tmp_path / "ledger.sqlite")
    book = Book(database, derived(SECRET, "audit"), tmp_path / "head")
    with Client(Settings(trend.url, KEY, patience=1), sleep=lambda _: None) as client:
        yield Engine(book, world_of(aws, client, patience=1.0), Policy(Mode.AUTO), SECRET, "test")
    database.dispose()


def responded(engine: Engine, name: str, thing: Thing, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A workflow that wants this one action is run on an event."""
    workflow = SimpleNamespace(
        subscribes=lambda event: True, plan=lambda event, world: Plan(name, "a test", (Step(name, thing.target),))
    )
    monkeypatch.setattr(plugins, "workflow_names", lambda: ["one"])
    monkeypatch.setattr(plugins, "workflow", lambda _: workflow)
    [run] = engine.take(heard(json.dumps(told.guardduty()), "test").events[0])
    engine.carry(run, Straight())
    return engine.book.run(run)


@pytest.mark.parametrize("name", plugins.action_names())
def test_undo_returns_identical_answers(
    name: str, engine: Engine, aws: SimulatedAws, trend: Trend, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    thing = case.make(aws, trend)
    untouched = thing.describe()
    run = responded(engine, name, thing, monkeypatch)
    assert (run.state, run.actions[0].state) == (RunState.DONE, "done"), run.why
    changed = thing.describe()
    [outcome] = undo(engine, run.id, "kaede")
    if case.final:
        assert (outcome.undone, case.final in outcome.why) == (False, True), outcome.why
        assert thing.describe() == changed
        return
    assert changed != untouched
    assert outcome.undone, outcome.why
    assert thing.describe() == untouched
    assert engine.book.run(run.id).state is RunState.UNDONE


@pytest.mark.parametrize("name", [name for name in plugins.action_names() if not CASES[name].final])
def test_undo_refuses_with_the_reason_where_somebody_changed_it_since(
    name: str, engine: Engine, aws: SimulatedAws, trend: Trend, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    assert case.meddle is not None
    thing = case.make(aws, trend)
    run = responded(engine, name, thing, monkeypatch)
    assert run.state is RunState.DONE, run.why
    case.meddle(aws, trend, thing)
    theirs = thing.describe()
    [outcome] = undo(engine, run.id, "kaede")
    assert not outcome.undone
    assert "somebody has changed it since" in outcome.why or "any more" in outcome.why
    assert thing.describe() == theirs, "what somebody did stays"
    assert engine.book.run(run.id).state is RunState.DONE


@pytest.mark.parametrize("name", plugins.action_names())
def test_an_effect_that_did_not_come_fails_the_run_and_says_why(
    name: str, engine: Engine, aws: SimulatedAws, trend: Trend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is called answers that it is done, and does nothing."""
    case = CASES[name]
    thing = case.make(aws, trend)
    if case.effect == "the scan ends":
        trend.ends = False
    elif case.effect == "rules are assigned":
        trend.deaf = True
    else:
        aws.watchers.append(lambda _, operation: answered(operation, {}) if str(operation) == case.effect else None)
    run = responded(engine, name, thing, monkeypatch)
    assert (run.state, run.actions[0].state) == (RunState.FAILED, "failed")
    assert run.actions[0].why
    assert run.actions[0].why in run.why
    assert run.to_json()["actions"][0]["verified"] is False
    assert [letter.reason for letter in engine.book.dead_letters()] == [run.why]

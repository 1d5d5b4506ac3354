"""Attack sequences: what they name is acted on by their row of the table, each resource in its own place, within
limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import accounts
import pytest
from trend_stub import Trend
from workflow_cases import carry, engine_of, event, plan

import told_events as told
from sakimori.model.action import Mode
from sakimori.model.event import Resource
from sakimori.notify.message import worded
from sakimori.respond.policy import Limits, Policy
from sakimori.respond.runs import ActionState, RunState
from sakimori.respond.telling import about
from sakimori.respond.undo import undo
from sakimori.respond.world import World
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws

KINDS = {
    "AttackSequence:IAM/CompromisedCredentials": "AWS::IAM::AccessKey",
    "AttackSequence:S3/CompromisedData": "AWS::S3::Bucket",
    "AttackSequence:EKS/CompromisedCluster": "AWS::EKS::Cluster",
    "AttackSequence:ECS/CompromisedCluster": "AWS::ECS::Cluster",
    "AttackSequence:EC2/CompromisedInstanceGroup": "AWS::EC2::Instance",
}
CLUSTER = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/shop"
OTHER = "222233334444"
FAR = f"arn:aws:ec2:eu-west-1:{OTHER}:instance/i-0bbb"
ISSUER = f"arn:aws:iam::{ACCOUNT}:role/service/web"


def resource(kind: str, uid: str, **fields: Any) -> dict[str, Any]:
    own = {"uid": uid, "name": uid, "resourceType": kind, "accountId": ACCOUNT, "region": REGION}
    return own | {"cloudPartition": "aws", "data": {}} | fields


def key(uid: str, user: str = "kaede", kind: str = "IAMUser") -> dict[str, Any]:
    return resource("ACCESS_KEY", uid, data={"accessKey": {"userName": user, "userType": kind, "principalId": "AIDA"}})


def sequence(kind: str, resources: list[dict[str, Any]], actors: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    document = told.guardduty(kind, resource={"resourceType": "AttackSequence"}, severity=9)
    del document["detail"]["service"]["action"]
    document["detail"]["service"]["detection"] = {
        "sequence": {
            "uid": "s-1",
            "description": "Several things that belong together.",
            "actors": list(actors),
            "resources": resources,
            "endpoints": [{"id": "e-1", "ip": "203.0.113.77", "port": 443}],
            "signals": [{"uid": "g-1", "type": "FINDING", "name": "Discovery:S3/TorIPCaller", "count": 2}],
            "sequenceIndicators": [
                {"key": "ATTACK_TACTIC", "values": ["Discovery", "Defense Evasion", "Exfiltration", "Nonsense"]},
                {"key": "TOR_IP", "values": ["203.0.113.77"]},
            ],
        }
    }
    return document


EVERYTHING = [
    resource("EC2_INSTANCE", "i-0aaa"),
    resource("EC2_INSTANCE", FAR, accountId=OTHER, region="eu-west-1"),
    resource("S3_BUCKET", "data"),
    resource("S3_OBJECT", "arn:aws:s3:::data/x"),
    key("AKIAEXAMPLE1"),
    resource("EKS_CLUSTER", "shop", data={"eksCluster": {"arn": CLUSTER, "ec2InstanceUids": ["i-0node"]}}),
    resource("ECS_TASK", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/1"),
    resource("ECS_CLUSTER", f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"),
    resource("IAM_INSTANCE_PROFILE", "web", data={"iamInstanceProfile": {"ec2InstanceUids": ["i-0aaa", "i-0ccc"]}}),
    resource("BEDROCK_GUARDRAIL", "g-1"),
]  # fmt: skip


def test_a_sequence_names_its_resources_each_once_in_their_own_places() -> None:
    told_event = event(sequence("AttackSequence:S3/CompromisedData", EVERYTHING))
    named = [(each.type, each.uid) for each in told_event.resources]
    assert named[0] == ("AWS::S3::Bucket", "arn:aws:s3:::data")
    assert len(named) == len(set(named))
    instances = {each.id: (each.account, each.region) for each in told_event.of_type("AWS::EC2::Instance")}
    own = (ACCOUNT, REGION)
    assert instances == {"i-0aaa": own, "i-0ccc": own, "i-0bbb": (OTHER, "eu-west-1")}, "no mere nodes"
    assert ("AWS::EKS::Cluster", CLUSTER) in named
    assert ("BEDROCK_GUARDRAIL", "g-1") in named, "what is not known stays as it is"
    finding = told_event.finding
    assert finding is not None
    assert (finding.asset, finding.source_ip) == ("arn:aws:s3:::data", "203.0.113.77")
    assert finding.tactics == ("discovery", "defense-evasion", "exfiltration")
    assert finding.severity.label == "Critical"


@pytest.mark.parametrize(("kind", "about"), KINDS.items())
def test_what_a_sequence_is_about_comes_first(kind: str, about: str) -> None:
    assert event(sequence(kind, EVERYTHING)).resources[0].type == about


def test_credentials_of_actors_count_and_a_session_is_that_of_its_role() -> None:
    user = {"name": "kaede", "uid": "AIDA", "type": "IAMUser", "credentialUid": "AKIAEXAMPLE2"}
    session = {"name": "web", "type": "AssumedRole", "credentialUid": "ASIAEXAMPLE"}
    actors = ({"id": "1", "user": user}, {"id": "2", "user": session, "session": {"issuer": ISSUER}})
    told_event = event(sequence("AttackSequence:IAM/CompromisedCredentials", [key("AKIAEXAMPLE1")], actors))
    assert [(each.type, each.uid) for each in told_event.resources] == [
        ("AWS::IAM::AccessKey", "AKIAEXAMPLE1"),
        ("AWS::IAM::AccessKey", "AKIAEXAMPLE2"),
        ("AWS::IAM::Role", ISSUER),
    ]
    assert told_event.resources[1].details["user_name"] == "kaede"


@pytest.mark.parametrize("kind", KINDS)
def test_every_resource_gets_what_its_kind_gets(world: World, kind: str) -> None:
    found = plan("guardduty", sequence(kind, EVERYTHING), world)
    planned = {(step.action, step.target.uid) for step in found.steps}
    assert {
        ("deactivate-access-key", "AKIAEXAMPLE1"),
        ("block-public-access", "arn:aws:s3:::data"),
        ("tag-resource", CLUSTER),
        ("isolate-task", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/1"),
        ("snapshot-instance", FAR),
    } <= planned
    assert {each.asset for each in found.findings} >= {f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-0aaa"}
    assert "not protected" in found.why


def test_security_hub_spells_it_with_slashes_alone(world: World) -> None:
    own = told.asff(Types=["TTPs/AttackSequence:IAM/CompromisedCredentials"])
    own["Resources"] = [{"Type": "AwsIamAccessKey", "Id": "AWS::IAM::AccessKey:AKIAEXAMPLE1", "Partition": "aws"}]
    told_event = event(told.imported(own))
    assert told_event.kind == "AttackSequence:IAM/CompromisedCredentials"
    assert told_event.finding is not None
    assert told_event.finding.rule == "guardduty/AttackSequence:IAM/CompromisedCredentials"


@pytest.mark.parametrize("broken", [None, [], "x", {"resources": "x"}, {"resources": [1, None, {}]}, {"actors": [{}]}])
def test_a_sequence_of_other_shape_is_a_finding_that_names_nothing(broken: Any) -> None:
    document = sequence("AttackSequence:IAM/CompromisedCredentials", [])
    document["detail"]["service"]["detection"]["sequence"] = broken
    assert event(document).resources == ()


def test_a_sequence_is_acted_on_and_taken_back(world: World, aws: SimulatedAws, trend: Trend, tmp_path: Path) -> None:
    instance, access_key, bucket = accounts.instance(aws), accounts.access_key(aws), accounts.bucket(aws)
    trend.instance = instance.target.id
    resources = [
        resource("EC2_INSTANCE", instance.target.id),
        key(access_key.target.uid),
        resource("S3_BUCKET", "data"),
    ]
    untouched = [each.describe() for each in (instance, access_key, bucket)]
    with engine_of(world, tmp_path) as engine:
        engine.only = frozenset(("guardduty",))
        run = carry(engine, event(sequence("AttackSequence:EC2/CompromisedInstanceGroup", resources)))
        assert run.state is RunState.DONE, run.to_json()
        done = [each.action for each in run.actions]
        assert sorted(done[-3:]) == ["block-public-access", "deactivate-access-key", "snapshot-instance"]
        assert "malware-scan" in done
        outcomes = {each.action: each for each in undo(engine, run.id, "kaede")}
    assert outcomes["deactivate-access-key"].undone
    assert outcomes["block-public-access"].undone
    assert [each.describe() for each in (instance, access_key, bucket)] == untouched


def test_no_more_is_changed_at_once_than_the_limit(world: World, aws: SimulatedAws, tmp_path: Path) -> None:
    iam, keys = aws.client("iam"), []
    for number in range(5):
        iam.create_user(UserName=f"user-{number}")
        made = iam.create_access_key(UserName=f"user-{number}")["AccessKey"]["AccessKeyId"]
        keys.append(key(made, f"user-{number}"))
    with engine_of(world, tmp_path) as engine:
        engine.only, engine.policy = frozenset(("guardduty",)), Policy(Mode.AUTO, limits=Limits(actions=3))
        run = carry(engine, event(sequence("AttackSequence:IAM/CompromisedCredentials", keys)))
    assert run.state is RunState.WAITING
    assert [each.state for each in run.actions] == [ActionState.DONE] * 3 + [ActionState.PLANNED] * 2
    assert "which is its limit" in run.why


def test_a_key_of_root_is_named_and_the_others_are_deactivated(world: World) -> None:
    named = [key("AKIAROOT", "root", "Root"), key("AKIAEXAMPLE1")]
    found = plan("guardduty", sequence("AttackSequence:IAM/CompromisedCredentials", named), world)
    assert [step.target.uid for step in found.steps] == ["AKIAEXAMPLE1"]
    assert "root user" in found.not_evaluated[0]
    assert Resource("AWS::IAM::AccessKey", "AKIAROOT", ACCOUNT, REGION).id == "AKIAROOT"


def test_what_cannot_be_looked_at_is_not_in_the_decision_and_every_target_is_told(
    world: World, aws: SimulatedAws, tmp_path: Path
) -> None:
    bucket, access_key = accounts.bucket(aws), accounts.access_key(aws)
    resources = [resource("S3_BUCKET", "data"), key(access_key.target.uid), resource("EC2_INSTANCE", "i-0gone")]
    told_event = event(sequence("AttackSequence:S3/CompromisedData", resources))
    with engine_of(world, tmp_path) as engine:
        engine.only, engine.policy = frozenset(("guardduty",)), Policy(Mode.OBSERVE)
        run = carry(engine, told_event)
    assert "snapshot-instance" not in run.decision
    assert "block-public-access" in run.decision
    assert [each for each in run.not_evaluated if each.startswith("snapshot-instance on")]
    message = about(run, told_event)
    assert message is not None
    text = worded(message, "en").text()
    assert access_key.target.uid in text
    assert bucket.target.uid in text


def test_a_long_title_does_not_push_out_why(world: World, tmp_path: Path) -> None:
    document = sequence("AttackSequence:S3/CompromisedData", [key("AKIAEXAMPLE1")])
    document["detail"]["title"] = "A" * 2_000
    told_event = event(document)
    with engine_of(world, tmp_path) as engine:
        engine.only, engine.policy = frozenset(("guardduty",)), Policy(Mode.OBSERVE)
        message = about(carry(engine, told_event), told_event)
    assert message is not None
    assert "as its row of guardduty.yml says" in worded(message, "en").text()

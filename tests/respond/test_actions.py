"""Every action on the simulated AWS or a manager: it proves its effect, is done once, and undo leaves no trace."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import accounts
import more_things
import pytest
from accounts import Thing, instance_target, world_of
from trend_stub import COMPUTER, DEPENDENCY, KEY, LOG4SHELL, POLICY, Trend, trend_stub

from sakimori.aws.errors import AwsError
from sakimori.model.action import Target
from sakimori.protect.client import Client, Settings
from sakimori.respond import interfaces, plugins
from sakimori.respond.errors import Passing, RespondError
from sakimori.simulate.aws import Answer, Call, SimulatedAws

CASES: list[tuple[str, Callable[[SimulatedAws], Thing]]] = [
    ("block-public-access", accounts.bucket),
    ("block-public-access", accounts.half_open_bucket),
    ("deactivate-access-key", accounts.access_key),
    ("quarantine-role", accounts.role),
    ("require-imdsv2", accounts.instance),
    ("isolate-instance", accounts.instance),
    ("snapshot-instance", accounts.instance),
    ("tag-resource", accounts.tagged_instance),
    ("isolate-task", accounts.task),
    ("add-waf-rule-group", accounts.web_acl),
    ("disable-transition", more_things.pipeline),
    ("add-approval", more_things.pipeline),
    ("snapshot-db-instance", more_things.database),
]
MANAGED = (
    "recommendation-scan",
    "integrity-scan",
    "malware-scan",
    "assign-rules",
    "withdraw-rules",
    "apply-recommendations",
)
FINAL = ("stop-task", "reject-approval", "recommendation-scan", "integrity-scan", "malware-scan", "put-evaluations")
"""What cannot be undone, and says so."""


@pytest.mark.parametrize(("name", "make"), CASES, ids=[f"{name}-{make.__name__}" for name, make in CASES])
def test_undo_returns_identical_describe_answers(
    aws: SimulatedAws, name: str, make: Callable[[SimulatedAws], Thing]
) -> None:
    thing, world, action = make(aws), world_of(aws), plugins.action(name)
    untouched = thing.describe()
    action.tags(world, thing.target)
    before = action.before(world, thing.target)
    assert thing.describe() == untouched, "looking changes nothing"
    assert action.would(thing.target, before) != before
    action.apply(world, thing.target, before, "run-0")
    changed = thing.describe()
    assert changed != untouched
    proof = action.verify(world, thing.target, before)
    assert proof.verified, proof.why
    assert proof.after == action.before(world, thing.target)
    action.apply(world, thing.target, before, "run-0")
    assert thing.describe() == changed, "once, however often it is applied"
    action.undo(world, thing.target, before, proof.after)
    assert thing.describe() == untouched
    assert action.before(world, thing.target) == before


@pytest.mark.parametrize("name", plugins.action_names())
def test_every_action_has_the_whole_shape_and_is_tested_here(name: str) -> None:
    module = plugins.action(name)
    for part in ("tags", "before", "would", "apply", "verify", "undo"):
        assert callable(getattr(module, part))
    assert plugins.summary(module).endswith((".", "group."))
    assert name in {case for case, _ in CASES} | set(MANAGED) | set(FINAL)


_CALL = re.compile(r"\b(?:s3|iam|ec2|ecs|config|_(?:api|rds)\(world, target\)|world\.aws\([^)]*\))\.([a-z_0-9]+)\(")


_PAGES = re.compile(r"\.pages\(\s*\"([a-z_]+)\"")


@pytest.mark.parametrize("name", [name for name in plugins.action_names() if name not in MANAGED])
def test_the_permissions_that_an_action_declares_are_those_that_it_uses(name: str) -> None:
    """The calls in its file, and in the files that it names, are among what it declares, and nothing else is."""
    module = plugins.action(name)
    source = Path(str(module.__file__)).read_text()
    source += Path(str(interfaces.__file__)).read_text() if "interfaces" in source else ""
    if "instance_tags" in source or "instance(world" in source:
        source += "ec2.describe_instances("
    source += "s3.get_bucket_tagging(" if "bucket_tags" in source else ""
    source += "ecs.describe_tasks(" if "import tags, task" in source else ""
    source += "_api(world, target).list_tags_for_resource(" if "disable_transition import tags" in source else ""
    calls = {*_CALL.findall(source), *_PAGES.findall(source)} - {"pages"}
    used = {"".join(word.capitalize() for word in call.split("_")) for call in calls}
    spelt = {
        action.partition(":")[2].replace("Bucket", "")
        if action.startswith("s3:Get") or action.startswith("s3:Put")
        else action.partition(":")[2]
        for action in module.IAM_ACTIONS
    }
    spelt = {each.replace("WebACL", "WebAcl") for each in spelt}
    used = {each.replace("BucketTagging", "Tagging").replace("Imdsv2", "") for each in used}
    side = {"CreateTags", "AddTagsToResource", "PassRole", "TagResource", "UntagResource"}  # asked for beside a call
    deleted = {"DeletePublicAccessBlock"}  # AWS: the permission is s3:PutBucketPublicAccessBlock
    assert {each.lower() for each in used - deleted} == {each.lower() for each in spelt - side}


def test_a_task_that_shares_its_hosts_network_is_not_isolated(aws: SimulatedAws) -> None:
    thing = accounts.task(aws)
    answer = b'{"tasks": [{"lastStatus": "RUNNING", "attachments": []}]}'
    aws.handlers["ecs:DescribeTasks"] = lambda _: Answer(answer)
    with pytest.raises(RespondError, match="no network interface of its own"):
        plugins.action("isolate-task").before(world_of(aws), thing.target)


def test_an_evaluation_is_not_taken_back(aws: SimulatedAws) -> None:
    action = plugins.action("put-evaluations")
    evaluation = {
        "ComplianceResourceType": "AWS::EC2::Instance",
        "ComplianceResourceId": "i-1",
        "ComplianceType": "COMPLIANT",
        "OrderingTimestamp": "2026-11-25T08:29:30.000Z",
    }
    target = Target(
        "AWS::Config::ConfigRule", "r", parameters={"evaluations": [evaluation], "result_token": "TESTMODE"}
    )
    before = action.before(world_of(aws), target)
    action.apply(world_of(aws), target, before, "run-0")
    assert action.verify(world_of(aws), target, before).after == {"answered": 1}
    with pytest.raises(RespondError, match="not taken back"):
        action.undo(world_of(aws), target, before, {})
    refused = {"FailedEvaluations": [evaluation]}
    aws.handlers["config:PutEvaluations"] = lambda _: Answer(json.dumps(refused).encode())
    with pytest.raises(RespondError, match="did not take 1 of the evaluations"):
        action.apply(world_of(aws), target, before, "run-0")


def test_a_task_is_stopped_and_that_cannot_be_undone(aws: SimulatedAws) -> None:
    thing, world, action = accounts.task(aws), world_of(aws), plugins.action("stop-task")
    before = action.before(world, thing.target)
    action.apply(world, thing.target, before, "run-0")
    proof = action.verify(world, thing.target, before)
    assert (proof.verified, proof.after) == (True, {"desiredStatus": "STOPPED"})
    with pytest.raises(RespondError, match="cannot be started again"):
        action.undo(world, thing.target, before, proof.after)


def test_the_quarantine_group_stays_while_another_has_it(aws: SimulatedAws) -> None:
    first, second = (accounts.instance(aws).target for _ in range(2))
    world, action, ec2 = world_of(aws), plugins.action("isolate-instance"), aws.client("ec2")
    states = []
    for target in (first, second):
        before = action.before(world, target)
        action.apply(world, target, before, "run-0")
        states.append((before, action.verify(world, target, before).after))
    names = lambda: [group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]]  # noqa: E731
    assert names().count("sakimori-quarantine") == 1
    action.undo(world, first, *states[0])
    assert "sakimori-quarantine" in names()
    action.undo(world, second, *states[1])
    assert "sakimori-quarantine" not in names()


def test_a_quarantine_group_that_was_opened_is_no_proof(aws: SimulatedAws) -> None:
    target = accounts.instance(aws).target
    world, action, ec2 = world_of(aws), plugins.action("isolate-instance"), aws.client("ec2")
    before = action.before(world, target)
    action.apply(world, target, before, "run-0")
    group = action.before(world, target)["interfaces"].popitem()[1][0]
    hole = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=hole)
    assert not action.verify(world, target, before).verified


def test_a_web_acl_that_somebody_changes_meanwhile_is_written_again(aws: SimulatedAws) -> None:
    thing, world, action = accounts.web_acl(aws), world_of(aws), plugins.action("add-waf-rule-group")
    before, tries = action.before(world, thing.target), []

    def conflict(call: Call) -> Answer | None:
        tries.append(call)
        body = b'{"__type": "WAFOptimisticLockException", "message": "somebody was quicker"}'
        return Answer(body, 400) if len(tries) < 3 else None

    aws.handlers["wafv2:UpdateWebACL"] = conflict
    action.apply(world, thing.target, before, "run-0")
    assert len(tries) == 3
    assert action.verify(world, thing.target, before).verified
    aws.handlers["wafv2:UpdateWebACL"] = lambda _: Answer(b'{"__type": "WAFOptimisticLockException"}', 400)
    with pytest.raises(Passing, match="changed by somebody else 5 times"):
        action.undo(world, thing.target, before, action.before(world, thing.target))


def test_the_group_comes_after_the_rules_that_are_there_and_counts_only(aws: SimulatedAws) -> None:
    thing, world, action = accounts.web_acl(aws), world_of(aws), plugins.action("add-waf-rule-group")
    action.apply(world, thing.target, action.before(world, thing.target), "run-0")
    acl = thing.describe()
    assert [(rule["Name"], rule["Priority"]) for rule in acl["Rules"]] == [
        ("own", 3),
        ("Sakimori-AWSManagedRulesSQLiRuleSet", 4),
    ]
    assert acl["Rules"][1]["OverrideAction"] == {"Count": {}}
    assert acl["Description"] == "The shop's"


def test_a_key_whose_owner_is_not_told_is_looked_up(aws: SimulatedAws) -> None:
    thing = accounts.access_key(aws)
    from dataclasses import replace

    answer = (
        "<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult><UserName>kaede</UserName>"
        "<AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>"
        "</GetAccessKeyLastUsedResult></GetAccessKeyLastUsedResponse>"
    )
    aws.handlers["iam:GetAccessKeyLastUsed"] = lambda _: Answer(answer.encode(), headers={"Content-Type": "text/xml"})
    state = plugins.action("deactivate-access-key").before(world_of(aws), replace(thing.target, parameters={}))
    assert state == {"UserName": "kaede", "Status": "Active"}


def test_an_account_without_a_role_for_us_is_refused_by_name(aws: SimulatedAws) -> None:
    from dataclasses import replace

    target = replace(accounts.bucket(aws).target, account="999900001111")
    with pytest.raises(RespondError, match="SAKIMORI_RESPOND_ROLE"):
        plugins.action("block-public-access").before(world_of(aws), target)


def test_another_account_is_entered_through_its_role(aws: SimulatedAws) -> None:
    from sakimori.respond.world import AccountClients, World

    world = World(AccountClients("SakimoriResponder"))
    assert world.aws("sts", "999900001111").get_caller_identity()["Account"] == "999900001111"


def test_an_instance_that_is_gone_is_refused_by_name(aws: SimulatedAws) -> None:
    thing = accounts.instance(aws)
    aws.client("ec2").terminate_instances(InstanceIds=[thing.target.id])
    with pytest.raises(RespondError, match="does not exist any more"):
        plugins.action("require-imdsv2").before(world_of(aws), thing.target)
    with pytest.raises(AwsError):
        plugins.action("require-imdsv2").before(world_of(aws), instance_target("i-0123456789abcdef0"))


# ---- through the manager


@pytest.fixture
def trend() -> Iterator[Trend]:
    with trend_stub() as served:
        yield served


@pytest.fixture
def manager(trend: Trend) -> Iterator[Client]:
    with Client(Settings(trend.url, KEY, patience=1), sleep=lambda _: None) as client:
        yield client


def computer(aws: SimulatedAws, **parameters: Any) -> Any:
    return instance_target(accounts.make_instance(aws), computer=COMPUTER, **parameters)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("recommendation-scan", "recommendation"), ("integrity-scan", "integrity"), ("malware-scan", "malware")],
)
def test_a_scan_is_started_once_and_proved_by_its_date(
    aws: SimulatedAws, trend: Trend, manager: Client, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sakimori.respond.scanning.LOOK_EVERY", 0.05)
    world, target, action = world_of(aws, manager), computer(aws), plugins.action(name)
    assert action.tags(world, target) == {}
    before = action.before(world, target)
    for _ in range(2):
        action.apply(world, target, before, "run-0")
    proof = action.verify(world, target, before)
    assert proof.verified, proof.why
    action.apply(world, target, before, "run-0")
    assert [call for call in trend.calls if call == ("POST", "/scheduledtasks")] == [("POST", "/scheduledtasks")]
    assert trend.scanned[kind] == before["last_scan"] + 60_000
    with pytest.raises(RespondError, match="nothing to undo"):
        action.undo(world, target, before, proof.after)


def test_a_scan_that_does_not_end_is_no_proof(aws: SimulatedAws, trend: Trend, manager: Client) -> None:
    trend.ends = False
    world, target, action = world_of(aws, manager, patience=0.2), computer(aws), plugins.action("malware-scan")
    before = action.before(world, target)
    action.apply(world, target, before, "run-0")
    proof = action.verify(world, target, before)
    assert not proof.verified
    assert "did not end" in proof.why


@pytest.mark.parametrize(("name", "rules"), [("assign-rules", [LOG4SHELL]), ("withdraw-rules", [DEPENDENCY])])
def test_rules_come_and_go_and_undo_leaves_what_was_there(
    aws: SimulatedAws, trend: Trend, manager: Client, name: str, rules: list[int]
) -> None:
    world, action = world_of(aws, manager), plugins.action(name)
    target = computer(aws, policy=POLICY, rules=rules)
    before = action.before(world, target)
    assert before == {"rules": {"intrusionPrevention": [DEPENDENCY]}}
    action.apply(world, target, before, "run-0")
    proof = action.verify(world, target, before)
    assert proof.verified, proof.why
    assert proof.after != before
    action.undo(world, target, before, proof.after)
    assert action.before(world, target) == before
    assert trend.own_rules == {"policies": {DEPENDENCY}, "computers": set()}


def test_rules_may_go_to_the_computer_alone(aws: SimulatedAws, trend: Trend, manager: Client) -> None:
    world, action, target = world_of(aws, manager), plugins.action("assign-rules"), computer(aws, rules=[LOG4SHELL])
    action.apply(world, target, action.before(world, target), "run-0")
    assert trend.own_rules["policies"] == {DEPENDENCY}
    assert LOG4SHELL in trend.own_rules["computers"]


def test_recommendations_go_to_the_computer_and_never_to_the_policy_that_others_share(
    aws: SimulatedAws, trend: Trend, manager: Client
) -> None:
    world, action, target = (
        world_of(aws, manager),
        plugins.action("apply-recommendations"),
        computer(aws, policy=POLICY),
    )
    before = action.before(world, target)
    action.apply(world, target, before, "run-0")
    proof = action.verify(world, target, before)
    assert proof.verified, proof.why
    assert trend.own_rules["policies"] == {DEPENDENCY}
    assert LOG4SHELL in trend.own_rules["computers"]
    action.undo(world, target, before, proof.after)
    assert trend.own_rules == {"policies": {DEPENDENCY}, "computers": set()}


def test_a_manager_that_is_away_is_no_answer_and_without_one_it_is_said(
    aws: SimulatedAws, trend: Trend, manager: Client
) -> None:
    from sakimori.respond.guard import Guard, Pace
    from sakimori.respond.world import AccountClients, World

    action, target = plugins.action("malware-scan"), computer(aws)
    trend.answers = [(503, {}, b"{}")] * 50
    world = World(AccountClients(), Guard(default=Pace(attempts=1)), manager)
    with pytest.raises(Passing, match="the protection manager"):
        action.before(world, target)
    with pytest.raises(RespondError, match="no workload protection manager is set up"):
        action.before(world_of(aws), target)

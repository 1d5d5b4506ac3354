"""The templates: valid, least privilege, and the same for CloudFormation and for Terraform."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from corpus import corpus
from sakimori.collect import products
from sakimori.respond import function as respond_function
from sakimori.respond import plugins, table
from sakimori.respond.deploy import cloudformation, permissions
from sakimori.respond.deploy.design import Design, design
from sakimori.respond.deploy.sources import SOURCES
from sakimori.respond.errors import RespondError

KEY = "arn:aws:kms:eu-west-1:123456789012:key/11112222-3333-4444-5555-666677778888"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:manager-AbCdEf"
DESIGNS = {
    "all": design(),
    "one": design(name="one", workflows=("s3-appspec",), sources=("s3", "cloudtrail"), architecture="arm64"),
    "own-key": design(key=KEY, email="kaede@example.com", language="ja", retention_days=365),
    "manager": design(protect_url="https://dsm.example:4119", protect_secret=SECRET, role="SakimoriResponder"),
}
RUNNING = {
    *respond_function.IAM_ACTIONS,
    *table.IAM_ACTIONS,
    "sqs:SendMessage",
    "secretsmanager:GetSecretValue",
    "sns:Publish",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
}
NO_RESOURCE = {
    "cloudfront:ListDistributions",
    "config:GetResourceConfigHistory",
    "config:PutEvaluations",
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSnapshots",
    "ecs:ListClusters",
    "ecs:ListServices",
    "ecs:ListTasks",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "tag:GetResources",
    "tag:TagResources",
    "tag:UntagResources",
    "wafv2:CheckCapacity",
    "wafv2:ListAvailableManagedRuleGroups",
}
"""The actions that take no resource, as the Service Authorization Reference has them."""


def statements(chosen: Design) -> list[dict[str, Any]]:
    role = cloudformation.template(chosen)["Resources"]["Role"]["Properties"]
    return list(role["Policies"][0]["PolicyDocument"]["Statement"])


# CloudFormation


@pytest.mark.parametrize("name", DESIGNS)
def test_cfn_lint_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    from cfnlint import api

    place = tmp_path / "template.json"
    place.write_text(cloudformation.written(cloudformation.template(DESIGNS[name])))
    assert api.lint_file(place) == []


@pytest.mark.parametrize("workflow", plugins.workflow_names())
def test_the_function_may_do_exactly_what_its_workflow_declares_and_what_running_takes(workflow: str) -> None:
    allowed = {action for each in statements(design(workflows=(workflow,))) for action in each["Action"]}
    declared = {
        *getattr(plugins.workflow(workflow), "IAM_ACTIONS", ()),
        *(action for used in plugins.uses(workflow) for action in plugins.action(used).IAM_ACTIONS),
    }
    assert allowed == declared | RUNNING


def test_other_accounts_and_an_own_key_need_one_thing_more_each() -> None:
    every = {action for each in statements(DESIGNS["all"]) for action in each["Action"]}
    for name, more in {"manager": {"sts:AssumeRole"}, "own-key": {"kms:Decrypt", "kms:GenerateDataKey"}}.items():
        assert {action for each in statements(DESIGNS[name]) for action in each["Action"]} == every | more
    (taking,) = [each for each in statements(DESIGNS["manager"]) if each["Action"] == ["sts:AssumeRole"]]
    assert taking["Resource"] == [{"Fn::Sub": "arn:${AWS::Partition}:iam::*:role/SakimoriResponder"}]
    (secret,) = [each for each in statements(DESIGNS["manager"]) if each["Action"] == ["secretsmanager:GetSecretValue"]]
    assert secret["Resource"] == [{"Ref": "Secret"}, SECRET]


@pytest.mark.parametrize("name", DESIGNS)
def test_every_resource_is_named_where_the_action_takes_one(name: str) -> None:
    for each in statements(DESIGNS[name]):
        assert not any("*" in action for action in each["Action"])
        if "*" in each["Resource"]:
            assert set(each["Action"]) <= NO_RESOURCE
        assert not any(action in NO_RESOURCE for action in each["Action"]) or each["Resource"] == ["*"]


def test_every_declared_action_has_its_resources() -> None:
    declared = set(plugins.permissions_of(plugins.workflow_names()))
    assert declared - permissions.RESOURCES.keys() == set()


def test_the_policy_fits_into_a_role() -> None:
    document = cloudformation.template(DESIGNS["manager"])["Resources"]["Role"]["Properties"]["Policies"][0]
    assert len(json.dumps(document["PolicyDocument"], separators=(",", ":"))) < 10_240


@pytest.mark.parametrize("name", DESIGNS)
def test_everything_is_ours_and_goes_with_the_deployment(name: str) -> None:
    resources = cloudformation.template(DESIGNS[name])["Resources"]
    assert {each["DeletionPolicy"] for each in resources.values()} == {"Delete"}
    for logical, each in resources.items():
        for key, value in each["Properties"].items():
            if key.endswith("Name") and isinstance(value, str) and key != "MetricName":
                assert DESIGNS[name].name in value, logical


def test_everything_is_encrypted() -> None:
    plain, own = (cloudformation.template(DESIGNS[name])["Resources"] for name in ("all", "own-key"))
    assert all(plain[queue]["Properties"]["SqsManagedSseEnabled"] for queue in ("Events", "DeadLetters"))
    held = {
        "Events": "KmsMasterKeyId",
        "DeadLetters": "KmsMasterKeyId",
        "People": "KmsMasterKeyId",
        "Secret": "KmsKeyId",
        "Log": "KmsKeyId",
        "Respond": "KmsKeyArn",
    }
    assert {own[part]["Properties"][name] for part, name in held.items()} == {KEY}
    assert own["Responses"]["Properties"]["SSESpecification"]["KMSMasterKeyId"] == KEY


# Sources


def test_every_product_that_is_read_has_a_rule() -> None:
    read = {plugin.name for plugin in products.plugins() if plugin.events} - {"ocsf", "schedule"}
    assert read == set(SOURCES)


@pytest.mark.parametrize("source", SOURCES)
def test_what_a_rule_lets_through_can_be_read(source: str) -> None:
    for kind in SOURCES[source]["detail-type"]:
        for sender in SOURCES[source]["source"]:
            assert products.reader_of_event(sender, kind) is not None, (sender, kind)


def test_the_events_of_the_corpus_go_through_but_for_those_that_are_noise() -> None:
    left: set[tuple[str, str]] = set()
    seen = 0
    for place in sorted(corpus("events").rglob("*.json")):
        document = json.loads(place.read_text(encoding="utf-8"))
        if isinstance(document, dict) and isinstance(document.get("detail"), dict):
            seen += 1
            if not any(matches(pattern, document) for pattern in SOURCES.values()):
                left.add((document.get("source", ""), document["detail-type"]))
    assert seen > 50
    assert {kind for _, kind in left if "GuardDuty" in kind or "Macie" in kind or "Inspector2 Finding" in kind} == set()
    assert {kind for _, kind in left if "Security Hub" in kind or "Findings Imported" in kind} == set()
    assert {kind for _, kind in left if "Config Rules" in kind or "Health" in kind or kind == "ECR Image Scan"} == set()


def matches(pattern: Any, value: Any) -> bool:
    """EventBridge's matching, of what our patterns use."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and matches(pattern[name], value[name]) for name in pattern
        )
    return any(
        str(value).endswith(each["suffix"]) if isinstance(each, dict) else fnmatchcase(str(value), each)
        for each in pattern
    )


# What is refused


@pytest.mark.parametrize(
    ("choices", "why"),
    [
        ({"name": "Sakimori"}, "the name 'Sakimori' is not"),
        ({"name": "a"}, "the name 'a' is not"),
        ({"name": "ends-"}, "ends with -"),
        ({"workflows": ("gard",)}, "no workflow has the name 'gard'"),
        ({"sources": ("s4",)}, "no source s4"),
        ({"python": "3.9"}, "Lambda has no Python 3.9"),
        ({"architecture": "ppc64le"}, "the architecture is x86_64 or arm64"),
        ({"retention_days": 8}, "logs can be kept 7, 14"),
        ({"language": "fr"}, "the language is en or ja"),
        ({"key": "alias/own"}, "not the ARN of a KMS key"),
        ({"protect_url": "https://dsm.example"}, "needs both its address and the ARN"),
        ({"protect_url": "https://dsm.example", "protect_secret": "hunter2"}, "not the ARN of a secret"),
        ({"role": "arn:aws:iam::1:role/a"}, "not a role's name"),
        ({"email": "kaede"}, "no address"),
        ({"workflows": ("imds",), "schedules": {"waf": "rate(1 day)"}}, "a schedule for waf, which is not among"),
        ({"schedules": {"waf": "daily"}}, "no schedule"),
    ],
)
def test_what_cannot_be_meant_is_refused(choices: dict[str, Any], why: str) -> None:
    with pytest.raises(RespondError, match=re.escape(why)):
        design(**choices)

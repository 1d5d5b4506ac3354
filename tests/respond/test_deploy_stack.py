"""Deployments come, change and go in the simulated AWS: nothing that is not ours is touched, and nothing stays."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from deployments import OTHER, SMALL, account, own_things, small_design, stack

from sakimori.aws.errors import AccessDenied
from sakimori.respond.deploy.cloudformation import template
from sakimori.respond.deploy.difference import changes
from sakimori.respond.errors import RespondError
from sakimori.simulate.aws import ACCOUNT, REGION, Answer, Call, SimulatedAws, refused
from sakimori.simulate.recognise import Operation

TEMPLATE = template(small_design())
BUCKET = f"sakimori-sakimori-{ACCOUNT}-{REGION}"
READS = ("Describe", "Get", "List", "Head")


def test_what_is_applied_is_there_as_the_template_says(aws: SimulatedAws) -> None:
    stack(aws).apply(TEMPLATE, SMALL)
    parts = stack(aws).parts()
    sqs, arn = aws.client("sqs"), f"arn:aws:sqs:{REGION}:{ACCOUNT}"
    queue = sqs.get_queue_attributes(QueueUrl=parts["queue"], AttributeNames=["All"])["Attributes"]
    assert json.loads(queue["RedrivePolicy"]) == {
        "deadLetterTargetArn": f"{arn}:sakimori-events-dead",
        "maxReceiveCount": 6,
    }
    assert (queue["ReceiveMessageWaitTimeSeconds"], queue["VisibilityTimeout"]) == ("20", "720")
    assert (queue["MessageRetentionPeriod"], queue["SqsManagedSseEnabled"]) == (str(14 * 86_400), "true")
    rules = {each["Name"]: each for each in aws.client("events").list_rules()["Rules"]}
    allowed, encrypted = json.loads(queue["Policy"])["Statement"]
    assert sorted(allowed["Condition"]["ArnEquals"]["aws:SourceArn"]) == sorted(each["Arn"] for each in rules.values())
    assert encrypted["Effect"] == "Deny"
    assert json.loads(rules["sakimori-macie"]["EventPattern"])["detail-type"] == ["Macie Finding"]
    assert rules["sakimori-heartbeat-sakimori"]["ScheduleExpression"] == "rate(5 minutes)"
    for name in rules:
        target = aws.client("events").list_targets_by_rule(Rule=name)["Targets"][0]
        assert (target["Arn"], target["DeadLetterConfig"]) == (
            f"{arn}:sakimori-events",
            {"Arn": f"{arn}:sakimori-events-dead"},
        )
    function = aws.client("lambda").get_function(FunctionName="sakimori-respond")["Configuration"]
    assert (function["MemorySize"], function["Timeout"], function["Handler"]) == (
        256,
        300,
        "sakimori.respond.on_lambda.handler",
    )
    assert function["Environment"]["Variables"]["SAKIMORI_SECRET"] == parts["secret"]
    mapping = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"][0]
    assert (mapping["BatchSize"], mapping["FunctionResponseTypes"]) == (1, ["ReportBatchItemFailures"])
    log = aws.client("logs").describe_log_groups()["logGroups"][0]
    assert (log["logGroupName"], log["retentionInDays"]) == ("/aws/lambda/sakimori-respond", 90)
    alarms = {each["AlarmName"]: each for each in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    assert alarms.keys() == {"sakimori-heartbeat", "sakimori-waiting", "sakimori-given-up"}
    assert alarms["sakimori-heartbeat"]["TreatMissingData"] == "breaching"
    assert {tuple(each["AlarmActions"]) for each in alarms.values()} == {(parts["topic"],)}
    secret = aws.client("secretsmanager").get_secret_value(SecretId=parts["secret"])["SecretString"]
    assert len(secret) == 64


def test_the_role_may_do_what_the_template_says_and_nothing_else(aws: SimulatedAws) -> None:
    stack(aws).apply(TEMPLATE, SMALL)
    iam = aws.client("iam")
    assert iam.list_attached_role_policies(RoleName="sakimori-respond")["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName="sakimori-respond")["PolicyNames"] == ["respond"]
    document = iam.get_role_policy(RoleName="sakimori-respond", PolicyName="respond")["PolicyDocument"]
    document = (
        ast.literal_eval(document) if isinstance(document, str) else document
    )  # moto keeps it as Python spells it
    written = TEMPLATE["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]
    assert [each["Action"] for each in document["Statement"]] == [each["Action"] for each in written["Statement"]]
    resources = {resource for each in document["Statement"] for resource in each["Resource"]}
    assert f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/sakimori-responses" in resources
    assert not any("${" in resource or "{" in resource for resource in resources)


def test_remove_leaves_nothing_and_touches_nothing_else(aws: SimulatedAws) -> None:
    own_things(aws)
    before = account(aws)
    stack(aws).apply(TEMPLATE, SMALL)
    assert account(aws) != before
    assert stack(aws).remove() == ["the stack sakimori", f"the bucket {BUCKET}"]
    assert account(aws) == before
    assert stack(aws).remove() == []


def test_a_bucket_of_which_somebody_keeps_versions_goes_as_well(aws: SimulatedAws) -> None:
    before, deployed, wanted = account(aws), stack(aws), template(small_design())
    deployed.apply(wanted, SMALL)
    versioned = {"Status": "Enabled"}
    aws.client("s3").put_bucket_versioning(Bucket=deployed.bucket.name, VersioningConfiguration=versioned)
    deployed.apply(wanted, OTHER)
    deployed.remove()
    assert account(aws) == before


def test_applied_again_nothing_changes_and_a_change_is_only_that(aws: SimulatedAws) -> None:
    stack(aws).apply(TEMPLATE, SMALL)
    before = account(aws)
    assert stack(aws).plan(TEMPLATE, SMALL).is_nothing
    assert stack(aws).apply(TEMPLATE, SMALL) == []
    assert account(aws) == before
    other = template(small_design(schedules={"waf": "rate(2 days)"}))
    planned = stack(aws).plan(other, OTHER)
    assert [(each.what, each.name, each.details) for each in planned.changes] == [
        ("change", "WafSchedule", ("Properties.ScheduleExpression: rate(1 day) -> rate(2 days)",)),
        ("change", "Respond", (f"Code: {SMALL.key} -> {OTHER.key}",)),
    ]
    stack(aws).apply(other, OTHER)
    assert aws.client("events").describe_rule(Name="sakimori-waf-sakimori")["ScheduleExpression"] == "rate(2 days)"
    assert stack(aws).bucket.keys() == [OTHER.key]


def test_planning_changes_nothing(aws: SimulatedAws) -> None:
    before, seen = account(aws), []

    def watch(call: Call, operation: Operation | None) -> None:
        seen.append(str(operation).partition(":")[2])

    aws.watchers.append(watch)
    planned = stack(aws).plan(TEMPLATE, SMALL)
    assert {each.what for each in planned.changes} == {"add"}
    assert [each for each in seen if not each.startswith(READS)] == []
    assert account(aws) == before


# What is not ours


def test_a_stack_of_the_same_name_that_is_not_ours_is_left_alone(aws: SimulatedAws) -> None:
    body = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "theirs"}}}}
    aws.client("cloudformation").create_stack(StackName="sakimori", TemplateBody=json.dumps(body))
    before = account(aws)
    for act in (lambda: stack(aws).plan(TEMPLATE, SMALL), lambda: stack(aws).apply(TEMPLATE, SMALL), stack(aws).remove):
        with pytest.raises(RespondError, match="there is a stack sakimori that is not ours"):
            act()
    assert account(aws) == before


def test_a_bucket_of_the_same_name_that_is_not_ours_is_left_alone(aws: SimulatedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="photo", Body=b"1")
    for act in (lambda: stack(aws).apply(TEMPLATE, SMALL), stack(aws).remove):
        with pytest.raises(RespondError, match=r"is not of this deployment .* choose another --name"):
            act()
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["photo"]
    assert aws.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_a_bucket_of_another_account_is_said(aws: SimulatedAws) -> None:
    aws.handlers["s3:HEAD"] = lambda call: Answer(b"", 403, {})
    with pytest.raises(RespondError, match="belongs to another account, or may not be looked at"):
        stack(aws).apply(TEMPLATE, SMALL)


def test_two_deployments_do_not_know_each_other(aws: SimulatedAws) -> None:
    stack(aws).apply(TEMPLATE, SMALL)
    before = account(aws)
    stack(aws, "second").apply(template(small_design(name="second")), SMALL)
    stack(aws, "second").remove()
    assert account(aws) == before


# What goes wrong


def test_without_permission_it_says_which(aws: SimulatedAws) -> None:
    def no(call: Call, operation: Operation | None) -> Answer | None:
        return refused(operation, "AccessDenied") if str(operation) == "cloudformation:CreateChangeSet" else None

    aws.watchers.append(no)
    with pytest.raises(AccessDenied, match="cloudformation:CreateChangeSet on sakimori"):
        stack(aws).apply(TEMPLATE, SMALL)
    aws.watchers.clear()
    assert stack(aws).remove() == [f"the bucket {BUCKET}"]


def set_state(name: str, state: str, *reasons: tuple[str, str]) -> None:
    """moto does not roll back: a stack is put into the state that CloudFormation leaves it in."""
    from moto.cloudformation.models import cloudformation_backends

    backend = cloudformation_backends[ACCOUNT][REGION]
    found = next(each for each in backend.stacks.values() if each.name == name)
    for logical, why in reasons:
        found._add_stack_event("CREATE_FAILED", resource_status_reason=why)
        found.events[-1].logical_resource_id = logical
    found.status = state


@pytest.mark.parametrize("state", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"])
def test_a_stack_that_was_never_made_in_full_is_made_anew_or_removed(aws: SimulatedAws, state: str) -> None:
    before = account(aws)
    stack(aws).apply(TEMPLATE, SMALL)
    set_state("sakimori", state)
    planned = stack(aws).plan(TEMPLATE, SMALL)
    assert planned.first == (f"delete the stack sakimori, which was never made in full ({state})",)
    stack(aws).apply(TEMPLATE, SMALL)
    assert stack(aws).plan(TEMPLATE, SMALL).is_nothing
    set_state("sakimori", state)
    stack(aws).remove()
    assert account(aws) == before


def test_why_it_was_not_made_is_said(aws: SimulatedAws) -> None:
    def rolled_back(call: Call, operation: Operation | None) -> Answer | None:
        if str(operation) == "cloudformation:ExecuteChangeSet":
            taken = ("Events", "Resource of type 'AWS::SQS::Queue' with identifier 'sakimori-events' already exists")
            cancelled = ("Log", "Resource creation cancelled")
            set_state("sakimori", "ROLLBACK_COMPLETE", taken, cancelled)
            return Answer(b"<ExecuteChangeSetResponse><ExecuteChangeSetResult/></ExecuteChangeSetResponse>", 200, {})
        return None

    before = account(aws)
    aws.watchers.append(rolled_back)
    with pytest.raises(RespondError) as raised:
        stack(aws).apply(TEMPLATE, SMALL)
    assert "was not made (ROLLBACK_COMPLETE): Events: Resource of type 'AWS::SQS::Queue'" in str(raised.value)
    assert "cancelled" not in str(raised.value)
    aws.watchers.clear()
    stack(aws).remove()
    assert account(aws) == before


def test_what_is_under_way_is_waited_for(aws: SimulatedAws) -> None:
    said: list[str] = []
    stack(aws).apply(TEMPLATE, SMALL)
    set_state("sakimori", "UPDATE_IN_PROGRESS")
    waiting = stack(aws, said=said)
    waiting._sleep = lambda _: set_state("sakimori", "UPDATE_COMPLETE")
    assert waiting.apply(TEMPLATE, SMALL) == []
    assert said == ["the stack sakimori: UPDATE_IN_PROGRESS"]


def test_a_template_that_is_too_long_is_refused_before_anything(aws: SimulatedAws) -> None:
    long = {**TEMPLATE, "Metadata": {"Long": "x" * 60_000}}
    before = account(aws)
    with pytest.raises(RespondError, match=r"the template has \d+,\d+ bytes, more than the 51,200"):
        stack(aws).apply(long, SMALL)
    assert account(aws) == before


@pytest.mark.parametrize(("finish", "number"), [("apply", 0), ("remove", 5)])
def test_killed_at_any_change_it_is_applied_again_or_removed(aws: SimulatedAws, finish: str, number: int) -> None:
    own_things(aws)
    empty = account(aws)
    stack(aws).apply(TEMPLATE, SMALL)
    whole = _shape(account(aws))
    stack(aws).remove()
    while _killed_at(aws, number):
        getattr(stack(aws), finish)(*([TEMPLATE, SMALL] if finish == "apply" else []))
        if finish == "apply":
            assert _shape(account(aws)) == whole, f"killed at change {number}"
            stack(aws).remove()
        assert account(aws) == empty, f"killed at change {number}"
        number += 1
    assert number >= 7, "the bucket, its settings, the bundle, the change set, its execution"
    stack(aws).remove()


def _killed_at(aws: SimulatedAws, number: int) -> bool:
    """Applies in a process that is killed (SIGKILL) at its n-th change; False if it made fewer."""
    process: list[subprocess.Popen[str]] = []
    changed: list[str] = []

    def watch(call: Call, operation: Operation | None) -> Answer | None:
        name = str(operation).partition(":")[2]
        if not name.startswith(READS):
            if len(changed) == number:
                os.kill(process[0].pid, signal.SIGKILL)
                return Answer(b"", 500, {})
            changed.append(name)
        return None

    aws.watchers.append(watch)
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent), *sys.path])}
    command = [sys.executable, str(here / "apply_process.py"), str(number)]
    process.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    process[0].communicate(timeout=120)
    aws.watchers.clear()
    return process[0].returncode == -signal.SIGKILL


def _shape(found: dict[str, Any]) -> dict[str, list[str]]:
    """What there is, without ids and times that are new each time."""
    keys = ("Name", "QueueUrl", "AlarmName", "RoleName", "FunctionName", "logGroupName", "TopicArn", "StackName")
    return {
        call: sorted(
            str(next((each[key] for key in keys if key in each), "")) if isinstance(each, dict) else each
            for each in answer
        )
        for call, answer in found.items()
    }


# Differences


def test_differences_name_what_changes_in_lists_of_named_members() -> None:
    def policy(*actions: str) -> dict[str, Any]:
        statement = {"Sid": "A", "Action": list(actions)}
        return {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"Statement": [statement]}}}}

    (found,) = changes(policy("s3:GetObject", "s3:PutObject"), policy("s3:GetObject", "s3:DeleteObject"))
    assert found.details == (
        "Properties.Statement[A].Action: -s3:PutObject",
        "Properties.Statement[A].Action: +s3:DeleteObject",
    )
    assert changes(policy("s3:GetObject"), policy("s3:GetObject")) == []

"""Deployments in the simulated AWS, and all that an account says of itself."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from sakimori.respond.deploy.bundle import Bundle, build
from sakimori.respond.deploy.design import Design, design
from sakimori.respond.deploy.stack import Stack
from sakimori.simulate.aws import REGION, SimulatedAws

SMALL = Bundle(b"PK\x05\x06" + b"\0" * 18, "5" * 64, 0, {})
"""A bundle with nothing in it, where it is not started."""

OTHER = Bundle(b"PK\x05\x06" + b"\0" * 18, "6" * 64, 0, {})


@cache
def real_bundle(settings: str = "{}") -> Bundle:
    """The bundle as it is deployed, with these settings (JSON)."""
    return build(json.loads(settings), None, architecture="x86_64")


def stack(aws: SimulatedAws, name: str = "sakimori", said: list[str] | None = None) -> Stack:
    return Stack(name, aws.client, say=(said if said is not None else []).append, sleep=lambda _: None)


def small_design(**choices: Any) -> Design:
    return design(**{"workflows": ("guardduty", "waf"), "email": "kaede@example.com"} | choices)


_ASKED = (
    ("cloudformation", "list_stacks", "StackSummaries"),
    ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ("dynamodb", "list_tables", "TableNames"),
    ("events", "list_rules", "Rules"),
    ("events", "list_event_buses", "EventBuses"),
    ("iam", "list_policies", "Policies"),
    ("iam", "list_roles", "Roles"),
    ("kms", "list_aliases", "Aliases"),
    ("kms", "list_keys", "Keys"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings"),
    ("lambda", "list_functions", "Functions"),
    ("logs", "describe_log_groups", "logGroups"),
    ("s3", "list_buckets", "Buckets"),
    ("secretsmanager", "list_secrets", "SecretList"),
    ("sns", "list_subscriptions", "Subscriptions"),
    ("sns", "list_topics", "Topics"),
    ("sqs", "list_queues", "QueueUrls"),
)


def account(aws: SimulatedAws) -> dict[str, Any]:
    """What the account says of itself, by service and call."""
    found: dict[str, Any] = {}
    for service, operation, key in _ASKED:
        more = {"Scope": "Local"} if operation == "list_policies" else {}
        answer = getattr(aws.client(service, REGION), operation)(**more).get(key, [])
        if operation == "list_stacks":
            answer = [each for each in answer if each["StackStatus"] != "DELETE_COMPLETE"]
        found[f"{service}:{operation}"] = json.loads(json.dumps(answer, default=str))
    return found


def own_things(aws: SimulatedAws) -> None:
    """What the user has already, with names near ours."""
    queue = aws.client("sqs").create_queue(QueueName="sakimori-orders")["QueueUrl"]
    aws.client("s3").create_bucket(Bucket="sakimori-photos")
    aws.client("s3").put_object(Bucket="sakimori-photos", Key="a", Body=b"a")
    aws.client("events").put_rule(Name="sakimori-own", ScheduleExpression="rate(1 day)")
    aws.client("iam").create_role(RoleName="sakimori-own", AssumeRolePolicyDocument="{}")
    aws.client("sqs").send_message(QueueUrl=queue, MessageBody="an order")

"""The deployment as a template of CloudFormation.

Everything is encrypted: with keys that AWS owns (SSE-SQS, DynamoDB, SNS, CloudWatch Logs) or has in the account
(Secrets Manager), or with the user's key where one is given. The bundle's bucket is the template's parameter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sakimori import __version__
from sakimori.respond.deploy import permissions
from sakimori.respond.deploy.alarms import Alarm, alarm_arns, alarms
from sakimori.respond.deploy.design import (
    KEPT_DAYS,
    MEMORY,
    MOST_RECEIVES,
    TAG,
    TIMEOUT,
    VERSION_TAG,
    VISIBILITY,
    Design,
)
from sakimori.respond.deploy.permissions import ACCOUNT, PARTITION, REGION
from sakimori.respond.deploy.sources import SOURCES

DAY = 86_400
HANDLER = "sakimori.respond.on_lambda.handler"
PARTS = {
    "events": "Events",
    "dead": "DeadLetters",
    "table": "Responses",
    "topic": "People",
    "secret": "Secret",
    "log": "Log",
    "role": "Role",
    "function": "Respond",
}
"""A part -> its logical id."""

Resource = dict[str, Any]


def template(design: Design) -> dict[str, Any]:
    """The template, as JSON values."""
    resources = {
        **_kept(design),
        **_rules(design),
        **_function(design),
        **{_logical(name): _alarm(alarm) for name, alarm in alarms(design).items()},
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Sakimori {__version__}: findings turn into protection (deployment {design.name})",
        "Parameters": {
            "BundleBucket": {"Type": "String", "Description": "The bucket that the function's bundle is in"},
            "BundleKey": {"Type": "String", "Default": design.bundle, "Description": "Where the bundle is in it"},
        },
        "Resources": resources,
        "Outputs": {
            "QueueUrl": {"Value": _ref("events"), "Description": "Where events go"},
            "QueueArn": {"Value": _arn("events")},
            "DeadLetterUrl": {"Value": _ref("dead"), "Description": "What could not be handled"},
            "FunctionName": {"Value": _ref("function")},
            "FunctionArn": {"Value": _arn("function"), "Description": "What custom Config rules invoke"},
            "TableName": {"Value": _ref("table"), "Description": "The book of responses"},
            "SecretArn": {"Value": _ref("secret"), "Description": "Signs approvals and the audit log"},
            "TopicArn": {"Value": _ref("topic"), "Description": "Where people are told"},
        },
    }


def written(value: Mapping[str, Any]) -> str:
    """A template as text: the same for the same, and easy to compare."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _ref(part: str) -> dict[str, Any]:
    return {"Ref": PARTS[part]}


def _arn(part: str) -> dict[str, Any]:
    """The ARN of a part: what `Ref` gives of a topic and a secret, an attribute of the others."""
    return _ref(part) if part in ("topic", "secret") else {"Fn::GetAtt": [PARTS[part], "Arn"]}


def _text(arn: str) -> Any:
    """An ARN with placeholders."""
    filled = arn
    for placeholder, name in ((PARTITION, "Partition"), (ACCOUNT, "AccountId"), (REGION, "Region")):
        filled = filled.replace(placeholder, f"${{AWS::{name}}}")
    return filled if filled == arn else {"Fn::Sub": filled}


def _logical(name: str) -> str:
    """`security-hub` is `SecurityHub`."""
    return "".join(word.capitalize() for word in name.split("-"))


def _tags(design: Design) -> list[dict[str, str]]:
    return [{"Key": TAG, "Value": design.name}, {"Key": VERSION_TAG, "Value": __version__}]


def _resource(kind: str, properties: Mapping[str, Any]) -> Resource:
    """What is deployed goes with the deployment, whatever its kind would do by itself."""
    gone = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    return {"Type": kind, **gone, "Properties": {k: v for k, v in properties.items() if v is not None}}


def _kept(design: Design) -> dict[str, Resource]:
    """Where things are kept: queues, table, secret, topic, log."""
    tags, key = _tags(design), design.key or None
    encrypted = {"KmsMasterKeyId": key} if key else {"SqsManagedSseEnabled": True}
    dead = {"deadLetterTargetArn": _arn("dead"), "maxReceiveCount": MOST_RECEIVES}
    queue = {**encrypted, "MessageRetentionPeriod": KEPT_DAYS * DAY, "Tags": tags}
    people = [{"Protocol": "email", "Endpoint": design.email}] if design.email else None
    topic_policy = permissions.of_topic(_ref("topic"), alarm_arns(design, _text))
    return {
        "DeadLetters": _resource("AWS::SQS::Queue", {"QueueName": design.named("events-dead"), **queue}),
        "Events": _resource(
            "AWS::SQS::Queue",
            {
                "QueueName": design.named("events"),
                "ReceiveMessageWaitTimeSeconds": 20,
                "VisibilityTimeout": VISIBILITY,
                "RedrivePolicy": dead,
                **queue,
            },
        ),
        "Responses": _resource(
            "AWS::DynamoDB::Table",
            {
                "TableName": design.named("responses"),
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")],
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key} if key else None,
                "Tags": tags,
            },
        ),
        "Secret": _resource(
            "AWS::SecretsManager::Secret",
            {
                "Name": design.named("respond"),
                "Description": "Signs the approvals and the audit log of Sakimori's responses",
                "GenerateSecretString": {"PasswordLength": 64, "ExcludePunctuation": True},
                "KmsKeyId": key,
                "Tags": tags,
            },
        ),
        "People": _resource(
            "AWS::SNS::Topic",
            {"TopicName": design.named("people"), "KmsMasterKeyId": key, "Subscription": people, "Tags": tags},
        ),
        "PeoplePolicy": _resource(
            "AWS::SNS::TopicPolicy",
            {"Topics": [_ref("topic")], "PolicyDocument": topic_policy},
        ),
        "Log": _resource(
            "AWS::Logs::LogGroup",
            {
                "LogGroupName": f"/aws/lambda/{design.named('respond')}",
                "RetentionInDays": design.retention_days,
                "KmsKeyId": key,
                "Tags": tags,
            },
        ),
    }


def _rules(design: Design) -> dict[str, Resource]:
    """The rules of EventBridge, and the leave that they have to send to the queues."""
    target = {"Id": "queue", "Arn": _arn("events"), "DeadLetterConfig": {"Arn": _arn("dead")}}
    rules: dict[str, Resource] = {}
    for source in design.sources:
        what = {
            "Name": design.named(source),
            "Description": f"Sakimori: what {source} tells",
            "EventPattern": SOURCES[source],
        }
        rules[f"{_logical(source)}Rule"] = _resource(
            "AWS::Events::Rule", {**what, "State": "ENABLED", "Targets": [target]}
        )
    for name, when in design.timetable.items():
        own = name.removeprefix("sakimori-").removesuffix(f"-{design.name}")
        due = {"Name": name, "Description": f"Sakimori: {own} is due", "ScheduleExpression": when}
        rules[f"{_logical(own)}Schedule"] = _resource(
            "AWS::Events::Rule", {**due, "State": "ENABLED", "Targets": [target]}
        )
    arns = [{"Fn::GetAtt": [name, "Arn"]} for name in rules]
    policies = {
        f"{PARTS[part]}Policy": _resource(
            "AWS::SQS::QueuePolicy",
            {"Queues": [_ref(part)], "PolicyDocument": permissions.of_queue(_arn(part), arns)},
        )
        for part in ("events", "dead")
    }
    return rules | policies


def _function(design: Design) -> dict[str, Resource]:
    """The function, its role, and what invokes it."""
    named = {
        "SAKIMORI_TABLE": _ref("table"),
        "SAKIMORI_SECRET": _ref("secret"),
        "SAKIMORI_TOPIC": _ref("topic"),
        "SAKIMORI_QUEUE": _ref("events"),
    }
    policy = permissions.of_function(design, _arn, _text)
    made = {
        "Role": _resource(
            "AWS::IAM::Role",
            {
                "RoleName": design.named("respond"),
                "Description": "What Sakimori's function may do: what its workflows declare",
                "AssumeRolePolicyDocument": permissions.TRUST,
                "Policies": [{"PolicyName": "respond", "PolicyDocument": policy}],
                "Tags": _tags(design),
            },
        ),
        "Respond": _resource(
            "AWS::Lambda::Function",
            {
                "FunctionName": design.named("respond"),
                "Description": "Sakimori: findings turn into protection",
                "Runtime": f"python{design.python}",
                "Architectures": [design.architecture],
                "Handler": HANDLER,
                "Code": {"S3Bucket": {"Ref": "BundleBucket"}, "S3Key": {"Ref": "BundleKey"}},
                "Role": _arn("role"),
                "MemorySize": MEMORY,
                "Timeout": TIMEOUT,
                "Environment": {"Variables": {**design.environment, **named}},
                "KmsKeyArn": design.key or None,
                "DeadLetterConfig": {"TargetArn": _arn("dead")},
                "LoggingConfig": {"LogGroup": _ref("log"), "LogFormat": "Text"},
                "Tags": _tags(design),
            },
        ),
        "Delivery": _resource(
            "AWS::Lambda::EventSourceMapping",
            {
                "EventSourceArn": _arn("events"),
                "FunctionName": _ref("function"),
                "BatchSize": 1,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "ScalingConfig": {"MaximumConcurrency": 5},
                "Enabled": True,
            },
        ),
    }
    if "config" in design.workflows:
        asked = {"FunctionName": _ref("function"), "Action": "lambda:InvokeFunction"}
        who = {"Principal": "config.amazonaws.com", "SourceAccount": {"Ref": "AWS::AccountId"}}
        made["ConfigMayAsk"] = _resource("AWS::Lambda::Permission", asked | who)
    return made


def _alarm(alarm: Alarm) -> Resource:
    dimensions = [{"Name": name, "Value": value} for name, value in alarm["dimensions"].items()]
    settings = {"".join(word.capitalize() for word in name.split("_")): value for name, value in alarm.items()}
    told = {"AlarmActions": [_ref("topic")], "OKActions": [_ref("topic")]}
    return _resource("AWS::CloudWatch::Alarm", {**settings, "Dimensions": dimensions, **told})

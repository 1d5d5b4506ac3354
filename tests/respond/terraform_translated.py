"""A configuration of Terraform said again as resources of CloudFormation, so that the two can be compared whole.

Independent of how they are made: a resource's logical id is found by its physical name, and every argument that the
table below does not have raises KeyError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Resources = dict[str, dict[str, Any]]

KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "aws_sqs_queue": (
        "AWS::SQS::Queue",
        {
            "name": "QueueName",
            "message_retention_seconds": "MessageRetentionPeriod",
            "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
            "visibility_timeout_seconds": "VisibilityTimeout",
            "redrive_policy": "RedrivePolicy",
            "kms_master_key_id": "KmsMasterKeyId",
            "sqs_managed_sse_enabled": "SqsManagedSseEnabled",
        },
    ),
    "aws_sqs_queue_policy": ("AWS::SQS::QueuePolicy", {"queue_url": "Queues", "policy": "PolicyDocument"}),
    "aws_dynamodb_table": (
        "AWS::DynamoDB::Table",
        {
            "name": "TableName",
            "billing_mode": "BillingMode",
            "attribute": "AttributeDefinitions",
            "hash_key": "KeySchema",
            "range_key": "KeySchema",
            "point_in_time_recovery": "PointInTimeRecoverySpecification",
            "server_side_encryption": "SSESpecification",
        },
    ),
    "aws_secretsmanager_secret": (
        "AWS::SecretsManager::Secret",
        {"name": "Name", "description": "Description", "kms_key_id": "KmsKeyId"},
    ),
    "aws_sns_topic": ("AWS::SNS::Topic", {"name": "TopicName", "kms_master_key_id": "KmsMasterKeyId"}),
    "aws_sns_topic_policy": ("AWS::SNS::TopicPolicy", {"arn": "Topics", "policy": "PolicyDocument"}),
    "aws_cloudwatch_log_group": (
        "AWS::Logs::LogGroup",
        {"name": "LogGroupName", "retention_in_days": "RetentionInDays", "kms_key_id": "KmsKeyId"},
    ),
    "aws_cloudwatch_event_rule": (
        "AWS::Events::Rule",
        {
            "name": "Name",
            "description": "Description",
            "event_pattern": "EventPattern",
            "schedule_expression": "ScheduleExpression",
        },
    ),
    "aws_iam_role": (
        "AWS::IAM::Role",
        {"name": "RoleName", "description": "Description", "assume_role_policy": "AssumeRolePolicyDocument"},
    ),
    "aws_lambda_function": (
        "AWS::Lambda::Function",
        {
            "function_name": "FunctionName",
            "description": "Description",
            "runtime": "Runtime",
            "architectures": "Architectures",
            "handler": "Handler",
            "role": "Role",
            "memory_size": "MemorySize",
            "timeout": "Timeout",
            "environment": "Environment",
            "kms_key_arn": "KmsKeyArn",
            "dead_letter_config": "DeadLetterConfig",
            "logging_config": "LoggingConfig",
        },
    ),
    "aws_lambda_event_source_mapping": (
        "AWS::Lambda::EventSourceMapping",
        {
            "event_source_arn": "EventSourceArn",
            "function_name": "FunctionName",
            "batch_size": "BatchSize",
            "function_response_types": "FunctionResponseTypes",
            "scaling_config": "ScalingConfig",
            "enabled": "Enabled",
        },
    ),
    "aws_lambda_permission": (
        "AWS::Lambda::Permission",
        {
            "function_name": "FunctionName",
            "action": "Action",
            "principal": "Principal",
            "source_account": "SourceAccount",
        },
    ),
    "aws_cloudwatch_metric_alarm": (
        "AWS::CloudWatch::Alarm",
        {
            "alarm_name": "AlarmName",
            "alarm_description": "AlarmDescription",
            "namespace": "Namespace",
            "metric_name": "MetricName",
            "dimensions": "Dimensions",
            "statistic": "Statistic",
            "period": "Period",
            "evaluation_periods": "EvaluationPeriods",
            "threshold": "Threshold",
            "comparison_operator": "ComparisonOperator",
            "treat_missing_data": "TreatMissingData",
            "alarm_actions": "AlarmActions",
            "ok_actions": "OKActions",
        },
    ),
}
"""Type in Terraform -> type in CloudFormation, and argument -> property."""

MERGED = {
    "aws_sns_topic_subscription",
    "aws_cloudwatch_event_target",
    "aws_iam_role_policy",
    "aws_secretsmanager_secret_version",
}
"""What is a resource of its own in Terraform, and a property of another in CloudFormation."""

JSON = {"redrive_policy", "policy", "event_pattern", "assume_role_policy"}
NAMES = {"QueueName", "TableName", "Name", "TopicName", "LogGroupName", "RoleName", "FunctionName", "AlarmName"}
REF = {
    "aws_sqs_queue": "url",
    "aws_dynamodb_table": "name",
    "aws_sns_topic": "arn",
    "aws_secretsmanager_secret": "arn",
    "aws_cloudwatch_log_group": "name",
    "aws_lambda_function": "function_name",
}
"""The attribute that CloudFormation's `Ref` gives of a type; the others are its `Arn`."""

SHAPED: dict[str, Callable[[Any], Any]] = {
    "AttributeDefinitions": lambda value: [
        {"AttributeName": each["name"], "AttributeType": each["type"]} for each in value
    ],
    "PointInTimeRecoverySpecification": lambda value: {"PointInTimeRecoveryEnabled": value["enabled"]},
    "SSESpecification": lambda value: {
        "SSEEnabled": value["enabled"],
        "SSEType": "KMS",
        "KMSMasterKeyId": value["kms_key_arn"],
    },
    "Environment": lambda value: {"Variables": value["variables"]},
    "DeadLetterConfig": lambda value: {"TargetArn": value["target_arn"]},
    "LoggingConfig": lambda value: {"LogGroup": value["log_group"], "LogFormat": value["log_format"]},
    "ScalingConfig": lambda value: {"MaximumConcurrency": value["maximum_concurrency"]},
    "Dimensions": lambda value: [{"Name": name, "Value": each} for name, each in value.items()],
    "Queues": lambda value: [value],
    "Topics": lambda value: [value],
}


def translated(configuration: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> Resources:
    """The resources of a configuration as CloudFormation's. `known` are those of the template, from which the logical
    ids are taken."""
    found = configuration["resource"]
    logical = _logical_ids(found, known)
    made: Resources = {}
    for kind, named in found.items():
        for label, arguments in named.items():
            if kind not in MERGED:
                made[logical[f"{kind}.{label}"]] = _resource(kind, arguments, logical)
    for label, target in found["aws_cloudwatch_event_target"].items():
        rule = made[logical[f"aws_cloudwatch_event_rule.{label}"]]["Properties"]
        assert target.keys() == {"rule", "target_id", "arn", "dead_letter_config"}
        assert target["rule"] == f"${{aws_cloudwatch_event_rule.{label}.name}}"
        dead = {"Arn": _said(target["dead_letter_config"]["arn"], logical)}
        whom = {"Id": target["target_id"], "Arn": _said(target["arn"], logical), "DeadLetterConfig": dead}
        rule |= {"State": "ENABLED", "Targets": [whom]}  # a rule is enabled unless one says otherwise
    for policy in found["aws_iam_role_policy"].values():
        role = made[logical[policy["role"][2:-1].removesuffix(".id")]]["Properties"]
        document = _said(json.loads(policy["policy"]), logical)
        role.setdefault("Policies", []).append({"PolicyName": policy["name"], "PolicyDocument": document})
    for people in found.get("aws_sns_topic_subscription", {}).values():
        topic = made[logical[people["topic_arn"][2:-1].removesuffix(".arn")]]["Properties"]
        whom = {"Protocol": people["protocol"], "Endpoint": _said(people["endpoint"], logical)}
        topic.setdefault("Subscription", []).append(whom)
    return made


def _logical_ids(found: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Address -> logical id: by the physical name, or where there is none by the only resource of the type that is
    about the same."""
    by_name: dict[tuple[str, str], str] = {}
    for own_id, each in known.items():
        for name in NAMES & each["Properties"].keys():
            if isinstance(each["Properties"][name], str):
                by_name[each["Type"], each["Properties"][name]] = own_id
    ids: dict[str, str] = {}
    for kind, named in found.items():
        if kind in MERGED:
            continue
        type_name, arguments = KINDS[kind]
        named_by = next((each for each in ("name", "function_name", "alarm_name") if each in arguments), "")
        for label, given in named.items():
            physical = (type_name, given.get(named_by, ""))
            if physical in by_name:
                ids[f"{kind}.{label}"] = by_name[physical]
    for kind, named in found.items():
        for label, given in named.items():
            if kind in MERGED or f"{kind}.{label}" in ids:
                continue
            about = _about(kind, given, ids)
            fits = [own_id for own_id, each in known.items() if each["Type"] == KINDS[kind][0] and about(each)]
            (ids[f"{kind}.{label}"],) = fits
    return ids


def _about(kind: str, given: Mapping[str, Any], ids: Mapping[str, str]) -> Callable[[Mapping[str, Any]], bool]:
    if kind == "aws_sqs_queue_policy":
        return lambda each: bool(each["Properties"]["Queues"] == [_said(given["queue_url"], ids)])
    return lambda _: True


def _resource(kind: str, arguments: Mapping[str, Any], logical: Mapping[str, str]) -> dict[str, Any]:
    type_name, names = KINDS[kind]
    given = {name: value for name, value in arguments.items() if name not in ("depends_on", *_OWN.get(kind, ()))}
    properties: dict[str, Any] = {}
    for name, value in given.items():
        spelt = names[name]
        if spelt == "KeySchema":
            key = {"AttributeName": value, "KeyType": {"hash_key": "HASH", "range_key": "RANGE"}[name]}
            properties.setdefault(spelt, []).append(key)
            continue
        read = json.loads(value) if name in JSON else value
        properties[spelt] = _said(SHAPED.get(spelt, lambda each: each)(read), logical)
    return {"Type": type_name, "Properties": properties}


_OWN = {
    "aws_lambda_function": ("filename", "source_code_hash"),
    "aws_secretsmanager_secret": ("recovery_window_in_days",),
}
"""What only Terraform has: it uploads the bundle itself, and keeps a deleted secret a month if not told otherwise."""

_ALONE = re.compile(r"\$\{(\w+\.\w+)\.(\w+)\}")
_ACCOUNT, _PLACE = "${data.aws_caller_identity.current.account_id}", "${var.region}"


def _said(value: Any, logical: Mapping[str, str]) -> Any:
    """A value with its expressions as CloudFormation's functions."""
    if isinstance(value, Mapping):
        return {name: _said(each, logical) for name, each in value.items()}
    if isinstance(value, list):
        return [_said(each, logical) for each in value]
    if not isinstance(value, str):
        return value
    if value == _ACCOUNT:
        return {"Ref": "AWS::AccountId"}
    if alone := _ALONE.fullmatch(value):
        own_id, kind = logical[alone[1]], alone[1].partition(".")[0]
        if alone[2] == REF.get(kind):
            return {"Ref": own_id}
        assert alone[2] == "arn"
        return {"Fn::GetAtt": [own_id, "Arn"]}
    filled = value.replace(_ACCOUNT, "${AWS::AccountId}").replace(_PLACE, "${AWS::Region}")
    filled = filled.replace("${data.aws_partition.current.partition}", "${AWS::Partition}")
    if filled != value:
        return {"Fn::Sub": filled}
    return value.replace("$${", "${").replace("%%{", "%{")

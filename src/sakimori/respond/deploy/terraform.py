"""The deployment as a configuration of Terraform, in its JSON syntax ("JSON Configuration Syntax"), the same as the
template of CloudFormation: same names, same permissions, same alarms.

The bundle is uploaded from beside the configuration. The secret is made when it is applied and is not in the state
(write-only arguments, Terraform 1.11).
"""

from __future__ import annotations

import json
from typing import Any

from sakimori import __version__
from sakimori.respond.deploy import permissions
from sakimori.respond.deploy.alarms import alarm_arns, alarms
from sakimori.respond.deploy.cloudformation import DAY, HANDLER
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

PARTS = {
    "events": "aws_sqs_queue.events",
    "dead": "aws_sqs_queue.dead_letters",
    "table": "aws_dynamodb_table.responses",
    "topic": "aws_sns_topic.people",
    "secret": "aws_secretsmanager_secret.secret",
    "log": "aws_cloudwatch_log_group.log",
    "role": "aws_iam_role.role",
    "function": "aws_lambda_function.respond",
}
"""A part -> its address."""

_VALUES = {
    PARTITION: "${data.aws_partition.current.partition}",
    ACCOUNT: "${data.aws_caller_identity.current.account_id}",
    REGION: "${var.region}",
}

Kinds = dict[str, dict[str, Any]]
"""Type of resource -> name -> arguments."""


def configuration(design: Design) -> dict[str, Any]:
    """The configuration, as JSON values."""
    resources: Kinds = {}
    for kinds in (_kept(design), _rules(design), _function(design), _alarms(design)):
        for kind, named in kinds.items():
            resources.setdefault(kind, {}).update(named)
    return {
        "terraform": {
            "required_version": ">= 1.11",
            "required_providers": {
                "aws": {"source": "hashicorp/aws", "version": ">= 5.90"},
                "random": {"source": "hashicorp/random", "version": ">= 3.7"},
            },
        },
        "variable": {"region": {"type": "string", "description": "The region to deploy to"}},
        "provider": {
            "aws": {
                "region": "${var.region}",
                "default_tags": {"tags": {TAG: design.name, VERSION_TAG: __version__}},
            }
        },
        "data": {"aws_caller_identity": {"current": {}}, "aws_partition": {"current": {}}},
        "ephemeral": {"random_password": {"secret": {"length": 64, "special": False}}},
        "resource": resources,
        "output": {
            "queue_url": {"value": _of("events", "url"), "description": "Where events go"},
            "dead_letter_url": {"value": _of("dead", "url"), "description": "What could not be handled"},
            "function_arn": {"value": _arn("function"), "description": "What custom Config rules invoke"},
            "table_name": {"value": _of("table", "name"), "description": "The book of responses"},
            "secret_arn": {"value": _arn("secret"), "description": "Signs approvals and the audit log"},
            "topic_arn": {"value": _arn("topic"), "description": "Where people are told"},
        },
    }


def _of(part: str, attribute: str) -> str:
    return f"${{{PARTS[part]}.{attribute}}}"


def _arn(part: str) -> str:
    return _of(part, "arn")


def _text(arn: str) -> str:
    """An ARN with placeholders."""
    for placeholder, value in _VALUES.items():
        arn = arn.replace(placeholder, value)
    return arn


def _plain(text: str) -> str:
    """Text of the user's, in which nothing is to be filled in."""
    return text.replace("${", "$${").replace("%{", "%%{")


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _kept(design: Design) -> Kinds:
    """Where things are kept: queues, table, secret, topic, log."""
    key = design.key or None
    encrypted = _given(kms_master_key_id=key, sqs_managed_sse_enabled=None if key else True)
    redrive = {"deadLetterTargetArn": _arn("dead"), "maxReceiveCount": MOST_RECEIVES}
    topic_policy = permissions.of_topic(_arn("topic"), alarm_arns(design, _text))
    kinds: Kinds = {
        "aws_sqs_queue": {
            "dead_letters": {
                "name": design.named("events-dead"),
                "message_retention_seconds": KEPT_DAYS * DAY,
                **encrypted,
            },
            "events": {
                "name": design.named("events"),
                "message_retention_seconds": KEPT_DAYS * DAY,
                "receive_wait_time_seconds": 20,
                "visibility_timeout_seconds": VISIBILITY,
                "redrive_policy": json.dumps(redrive),
                **encrypted,
            },
        },
        "aws_dynamodb_table": {
            "responses": _given(
                name=design.named("responses"),
                billing_mode="PAY_PER_REQUEST",
                hash_key="pk",
                range_key="sk",
                attribute=[{"name": "pk", "type": "S"}, {"name": "sk", "type": "S"}],
                point_in_time_recovery={"enabled": True},
                server_side_encryption={"enabled": True, "kms_key_arn": key} if key else None,
            )
        },
        "aws_secretsmanager_secret": {
            "secret": _given(
                name=design.named("respond"),
                description="Signs the approvals and the audit log of Sakimori's responses",
                recovery_window_in_days=0,
                kms_key_id=key,
            )
        },
        "aws_secretsmanager_secret_version": {
            "secret": {
                "secret_id": _of("secret", "id"),
                "secret_string_wo": "${ephemeral.random_password.secret.result}",
                "secret_string_wo_version": 1,
            }
        },
        "aws_sns_topic": {"people": _given(name=design.named("people"), kms_master_key_id=key)},
        "aws_sns_topic_policy": {"people": {"arn": _arn("topic"), "policy": json.dumps(topic_policy)}},
        "aws_cloudwatch_log_group": {
            "log": _given(
                name=f"/aws/lambda/{design.named('respond')}",
                retention_in_days=design.retention_days,
                kms_key_id=key,
            )
        },
    }
    if design.email:
        people = {"topic_arn": _arn("topic"), "protocol": "email", "endpoint": _plain(design.email)}
        kinds["aws_sns_topic_subscription"] = {"people": people}
    return kinds


def _rules(design: Design) -> Kinds:
    """The rules of EventBridge, and the leave that they have to send to the queues."""
    rules: dict[str, Any] = {}
    for source in design.sources:
        rules[source] = {
            "name": design.named(source),
            "description": f"Sakimori: what {source} tells",
            "event_pattern": json.dumps(SOURCES[source]),
        }
    for name, when in design.timetable.items():
        own = name.removeprefix("sakimori-").removesuffix(f"-{design.name}")
        description = f"Sakimori: {own} is due"
        rules[f"{own}_due"] = {"name": name, "description": description, "schedule_expression": _plain(when)}
    addresses = {label: f"aws_cloudwatch_event_rule.{label}" for label in rules}
    targets = {
        label: {
            "rule": f"${{{address}.name}}",
            "target_id": "queue",
            "arn": _arn("events"),
            "dead_letter_config": {"arn": _arn("dead")},
        }
        for label, address in addresses.items()
    }
    arns = [f"${{{address}.arn}}" for address in addresses.values()]
    policies = {
        label: {"queue_url": _of(part, "url"), "policy": json.dumps(permissions.of_queue(_arn(part), arns))}
        for label, part in (("events", "events"), ("dead_letters", "dead"))
    }
    return {
        "aws_cloudwatch_event_rule": rules,
        "aws_cloudwatch_event_target": targets,
        "aws_sqs_queue_policy": policies,
    }


def _function(design: Design) -> Kinds:
    """The function, its role, and what invokes it."""
    own = {name: _plain(value) for name, value in design.environment.items()}
    named = {
        "SAKIMORI_TABLE": _of("table", "name"),
        "SAKIMORI_SECRET": _arn("secret"),
        "SAKIMORI_TOPIC": _arn("topic"),
        "SAKIMORI_QUEUE": _of("events", "url"),
    }
    bundle = f"${{path.module}}/{design.bundle}"
    kinds: Kinds = {
        "aws_iam_role": {
            "role": {
                "name": design.named("respond"),
                "description": "What Sakimori's function may do: what its workflows declare",
                "assume_role_policy": json.dumps(permissions.TRUST),
            }
        },
        "aws_iam_role_policy": {
            "role": {
                "name": "respond",
                "role": _of("role", "id"),
                "policy": json.dumps(permissions.of_function(design, _arn, _text)),
            }
        },
        "aws_lambda_function": {
            "respond": _given(
                function_name=design.named("respond"),
                description="Sakimori: findings turn into protection",
                runtime=f"python{design.python}",
                architectures=[design.architecture],
                handler=HANDLER,
                filename=bundle,
                source_code_hash=f'${{filebase64sha256("{bundle}")}}',
                role=_arn("role"),
                memory_size=MEMORY,
                timeout=TIMEOUT,
                environment={"variables": own | named},
                kms_key_arn=design.key or None,
                dead_letter_config={"target_arn": _arn("dead")},
                logging_config={"log_group": _of("log", "name"), "log_format": "Text"},
                depends_on=["aws_iam_role_policy.role", "aws_secretsmanager_secret_version.secret"],
            )
        },
        "aws_lambda_event_source_mapping": {
            "delivery": {
                "event_source_arn": _arn("events"),
                "function_name": _of("function", "function_name"),
                "batch_size": 1,
                "function_response_types": ["ReportBatchItemFailures"],
                "scaling_config": {"maximum_concurrency": 5},
                "enabled": True,
            }
        },
    }
    if "config" in design.workflows:
        asked = {"function_name": _of("function", "function_name"), "action": "lambda:InvokeFunction"}
        who = {"principal": "config.amazonaws.com", "source_account": _VALUES[ACCOUNT]}
        kinds["aws_lambda_permission"] = {"config": asked | who}
    return kinds


def _alarms(design: Design) -> Kinds:
    told = {"alarm_actions": [_arn("topic")], "ok_actions": [_arn("topic")]}
    return {"aws_cloudwatch_metric_alarm": {name: {**alarm, **told} for name, alarm in alarms(design).items()}}

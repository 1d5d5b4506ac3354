"""What moto is taught before it answers: the kinds of resources that its CloudFormation passes over (it says
CREATE_COMPLETE, and makes nothing), that bucket policies may ask for TLS, that events start no schedule, and that
transactions of DynamoDB are alone.

moto finds the kinds that it knows among the subclasses of its model; they are there once this module is imported.
"""

from __future__ import annotations

import json
import secrets
import string
import threading
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.core.config import default_user_config
from moto.dynamodb.responses import DynamoHandler
from moto.events.models import Rule
from moto.s3.models import FakeBucket
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends


def teach() -> None:
    """Teaches moto what is no kind of resource. Functions answer without Docker, and the same whatever they are."""
    FakeBucket.get_permission = _permission_over_tls  # type: ignore[method-assign,assignment]  # it is taught so
    Rule.send_to_targets = _sent_unless_scheduled  # type: ignore[method-assign,assignment]  # so too
    DynamoHandler.call_action = _one_at_a_time  # type: ignore[method-assign]
    default_user_config["lambda"] = {"use_docker": False}


_get_permission, _send = FakeBucket.get_permission, Rule.send_to_targets
_call, _dynamodb = DynamoHandler.call_action, threading.RLock()


def _one_at_a_time(handler: Any) -> Any:
    """moto takes a transaction back by putting the tables as they were, with what others have written meanwhile."""
    with _dynamodb:
        return _call(handler)


def _sent_unless_scheduled(rule: Any, event: Any, transform_input: bool = True) -> None:
    """moto sends every event to the targets of a rule that has a schedule and no pattern."""
    if rule.event_pattern.get_pattern():
        _send(rule, event, transform_input)


def _permission_over_tls(bucket: Any, action: str, resource: str) -> Any:
    """moto enforces a Deny whatever its Condition says. Here every call counts as made over TLS."""
    if bucket.policy is None:
        return _get_permission(bucket, action, resource)
    policy = bucket.policy
    document = json.loads(policy)
    of_plain_http = {"Bool": {"aws:SecureTransport": "false"}}
    document["Statement"] = [each for each in document["Statement"] if each.get("Condition") != of_plain_http]
    try:
        bucket.policy = json.dumps(document).encode()
        return _get_permission(bucket, action, resource)
    finally:
        bucket.policy = policy


class _Kind:
    """What the kinds below have in common: an id by which `Ref` and deleting know them."""

    TYPE, NAME = "", ""

    def __init__(self, physical_id: str) -> None:
        self.physical_resource_id = physical_id

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.TYPE

    @classmethod
    def cloudformation_name_type(cls) -> str:
        return cls.NAME

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return False

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> _Kind:
        return cls(cls.made(resource_name, cloudformation_json["Properties"], account_id, region_name))

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> _Kind:
        cls.gone(original_resource.physical_resource_id, account_id, region_name)
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        cls.gone(resource_name, account_id, region_name)

    @classmethod
    def made(cls, name: str, properties: dict[str, Any], account: str, region: str) -> str:
        """Makes the resource; gives its id."""
        raise NotImplementedError

    @classmethod
    def gone(cls, physical_id: str, account: str, region: str) -> None:
        """Deletes the resource, or does nothing where it goes with another one."""


class QueuePolicy(_Kind, CloudFormationModel):
    """AWS::SQS::QueuePolicy"""

    TYPE = "AWS::SQS::QueuePolicy"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any], account: str, region: str) -> str:
        for url in properties["Queues"]:
            policy = {"Policy": json.dumps(properties["PolicyDocument"])}
            sqs_backends[account][region].set_queue_attributes(url.rpartition("/")[2], policy)
        return name


class TopicPolicy(_Kind, CloudFormationModel):
    """AWS::SNS::TopicPolicy"""

    TYPE = "AWS::SNS::TopicPolicy"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any], account: str, region: str) -> str:
        for arn in properties["Topics"]:
            document = json.dumps(properties["PolicyDocument"])
            sns_backends[account][region].set_topic_attribute(arn, "Policy", document)
        return name


class Alarm(_Kind, CloudFormationModel):
    """AWS::CloudWatch::Alarm"""

    TYPE, NAME = "AWS::CloudWatch::Alarm", "AlarmName"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any], account: str, region: str) -> str:
        cloudwatch_backends[account][region].put_metric_alarm(
            name=name,
            namespace=properties["Namespace"],
            metric_name=properties["MetricName"],
            comparison_operator=properties["ComparisonOperator"],
            evaluation_periods=int(properties["EvaluationPeriods"]),
            period=int(properties["Period"]),
            threshold=float(properties["Threshold"]),
            statistic=properties["Statistic"],
            description=properties.get("AlarmDescription", ""),
            dimensions=properties.get("Dimensions", []),
            alarm_actions=properties.get("AlarmActions", []),
            ok_actions=properties.get("OKActions", []),
            treat_missing_data=properties.get("TreatMissingData"),
        )
        return name

    @classmethod
    def gone(cls, physical_id: str, account: str, region: str) -> None:
        cloudwatch_backends[account][region].delete_alarms([physical_id])


class Secret(_Kind, CloudFormationModel):
    """AWS::SecretsManager::Secret with a generated value"""

    TYPE, NAME = "AWS::SecretsManager::Secret", "Name"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any], account: str, region: str) -> str:
        length = int(properties["GenerateSecretString"]["PasswordLength"])
        value = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
        answer = secretsmanager_backends[account][region].create_secret(
            name=name,
            secret_string=value,
            secret_binary=None,
            description=properties.get("Description"),
            tags=properties.get("Tags", []),
            kms_key_id=properties.get("KmsKeyId"),
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return str(json.loads(answer)["ARN"] if isinstance(answer, str) else answer["ARN"])

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        return original_resource  # the value stays

    @classmethod
    def gone(cls, physical_id: str, account: str, region: str) -> None:
        secretsmanager_backends[account][region].delete_secret(physical_id, None, True)

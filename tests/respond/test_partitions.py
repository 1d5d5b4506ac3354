"""Accounts in the partitions of China and of the US government: what is acted on has their ARNs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import told_events as told
from sakimori.collect.events import heard
from sakimori.model.event import Event
from sakimori.respond.workflows.guardduty import _role_or_key
from sakimori.respond.world import AccountClients
from sakimori.simulate.aws import Answer, SimulatedAws

PLACES = [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("eu-west-1", "aws")]
places = pytest.mark.parametrize(("region", "partition"), PLACES, ids=[partition for _, partition in PLACES])


def heard_there(document: dict[str, Any], region: str) -> Event:
    document = json.loads(json.dumps(document).replace(told.REGION, region))
    (event,) = heard(json.dumps(document), "test").events
    return event


def shapes() -> Iterator[dict[str, Any]]:
    yield told.guardduty("Discovery:IAMUser/X", resource=told.key_resource("ASIA1", "r", "AssumedRole"))
    yield told.guardduty()
    yield told.envelope(
        "aws.s3",
        "Object Created",
        {"bucket": {"name": "code"}, "object": {"key": "appspec.yml", "size": 1, "etag": "1", "sequencer": "1"}},
    )
    scan = {
        "scanStatus": "COMPLETED",
        "s3ObjectDetails": {"bucketName": "data", "objectKey": "x", "eTag": "1", "versionId": "v"},
        "scanResultDetails": {"scanResultStatus": "THREATS_FOUND", "threats": [{"name": "EICAR"}]},
    }
    yield told.envelope("aws.guardduty", "GuardDuty Malware Protection Object Scan Result", scan)
    item = {
        "configurationItem": {
            "resourceType": "AWS::S3::Bucket",
            "resourceId": "data",
            "awsRegion": told.REGION,
            "awsAccountId": told.ACCOUNT,
            "configurationItemStatus": "OK",
            "configurationItemCaptureTime": "2026-11-25T08:30:00.000Z",
        },
        "messageType": "ConfigurationItemChangeNotification",
    }
    yield {
        "invokingEvent": json.dumps(item),
        "ruleParameters": "{}",
        "resultToken": "t",
        "eventLeftScope": False,
        "accountId": told.ACCOUNT,
        "configRuleName": "r",
        "configRuleArn": f"arn:aws:config:{told.REGION}:{told.ACCOUNT}:config-rule/r",
    }


@places
def test_what_is_acted_on_is_in_the_partition_of_its_region(region: str, partition: str) -> None:
    for shape in shapes():
        if "detail" in shape:
            shape["detail"].pop("partition", None)  # which older findings do not tell
        acted_on = [_role_or_key(each).uid for each in heard_there(shape, region).resources]
        arns = [uid for uid in acted_on if uid.startswith("arn:")]
        assert arns, shape
        assert {uid.split(":")[1] for uid in arns} == {partition}, shape


@places
def test_the_role_of_another_account_is_in_our_own_partition(aws: SimulatedAws, region: str, partition: str) -> None:
    asked: list[str] = []
    ours = f"arn:{partition}:iam::{told.ACCOUNT}:user/us"
    aws.handlers["sts:GetCallerIdentity"] = lambda _: Answer(
        f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{ours}</Arn><UserId>U</UserId>"
        f"<Account>{told.ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>".encode()
    )

    def watch(call: Any, operation: Any) -> None:
        if str(operation) == "sts:AssumeRole":
            asked.append(str(call.body))

    aws.watchers.append(watch)
    AccountClients("SakimoriResponder")("s3", "999988887777", "")
    assert f"arn%3A{partition}%3Aiam%3A%3A999988887777%3Arole%2FSakimoriResponder" in asked[0]

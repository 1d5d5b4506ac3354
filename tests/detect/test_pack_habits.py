"""What a principal, a receiver or an address does every day is told at Medium once; who is new to it is told again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from sakimori.detect.detection import Detector
from sakimori.detect.rulebook import load
from sakimori.model.severity import Severity

ACCOUNT = "111122223333"
Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(load())


def role(name: str, session: str) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    return {
        "type": "AssumedRole",
        "principalId": f"AROA{name}:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn, "userName": name}},
    }


def call(
    source: str, name: str, who: dict[str, Any], day: int, second: int, request: Any = None, ip: str = "198.51.100.7"
) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": f"2026-11-{day:02}T08:{second // 60:02}:{second % 60:02}Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": ip,
        "requestParameters": request,
        "eventID": f"{source}-{name}-{who['arn']}-{day}-{second}-{ip}",
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    }


def told(detector: Detector, records: Records, rule: str) -> list[str]:
    """The days on which a rule raises something at Medium or above."""
    look = detector.look(json.dumps({"Records": records}).encode(), "habits")
    found = [each for each in detector.findings(look) if each.rule == rule and each.severity >= Severity.MEDIUM]
    return sorted(each.last_seen[8:10] for each in found)


def secrets(name: str, days: Iterable[int]) -> Records:
    """Twelve secrets a day, each day by another session of the role."""
    return [
        call("secretsmanager", "GetSecretValue", role(name, f"s{day}"), day, second, {"secretId": f"app/{second}"})
        for day in days
        for second in range(12)
    ]


def test_a_role_that_reads_many_secrets_every_day_is_told_once(detector: Detector) -> None:
    assert told(detector, secrets("external-secrets", range(10, 16)), "many_secrets_read") == ["10"]


def test_another_role_that_does_the_same_is_told(detector: Detector) -> None:
    records = secrets("external-secrets", range(10, 16)) + secrets("web", [14])
    assert told(detector, records, "many_secrets_read") == ["10", "14"]


def shared(day: int, *accounts: str) -> dict[str, Any]:
    given = {"imageId": "ami-1", "launchPermission": {"add": {"items": [{"userId": each} for each in accounts]}}}
    return call("ec2", "ModifyImageAttribute", role("builder", "build"), day, 0, given)


def test_an_image_for_the_same_account_is_told_once(detector: Detector) -> None:
    assert told(detector, [shared(day, "444455556666") for day in range(10, 16)], "ec2_image_shared") == ["10"]


def test_an_image_for_a_new_account_beside_the_known_one_is_told(detector: Detector) -> None:
    records = [shared(day, "444455556666") for day in range(10, 16)] + [shared(17, "444455556666", "666677778888")]
    assert told(detector, records, "ec2_image_shared") == ["10", "17"]


def test_a_database_for_the_same_account_is_told_once_and_for_everyone_always(detector: Detector) -> None:
    def given(day: int, receiver: str) -> dict[str, Any]:
        request = {"dBSnapshotIdentifier": f"daily-{day}", "attributeName": "restore", "valuesToAdd": [receiver]}
        return call("rds", "ModifyDBSnapshotAttribute", role("backup", "daily"), day, 0, request)

    records = [given(day, "444455556666") for day in range(10, 16)] + [given(day, "all") for day in (16, 17)]
    assert told(detector, records, "rds_snapshot_shared") == ["10"]
    assert told(detector, records, "rds_snapshot_made_public") == ["16", "17"]


def surveyed(day: int, instance: str, ip: str) -> Records:
    who = role("ci", instance)
    return [
        call("sts", "GetCallerIdentity", who, day, 0, ip=ip),
        call("ec2", "DescribeInstances", who, day, 9, {"instancesSet": {}}, ip),
    ]


def test_a_build_server_behind_its_gateway_is_told_once_and_a_new_address_again(detector: Detector) -> None:
    rule = "instance_credentials_explored_from_internet"
    usual = [each for day in range(10, 16) for each in surveyed(day, f"i-0abc1234def56{day:04}", "198.51.100.7")]
    assert told(detector, usual, rule) == ["10"]
    assert told(detector, usual + surveyed(16, "i-0abc1234def560016", "203.0.113.99"), rule) == ["10", "16"]


def test_a_cluster_that_checks_its_nodes_is_not_told(detector: Detector) -> None:
    """The control plane asks, with what the node signed, who it is; the node itself looks for its neighbours."""
    records = []
    for day in range(10, 13):
        who = role("node", "i-0abc1234def567890")
        records += [call("sts", "GetCallerIdentity", who, day, 0, ip=ip) for ip in ("192.0.2.1", "192.0.2.2")]
        records += [call("ec2", "DescribeInstances", who, day, 5, {"instancesSet": {}}, "198.51.100.7")]
    look = detector.look(json.dumps({"Records": records}).encode(), "nodes")
    assert [each.rule for each in detector.findings(look) if each.severity >= Severity.MEDIUM] == []


def swept(day: int, ip: str) -> Records:
    who = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/plan", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}
    return [
        call("ec2", "DescribeInstances", who, day, second, ip=ip) | {"awsRegion": region}
        for second, region in enumerate(("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-west-2", "sa-east-1"))
    ]


def test_an_inventory_with_a_key_is_told_once_and_from_a_new_address_again(detector: Detector) -> None:
    usual = [each for day in range(10, 16) for each in swept(day, "198.51.100.7")]
    assert told(detector, usual, "key_lists_in_many_regions") == ["10"]
    assert told(detector, usual + swept(16, "203.0.113.99"), "key_lists_in_many_regions") == ["10", "16"]

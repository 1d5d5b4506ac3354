"""The services that watch the account, on and off, as they are in the simulated AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from discover.world import discovered, ties
from sakimori.discover import snapshot
from sakimori.model.asset import Inventory
from sakimori.simulate.aws import ACCOUNT, REGION, Answer, Call, SimulatedAws, refused, told
from sakimori.simulate.recognise import Operation


def status(found: Inventory, kind: str) -> dict[str, Any]:
    (asset,) = found.of_type(f"AWS::{kind}::Status")
    return dict(asset.config)


def answer(aws: SimulatedAws, client: str, operation: str, result: dict[str, Any]) -> None:
    aws.handlers[f"{client}:{operation}"] = lambda call: told(Operation(client, operation), result)


def test_a_trail_is_told_of_where_it_lives(aws: SimulatedAws, tmp_path: Path) -> None:
    aws.client("s3").create_bucket(Bucket="logs")
    here, there = aws.client("cloudtrail"), aws.client("cloudtrail", "eu-west-1")
    here.create_trail(Name="all", S3BucketName="logs", IsMultiRegionTrail=True, TagsList=[{"Key": "a", "Value": "b"}])
    here.start_logging(Name="all")
    there.create_trail(Name="one", S3BucketName="logs")
    here.create_trail(Name="two", S3BucketName="logs", TagsList=[{"Key": "c", "Value": "d"}])
    found = discovered("cloudtrail", snapshot=tmp_path / "snapshot")
    assert found.not_evaluated == []
    again = snapshot.read(tmp_path / "snapshot")
    assert {trail.name: trail.tags for trail in again} == {trail.name: trail.tags for trail in found}
    assert {trail.name: trail.tags for trail in found} | {"one": {}} == {
        "all": {"a": "b"},
        "two": {"c": "d"},
        "one": {},
    }
    trail = found.get(f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/all")
    assert trail
    assert trail.config["IsMultiRegionTrail"] is True
    assert trail.config["Status"]["IsLogging"] is True
    assert trail.config["Selectors"]["EventSelectors"] is not None
    assert trail.tags == {"a": "b"}
    assert ("logs-to", "arn:aws:s3:::logs") in ties(found, trail.uid)
    assert (trail.region, trail.account) == (REGION, ACCOUNT)


def test_insights_that_are_not_on_are_none(aws: SimulatedAws) -> None:
    aws.client("s3").create_bucket(Bucket="logs")
    aws.client("cloudtrail").create_trail(Name="all", S3BucketName="logs")
    operation = Operation("cloudtrail", "GetInsightSelectors")
    aws.handlers[str(operation)] = lambda call: refused(operation, "InsightNotEnabledException")
    found = discovered("cloudtrail")
    assert found.not_evaluated == []
    assert [trail.config["InsightSelectors"] for trail in found] == [None]


def test_a_recorder_its_channel_and_its_rules(aws: SimulatedAws) -> None:
    config = aws.client("config")
    assert status(discovered("config"), "Config") == {"ConfigurationRecorders": []}
    aws.client("s3").create_bucket(Bucket="history")
    role = f"arn:aws:iam::{ACCOUNT}:role/config"
    config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": role})
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "history"})
    config.start_configuration_recorder(ConfigurationRecorderName="default")
    source = {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_VERSIONING_ENABLED"}
    config.put_config_rule(ConfigRule={"ConfigRuleName": "versioned", "Source": source})
    found = discovered("config")
    assert found.not_evaluated == []
    (recorder,) = found.of_type("AWS::Config::ConfigurationRecorder")
    assert recorder.config["Status"]["recording"] is True
    assert ties(found, recorder.uid) == {("runs-as", role)}
    (channel,) = found.of_type("AWS::Config::DeliveryChannel")
    assert ties(found, channel.uid) == {("logs-to", "arn:aws:s3:::history")}
    assert [rule.name for rule in found.of_type("AWS::Config::ConfigRule")] == ["versioned"]
    assert len(status(found, "Config")["ConfigurationRecorders"]) == 1


def test_guardduty_off_and_on(aws: SimulatedAws) -> None:
    off = discovered("guardduty")
    assert off.not_evaluated == []
    assert status(off, "GuardDuty") == {"DetectorIds": []}
    features = [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]
    detector = aws.client("guardduty").create_detector(Enable=True, Features=features, Tags={"of": "us"})["DetectorId"]
    found = discovered("guardduty", regions=("us-east-1", "eu-west-1"))
    assert found.not_evaluated == []
    asset = found.get(f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{detector}")
    assert asset
    assert asset.config["Status"] == "ENABLED"
    assert {"S3_DATA_EVENTS"} <= {each["Name"] for each in asset.config["Features"]}
    by_region = {each.region: each.config["DetectorIds"] for each in found.of_type("AWS::GuardDuty::Status")}
    assert by_region == {"us-east-1": [detector], "eu-west-1": []}


def test_security_hub_off_and_on(aws: SimulatedAws) -> None:
    off = discovered("securityhub")
    assert off.not_evaluated == []
    assert status(off, "SecurityHub") == {"HubArn": None}
    assert not list(off.of_type("AWS::SecurityHub::Hub"))
    aws.client("securityhub").enable_security_hub(EnableDefaultStandards=False)
    standard = "arn:aws:securityhub:us-east-1::standards/aws-foundational-security-best-practices/v/1.0.0"
    subscription = (
        f"arn:aws:securityhub:{REGION}:{ACCOUNT}:subscription/aws-foundational-security-best-practices/v/1.0.0"
    )
    enabled = {
        "StandardsSubscriptionArn": subscription,
        "StandardsArn": standard,
        "StandardsInput": {},
        "StandardsStatus": "READY",
    }
    answer(aws, "securityhub", "GetEnabledStandards", {"StandardsSubscriptions": [enabled]})
    found = discovered("securityhub")
    assert found.not_evaluated == []
    (hub,) = found.of_type("AWS::SecurityHub::Hub")
    assert hub.uid == status(found, "SecurityHub")["HubArn"]
    assert ties(found, subscription) == {("built-from", standard)}


def test_security_hub_that_may_not_be_asked_is_not_off(aws: SimulatedAws) -> None:
    message = "The account doesn't have permission to perform this action"
    for name in ("DescribeHub", "GetEnabledStandards"):
        operation = Operation("securityhub", name)
        aws.handlers[str(operation)] = lambda call, it=operation: refused(it, "InvalidAccessException", message)
    found = discovered("securityhub")
    assert list(found) == []
    assert {each.action for each in found.not_evaluated} == {
        "securityhub:DescribeHub",
        "securityhub:GetEnabledStandards",
    }


@pytest.mark.parametrize("state", ["ENABLED", "DISABLED"])
def test_inspector_says_whether_it_is_on(aws: SimulatedAws, state: str) -> None:
    part = {"status": state, "errorCode": "SUCCESS", "errorMessage": ""}
    account = {"accountId": ACCOUNT, "state": part, "resourceState": {"ec2": part, "ecr": part, "lambda": part}}
    answer(aws, "inspector2", "BatchGetAccountStatus", {"accounts": [account], "failedAccounts": []})
    found = discovered("inspector2")
    assert found.not_evaluated == []
    (told_of,) = status(found, "InspectorV2")["accounts"]
    assert told_of["resourceState"]["ec2"]["status"] == state


def test_inspector_is_asked_about_our_own_account(aws: SimulatedAws) -> None:
    found = discovered("inspector2")
    assert found.not_evaluated == []
    (told_of,) = status(found, "InspectorV2")["accounts"]
    assert (told_of["accountId"], told_of["state"]["status"]) == (ACCOUNT, "DISABLED")


def refuses(aws: SimulatedAws, message: str) -> None:
    operation = Operation("macie2", "GetMacieSession")

    def refuse(call: Call) -> Answer:
        return refused(operation, "AccessDeniedException", message, status=403)

    aws.handlers[str(operation)] = refuse


def test_macie_off_and_on(aws: SimulatedAws) -> None:
    refuses(aws, "Macie is not enabled")
    off = discovered("macie2")
    assert off.not_evaluated == []
    assert status(off, "Macie") == {"status": "DISABLED"}
    aws.handlers.clear()
    aws.client("macie2").enable_macie()
    found = discovered("macie2")
    assert found.not_evaluated == []
    assert status(found, "Macie")["status"] == "ENABLED"
    (session,) = found.of_type("AWS::Macie::Session")
    assert session.config["AutomatedDiscoveryConfiguration"]["status"] == "DISABLED"


def test_macie_that_may_not_be_asked_is_not_off(aws: SimulatedAws) -> None:
    refuses(aws, "User: x is not authorized to perform: macie2:GetMacieSession")
    found = discovered("macie2")
    assert list(found) == []
    assert [(each.action, each.code) for each in found.not_evaluated] == [
        ("macie2:GetMacieSession", "AccessDeniedException")
    ]

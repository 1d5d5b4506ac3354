"""The simulated AWS: moto behind, our handlers in front."""

from __future__ import annotations

import os

import boto3
import pytest

from sakimori.simulate.aws import Answer, Call, SimulatedAws, simulated_aws


def test_the_environment_points_at_it_and_reset_empties_it(aws: SimulatedAws) -> None:
    assert os.environ["AWS_ENDPOINT_URL"] == aws.url
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["some-bucket"]
    aws.reset()
    assert s3.list_buckets()["Buckets"] == []


def test_handlers_answer_by_name_and_may_pass_through(aws: SimulatedAws) -> None:
    calls: list[Call] = []

    def look_up(call: Call) -> Answer:
        calls.append(call)
        return Answer(b'{"Events": [{"EventId": "1"}]}')

    aws.handlers["cloudtrail:LookupEvents"] = look_up
    aws.handlers["s3:PUT"] = lambda call: calls.append(call)
    assert boto3.client("cloudtrail").lookup_events()["Events"] == [{"EventId": "1"}]
    boto3.client("s3").create_bucket(Bucket="passed-on")
    assert [call.operation or call.method for call in calls] == ["LookupEvents", "PUT"]
    boto3.client("s3").head_bucket(Bucket="passed-on")


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    before = dict(os.environ)
    with simulated_aws() as simulation:
        assert "AWS_PROFILE" not in os.environ
        assert simulation.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert dict(os.environ) == before


def test_public_images_are_found_and_started_and_no_account_owns_snapshots_of_them(aws: SimulatedAws) -> None:
    ec2 = aws.client("ec2")
    amazons = ec2.describe_images(Owners=["amazon"])["Images"]
    assert {image["ImageOwnerAlias"] for image in amazons} == {"amazon"}
    newest = [{"Name": "name", "Values": ["al2023-ami-*"]}, {"Name": "architecture", "Values": ["arm64"]}]
    [image] = ec2.describe_images(Owners=["137112412989"], Filters=newest)["Images"]
    assert ec2.describe_images(ImageIds=[image["ImageId"]])["Images"] == [image]
    [started] = ec2.run_instances(ImageId=image["ImageId"], MinCount=1, MaxCount=1)["Instances"]
    assert started["ImageId"] == image["ImageId"]
    own = ec2.create_image(InstanceId=started["InstanceId"], Name="own")["ImageId"]
    assert [each["ImageId"] for each in ec2.describe_images(Owners=["self"])["Images"]] == [own]
    assert [each["ImageId"] for each in ec2.describe_images(ImageIds=[own])["Images"]] == [own]
    assert len(ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]) == 1  # the own image's

"""Discovery against the simulated AWS: what is found, how it hangs together, what a snapshot of it finds again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from discover.world import discovered
from sakimori.cli import app
from sakimori.discover import snapshot
from sakimori.model.asset import Inventory
from sakimori.simulate.aws import SimulatedAws


def same(one: Inventory, other: Inventory) -> bool:
    return (
        sorted(map(repr, one)) == sorted(map(repr, other))
        and set(map(repr, one.relations)) == set(map(repr, other.relations))
        and sorted(map(repr, one.not_evaluated)) == sorted(map(repr, other.not_evaluated))
    )


def test_a_bucket_and_its_settings(aws: SimulatedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="here")
    s3.create_bucket(Bucket="there", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    policy = {"Version": "2012-10-17", "Statement": []}
    s3.put_bucket_policy(Bucket="there", Policy=json.dumps(policy))
    s3.put_bucket_tagging(Bucket="there", Tagging={"TagSet": [{"Key": "tier", "Value": "db"}]})
    found = discovered("s3")
    assert found.not_evaluated == []
    here, there = found.get("arn:aws:s3:::here"), found.get("arn:aws:s3:::there")
    assert here
    assert there
    assert (here.region, there.region) == ("us-east-1", "eu-west-1")
    assert there.config["Policy"] == policy
    assert here.config["Policy"] is None
    assert there.tags == {"tier": "db"}
    assert there.name == "there"


def test_a_snapshot_finds_the_same_again(aws: SimulatedAws, tmp_path: Path) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
    aws.client("s3").create_bucket(Bucket="one")
    aws.client("iam").create_user(UserName="kaede")
    found = discovered("vpc", "s3", "iam", snapshot=tmp_path / "snapshot")
    assert found.get(f"arn:aws:ec2:us-east-1:123456789012:vpc/{vpc}")
    assert found.get("arn:aws:iam::123456789012:user/kaede")
    assert same(found, snapshot.read(tmp_path / "snapshot"))
    assert (tmp_path / "snapshot/123456789012/us-east-1/vpc/DescribeVpcs.json").is_file()
    assert (tmp_path / "snapshot/123456789012/global/s3/GetBucketAcl.one.json").is_file()


def test_an_account_that_nobody_touched_is_found_unchanged(
    aws: SimulatedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    command = ["discover", "--regions", "us-east-1"]
    assert CliRunner().invoke(app, command).exit_code == 0
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0
    assert "0 new, 0 changed, 0 gone" in again.stderr

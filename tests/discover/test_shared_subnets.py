"""Subnets that an organisation's accounts share (AWS RAM): relations to them end at the owner's asset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sakimori.discover.snapshot import read

OWNER, USER, REGION = "111122223333", "444455556666", "eu-west-1"


def answer(folder: Path, account: str, service: str, operation: str, **told: Any) -> None:
    place = folder / account / REGION / service
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{operation}.json").write_text(json.dumps(told))


@pytest.mark.parametrize("owner_seen", [True, False])
def test_an_instance_in_a_shared_subnet(tmp_path: Path, *, owner_seen: bool) -> None:
    """Whether the owner's account was discovered, or only the one that it shares with, which sees what is shared."""
    subnet = {"SubnetId": "subnet-1", "VpcId": "vpc-1", "OwnerId": OWNER, "CidrBlock": "10.0.0.0/24"}
    vpc = {"VpcId": "vpc-1", "OwnerId": OWNER, "CidrBlock": "10.0.0.0/16"}
    for account in (OWNER, USER) if owner_seen else (USER,):
        answer(tmp_path, account, "vpc", "DescribeVpcs", Vpcs=[vpc])
        answer(tmp_path, account, "vpc", "DescribeSubnets", Subnets=[subnet])
    instance = {"InstanceId": "i-1", "SubnetId": "subnet-1", "VpcId": "vpc-1", "SecurityGroups": [{"GroupId": "sg-1"}]}
    answer(tmp_path, USER, "ec2", "DescribeInstances", Reservations=[{"OwnerId": USER, "Instances": [instance]}])
    group = {"GroupId": "sg-1", "VpcId": "vpc-1", "OwnerId": USER}
    answer(tmp_path, USER, "vpc", "DescribeSecurityGroups", SecurityGroups=[group])
    found = read(tmp_path)
    ends = {each.target for each in found.relations if each.source.endswith("instance/i-1")}
    assert ends >= {
        f"arn:aws:ec2:{REGION}:{OWNER}:subnet/subnet-1",
        f"arn:aws:ec2:{REGION}:{OWNER}:vpc/vpc-1",
        f"arn:aws:ec2:{REGION}:{USER}:security-group/sg-1",
    }
    assert {each.target for each in found.relations if found.get(each.target) is None} == set()

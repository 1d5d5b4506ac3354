"""Batfish's folder layouts, and what stands beside AWS's answers in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sakimori.discover.batfish import BatfishError, read_batfish
from sakimori.discover.snapshot import SnapshotError, read

VPC = {"VpcId": "vpc-1", "OwnerId": "111122223333", "CidrBlock": "10.0.0.0/16"}
SUBNET = {"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-1a", "CidrBlock": "10.0.0.0/24"}


def fill(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "Vpcs.json").write_text(json.dumps({"Vpcs": [VPC]}))
    (folder / "Subnets.json").write_text(json.dumps({"Subnets": [SUBNET]}))


@pytest.mark.parametrize(
    ("layout", "account", "region"),
    [
        ("", "111122223333", "eu-west-1"),
        ("us-east-1", "111122223333", "us-east-1"),
        ("accounts/999900001111/us-west-2", "999900001111", "us-west-2"),
    ],
)
def test_the_three_layouts(tmp_path: Path, layout: str, account: str, region: str) -> None:
    fill(tmp_path / "aws_configs" / layout)
    for place in (tmp_path, tmp_path / "aws_configs"):
        (vpc,) = read_batfish(place).of_type("AWS::EC2::VPC")
        assert (vpc.account, vpc.region) == (account, region)
        assert vpc.uid == f"arn:aws:ec2:{region}:{account}:vpc/vpc-1"


def test_several_accounts_are_one_inventory(tmp_path: Path) -> None:
    for account in ("111122223333", "999900001111"):
        fill(tmp_path / "aws_configs" / "accounts" / account / "eu-west-1")
    assert len(read_batfish(tmp_path)) == 4


@pytest.mark.parametrize(
    "text",
    [
        "hostname BORDER-1\ninterface Tunnel1\n ip address 169.254.1.2 255.255.255.252\n peer 9.9.9.9\n",
        "set system host-name border-1\nset interfaces st0 unit 1 family inet address 169.254.1.2/30\n",
        "system {\n  host-name border-1;\n}\ninterfaces {\n  st0 {\n    address 169.254.1.2/30;\n  }\n}\n",
    ],
)
def test_routers_are_boundaries_with_a_name_and_addresses(tmp_path: Path, text: str) -> None:
    fill(tmp_path / "aws_configs")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "r1.cfg").write_text(text)
    (router,) = read_batfish(tmp_path).of_type("OnPremises::Router")
    assert router.id == "border-1"
    assert router.config["Addresses"] == ["169.254.1.2"]


def test_what_has_no_place_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "aws_configs")
    (tmp_path / "aws_configs" / "New.json").write_text('{"FlyingCarpets": [{"CarpetId": "c-1"}]}')
    (missing,) = read_batfish(tmp_path).not_evaluated
    assert missing.action == "FlyingCarpets"


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(BatfishError, match="has no folder aws_configs"):
        read_batfish(tmp_path)
    fill(tmp_path / "aws_configs")
    (tmp_path / "aws_configs" / "Vpcs.json").write_text("[]")
    with pytest.raises(SnapshotError, match=r"Vpcs\.json: is not a JSON object"):
        read(tmp_path)
    lone = tmp_path / "lone.json"
    lone.write_text("{}")
    with pytest.raises(SnapshotError, match="is no snapshot"):
        read(lone)

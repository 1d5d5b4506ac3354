"""`sakimori reach` as a user runs it, on a snapshot in Batfish's layout that is made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from sakimori.cli import app

INTO = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "8.0.0.0/8"}]}
EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def answers() -> dict[str, list[dict[str, Any]]]:
    """A public instance that takes SSH from 8.0.0.0/8, and a private one that takes nothing."""
    entries = [
        {"RuleNumber": 100, "Egress": egress, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"}
        for egress in (False, True)
    ]
    places = [{"SubnetId": "subnet-a"}, {"SubnetId": "subnet-b"}]
    local = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
    out = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
    return {
        "Vpcs": [{"VpcId": "vpc-1", "OwnerId": "111122223333", "CidrBlock": "10.0.0.0/16"}],
        "Subnets": [
            {"SubnetId": f"subnet-{name}", "VpcId": "vpc-1", "CidrBlock": f"10.0.{number}.0/24"}
            for number, name in enumerate("ab")
        ],
        "RouteTables": [
            {"RouteTableId": "rtb-a", "VpcId": "vpc-1", "Associations": [places[0]], "Routes": [local, out]},
            {"RouteTableId": "rtb-b", "VpcId": "vpc-1", "Associations": [{"Main": True}], "Routes": [local]},
        ],
        "NetworkAcls": [{"NetworkAclId": "acl-1", "Associations": places, "Entries": entries}],
        "SecurityGroups": [
            {"GroupId": "sg-a", "IpPermissions": [INTO], "IpPermissionsEgress": [EVERYTHING]},
            {"GroupId": "sg-b", "IpPermissions": [], "IpPermissionsEgress": [EVERYTHING]},
        ],
        "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]}],
        "NetworkInterfaces": [
            interface("a", "10.0.0.10", "54.1.2.3"),
            interface("b", "10.0.1.10"),
        ],
        "Reservations": [
            {"Instances": [{"InstanceId": "i-a", "Tags": [{"Key": "Name", "Value": "web"}]}, {"InstanceId": "i-b"}]}
        ],
    }


def interface(name: str, private: str, public: str = "") -> dict[str, Any]:
    address: dict[str, Any] = {"PrivateIpAddress": private, "Primary": True}
    if public:
        address["Association"] = {"PublicIp": public}
    return {
        "NetworkInterfaceId": f"eni-{name}",
        "SubnetId": f"subnet-{name}",
        "Groups": [{"GroupId": f"sg-{name}"}],
        "PrivateIpAddresses": [address],
        "Attachment": {"InstanceId": f"i-{name}", "DeviceIndex": 0},
    }


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    folder = tmp_path / "net" / "aws_configs" / "accounts" / "111122223333" / "eu-west-1"
    folder.mkdir(parents=True)
    for key, items in answers().items():
        (folder / f"{key}.json").write_text(json.dumps({key: items}))
    return tmp_path / "net"


def run(snapshot: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["reach", *arguments, "--snapshot", str(snapshot)])


def asked(snapshot: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(snapshot, *arguments, "--json").stdout)
    return found


def test_what_is_reachable_has_a_witness_with_its_rules(snapshot: Path) -> None:
    found = asked(snapshot, "--from", "internet", "--to", "i-a")
    assert found["answer"] == "reachable"
    assert found["packet"]["src"].startswith("8.")
    assert (found["packet"]["dst"], found["packet"]["dst_port"]) == ("54.1.2.3", 22)
    assert found["path"] == ["internet", "igw-1", "vpc-1", "subnet-a", "i-a"]
    assert found["return_path"] == ["i-a", "subnet-a", "vpc-1", "igw-1", "internet"]
    assert {"acl-1/ingress/100", "sg-a/ingress/tcp/22/8.0.0.0/8", "acl-1/egress/100", "rtb-a/0.0.0.0/0"} <= set(
        found["rules"]
    )
    assert found["blocked_by"] == found["unknown_because"] == []


def test_assets_are_found_by_id_arn_name_and_address(snapshot: Path) -> None:
    arn = "arn:aws:ec2:eu-west-1:111122223333:instance/i-a"
    for name in ("i-a", arn, "web", "eni-a", "54.1.2.3"):
        assert asked(snapshot, "--from", "8.8.8.8", "--to", name)["answer"] == "reachable", name


def test_what_is_unreachable_names_every_component_and_the_first(snapshot: Path) -> None:
    found = asked(snapshot, "--from", "internet", "--to", "i-b", "--protocol", "tcp", "--port", "22")
    assert found["answer"] == "unreachable"
    assert found["path"] == ["internet"]
    components = [each["component"] for each in found["blocked_by"]]
    assert components[0] == "address"
    assert "security_group" in components
    assert [each["first"] for each in found["blocked_by"]].count(True) == 1


def test_ports_and_protocols_are_asked_about(snapshot: Path) -> None:
    assert asked(snapshot, "--from", "8.8.8.8", "--to", "i-a", "--port", "22")["answer"] == "reachable"
    assert asked(snapshot, "--from", "8.8.8.8", "--to", "i-a", "--port", "443")["answer"] == "unreachable"
    assert asked(snapshot, "--from", "9.9.9.9", "--to", "i-a", "--port", "22")["answer"] == "unreachable"
    assert asked(snapshot, "--from", "8.8.8.8", "--to", "i-a", "--protocol", "udp")["answer"] == "unreachable"


def test_all_gives_a_line_a_destination(snapshot: Path) -> None:
    result = run(snapshot, "--from", "internet", "--to", "all", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert {each["to"]: each["answer"] for each in found} == {"i-a": "reachable", "i-b": "unreachable"}


def test_unknown_is_incomplete(snapshot: Path) -> None:
    (snapshot / "aws_configs/accounts/111122223333/eu-west-1/NetworkAcls.json").unlink()
    result = run(snapshot, "--from", "internet", "--to", "i-a", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 3
    assert found["answer"] == "unknown"
    assert "the network ACL of subnet-a is not in the snapshot" in found["unknown_because"]


def test_a_person_is_told(snapshot: Path) -> None:
    told = run(snapshot, "--from", "internet", "--to", "i-a", "--explain").stdout
    assert "Yes: the internet reaches instance i-a (web)." in told
    assert "security group sg-a/ingress/tcp/22/8.0.0.0/8" in told
    told = run(snapshot, "--from", "internet", "--to", "i-b", "--explain").stdout
    assert "What stops them first: 10.0.1.10 of i-b is no address that the internet knows [eni-b]." in told


def test_the_picture_is_svg_with_every_node(snapshot: Path, tmp_path: Path) -> None:
    place = tmp_path / "path.svg"
    run(snapshot, "--from", "internet", "--to", "i-a", "--graph", str(place))
    texts = [each.text for each in ElementTree.parse(place).iter("{http://www.w3.org/2000/svg}text")]
    for node in ("internet", "igw-1", "vpc-1", "subnet-a", "i-a"):
        assert texts.count(node) == 2, node


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "internet", "--to", "i-none"), "nothing in the inventory is called i-none"),
        (("--from", "internet", "--to", "internet"), "from the internet to the internet"),
        (("--from", "vpc-1", "--to", "rtb-a"), "has no network interface in the inventory"),
    ],
)
def test_what_cannot_be_asked_is_said(snapshot: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run(snapshot, *arguments)
    assert result.exit_code == 4
    assert message in result.stderr


def test_a_protocol_that_is_none_is_a_usage_error(snapshot: Path) -> None:
    assert run(snapshot, "--from", "internet", "--to", "i-a", "--protocol", "tpc").exit_code == 2


def test_only_tcp_and_udp_have_ports(snapshot: Path) -> None:
    result = run(snapshot, "--from", "internet", "--to", "i-a", "--protocol", "icmp", "--port", "22")
    assert result.exit_code == 2
    assert run(snapshot, "--from", "internet", "--to", "all", "--graph", "x.svg").exit_code == 2


def test_a_damaged_snapshot_names_the_file(snapshot: Path) -> None:
    (snapshot / "aws_configs/accounts/111122223333/eu-west-1/Vpcs.json").write_text("{")
    result = run(snapshot, "--from", "internet", "--to", "i-a")
    assert result.exit_code == 4
    assert "Vpcs.json: is not JSON" in result.stderr

"""The language of assertions, and what holds of a small network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sakimori.assess.network.assertions import BadAssertion, parse, read_assertions
from sakimori.assess.network.engine import Engine
from sakimori.assess.network.prove import HELD, UNDECIDED, VIOLATED, Proof, Prover
from sakimori.assess.network.space import contains
from sakimori.discover.batfish import add_answers
from sakimori.model.asset import Inventory, NotEvaluated

OPEN = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def ssh_from(**whom: Any) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **whom}]


def answers() -> dict[str, list[dict[str, Any]]]:
    """A bastion and a web server that are public, a card server that takes SSH from the bastion, all in one VPC."""
    entries = [
        {"RuleNumber": 1, "Egress": egress, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"}
        for egress in (False, True)
    ]
    local = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
    out = {"DestinationCidrBlock": "0.0.0.0/0", "State": "active"}
    by = {"a": out | {"GatewayId": "igw-1"}, "b": out | {"NatGatewayId": "nat-1"}}
    hosts = {"bastion": ("a", 10, "54.0.0.1"), "web": ("a", 11, "54.0.0.2"), "cards": ("b", 10, "")}
    rules = {
        "bastion": ssh_from(IpRanges=[{"CidrIp": "9.9.9.0/24"}]),
        "web": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        "cards": ssh_from(UserIdGroupPairs=[{"GroupId": "sg-bastion"}]),
    }
    nat = {"NetworkInterfaceId": "eni-nat", "PrivateIp": "10.0.0.200", "PublicIp": "54.0.0.9"}
    gateway = {"NatGatewayId": "nat-1", "SubnetId": "subnet-a", "VpcId": "vpc-1", "NatGatewayAddresses": [nat]}
    return {
        "Vpcs": [{"VpcId": "vpc-1", "OwnerId": "1", "CidrBlock": "10.0.0.0/16"}],
        "Subnets": [
            {"SubnetId": f"subnet-{name}", "VpcId": "vpc-1", "CidrBlock": f"10.0.{number}.0/24"}
            for number, name in enumerate("ab")
        ],
        "RouteTables": [
            {
                "RouteTableId": f"rtb-{n}",
                "VpcId": "vpc-1",
                "Associations": [{"SubnetId": f"subnet-{n}"}],
                "Routes": [local, way],
            }
            for n, way in by.items()
        ],
        "NetworkAcls": [
            {"NetworkAclId": "acl-1", "Entries": entries, "Associations": [{"SubnetId": f"subnet-{n}"} for n in "ab"]}
        ],
        "SecurityGroups": [
            {"GroupId": f"sg-{name}", "GroupName": name, "IpPermissions": rule, "IpPermissionsEgress": OPEN}
            for name, rule in rules.items()
        ],
        "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]}],
        "NatGateways": [gateway],
        "NetworkInterfaces": [
            {
                "NetworkInterfaceId": f"eni-{name}",
                "SubnetId": f"subnet-{subnet}",
                "Groups": [{"GroupId": f"sg-{name}"}],
                "PrivateIpAddresses": [
                    {
                        "PrivateIpAddress": f"10.0.{'ab'.index(subnet)}.{host}",
                        "Primary": True,
                        **({"Association": {"PublicIp": public}} if public else {}),
                    }
                ],
                "Attachment": {"InstanceId": f"i-{name}", "DeviceIndex": 0},
            }
            for name, (subnet, host, public) in hosts.items()
        ],
        "Instances": [
            {"InstanceId": "i-bastion", "Tags": [{"Key": "Name", "Value": "bastion-1"}]},
            {"InstanceId": "i-web", "Tags": [{"Key": "tier", "Value": "web"}]},
            {"InstanceId": "i-cards", "Tags": [{"Key": "pci", "Value": "true"}, {"Key": "tier", "Value": "db"}]},
        ],
    }


def inventory(found: dict[str, list[dict[str, Any]]] | None = None) -> Inventory:
    made = Inventory()
    add_answers(made, found or answers(), "111122223333", "eu-west-1")
    return made


def proof(text: str, found: dict[str, list[dict[str, Any]]] | None = None) -> Proof:
    made = inventory(found)
    return Prover(Engine(made), made).prove(parse(text))


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("no path from internet to tag:tier=db", HELD),
        ("no path from internet to tag:pci=*", HELD),
        ("no path from internet to tag:tier=web", VIOLATED),
        ("no path from internet to tag:tier=web on tcp/22", HELD),
        ("no path from internet to tag:tier=web on tcp/440-450", VIOLATED),
        ("no path from internet to sg:web or sg:cards on udp/53, tcp/443", VIOLATED),
        ("no path from tag:tier=web to tag:pci=true", HELD),
        ("tag:pci=true only from sg:bastion on tcp/22", HELD),
        ("tag:pci=true only from sg:web", VIOLATED),
        ("tag:pci=true only from sg:bastion on tcp/443", VIOLATED),
        ("sg:bastion only from internet on tcp/22", HELD),
        ("all egress from tag:tier=db goes through a NAT or an endpoint", HELD),
        ("all egress from tag:tier=db goes through nat-1", HELD),
        ("all egress from tag:tier=db goes through an endpoint", VIOLATED),
        ("all egress from vpc:vpc-1 goes through a NAT gateway", VIOLATED),
        ("a path from name:bastion-1 to tag:pci=true on tcp/22", HELD),
        ("a path from internet to tag:tier=db", VIOLATED),
        ("no path from cidr:10.0.0.0/24 to id:i-cards on tcp/443", HELD),
        ("no path from account:111122223333 to subnet:subnet-b on tcp/22", VIOLATED),
        ("no path from internet to tag:tier=nothing", UNDECIDED),
    ],
)
def test_what_holds(text: str, verdict: str) -> None:
    found = proof(text)
    assert found.verdict == verdict, found
    assert found.classes or found.problem
    for violation in found.violations:
        assert violation.answer.packet


def test_violations_have_a_witness_and_the_asset_at_fault() -> None:
    found = proof("no path from internet to tag:tier=web")
    (violation,) = found.violations
    assert violation.asset == "i-web"
    assert violation.answer.packet["dst_port"] == 443
    assert violation.answer.path[-1] == "i-web"
    (violation,) = proof("all egress from sg:web goes through a NAT").violations
    assert violation.asset == "i-web"
    assert violation.answer.path[-2:] == ["igw-1", "internet"]


def test_what_is_not_known_is_not_held() -> None:
    known = answers()
    known["NetworkAcls"] = []
    found = proof("no path from internet to tag:tier=web on tcp/443", known)
    assert found.verdict == UNDECIDED
    assert "i-web" in found.unknown


@pytest.mark.parametrize("text", ["no path from internet to tag:tier=web", "a path from internet to tag:tier=web"])
def test_what_a_refused_call_would_have_told_is_not_taken_for_absent(text: str) -> None:
    known = answers()
    known["InternetGateways"] = []
    for table in known["RouteTables"]:
        table["Routes"] = table["Routes"][:1]
    made = inventory(known)
    missing = NotEvaluated("ec2:DescribeInternetGateways", "1", "eu-west-1", "", "UnauthorizedOperation", "no")
    made.not_evaluated.append(missing)
    found = Prover(Engine(made), made).prove(parse(text))
    assert found.verdict == UNDECIDED, found
    assert "ec2:DescribeInternetGateways" in str(found.unknown)


def test_neighbours_of_one_class_are_looked_at() -> None:
    known = answers()
    twin = {**known["NetworkInterfaces"][2], "NetworkInterfaceId": "eni-twin"}
    twin["PrivateIpAddresses"] = [{"PrivateIpAddress": "10.0.1.11", "Primary": True}]
    twin["Attachment"] = {"InstanceId": "i-twin", "DeviceIndex": 0}
    known["NetworkInterfaces"].append(twin)
    known["Instances"].append({"InstanceId": "i-twin"})
    known["SecurityGroups"][2]["IpPermissions"] = ssh_from(UserIdGroupPairs=[{"GroupId": "sg-cards"}])
    assert proof("no path from sg:cards to sg:cards on tcp/22", known).verdict == VIOLATED


def test_a_path_between_families_there_is_none() -> None:
    known = answers()
    cards = known["NetworkInterfaces"][2]
    cards["PrivateIpAddresses"], cards["Ipv6Addresses"] = [], [{"Ipv6Address": "2600:1f00::7"}]
    (violation,) = proof("a path from sg:bastion to tag:pci=true on tcp/22", known).violations
    assert violation.asset == "i-cards"
    assert "no address" in violation.answer.blocked_by[0].why
    cards["PrivateIpAddresses"] = [{"PrivateIpAddress": "10.0.1.10", "Primary": True}]
    assert proof("a path from sg:bastion to tag:pci=true on tcp/22", known).verdict == HELD


def test_ports_are_exact() -> None:
    packets = parse("no path from internet to id:x on tcp/80,udp/1000-2000,icmp").packets
    assert contains(packets, 1, 6, 80, 5)
    assert not contains(packets, 1, 6, 81, 5)
    assert contains(packets, 1, 17, 2000, 5)
    assert contains(packets, 1, 1, 8, 0)
    others = parse("id:x only from internet on tcp/80").others
    assert not contains(others, 1, 6, 80, 5)
    assert contains(others, 1, 17, 80, 5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("everything is fine", "is no assertion"),
        ("no path from internet to tag:pci", "tag:KEY=VALUE"),
        ("no path from internet to id:x on tcp/99999", "ports are named as"),
        ("no path from internet to id:x on http", "ports are named as"),
        ("all egress from id:x goes through a wormhole", "egress can go through"),
        ("no path from somewhere to id:x", "is no assertion"),
    ],
)
def test_what_is_no_assertion_says_what_there_could_be(text: str, told: str) -> None:
    with pytest.raises(BadAssertion, match=told):
        parse(text)


def test_files_are_read_and_their_slips_are_named(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(
        "- no path from internet to id:a\n"
        "- id: two\n  assert: id:a only from id:b on tcp/22\n  severity: critical\n  why: The auditor asked.\n"
    )
    (tmp_path / "bad.yaml").write_text(
        "- assert: nonsense\n- {assert: no path from internet to id:a, colour: red}\n- 7\n"
    )
    (tmp_path / "broken.yaml").write_text("- [")
    found, problems = read_assertions(tmp_path)
    assert [each.id for each in found] == ["no path from internet to id:a", "two"]
    assert found[1].severity.label == "Critical"
    assert found[1].why == "The auditor asked."
    told = "\n".join(problems)
    for part in ("bad.yaml: entry 1", "`colour` means nothing here", "entry 3", "broken.yaml: cannot be read"):
        assert part in told


def test_values_with_spaces_stand_in_quotes() -> None:
    parsed = parse('no path from internet to tag:"Name=this or that" or sg:"web servers" on tcp/22')
    assert parsed.target.selectors == (("tag", "Name=this or that"), ("sg", "web servers"))
    assert parsed.ports == "tcp/22"

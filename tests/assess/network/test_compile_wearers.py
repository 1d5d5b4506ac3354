"""Databases, tasks, functions and file systems are asked about by their own names: their interfaces are found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sakimori.assess.network.assertions import parse
from sakimori.assess.network.engine import Answer, Engine, Question
from sakimori.assess.network.prove import HELD, UNDECIDED, VIOLATED, Prover
from sakimori.assess.network.resolve import UnknownEnd
from sakimori.discover.batfish import add_answers
from sakimori.model.asset import Asset, Inventory

ACCOUNT, REGION = "111122223333", "eu-west-1"
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
ALL = [
    {"RuleNumber": 1, "Egress": egress, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"}
    for egress in (False, True)
]
OUT = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def from_group(group: str, port: int) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": group}]}]


def interface(id: str, address: str, group: str, **more: Any) -> dict[str, Any]:
    return {
        **{"NetworkInterfaceId": id, "SubnetId": "subnet-1", "Groups": [{"GroupId": group}]},
        "PrivateIpAddresses": [{"PrivateIpAddress": address, "Primary": True}],
        **more,
    }


def world() -> Inventory:
    """A function that may ask one database, and a task that mounts a file system."""
    made = Inventory()
    groups = {"sg-fn": [], "sg-db": from_group("sg-fn", 5432), "sg-task": [], "sg-fs": from_group("sg-task", 2049)}
    groups["sg-other"] = []
    database = {"Description": "RDSNetworkInterface"}
    add_answers(
        made,
        {
            "Vpcs": [{"VpcId": "vpc-1", "OwnerId": ACCOUNT, "CidrBlock": "10.0.0.0/16"}],
            "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24"}],
            "RouteTables": [
                {"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": True}], "Routes": [LOCAL]}
            ],
            "NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": ALL, "Associations": [{"SubnetId": "subnet-1"}]}],
            "SecurityGroups": [
                {"GroupId": id, "VpcId": "vpc-1", "IpPermissions": rules, "IpPermissionsEgress": OUT}
                for id, rules in groups.items()
            ],
            "NetworkInterfaces": [
                interface(
                    "eni-fn", "10.0.0.10", "sg-fn", InterfaceType="lambda", Description="AWS Lambda VPC ENI-ask-1"
                ),
                interface("eni-db", "10.0.0.11", "sg-db", **database),
                interface("eni-db2", "10.0.0.12", "sg-other", **database),
                interface("eni-task", "10.0.0.13", "sg-task"),
                interface("eni-fs", "10.0.0.14", "sg-fs", Description="EFS mount target for fs-1 (fsmt-1)"),
            ],
        },
        ACCOUNT,
        REGION,
    )
    for kind, uid, name, config in (
        ("AWS::Lambda::Function", "lambda:R:A:function:ask", "ask", in_vpc("sg-fn")),
        ("AWS::Lambda::Function", "lambda:R:A:function:plain", "plain", {"VpcConfig": {"SubnetIds": []}}),
        ("AWS::RDS::DBInstance", "rds:R:A:db:orders", "orders", db("sg-db")),
        ("AWS::RDS::DBInstance", "rds:R:A:db:stock", "stock", db("sg-other")),
        ("AWS::RDS::DBInstance", "rds:R:A:db:hidden", "hidden", db("sg-unseen")),
        ("AWS::ECS::Task", "ecs:R:A:task/main/7", "7", attached("eni-task")),
        ("AWS::EFS::MountTarget", "elasticfilesystem:R:A:mount-target/fsmt-1", "", {"NetworkInterfaceId": "eni-fs"}),
    ):
        full = "arn:aws:" + uid.replace(":R:A:", f":{REGION}:{ACCOUNT}:")
        made.add(Asset(full, kind, ACCOUNT, REGION, config, {}, name))
    return made


def in_vpc(group: str) -> dict[str, Any]:
    return {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": [group]}}


def db(group: str) -> dict[str, Any]:
    subnets = {"Subnets": [{"SubnetIdentifier": "subnet-1"}]}
    return {"DBSubnetGroup": subnets, "VpcSecurityGroups": [{"VpcSecurityGroupId": group}], "PubliclyAccessible": False}


def attached(eni: str) -> dict[str, Any]:
    return {
        "attachments": [{"type": "ElasticNetworkInterface", "details": [{"name": "networkInterfaceId", "value": eni}]}]
    }


def ask(source: str, target: str, port: int) -> Answer:
    return Engine(world()).ask(Question(source, target, 6, port))


@pytest.mark.parametrize(
    ("source", "target", "port", "answer"),
    [
        ("ask", "orders", 5432, "reachable"),
        ("ask", "orders", 22, "unreachable"),
        ("ask", "stock", 5432, "unreachable"),
        ("7", "fsmt-1", 2049, "reachable"),
        ("7", "orders", 5432, "unreachable"),
        ("internet", "orders", 5432, "unreachable"),
        ("ask", "hidden", 5432, "unknown"),
    ],
)
def test_services_are_reached_through_their_own_interfaces(source: str, target: str, port: int, answer: str) -> None:
    assert ask(source, target, port).answer == answer


def test_by_arn_too_and_the_path_names_the_interfaces() -> None:
    found = ask(f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/main/7", "fsmt-1", 2049)
    assert (found.path[0], found.path[-1]) == ("eni-task", "eni-fs")
    assert found.packet["dst"] == "10.0.0.14"


def test_what_interface_is_whose_may_not_be_known() -> None:
    found = ask("ask", "hidden", 5432)
    assert found.unknown_because == ["which network interface is hidden's is not in the inventory"]


def test_a_function_that_is_in_no_vpc_has_no_place_in_the_network() -> None:
    with pytest.raises(UnknownEnd, match="plain"):
        ask("plain", "orders", 5432)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("no path from id:eni-task to tag:tier=db", HELD),
        ("no path from name:ask to tag:tier=db", VIOLATED),
        ("no path from name:ask to tag:tier=db on tcp/22", HELD),
        ("no path from internet to tag:tier=lost", UNDECIDED),
        ("no path from internet to tag:tier=db or tag:tier=lost", UNDECIDED),
        ("no path from id:eni-task to vpc:vpc-1 on tcp/22", UNDECIDED),
        ("no path from id:eni-task to sg:sg-db", HELD),
    ],
)
def test_assertions_know_databases_by_their_tags(text: str, verdict: str) -> None:
    inventory = world()
    for asset in list(inventory.of_type("AWS::RDS::DBInstance")):
        tier = {"orders": "db", "hidden": "lost"}.get(asset.name, "other")
        config = dict(asset.config) | {"VpcId": "vpc-1"} if asset.name == "hidden" else asset.config
        inventory.add(replace(asset, tags={"tier": tier}, config=config))
    assert Prover(Engine(inventory), inventory).prove(parse(text)).verdict == verdict

"""Measure 5: removing a rule never adds reachability, and what is not modelled or not there always yields unknown."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from network_worlds import ACCOUNT, Maker, World

from sakimori.assess.network.assertions import parse
from sakimori.assess.network.engine import Engine, Question
from sakimori.assess.network.prove import UNDECIDED, Prover
from sakimori.assess.network.resolve import UnknownEnd
from sakimori.model.asset import NOT_DESCRIBED, NotEvaluated

WORLDS = 300
ORDER = {"unreachable": 0, "unknown": 1, "reachable": 2}


def ends(world: World) -> list[str]:
    hosts = [e["Attachment"]["InstanceId"] for e in world.all("NetworkInterfaces") if "Attachment" in e]
    return [*hosts, "internet"]


def without_one_rule(world: World, chooser: random.Random) -> World | None:
    """A copy without one thing that lets packets pass: a group's rule, an entry that allows, a listener."""
    smaller = copy.deepcopy(world)
    places: list[tuple[list[Any], int]] = []
    for group in smaller.all("SecurityGroups"):
        for key in ("IpPermissions", "IpPermissionsEgress"):
            places += [(group[key], index) for index in range(len(group[key]))]
    for nacl in smaller.all("NetworkAcls"):
        allows = [index for index, entry in enumerate(nacl["Entries"]) if entry["RuleAction"] == "allow"]
        places += [(nacl["Entries"], index) for index in allows]
    for wrapper in smaller.all("LoadBalancerListeners"):
        places.append((wrapper["Listeners"], 0))
    if not places:
        return None
    listed, index = chooser.choice(places)
    del listed[index]
    return smaller


def test_removing_a_rule_never_adds_reachability() -> None:
    asked = removed = 0
    for seed in range(WORLDS):
        world, chooser = Maker(seed).make(), random.Random(seed)
        smaller = without_one_rule(world, chooser)
        if smaller is None:
            continue
        before, after = Engine(world.inventory()), Engine(smaller.inventory())
        names = ends(world)
        for _ in range(4):
            source, target = chooser.sample(names, 2)
            question = Question(source, target, chooser.choice((None, 6, 17)), chooser.choice((None, 80)))
            first, second = before.ask(question).answer, after.ask(question).answer
            assert ORDER[second] <= ORDER[first], f"seed {seed}: {question}: {first}, then {second}"
            asked += 1
            removed += second != first
    assert removed > 10, f"removing a rule mattered in {removed} of {asked} questions only: the test has lost its teeth"


Change = Callable[[World], None]


def plain_world() -> World:
    """One public instance and one private one behind a NAT gateway, everything open."""
    world = World()
    put = world.put
    region = "us-east-1"
    put(region, "Vpcs", {"VpcId": "vpc-1", "OwnerId": "1", "CidrBlock": "10.0.0.0/16"})
    every = [
        {"RuleNumber": 1, "Egress": egress, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"}
        for egress in (False, True)
    ]
    for name, way in (("a", {"GatewayId": "igw-1"}), ("b", {"NatGatewayId": "nat-1"})):
        block = f"10.0.{'ab'.index(name)}.0/24"
        subnet = {"SubnetId": f"subnet-{name}", "VpcId": "vpc-1", "CidrBlock": block, "AvailabilityZone": "us-east-1a"}
        put(region, "Subnets", subnet)
        routes = [{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}]
        routes.append({"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **way})
        associations = [{"SubnetId": f"subnet-{name}"}]
        table = {"RouteTableId": f"rtb-{name}", "VpcId": "vpc-1", "Associations": associations, "Routes": routes}
        put(region, "RouteTables", table)
        put(region, "NetworkAcls", {"NetworkAclId": f"acl-{name}", "Entries": every, "Associations": associations})
        address: dict[str, Any] = {"PrivateIpAddress": block.replace("0/24", "10"), "Primary": True}
        if name == "a":
            address["Association"] = {"PublicIp": "54.0.0.1"}
        interface = {
            "NetworkInterfaceId": f"eni-{name}",
            "SubnetId": f"subnet-{name}",
            "Groups": [{"GroupId": f"sg-{name}"}],
            "PrivateIpAddresses": [address],
            "Attachment": {"InstanceId": f"i-{name}", "DeviceIndex": 0},
        }
        put(region, "NetworkInterfaces", interface)
        put(region, "Instances", {"InstanceId": f"i-{name}"})
        opened = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        group = {"GroupId": f"sg-{name}", "IpPermissions": opened, "IpPermissionsEgress": opened}
        put(region, "SecurityGroups", group)
    put(region, "InternetGateways", {"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]})
    nat = {"NetworkInterfaceId": "eni-nat", "PrivateIp": "10.0.0.200", "PublicIp": "54.0.0.2"}
    gateway = {"NatGatewayId": "nat-1", "SubnetId": "subnet-a", "VpcId": "vpc-1", "State": "available"}
    put(region, "NatGateways", gateway | {"NatGatewayAddresses": [nat]})
    return world


def item(world: World, key: str, id_key: str, id: str) -> dict[str, Any]:
    return next(each for each in world.all(key) if each[id_key] == id)


def reroute(table: str, **way: str) -> Change:
    def change(world: World) -> None:
        routes = item(world, "RouteTables", "RouteTableId", table)["Routes"]
        routes[1] = {"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **way}

    return change


def drop(key: str, id_key: str, id: str) -> Change:
    def change(world: World) -> None:
        for answers in world.answers.values():
            answers[key] = [each for each in answers.get(key, ()) if each.get(id_key) != id]

    return change


def only_prefix_list(world: World) -> None:
    item(world, "SecurityGroups", "GroupId", "sg-b")["IpPermissionsEgress"] = [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": "pl-unseen"}]}
    ]


def new_kind_of_rule(world: World) -> None:
    item(world, "SecurityGroups", "GroupId", "sg-b")["IpPermissionsEgress"] = [
        {"IpProtocol": "-1", "FlyingCarpetRanges": [{"Carpet": "1"}]}
    ]


def regional_nat(world: World) -> None:
    item(world, "NatGateways", "NatGatewayId", "nat-1")["AvailabilityMode"] = "regional"


def prefix_list_route(world: World) -> None:
    way = {"DestinationPrefixListId": "pl-unseen", "GatewayId": "vpce-1", "State": "active"}
    item(world, "RouteTables", "RouteTableId", "rtb-b")["Routes"].append(way)


def appliance(world: World) -> None:
    item(world, "NetworkInterfaces", "NetworkInterfaceId", "eni-a")["SourceDestCheck"] = False
    reroute("rtb-b", NetworkInterfaceId="eni-a")(world)


UNMODELLED: list[tuple[str, Change]] = [
    ("carrier gateways", reroute("rtb-b", CarrierGatewayId="cagw-1")),
    ("local gateways", reroute("rtb-b", LocalGatewayId="lgw-1")),
    ("Cloud WAN", reroute("rtb-b", CoreNetworkArn="arn:aws:networkmanager::1:core-network/1")),
    ("Oracle Database", reroute("rtb-b", OdbNetworkArn="arn:aws:odb:us-east-1:1:odb-network/1")),
    ("TeleporterId", reroute("rtb-b", TeleporterId="tp-1")),
    ("gateway xyz-1", reroute("rtb-b", GatewayId="xyz-1")),
    ("endpoint vpce-1", reroute("rtb-b", GatewayId="vpce-1")),
    ("transit gateway tgw-1", reroute("rtb-b", TransitGatewayId="tgw-1")),
    ("peering connection pcx-1", reroute("rtb-b", VpcPeeringConnectionId="pcx-1")),
    ("NAT gateway nat-2", reroute("rtb-b", NatGatewayId="nat-2")),
    ("route target eni-unseen", reroute("rtb-b", NetworkInterfaceId="eni-unseen")),
    ("what i-a does", appliance),
    ("regional NAT gateways", regional_nat),
    ("prefix list pl-unseen", only_prefix_list),
    ("FlyingCarpetRanges", new_kind_of_rule),
    ("prefix list pl-unseen", prefix_list_route),
    ("security group sg-b", drop("SecurityGroups", "GroupId", "sg-b")),
    ("network ACL of subnet-b", drop("NetworkAcls", "NetworkAclId", "acl-b")),
    ("network ACL of subnet-a", drop("NetworkAcls", "NetworkAclId", "acl-a")),
    ("route tables of vpc-1", drop("RouteTables", "RouteTableId", "rtb-b")),
]


def test_the_plain_world_is_reachable() -> None:
    assert Engine(plain_world().inventory()).ask(Question("i-b", "internet")).answer == "reachable"


@pytest.mark.parametrize(("feature", "change"), UNMODELLED, ids=[f"{n}-{f}" for n, (f, _) in enumerate(UNMODELLED)])
def test_what_is_not_modelled_or_not_there_yields_unknown(feature: str, change: Change) -> None:
    world = plain_world()
    change(world)
    answer = Engine(world.inventory()).ask(Question("i-b", "internet"))
    assert answer.answer == "unknown"
    assert any(feature in reason for reason in answer.unknown_because), answer.unknown_because


def test_what_is_certainly_blocked_stays_blocked_whatever_is_not_known() -> None:
    world = plain_world()
    item(world, "SecurityGroups", "GroupId", "sg-b")["IpPermissionsEgress"] = []
    reroute("rtb-b", CarrierGatewayId="cagw-1")(world)
    answer = Engine(world.inventory()).ask(Question("i-b", "internet"))
    assert answer.answer == "unreachable"
    assert answer.blocked_by[0].component == "security_group"


@pytest.mark.parametrize("seed", range(40))
def test_a_missing_piece_never_decides_anything(seed: int) -> None:
    """With one answer of AWS gone, what was decided with it is unknown or stays as it was."""
    world, chooser = Maker(seed).make(), random.Random(seed)
    kinds = [("NetworkAcls", "NetworkAclId"), ("SecurityGroups", "GroupId"), ("RouteTables", "RouteTableId")]
    key, id_key = chooser.choice(kinds)
    smaller = copy.deepcopy(world)
    drop(key, id_key, chooser.choice(world.all(key))[id_key])(smaller)
    before, after = Engine(world.inventory()), Engine(smaller.inventory())
    names = ends(world)
    for _ in range(8):
        source, target = chooser.sample(names, 2)
        first, second = (engine.ask(Question(source, target)).answer for engine in (before, after))
        assert second in ("unknown", first), f"{key}: {source} -> {target}: {first}, then {second}"


BALANCING = {
    "LoadBalancers",
    "LoadBalancerListeners",
    "LoadBalancerAttributes",
    "TargetGroups",
    "LoadBalancerTargetHealth",
}


@pytest.mark.parametrize("seed", range(120))
def test_a_refused_call_never_decides_anything(seed: int) -> None:
    """With a call refused in one region, which is said, what was decided with its answer is unknown or as it was."""
    world, chooser = Maker(seed).make(), random.Random(seed)
    before, names = Engine(world.inventory()), ends(world)
    asked = [Question(*chooser.sample(names, 2)) for _ in range(8)]
    first = [before.ask(question).answer for question in asked]
    for region, answers in world.answers.items():
        for key in sorted(answers):
            smaller = copy.deepcopy(world)
            del smaller.answers[region][key]
            inventory = smaller.inventory()
            service = "elasticloadbalancing" if key in BALANCING else "ec2"
            refused = f"{service}:Describe{key.removeprefix('LoadBalancer') if key in BALANCING else key}"
            inventory.not_evaluated.append(NotEvaluated(refused, ACCOUNT, region, "", "AccessDenied", "not allowed"))
            after = Engine(inventory)
            for question, one in zip(asked, first, strict=True):
                two = told(after, question)
                assert two in ("unknown", "not there", one), f"{key} in {region}: {question}: {one}, then {two}"


def told(engine: Engine, question: Question) -> str:
    try:
        return engine.ask(question).answer
    except UnknownEnd:
        return "not there"


def test_what_has_no_known_place_is_unknown_and_not_left_out() -> None:
    world = plain_world()
    inventory = world.inventory()
    uid = next(asset.uid for asset in inventory if asset.id == "subnet-b")
    why = "the item does not tell cidrBlock"
    inventory.not_evaluated.append(NotEvaluated("ec2:DescribeSubnets", "1", "us-east-1", uid, NOT_DESCRIBED, why))
    engine = Engine(inventory)
    for question in (Question("i-b", "internet"), Question("internet", "i-b"), Question("i-a", "i-b")):
        answer = engine.ask(question)
        assert answer.answer == "unknown"
        assert "where i-b is in the network is not in the inventory" in answer.unknown_because[0]
        assert why in answer.unknown_because[0]
    listed = {answer.target: answer.answer for answer in engine.ask_all(Question("internet", "all"))}
    assert listed["i-b"] == "unknown"
    assert listed["i-a"] == "reachable"


@pytest.mark.parametrize(
    ("code", "resource", "reason"),
    [(NOT_DESCRIBED, "subnet-b", "whether i-b is tag:tier=db"), ("NotInConfig", "i-b", "whether it is tag:tier=db")],
)
def test_an_assertion_about_what_was_not_told_is_not_held(code: str, resource: str, reason: str) -> None:
    inventory = plain_world().inventory()
    for asset in list(inventory):
        if asset.id in ("i-a", "i-b"):
            told = {"tier": "web" if asset.id == "i-a" else "db"} if code == NOT_DESCRIBED or asset.id == "i-a" else {}
            inventory.add(replace(asset, tags=told))
    uid = next(asset.uid for asset in inventory if asset.id == resource)
    action = "ec2:DescribeSubnets" if code == NOT_DESCRIBED else "ec2:DescribeTags"
    assertion = parse("no path from internet to tag:tier=db or tag:tier=none")
    inventory.not_evaluated.append(NotEvaluated(action, "1", "us-east-1", uid, code, "not selected"))
    proof = Prover(Engine(inventory), inventory).prove(assertion)
    assert proof.verdict == UNDECIDED
    assert any(reason in each for reasons in proof.unknown.values() for each in reasons)

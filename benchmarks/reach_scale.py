"""Reachability at scale: 1k to 1M network interfaces, beside z3 on a sample of the same questions.

    python benchmarks/reach_scale.py [ENIS ...] [--json FILE]

Builds an organisation of VPCs with public and private subnets, NAT gateways, peering and transit gateways, network ACLs
and security groups, then: compiles it, looks for everything that the internet reaches, and asks from one interface to
another. z3 (QF_BV) answers a sample of the exposure questions from the same describe answers; verdicts are compared.

Exits with 1 if a target is missed: exposure at 100,000 in 5 seconds and 3,000 answers a second there (both of the
processor: what a clock shows on an idle machine), at most 15 times as long as at 10,000, and none of z3's verdicts
different.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import z3

from sakimori.assess.network.addresses import cidr
from sakimori.assess.network.compile import compile_topology
from sakimori.assess.network.engine import Engine, Question
from sakimori.assess.network.exposure import Scan
from sakimori.assess.network.resolve import of_interfaces
from sakimori.assess.network.topology import Topology
from sakimori.model.asset import Asset, Inventory

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PER_SUBNET = 100
SUBNETS = 4
SAMPLE = 200
PAIRS = 6_000
ACCOUNT, REGION = "111122223333", "eu-west-1"
PORTS = (22, 80, 443, 3306, 5432, 6379, 8080, 8443, 9200, 27017)


def organisation(enis: int, seed: int = 1) -> Inventory:
    """So many interfaces, 100 a subnet, four subnets a VPC: two public ones and two behind NAT."""
    chooser = random.Random(seed)
    inventory = Inventory()
    for number, count in enumerate(_shares(enis, PER_SUBNET * SUBNETS)):
        for kind, prefix, config in _vpc(number, count, chooser):
            id = str(config[next(iter(config))])
            uid = f"arn:aws:ec2:{REGION}:{ACCOUNT}:{prefix}/{id}"
            inventory.add(Asset(uid, f"AWS::EC2::{kind}", ACCOUNT, REGION, config))
    return inventory


def _shares(total: int, most: int) -> Iterator[int]:
    while total > 0:
        yield min(total, most)
        total -= most


def _vpc(number: int, count: int, chooser: random.Random) -> Iterator[tuple[str, str, dict[str, Any]]]:
    vpc = f"vpc-{number:05x}"
    second, third = number >> 6 & 255, (number & 63) * 4
    first = 10 + (number >> 14)
    yield "VPC", "vpc", {"VpcId": vpc, "CidrBlock": f"{first}.{second}.{third}.0/22"}
    yield (
        "InternetGateway",
        "internet-gateway",
        {"InternetGatewayId": f"igw-{number:05x}", "Attachments": [{"VpcId": vpc}]},
    )
    local = {"DestinationCidrBlock": f"{first}.{second}.{third}.0/22", "GatewayId": "local", "State": "active"}
    groups = list(_groups(number, vpc, first, second, chooser))
    for group in groups:
        yield "SecurityGroup", "security-group", group
    host = 0
    for subnet in range(SUBNETS):
        id = f"subnet-{number:05x}{subnet}"
        block = f"{first}.{second}.{third + subnet}.0/24"
        yield "Subnet", "subnet", {"SubnetId": id, "VpcId": vpc, "CidrBlock": block, "AvailabilityZone": f"{REGION}a"}
        way = {"GatewayId": f"igw-{number:05x}"} if subnet < 2 else {"NatGatewayId": f"nat-{number:05x}"}
        routes = [local, {"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **way}]
        yield (
            "RouteTable",
            "route-table",
            {
                "RouteTableId": f"rtb-{number:05x}{subnet}",
                "VpcId": vpc,
                "Associations": [{"SubnetId": id}],
                "Routes": routes,
            },
        )
        entries = list(_entries(chooser))
        yield (
            "NetworkAcl",
            "network-acl",
            {"NetworkAclId": f"acl-{number:05x}{subnet}", "Associations": [{"SubnetId": id}], "Entries": entries},
        )
        for index in range(min(PER_SUBNET, count - subnet * PER_SUBNET)):
            worn = chooser.sample(groups, chooser.choice((1, 1, 2, 3)))
            address: dict[str, Any] = {
                "PrivateIpAddress": f"{first}.{second}.{third + subnet}.{10 + index}",
                "Primary": True,
            }
            if subnet < 2:
                serial = number * 256 + subnet * 128 + index
                address["Association"] = {
                    "PublicIp": f"{52 + (serial >> 24)}.{serial >> 16 & 255}.{serial >> 8 & 255}.{serial & 255}"
                }
            yield (
                "NetworkInterface",
                "network-interface",
                {
                    "NetworkInterfaceId": f"eni-{number:05x}{host:03x}",
                    "SubnetId": id,
                    "VpcId": vpc,
                    "Groups": [{"GroupId": group["GroupId"]} for group in worn],
                    "PrivateIpAddresses": [address],
                    "Attachment": {"InstanceId": f"i-{number:05x}{host:03x}", "DeviceIndex": 0},
                    "SourceDestCheck": True,
                },
            )
            host += 1
    nat = {"NetworkInterfaceId": f"eni-nat{number:05x}", "PrivateIp": f"{first}.{second}.{third}.250"}
    yield (
        "NatGateway",
        "natgateway",
        {
            "NatGatewayId": f"nat-{number:05x}",
            "SubnetId": f"subnet-{number:05x}0",
            "VpcId": vpc,
            "State": "available",
            "NatGatewayAddresses": [nat],
        },
    )


def _groups(number: int, vpc: str, first: int, second: int, chooser: random.Random) -> Iterator[dict[str, Any]]:
    ids = [f"sg-{number:05x}{index:x}" for index in range(12)]
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    for id in ids:
        permissions = []
        for _ in range(chooser.choice((1, 2, 3, 4, 6))):
            port = chooser.choice(PORTS)
            permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
            kind = chooser.random()
            if kind < 0.3:
                permission["UserIdGroupPairs"] = [{"GroupId": chooser.choice(ids)}]
            elif kind < 0.5:
                permission["IpRanges"] = [{"CidrIp": f"{first}.{second}.0.0/16"}]
            elif kind < 0.7:
                permission["IpRanges"] = [{"CidrIp": "0.0.0.0/0"}]
            else:
                permission["IpRanges"] = [
                    {"CidrIp": f"{chooser.randrange(11, 200)}.{chooser.randrange(256)}.{chooser.randrange(256)}.0/24"}
                    for _ in range(chooser.choice((1, 2, 5)))
                ]
            permissions.append(permission)
        yield {"GroupId": id, "VpcId": vpc, "IpPermissions": permissions, "IpPermissionsEgress": everything}


def _entries(chooser: random.Random) -> Iterator[dict[str, Any]]:
    for egress in (False, True):
        for number in range(chooser.choice((0, 0, 1, 2))):
            yield {
                "RuleNumber": 10 + number,
                "Egress": egress,
                "Protocol": "6",
                "RuleAction": "deny",
                "CidrBlock": f"{chooser.randrange(11, 200)}.0.0.0/8",
                "PortRange": {"From": 22, "To": 22},
            }
        yield _whole(100, egress, "allow")
        yield _whole(32767, egress, "deny")


def _whole(number: int, egress: bool, action: str) -> dict[str, Any]:
    return {"RuleNumber": number, "Egress": egress, "Protocol": "-1", "RuleAction": action, "CidrBlock": "0.0.0.0/0"}


class ByZ3:
    """Whether the internet reaches an interface, decided by z3 over bit-vectors from the describe answers."""

    def __init__(self, inventory: Inventory) -> None:
        self.groups = {a.config["GroupId"]: a.config for a in inventory.of_type("AWS::EC2::SecurityGroup")}
        self.nacls = {
            each["SubnetId"]: a.config["Entries"]
            for a in inventory.of_type("AWS::EC2::NetworkAcl")
            for each in a.config["Associations"]
        }
        self.routes = {
            each["SubnetId"]: a.config["Routes"]
            for a in inventory.of_type("AWS::EC2::RouteTable")
            for each in a.config["Associations"]
        }
        self.remote, self.protocol = z3.BitVec("remote", 32), z3.BitVec("protocol", 8)
        self.server, self.client = z3.BitVec("server", 16), z3.BitVec("client", 16)

    def _in(self, block: str) -> Any:
        low, high = cidr(block)[1]
        return z3.And(z3.UGE(self.remote, low), z3.ULE(self.remote, high))

    def _rule(self, entry: dict[str, Any], port: Any) -> Any:
        parts = [self._in(entry["CidrBlock"])]
        if entry["Protocol"] != "-1":
            parts.append(self.protocol == int(entry["Protocol"]))
        if "PortRange" in entry:
            parts += [z3.UGE(port, entry["PortRange"]["From"]), z3.ULE(port, entry["PortRange"]["To"])]
        return z3.And(*parts)

    def _nacl(self, subnet: str, egress: bool, port: Any) -> Any:
        decided: Any = False
        for entry in sorted(self.nacls[subnet], key=lambda each: -each["RuleNumber"]):
            if entry["Egress"] == egress:
                decided = z3.If(self._rule(entry, port), entry["RuleAction"] == "allow", decided)
        return decided

    def reaches(self, eni: dict[str, Any]) -> bool:
        if not any("Association" in each for each in eni["PrivateIpAddresses"]):
            return False
        allowed = []
        for worn in eni["Groups"]:
            for permission in self.groups[worn["GroupId"]]["IpPermissions"]:
                port = z3.And(z3.UGE(self.server, permission["FromPort"]), z3.ULE(self.server, permission["ToPort"]))
                for each in permission.get("IpRanges", ()):
                    allowed.append(z3.And(self.protocol == 6, port, self._in(each["CidrIp"])))
        subnet = eni["SubnetId"]
        routed = z3.Or(
            *(
                self._in(r["DestinationCidrBlock"])
                for r in self.routes[subnet]
                if r.get("GatewayId", "").startswith("igw")
            )
        )
        near = z3.Or(
            *(self._in(r["DestinationCidrBlock"]) for r in self.routes[subnet] if r.get("GatewayId") == "local")
        )
        public = z3.Not(
            z3.Or(
                *(
                    self._in(b)
                    for b in (
                        "0.0.0.0/8",
                        "10.0.0.0/8",
                        "100.64.0.0/10",
                        "127.0.0.0/8",
                        "169.254.0.0/16",
                        "172.16.0.0/12",
                        "192.0.0.0/24",
                        "192.0.2.0/24",
                        "192.168.0.0/16",
                        "198.18.0.0/15",
                        "198.51.100.0/24",
                        "203.0.113.0/24",
                        "224.0.0.0/3",
                    )
                )
            )
        )
        solver = z3.SolverFor("QF_BV")
        solver.add(z3.Or(*allowed), routed, z3.Not(near), public)
        solver.add(self._nacl(subnet, False, self.server), self._nacl(subnet, True, self.client))
        return bool(solver.check() == z3.sat)


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass(slots=True)
class Clock:
    """Seconds by the wall and of the processor: on a busy machine they differ."""

    wall: float = 0.0
    cpu: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall, self.cpu = time.perf_counter() - wall, time.process_time() - cpu

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.cpu:.2f} s of CPU)"


def run(enis: int) -> dict[str, float]:
    print(f"{enis:,} interfaces", flush=True)
    before = megabytes()
    inventory = organisation(enis)
    gc.freeze()
    held = megabytes()
    gc.disable()
    with (compiling := Clock()).running():
        net = compile_topology(inventory)
    print(f"  compiled from the describe answers: {compiling}", flush=True)
    engine = Engine(net)
    scan = Scan(engine)
    with (scanning := Clock()).running():
        found = list(scan.exposures())
    print(f"  internet exposure of all: {scanning}", flush=True)
    each = scanning.cpu / enis * 1e6
    print(f"  {len(found):,} exposed, {scan.classes:,} classes, {each:.1f} us of CPU an interface")
    print(f"  memory: {held - before:,.0f} MB the inventory, {megabytes() - held:,.0f} MB the rest")
    rate = pairs(net, engine)
    disagree, z3_seconds = sample(inventory, {each.interface.id for each in found}, scanning.cpu / max(1, scan.classes))
    gc.enable()
    return {
        "enis": enis,
        "compile_cpu_s": compiling.cpu,
        "compile_wall_s": compiling.wall,
        "exposure_cpu_s": scanning.cpu,
        "exposure_wall_s": scanning.wall,
        "classes": scan.classes,
        "exposed": len(found),
        "memory_mb": megabytes() - before,
        "answers_per_cpu_s": rate,
        "z3_cpu_s": z3_seconds,
        "disagree": disagree,
    }


def pairs(net: Topology, engine: Engine) -> float:
    chooser = random.Random(2)
    hosts = [each for each in net.interfaces.values() if each.kind == "host"]
    near: dict[str, list[Any]] = {}
    for each in hosts:
        near.setdefault(each.subnet.vpc.id, []).append(each)
    asked = []
    for _ in range(PAIRS):
        one = chooser.choice(hosts)
        asked.append((one, chooser.choice(near[one.subnet.vpc.id] if chooser.random() < 0.8 else hosts)))
    counts = {"reachable": 0, "unreachable": 0, "unknown": 0}
    with (clock := Clock()).running():
        for one, other in asked:
            if one is not other:
                question = Question(one.node, other.node, 6, chooser.choice(PORTS))
                counts[engine.between(of_interfaces([one]), of_interfaces([other]), question).answer] += 1
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    rate = f"{len(asked) / clock.wall:,.0f} answers/s ({len(asked) / clock.cpu:,.0f} a second of CPU)"
    print(f"  one to another: {rate} with paths, witnesses and blockers; {told}")
    return len(asked) / clock.cpu


def sample(inventory: Inventory, exposed: set[str], ours: float) -> tuple[int, float]:
    judge = ByZ3(inventory)
    enis = random.Random(3).sample(list(inventory.of_type("AWS::EC2::NetworkInterface")), SAMPLE)
    with (clock := Clock()).running():
        wrong = sum(judge.reaches(dict(each.config)) != (each.config["NetworkInterfaceId"] in exposed) for each in enis)
    seconds = clock.cpu / SAMPLE
    print(
        f"  z3 on {SAMPLE} of them: {seconds * 1000:.1f} ms of CPU a question, {seconds / ours:,.0f} times "
        f"what a class takes here; {wrong} disagree"
    )
    return wrong, seconds


def missed(figures: list[dict[str, float]]) -> Iterator[str]:
    by_size = {int(each["enis"]): each for each in figures}
    large, small = by_size.get(100_000), by_size.get(10_000)
    if large and large["exposure_cpu_s"] > 5:
        yield f"exposure of 100,000 interfaces took {large['exposure_cpu_s']:.1f} s, not 5 s"
    if large and large["answers_per_cpu_s"] < 3_000:
        yield f"{large['answers_per_cpu_s']:,.0f} answers/s at 100,000 interfaces, not 3,000"
    if large and small and large["exposure_cpu_s"] > 15 * small["exposure_cpu_s"]:
        yield "exposure grows faster than the number of interfaces"
    for each in figures:
        if each["disagree"]:
            yield f"z3 disagrees on {each['disagree']} of {SAMPLE} at {each['enis']:,} interfaces"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("enis", nargs="*", type=int, default=SIZES)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = [run(size) for size in arguments.enis]
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    problems = list(missed(figures))
    for problem in problems:
        print(f"MISSED: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

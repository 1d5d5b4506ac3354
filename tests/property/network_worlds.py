"""Random small networks, as describe answers, with everything in them that the engine models."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from sakimori.discover.batfish import add_answers
from sakimori.model.asset import Inventory

ACCOUNT = "111122223333"
REGIONS = ("us-east-1", "eu-west-1")
PORTS = ((22, 22), (80, 80), (443, 443), (1024, 65535), (32768, 60999), (0, 65535), (80, 443), (50000, 50000))
OUTSIDE = ("0.0.0.0/0", "8.8.8.0/24", "8.0.0.0/8", "128.0.0.0/1", "9.9.9.9/32")
OUTSIDE6 = ("::/0", "2a00::/16", "2a00:1::/32")
PROTOCOLS = ("-1", "6", "6", "6", "17", "1", "50")

Answers = dict[str, list[dict[str, Any]]]


@dataclass(slots=True)
class World:
    """`answers` by region; `keys` gathers all answers of one key."""

    answers: dict[str, Answers] = field(default_factory=lambda: {region: {} for region in REGIONS})

    def put(self, region: str, key: str, item: dict[str, Any]) -> dict[str, Any]:
        self.answers[region].setdefault(key, []).append(item)
        return item

    def all(self, key: str) -> list[dict[str, Any]]:
        return [item for answers in self.answers.values() for item in answers.get(key, ())]

    def inventory(self) -> Inventory:
        inventory = Inventory()
        for region, answers in self.answers.items():
            add_answers(inventory, {key: list(items) for key, items in answers.items()}, ACCOUNT, region)
        return inventory


class Maker:
    """Makes one world from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = World()
        self.vpcs: list[dict[str, Any]] = []
        self.blocks: list[str] = []
        self.blocks6: list[str] = []
        self.groups: list[str] = []

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def make(self) -> World:
        for number in range(self.random.choice((1, 2, 2, 3))):
            self.vpc(number)
        self.prefix_list()
        for vpc in self.vpcs:
            self.security_groups(vpc)
        self.peerings()
        self.transits()
        for vpc in self.vpcs:
            self.interfaces(vpc)
            self.nat(vpc)
            self.balancer(vpc)
        for vpc in self.vpcs:
            self.nacls(vpc)
            self.routes(vpc)
        return self.world

    def vpc(self, number: int) -> None:
        region = self.random.choice(REGIONS) if self.chance(0.25) else REGIONS[0]
        id = f"vpc-{number}"
        six = self.chance(0.6)
        vpc: dict[str, Any] = {"VpcId": id, "OwnerId": ACCOUNT, "CidrBlock": f"10.{number}.0.0/16"}
        if six:
            vpc["Ipv6CidrBlockAssociationSet"] = [
                {"Ipv6CidrBlock": f"2600:1f00:{number}::/56", "Ipv6CidrBlockState": {"State": "associated"}}
            ]
        self.world.put(region, "Vpcs", vpc)
        self.blocks.append(vpc["CidrBlock"])
        subnets = []
        for index in range(self.random.choice((1, 2, 2))):
            subnet: dict[str, Any] = {
                "SubnetId": f"subnet-{number}{index}",
                "VpcId": id,
                "OwnerId": ACCOUNT,
                "CidrBlock": f"10.{number}.{index}.0/24",
                "AvailabilityZone": region + "ab"[index if self.chance(0.7) else 0],
            }
            self.blocks.append(subnet["CidrBlock"])
            if six:
                block = f"2600:1f00:{number}:{index}::/64"
                subnet["Ipv6CidrBlockAssociationSet"] = [
                    {"Ipv6CidrBlock": block, "Ipv6CidrBlockState": {"State": "associated"}}
                ]
                self.blocks6.append(block)
            subnets.append(self.world.put(region, "Subnets", subnet))
        made = {"id": id, "number": number, "region": region, "six": six, "subnets": subnets, "tgw": "", "nats": []}
        made["igw"] = made["eigw"] = ""
        if self.chance(0.75):
            made["igw"] = f"igw-{number}"
            attached = [{"VpcId": id, "State": "available"}]
            self.world.put(region, "InternetGateways", {"InternetGatewayId": made["igw"], "Attachments": attached})
        if six and self.chance(0.4):
            made["eigw"] = f"eigw-{number}"
            attached = [{"VpcId": id, "State": "attached"}]
            gateway = {"EgressOnlyInternetGatewayId": made["eigw"], "Attachments": attached}
            self.world.put(region, "EgressOnlyInternetGateways", gateway)
        self.vpcs.append(made)

    def prefix_list(self) -> None:
        for region in REGIONS:
            blocks = self.random.sample([*self.blocks, "8.8.8.0/24"], 2)
            self.world.put(region, "PrefixLists", {"PrefixListId": f"pl-{region[:2]}", "Cidrs": blocks})
            self.world.put(region, "PrefixLists", {"PrefixListId": f"pl-s3{region[:2]}", "Cidrs": ["8.8.8.0/24"]})

    def block(self) -> str:
        return self.random.choice((*OUTSIDE, *self.blocks))

    def block6(self) -> str:
        return self.random.choice((*OUTSIDE6, *self.blocks6))

    # Filters.

    def security_groups(self, vpc: dict[str, Any]) -> None:
        ids = [f"sg-{vpc['number']}{index}" for index in range(self.random.choice((1, 2, 3)))]
        self.groups += ids
        vpc["groups"] = ids
        for id in ids:
            group = {
                "GroupId": id,
                "OwnerId": ACCOUNT,
                "IpPermissions": self.permissions(vpc),
                "IpPermissionsEgress": [_everything()] if self.chance(0.75) else self.permissions(vpc),
            }
            self.world.put(vpc["region"], "SecurityGroups", group)

    def permissions(self, vpc: dict[str, Any]) -> list[dict[str, Any]]:
        if self.chance(0.45):
            return [_everything()]
        found = []
        for _ in range(self.random.choice((0, 1, 1, 2, 3))):
            name = self.random.choice(("-1", "tcp", "tcp", "udp", "icmp", "50"))
            permission: dict[str, Any] = {"IpProtocol": name}
            if name in ("tcp", "udp"):
                permission["FromPort"], permission["ToPort"] = self.random.choice(PORTS)
            elif name == "icmp":
                permission["FromPort"], permission["ToPort"] = self.random.choice(((-1, -1), (8, -1), (8, 0), (3, -1)))
            kind = self.random.random()
            if kind < 0.5:
                permission["IpRanges"] = [{"CidrIp": self.block()} for _ in range(self.random.choice((1, 2)))]
                permission["Ipv6Ranges"] = [{"CidrIpv6": self.block6()}]
            elif kind < 0.85:
                permission["UserIdGroupPairs"] = [{"GroupId": self.random.choice(self.groups), "UserId": ACCOUNT}]
            else:
                permission["PrefixListIds"] = [{"PrefixListId": f"pl-{vpc['region'][:2]}"}]
            found.append(permission)
        return found

    def nacls(self, vpc: dict[str, Any]) -> None:
        for subnet in vpc["subnets"]:
            entries = []
            for egress in (False, True):
                entries += self.entries(egress=egress)
            nacl = {
                "NetworkAclId": subnet["SubnetId"].replace("subnet", "acl"),
                "VpcId": vpc["id"],
                "OwnerId": ACCOUNT,
                "Entries": entries,
                "Associations": [{"SubnetId": subnet["SubnetId"]}],
            }
            self.world.put(vpc["region"], "NetworkAcls", nacl)

    def entries(self, *, egress: bool) -> list[dict[str, Any]]:
        found = []
        for number in range(self.random.choice((0, 0, 0, 0, 0, 1, 2, 3))):
            entry: dict[str, Any] = {"RuleNumber": 10 * number + 1, "Egress": egress}
            entry["RuleAction"] = self.random.choice(("allow", "deny"))
            entry["Protocol"] = self.random.choice(PROTOCOLS)
            if self.chance(0.75):
                entry["CidrBlock"] = self.block()
            else:
                entry["Ipv6CidrBlock"] = self.block6()
            if entry["Protocol"] in ("6", "17"):
                low, high = self.random.choice(PORTS)
                entry["PortRange"] = {"From": low, "To": high}
            elif entry["Protocol"] == "1":
                kind, code = self.random.choice(((-1, -1), (8, 0), (0, -1), (8, -1)))
                entry["IcmpTypeCode"] = {"Type": kind, "Code": code}
            found.append(entry)
        if self.chance(0.93):
            found.append(_all_entry(900, egress, "CidrBlock", "0.0.0.0/0", "allow"))
            found.append(_all_entry(901, egress, "Ipv6CidrBlock", "::/0", "allow"))
        found.append(_all_entry(32767, egress, "CidrBlock", "0.0.0.0/0", "deny"))
        found.append(_all_entry(32768, egress, "Ipv6CidrBlock", "::/0", "deny"))
        return found

    # Interfaces.

    def interfaces(self, vpc: dict[str, Any]) -> None:
        vpc["instances"] = []
        for index, subnet in enumerate(vpc["subnets"]):
            for host in range(self.random.choice((1, 1, 2))):
                name = f"{vpc['number']}{index}{host}"
                worn = self.random.sample(vpc["groups"], self.random.randint(1, len(vpc["groups"])))
                addresses = [f"10.{vpc['number']}.{index}.{10 + host}"]
                if self.chance(0.2):
                    addresses.append(f"10.{vpc['number']}.{index}.{100 + host}")
                self.interface(vpc, subnet, f"eni-{name}", addresses, worn, instance=f"i-{name}", host=host)
                instance = {"InstanceId": f"i-{name}", "State": {"Name": "running"}}
                self.world.put(vpc["region"], "Instances", instance)
                vpc["instances"].append(f"i-{name}")

    def interface(
        self,
        vpc: dict[str, Any],
        subnet: dict[str, Any],
        id: str,
        addresses: list[str],
        groups: list[str],
        *,
        instance: str = "",
        host: int = 0,
        public: bool | None = None,
        description: str = "",
    ) -> dict[str, Any]:
        listed: list[dict[str, Any]] = [
            {"PrivateIpAddress": each, "Primary": index == 0} for index, each in enumerate(addresses)
        ]
        wanted = self.chance(0.5) if public is None else public
        if wanted:
            _, second, third, fourth = addresses[-1].split(".")
            listed[-1]["Association"] = {"PublicIp": f"54.{second}.{third}.{fourth}"}
        interface: dict[str, Any] = {
            "NetworkInterfaceId": id,
            "SubnetId": subnet["SubnetId"],
            "VpcId": vpc["id"],
            "OwnerId": ACCOUNT,
            "Groups": [{"GroupId": each} for each in groups],
            "PrivateIpAddresses": listed,
            "SourceDestCheck": True,
            "Description": description,
        }
        if instance:
            interface["Attachment"] = {"InstanceId": instance, "DeviceIndex": 0}
            if vpc["six"] and self.chance(0.7):
                prefix = subnet["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].removesuffix(":/64")
                interface["Ipv6Addresses"] = [{"Ipv6Address": f"{prefix}:{10 + host}"}]
        return self.world.put(vpc["region"], "NetworkInterfaces", interface)

    def nat(self, vpc: dict[str, Any]) -> None:
        if not self.chance(0.75):
            return
        subnet = vpc["subnets"][0] if self.chance(0.7) else self.random.choice(vpc["subnets"])
        index = vpc["subnets"].index(subnet)
        id = f"nat-{vpc['number']}"
        public = self.chance(0.75)
        private = f"10.{vpc['number']}.{index}.200"
        self.interface(vpc, subnet, f"eni-{id}", [private], [], public=public)
        address = {"NetworkInterfaceId": f"eni-{id}", "PrivateIp": private}
        gateway = {
            "NatGatewayId": id,
            "SubnetId": subnet["SubnetId"],
            "VpcId": vpc["id"],
            "State": "available" if self.chance(0.95) else "pending",
            "ConnectivityType": "public" if public else "private",
            "NatGatewayAddresses": [address],
        }
        self.world.put(vpc["region"], "NatGateways", gateway)
        vpc["nats"].append(id)

    def balancer(self, vpc: dict[str, Any]) -> None:
        """A load balancer before instances; an application one may call a function, or stand behind a network one."""
        if not self.chance(0.65):
            return
        kind = self.random.choice(("application", "network"))
        worn = [self.random.choice(vpc["groups"])] if kind == "application" or self.chance(0.4) else []
        facing = self.chance(0.5)
        if kind == "application" and self.chance(0.25):
            group = self.function_group(vpc)
        else:
            group = self.instance_group(vpc, kind)
        listens = self.random.choice((80, 443, 22))
        arn = self.one_balancer(vpc, kind, f"lb{vpc['number']}", 220, worn, group, facing=facing, listens=listens)
        if kind == "application" and self.chance(0.8):
            worn = [self.random.choice(vpc["groups"])] if self.chance(0.2) else []
            port = listens if self.chance(0.9) else 8080
            front = self.group(vpc, "front", "alb", "TCP", keeps=True, targets=[{"Id": arn, "Port": port}])
            facing = self.chance(0.75)
            self.one_balancer(vpc, "network", f"nlb{vpc['number']}", 230, worn, front, facing=facing, listens=81)

    def one_balancer(
        self,
        vpc: dict[str, Any],
        kind: str,
        title: str,
        host: int,
        worn: list[str],
        group: dict[str, Any],
        *,
        facing: bool,
        listens: int,
    ) -> str:
        name = f"{kind[:3]}/{title}/{vpc['number']:016x}"
        base = f"arn:aws:elasticloadbalancing:{vpc['region']}:{ACCOUNT}"
        arn = f"{base}:loadbalancer/{name}"
        for index, subnet in enumerate(vpc["subnets"]):
            if index == 0 or self.chance(0.6):
                addresses = [f"10.{vpc['number']}.{index}.{host}"]
                id = f"eni-{title}{index}"
                self.interface(vpc, subnet, id, addresses, worn, public=facing, description=f"ELB {name}")
        attributes = [{"Key": "load_balancing.cross_zone.enabled", "Value": self.random.choice(("true", "false"))}]
        balancer = {
            "LoadBalancerArn": arn,
            "LoadBalancerName": title,
            "Type": kind,
            "Scheme": "internet-facing" if facing else "internal",
            "VpcId": vpc["id"],
            "State": {"Code": "active"},
            "SecurityGroups": worn,
            "Attributes": attributes,
        }
        self.world.put(vpc["region"], "LoadBalancers", balancer)
        listener = {
            "ListenerArn": f"{base}:listener/{name}/1",
            "LoadBalancerArn": arn,
            "Port": listens,
            "Protocol": group.get("Protocol", "HTTP"),
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
        }
        self.world.put(vpc["region"], "LoadBalancerListeners", {"LoadBalancerArn": arn, "Listeners": [listener]})
        return arn

    def instance_group(self, vpc: dict[str, Any], kind: str) -> dict[str, Any]:
        protocol = "HTTP" if kind == "application" else self.random.choice(("TCP", "TCP", "UDP", "TCP_UDP"))
        keeps = protocol != "TCP" or self.chance(0.6)
        chosen = [id for id in vpc["instances"] if self.chance(0.7)]
        targets = [{"Id": id, "Port": self.random.choice((22, 80, 8080))} for id in chosen]
        return self.group(vpc, "tg", "instance", protocol, keeps=keeps, targets=targets)

    def function_group(self, vpc: dict[str, Any]) -> dict[str, Any]:
        function = f"arn:aws:lambda:{vpc['region']}:{ACCOUNT}:function:f{vpc['number']}"
        made = self.group(vpc, "fn", "lambda", "HTTP", keeps=False, targets=[{"Id": function}])
        del made["Protocol"]
        return made

    def group(
        self, vpc: dict[str, Any], name: str, kind: str, protocol: str, *, keeps: bool, targets: list[dict[str, Any]]
    ) -> dict[str, Any]:
        states = [self.random.choice(("healthy", "healthy", "unhealthy", "draining")) for _ in targets]
        health = [
            {"Target": target, "TargetHealth": {"State": state if kind == "instance" else "healthy"}}
            for target, state in zip(targets, states, strict=True)
        ]
        base = f"arn:aws:elasticloadbalancing:{vpc['region']}:{ACCOUNT}"
        group = {
            "TargetGroupArn": f"{base}:targetgroup/{name}{vpc['number']}/1",
            "TargetType": kind,
            "Protocol": protocol,
            "Port": 80,
            "VpcId": vpc["id"],
            "TargetHealthDescriptions": health,
            "Attributes": [{"Key": "preserve_client_ip.enabled", "Value": str(keeps).lower()}],
        }
        return self.world.put(vpc["region"], "TargetGroups", group)

    # Between networks.

    def peerings(self) -> None:
        for one, other in zip(self.vpcs, self.vpcs[1:], strict=False):
            if self.chance(0.5):
                id = f"pcx-{one['number']}{other['number']}"
                code = "active" if self.chance(0.9) else "pending-acceptance"
                ends = {"RequesterVpcInfo": {"VpcId": one["id"]}, "AccepterVpcInfo": {"VpcId": other["id"]}}
                item = {"VpcPeeringConnectionId": id, "Status": {"Code": code}, **ends}
                self.world.put(one["region"], "VpcPeeringConnections", item)
                one.setdefault("pcx", []).append((id, other))
                other.setdefault("pcx", []).append((id, one))

    def transits(self) -> None:
        made = []
        for region in REGIONS:
            members = [vpc for vpc in self.vpcs if vpc["region"] == region]
            if members and self.chance(0.7):
                made.append(self.transit(region, members))
        if len(made) == 2 and self.chance(0.8):
            for (region, id, tables), (_, other, _) in zip(made, made[::-1], strict=True):
                item = self.attachment(region, id, "tgw-attach-peering", "peering", other, self.random.choice(tables))
                item["State"] = "available"
                for table in tables:
                    for vpc in self.vpcs:
                        if vpc["region"] != region and self.chance(0.7):
                            self.transit_route(region, table, f"10.{vpc['number']}.0.0/16", "tgw-attach-peering")

    def transit(self, region: str, members: list[dict[str, Any]]) -> tuple[str, str, list[str]]:
        id = f"tgw-{region[:2]}"
        sees = "enable" if self.chance(0.5) else "disable"
        options = {"SecurityGroupReferencingSupport": sees}
        self.world.put(region, "TransitGateways", {"TransitGatewayId": id, "Options": options})
        tables = [f"tgw-rtb-{region[:2]}{index}" for index in range(self.random.choice((1, 1, 2)))]
        for table in tables:
            item = {"TransitGatewayRouteTableId": table, "TransitGatewayId": id, "Routes": [], "Propagations": []}
            self.world.put(region, "TransitGatewayRouteTables", item)
        for vpc in members:
            attachment = f"tgw-attach-{vpc['number']}"
            table = self.random.choice(tables) if self.chance(0.9) else ""
            item = self.attachment(region, id, attachment, "vpc", vpc["id"], table)
            subnets = [each["SubnetId"] for each in vpc["subnets"] if self.chance(0.8)] or [
                vpc["subnets"][0]["SubnetId"]
            ]
            zones: set[str] = set()
            kept = []
            for each in vpc["subnets"]:
                if each["SubnetId"] in subnets and each["AvailabilityZone"] not in zones:
                    zones.add(each["AvailabilityZone"])
                    kept.append(each["SubnetId"])
            item["VpcAttachment"] = {"SubnetIds": kept, "Options": options}
            vpc["tgw"] = id
            for target in tables:
                if self.chance(0.85):
                    found = next(
                        each
                        for each in self.world.answers[region]["TransitGatewayRouteTables"]
                        if each["TransitGatewayRouteTableId"] == target
                    )
                    found["Propagations"].append({"TransitGatewayAttachmentId": attachment, "State": "enabled"})
                if self.chance(0.2):
                    self.transit_route(region, target, self.block(), attachment)
        return region, id, tables

    def attachment(self, region: str, tgw: str, id: str, kind: str, resource: str, table: str) -> dict[str, Any]:
        item: dict[str, Any] = {
            "TransitGatewayAttachmentId": id,
            "TransitGatewayId": tgw,
            "ResourceType": kind,
            "ResourceId": resource,
            "State": "available",
        }
        if table:
            item["Association"] = {"TransitGatewayRouteTableId": table, "State": "associated"}
        return self.world.put(region, "TransitGatewayAttachments", item)

    def transit_route(self, region: str, table: str, block: str, attachment: str) -> None:
        found = next(
            each
            for each in self.world.answers[region]["TransitGatewayRouteTables"]
            if each["TransitGatewayRouteTableId"] == table
        )
        if any(each["DestinationCidrBlock"] == block for each in found["Routes"]):
            return
        route: dict[str, Any] = {"DestinationCidrBlock": block, "Type": "static", "State": "active"}
        if self.chance(0.1):
            route["State"] = "blackhole"
        else:
            route["TransitGatewayAttachments"] = [{"TransitGatewayAttachmentId": attachment}]
        found["Routes"].append(route)

    def routes(self, vpc: dict[str, Any]) -> None:
        endpoint = ""
        if self.chance(0.2):
            endpoint = f"vpce-{vpc['number']}"
            item = {"VpcEndpointId": endpoint, "VpcEndpointType": "Gateway", "VpcId": vpc["id"], "State": "available"}
            self.world.put(vpc["region"], "VpcEndpoints", item)
        for index, subnet in enumerate(vpc["subnets"]):
            main = index == 0 and self.chance(0.5)
            table: dict[str, Any] = {
                "RouteTableId": f"rtb-{vpc['number']}{index}",
                "VpcId": vpc["id"],
                "Associations": [{"Main": True} if main else {"SubnetId": subnet["SubnetId"], "Main": False}],
                "Routes": self.subnet_routes(vpc, public=index == 0 and self.chance(0.7)),
            }
            if endpoint and self.chance(0.7):
                table["Routes"].append(
                    {"DestinationPrefixListId": f"pl-s3{vpc['region'][:2]}", "GatewayId": endpoint, "State": "active"}
                )
            if main and len(vpc["subnets"]) == 2 and self.chance(0.5):
                self.world.put(vpc["region"], "RouteTables", table)
                return
            self.world.put(vpc["region"], "RouteTables", table)
        if vpc["igw"] and self.chance(0.15):
            edge = {
                "RouteTableId": f"rtb-edge{vpc['number']}",
                "VpcId": vpc["id"],
                "Associations": [{"GatewayId": vpc["igw"]}],
                "Routes": _local(vpc),
            }
            self.world.put(vpc["region"], "RouteTables", edge)

    def subnet_routes(self, vpc: dict[str, Any], *, public: bool) -> list[dict[str, Any]]:
        """Any routes at all; a public subnet's lead to the internet, and the others' rather to what is in between."""
        found = _local(vpc)
        ways: list[dict[str, str]] = [{}]
        if vpc["igw"]:
            ways += [{"GatewayId": vpc["igw"]}] * 3
        ways += [{"NatGatewayId": each} for each in vpc["nats"]] * 2
        if vpc["tgw"]:
            ways += [{"TransitGatewayId": vpc["tgw"]}] * 2
        taken = set()
        for block in (*OUTSIDE[:3], *(f"10.{other['number']}.0.0/16" for other in self.vpcs if other is not vpc)):
            if not self.chance(0.9 if block == "0.0.0.0/0" else 0.6 if block.startswith("10.") else 0.2):
                continue
            mine = [{"GatewayId": vpc["igw"]}] if public and vpc["igw"] else list(ways)
            if not public and vpc["nats"] and self.chance(0.8):
                mine = [{"NatGatewayId": vpc["nats"][0]}]
            elif not public and vpc["tgw"] and self.chance(0.5):
                mine = [{"TransitGatewayId": vpc["tgw"]}]
            if block.startswith("10."):
                near = [id for id, other in vpc.get("pcx", ()) if block == f"10.{other['number']}.0.0/16"]
                mine = [{"VpcPeeringConnectionId": each} for each in near] * 2 + [
                    way for way in ways if "GatewayId" not in way
                ]
                if vpc["tgw"] and self.chance(0.6):
                    mine = [{"TransitGatewayId": vpc["tgw"]}]
            taken.add(block)
            found.append(_route("DestinationCidrBlock", block, self.random.choice(mine)))
        if vpc["six"]:
            six: list[dict[str, str]] = [{}]
            six += [{"GatewayId": vpc["igw"]}] * 2 if vpc["igw"] else []
            six += [{"EgressOnlyInternetGatewayId": vpc["eigw"]}] * 2 if vpc["eigw"] else []
            found.append(_route("DestinationIpv6CidrBlock", "::/0", self.random.choice(six)))
            for id, other in vpc.get("pcx", ()):
                if other["six"] and self.chance(0.5):
                    block = f"2600:1f00:{other['number']}::/56"
                    found.append(_route("DestinationIpv6CidrBlock", block, {"VpcPeeringConnectionId": id}))
        return found


def _local(vpc: dict[str, Any]) -> list[dict[str, Any]]:
    found = [{"DestinationCidrBlock": f"10.{vpc['number']}.0.0/16", "GatewayId": "local", "State": "active"}]
    if vpc["six"]:
        block = f"2600:1f00:{vpc['number']}::/56"
        found.append({"DestinationIpv6CidrBlock": block, "GatewayId": "local", "State": "active"})
    return found


def _route(key: str, block: str, way: dict[str, str]) -> dict[str, Any]:
    return {key: block, "State": "active" if way else "blackhole", **way}


def _everything() -> dict[str, Any]:
    return {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


def _all_entry(number: int, egress: bool, key: str, block: str, action: str) -> dict[str, Any]:
    return {"RuleNumber": number, "Egress": egress, "Protocol": "-1", key: block, "RuleAction": action}

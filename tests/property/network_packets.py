"""A simulation of single packets through raw describe answers, written apart from the z3 oracle and from the engine: it
shares nothing with them but the answers, so that a mistake about AWS's rules has to be made twice to stay hidden.

Here a packet is a value that moves: each step says where it is next. What gateways translate they write down, as real
ones do, in a table of connections; a reply that arrives at a gateway is translated back by what is written there. Where
a gateway may choose (a port, a target), all choices are tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from network_worlds import World

Answer = dict[str, Any]
Address = IPv4Address | IPv6Address

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
NOT_PUBLIC = [
    ip_network(each)
    for each in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 2001::/23 2001:db8::/32 2002::/16 "
        "3fff::/20"
    ).split()
]
GLOBAL6 = ip_network("2000::/3")


@dataclass(frozen=True)
class Wire:
    """A packet on the wire. Of ICMP, `sport` is the code and `dport` the type. `badges` are the security groups that
    its sender is seen with. `reply` says that it answers a connection; `lenient`, that no stateless filter minds it."""

    src: Address
    dst: Address
    protocol: int
    sport: int
    dport: int
    badges: frozenset[str] = frozenset()
    reply: bool = False
    lenient: bool = False


@dataclass(frozen=True)
class Entry:
    """A line of a gateway's table of connections: who keeps it, and what the packet was before. `door` is the gateway
    by which an answer from the internet comes in again."""

    keeper: str
    before: Wire
    door: str = ""


@dataclass(frozen=True)
class There:
    """Where a packet came to: an interface, or the internet (by `igw` or `eigw`); and the lines of tables so far."""

    place: str
    packet: Wire
    table: tuple[Entry, ...] = ()
    seen: frozenset[str] = frozenset()


@dataclass
class Simulation:
    """One world, one query at a time. `ports` are those that gateways may choose."""

    world: World
    ports: list[int] = field(default_factory=lambda: [1024, 50000, 65535])

    def __post_init__(self) -> None:
        every = self.world.all
        self.interfaces = {each["NetworkInterfaceId"]: each for each in every("NetworkInterfaces")}
        self.subnets = {each["SubnetId"]: each for each in every("Subnets")}
        self.vpcs = {each["VpcId"]: each for each in every("Vpcs")}
        self.regions = {
            vpc["VpcId"]: region for region, told in self.world.answers.items() for vpc in told.get("Vpcs", ())
        }

    # ---- a query

    def exchange(self, sender: str, target: str, packet: Wire) -> bool:
        """Whether the packet gets from `sender` to `target`, and the answer back."""
        started = self.starts(sender, packet)
        return any(self.ends_well(sender, target, each) for each in started)

    def starts(self, sender: str, packet: Wire) -> Iterator[There]:
        if sender == "internet":
            yield from self.from_outside(packet, "igw", (), frozenset())
            return
        groups = frozenset(each["GroupId"] for each in self.interfaces[sender]["Groups"])
        if self.group_lets(sender, "IpPermissionsEgress", packet, packet.dst, self.badges_at(sender, packet.dst)):
            yield from self.leave(sender, replace(packet, badges=groups), ())

    def ends_well(self, sender: str, target: str, at: There) -> bool:
        home = "igw" if sender == "internet" else sender
        if at.place in ("igw", "eigw"):
            return target == "internet" and self.returns(at, home)
        balancer = self.balancer_at(at.place)
        if balancer is None:
            return at.place == target and self.returns(at, home)
        return target != "internet" and any(
            self.returns(at, home) for _ in self.handed_on(at.place, balancer, at.packet, target)
        )

    def returns(self, at: There, home: str) -> bool:
        """The answer of who was reached, all the way back by the tables of connections."""
        answer = self.answered(at.packet)
        if at.place in ("igw", "eigw"):
            waiting = list(self.from_outside(answer, at.place, at.table, frozenset()))
        else:
            waiting = list(self.leave(at.place, answer, at.table))
        while waiting:
            now = waiting.pop()
            if now.table and now.place == now.table[-1].keeper:
                waiting += self.translated_back(now)
            elif not now.table and now.place == home:
                return True
        return False

    def answered(self, packet: Wire) -> Wire:
        swapped = Wire(packet.dst, packet.src, packet.protocol, packet.dport, packet.sport, reply=True)
        for protocol, request, answer in ((ICMP, 8, 0), (ICMP6, 128, 129)):
            if packet.protocol == protocol and packet.dport == request:
                return replace(swapped, dport=answer, sport=0)
            if packet.protocol == protocol:
                return replace(swapped, lenient=True)
        return swapped

    def translated_back(self, now: There) -> Iterator[There]:
        entry, rest = now.table[-1], now.table[:-1]
        sent, packet = entry.before, now.packet
        if entry.keeper == "igw":  # an answer to who went out of one VPC and into another
            yield from self.from_outside(packet, entry.door, rest, frozenset())
            return
        port = packet.dport if packet.protocol == ICMP else sent.sport
        yield from self.leave(entry.keeper, replace(packet, dst=sent.src, dport=port), rest)

    # ---- places

    def network(self, owner: Answer) -> list[Any]:
        six = [each["Ipv6CidrBlock"] for each in owner.get("Ipv6CidrBlockAssociationSet", ())]
        return [ip_network(each) for each in [owner["CidrBlock"], *six]]

    def covers(self, owner: Answer, address: Address) -> bool:
        return any(address in each for each in self.network(owner))

    def addresses(self, interface: str) -> list[Address]:
        told = self.interfaces[interface]
        six = [ip_address(each["Ipv6Address"]) for each in told.get("Ipv6Addresses", ())]
        return [*(ip_address(each["PrivateIpAddress"]) for each in told["PrivateIpAddresses"]), *six]

    def outer(self, interface: str, address: Address) -> Address | None:
        """The address that the internet knows the interface's own one by."""
        if address.version == 6:
            return address if address in self.addresses(interface) else None
        for each in self.interfaces[interface]["PrivateIpAddresses"]:
            if ip_address(each["PrivateIpAddress"]) == address and "Association" in each:
                return ip_address(each["Association"]["PublicIp"])
        return None

    def holder(self, vpc: str, address: Address) -> str | None:
        for id, told in self.interfaces.items():
            if told["VpcId"] == vpc and address in self.addresses(id):
                return id
        return None

    def subnet_at(self, vpc: str, address: Address) -> Answer | None:
        return next((s for s in self.subnets.values() if s["VpcId"] == vpc and self.covers(s, address)), None)

    @staticmethod
    def is_public(address: Address) -> bool:
        if any(address in each for each in NOT_PUBLIC):
            return False
        return address.version == 4 or address in GLOBAL6

    # ---- filters

    def acl_lets(self, subnet: str, outward: bool, packet: Wire, other: Address) -> bool:
        if packet.lenient:
            return True
        for acl in self.world.all("NetworkAcls"):
            if subnet in [each["SubnetId"] for each in acl["Associations"]]:
                numbered = {each["RuleNumber"]: each for each in acl["Entries"] if each["Egress"] is outward}
                for number in sorted(numbered):
                    if self.acl_rule_fits(numbered[number], packet, other):
                        return bool(numbered[number]["RuleAction"] == "allow")
        return False

    def acl_rule_fits(self, rule: Answer, packet: Wire, other: Address) -> bool:
        block = rule.get("CidrBlock", rule.get("Ipv6CidrBlock"))
        if other not in ip_network(block):
            return False
        if rule["Protocol"] == "-1":
            return True
        if int(rule["Protocol"]) != packet.protocol:
            return False
        if packet.protocol in (TCP, UDP):
            return bool(rule["PortRange"]["From"] <= packet.dport <= rule["PortRange"]["To"])
        if packet.protocol == ICMP:
            wanted = rule["IcmpTypeCode"]
            return wanted["Type"] in (-1, packet.dport) and wanted["Code"] in (-1, packet.sport)
        return True

    def group_lets(self, interface: str, side: str, packet: Wire, other: Address, badges: frozenset[str]) -> bool:
        worn = [each["GroupId"] for each in self.interfaces[interface]["Groups"]]
        rules = [rule for group in self.world.all("SecurityGroups") if group["GroupId"] in worn for rule in group[side]]
        return not worn or any(self.group_rule_fits(rule, packet, other, badges) for rule in rules)

    def group_rule_fits(self, rule: Answer, packet: Wire, other: Address, badges: frozenset[str]) -> bool:
        spelt = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}.get(packet.protocol, str(packet.protocol))
        if rule["IpProtocol"] not in ("-1", spelt):
            return False
        if rule["IpProtocol"] in ("tcp", "udp") and not rule["FromPort"] <= packet.dport <= rule["ToPort"]:
            return False
        if rule["IpProtocol"] == "icmp" and not (
            rule["FromPort"] in (-1, packet.dport) and rule["ToPort"] in (-1, packet.sport)
        ):
            return False
        blocks = [each["CidrIp"] for each in rule.get("IpRanges", ())]
        blocks += [each["CidrIpv6"] for each in rule.get("Ipv6Ranges", ())]
        for each in rule.get("PrefixListIds", ()):
            blocks += self.prefixes(each["PrefixListId"])
        if any(other in ip_network(block) for block in blocks):
            return True
        return any(each["GroupId"] in badges for each in rule.get("UserIdGroupPairs", ()))

    def prefixes(self, id: str) -> list[str]:
        return next(list(each["Cidrs"]) for each in self.world.all("PrefixLists") if each["PrefixListId"] == id)

    def badges_at(self, seer: str, address: Address) -> frozenset[str]:
        """The groups of who has an address, as rules of `seer`'s VPC may name them."""
        vpc = self.interfaces[seer]["VpcId"]
        for id, told in self.interfaces.items():
            if address in self.addresses(id) and self.know_groups(vpc, told["VpcId"]):
                return frozenset(each["GroupId"] for each in told["Groups"])
        return frozenset()

    def know_groups(self, one: str, other: str) -> bool:
        if one == other:
            return True
        if self.regions[one] != self.regions[other]:
            return False
        peered = any(
            {each["RequesterVpcInfo"]["VpcId"], each["AccepterVpcInfo"]["VpcId"]} == {one, other}
            and each["Status"]["Code"] == "active"
            for each in self.world.all("VpcPeeringConnections")
        )
        return peered or any(self.joins(gateway, one, other) for gateway in self.world.all("TransitGateways"))

    def joins(self, gateway: Answer, one: str, other: str) -> bool:
        """Whether a transit gateway lets the two VPCs name each other's groups."""
        attached = {each["ResourceId"] for each in self.attached(gateway["TransitGatewayId"], "vpc")}
        return gateway["Options"]["SecurityGroupReferencingSupport"] == "enable" and {one, other} <= attached

    # ---- moving within and out of VPCs

    def leave(self, interface: str, packet: Wire, table: tuple[Entry, ...]) -> Iterator[There]:
        """Out of an interface."""
        subnet = self.subnets[self.interfaces[interface]["SubnetId"]]
        if self.covers(subnet, packet.dst):
            yield from self.come_to(subnet["VpcId"], packet, table, frozenset())
        elif self.acl_lets(subnet["SubnetId"], True, packet, packet.dst):
            yield from self.routed(subnet, packet, interface, table, frozenset())

    def come_to(self, vpc: str, packet: Wire, table: tuple[Entry, ...], seen: frozenset[str]) -> Iterator[There]:
        """At the door of whoever has the address in a VPC."""
        holder = self.holder(vpc, packet.dst)
        if holder is None:
            return
        if not packet.reply:
            if holder in self.gateway_interfaces():
                return
            if not self.group_lets(holder, "IpPermissions", packet, packet.src, packet.badges):
                return
        yield There(holder, packet, table, seen)

    def gateway_interfaces(self) -> set[str]:
        return {
            each["NetworkInterfaceId"] for nat in self.world.all("NatGateways") for each in nat["NatGatewayAddresses"]
        }

    def deliver(
        self, vpc: str, packet: Wire, table: tuple[Entry, ...], seen: frozenset[str], without_acl: str = ""
    ) -> Iterator[There]:
        subnet = self.subnet_at(vpc, packet.dst)
        if subnet is None:
            return
        if subnet["SubnetId"] == without_acl or self.acl_lets(subnet["SubnetId"], False, packet, packet.src):
            yield from self.come_to(vpc, packet, table, seen)

    def table_of(self, subnet: Answer) -> Answer:
        mine = [each for each in self.world.all("RouteTables") if each["VpcId"] == subnet["VpcId"]]
        for each in mine:
            if subnet["SubnetId"] in [a.get("SubnetId") for a in each["Associations"]]:
                return each
        return next(each for each in mine if any(a.get("Main") is True for a in each["Associations"]))

    def choose(self, routes: list[tuple[str, Answer]], address: Address) -> Answer | None:
        """The route with the longest prefix; of equals the one that names its block, and else the earlier."""
        best: tuple[tuple[int, int, int], Answer] | None = None
        for index, (block, route) in enumerate(routes):
            network = ip_network(block)
            if address in network:
                rank = (network.prefixlen, "DestinationPrefixListId" not in route, -index)
                if best is None or rank > best[0]:
                    best = rank, route
        return best[1] if best else None

    def routed(
        self, subnet: Answer, packet: Wire, sender: str, table: tuple[Entry, ...], seen: frozenset[str]
    ) -> Iterator[There]:
        id, vpc = subnet["SubnetId"], subnet["VpcId"]
        if id in seen:
            return  # round and round
        seen |= {id}
        routes = []
        for each in self.table_of(subnet)["Routes"]:
            blocks = [each[key] for key in ("DestinationCidrBlock", "DestinationIpv6CidrBlock") if key in each]
            if "DestinationPrefixListId" in each:
                blocks += self.prefixes(each["DestinationPrefixListId"])
            routes += [(block, each) for block in blocks]
        route = self.choose(routes, packet.dst)
        if route is None or route["State"] != "active":
            return
        if route.get("GatewayId") == "local":
            yield from self.deliver(vpc, packet, table, seen, without_acl=id)
        elif route.get("GatewayId", "").startswith("igw-"):
            yield from self.to_outside(packet, vpc, sender, "igw", table)
        elif "EgressOnlyInternetGatewayId" in route and not packet.reply:
            yield from self.to_outside(packet, vpc, sender, "eigw", table)
        elif "NatGatewayId" in route and not packet.reply:
            yield from self.by_nat(route["NatGatewayId"], id, packet, table)
        elif "VpcPeeringConnectionId" in route:
            yield from self.by_peering(route["VpcPeeringConnectionId"], vpc, packet, table, seen)
        elif "TransitGatewayId" in route:
            yield from self.by_transit(route["TransitGatewayId"], subnet, packet, table, seen)

    # ---- gateways

    def to_outside(self, packet: Wire, vpc: str, sender: str, by: str, table: tuple[Entry, ...]) -> Iterator[There]:
        told = self.interfaces.get(sender)
        outer = self.outer(sender, packet.src) if told and told["VpcId"] == vpc else None
        if outer is None or not self.is_public(packet.dst):
            return
        outside = replace(packet, src=outer, badges=frozenset())
        if packet.reply or not self.is_ours(packet.dst):
            yield There(by, outside, table)
            return
        # In again somewhere else: the answer has to come out there, and in here by the gate that this went out of.
        yield from self.from_outside(outside, "igw", (*table, Entry("igw", packet, by)), frozenset())

    def is_ours(self, address: Address) -> bool:
        if address.version == 6:
            return any(self.covers(vpc, address) for vpc in self.vpcs.values())
        return any(self.outer(id, each) == address for id in self.interfaces for each in self.addresses(id))

    def from_outside(self, packet: Wire, by: str, table: tuple[Entry, ...], seen: frozenset[str]) -> Iterator[There]:
        key = {"igw": "InternetGateways", "eigw": "EgressOnlyInternetGateways"}[by]
        for id, told in self.interfaces.items():
            for address in self.addresses(id):
                if self.outer(id, address) == packet.dst:
                    attached = [a["VpcId"] for gateway in self.world.all(key) for a in gateway["Attachments"]]
                    if told["VpcId"] in attached:
                        inner = replace(packet, dst=address, badges=frozenset())
                        yield from self.deliver(told["VpcId"], inner, table, seen)
                    return

    def by_nat(self, id: str, came_from: str, packet: Wire, table: tuple[Entry, ...]) -> Iterator[There]:
        nat = next(each for each in self.world.all("NatGateways") if each["NatGatewayId"] == id)
        if nat["State"] != "available" or packet.dst.version == 6 or packet.protocol not in (TCP, UDP, ICMP):
            return
        if nat["SubnetId"] != came_from and not self.acl_lets(nat["SubnetId"], False, packet, packet.src):
            return
        keeper = nat["NatGatewayAddresses"][0]["NetworkInterfaceId"]
        if [each.keeper for each in table].count(keeper) > 2:
            return
        for port in [packet.sport] if packet.protocol == ICMP else self.ports:
            sent = replace(packet, src=self.addresses(keeper)[0], sport=port, badges=frozenset())
            yield from self.leave(keeper, sent, (*table, Entry(keeper, packet)))

    def by_peering(
        self, id: str, vpc: str, packet: Wire, table: tuple[Entry, ...], seen: frozenset[str]
    ) -> Iterator[There]:
        for each in self.world.all("VpcPeeringConnections"):
            if each["VpcPeeringConnectionId"] != id or each["Status"]["Code"] != "active":
                continue
            ends = [each[side]["VpcId"] for side in ("RequesterVpcInfo", "AccepterVpcInfo")]
            far = ends[1] if ends[0] == vpc else ends[0]
            if self.covers(self.vpcs[vpc], packet.src) and self.covers(self.vpcs[far], packet.dst):
                abroad = self.regions[vpc] != self.regions[far]
                yield from self.deliver(far, replace(packet, badges=frozenset()) if abroad else packet, table, seen)

    # ---- transit gateways

    def attached(self, gateway: str, kind: str) -> list[Answer]:
        every = self.world.all("TransitGatewayAttachments")
        return [each for each in every if each["TransitGatewayId"] == gateway and each["ResourceType"] == kind]

    def by_transit(
        self, gateway: str, subnet: Answer, packet: Wire, table: tuple[Entry, ...], seen: frozenset[str]
    ) -> Iterator[There]:
        zone = subnet["AvailabilityZone"]
        for attachment in self.attached(gateway, "vpc"):
            if attachment["ResourceId"] != subnet["VpcId"]:
                continue
            doors = [self.subnets[each] for each in attachment["VpcAttachment"]["SubnetIds"]]
            door = next((each for each in doors if each["AvailabilityZone"] == zone), None)
            if door and self.acl_lets(door["SubnetId"], False, packet, packet.src):
                yield from self.switched(attachment, subnet["VpcId"], zone, packet, table, seen)
            return

    def switched(
        self,
        attachment: Answer,
        origin: str,
        zone: str,
        packet: Wire,
        table: tuple[Entry, ...],
        seen: frozenset[str],
    ) -> Iterator[There]:
        gateway, entered = attachment["TransitGatewayId"], attachment["TransitGatewayAttachmentId"]
        mark = f"{gateway} by {entered}"
        table_id = attachment.get("Association", {}).get("TransitGatewayRouteTableId")
        if table_id is None or mark in seen:
            return
        seen |= {mark}
        next_one = self.switching(gateway, table_id, packet.dst)
        if next_one is None:
            return
        if next_one["ResourceType"] == "peering":
            far = self.attached(next_one["ResourceId"], "peering")[0]
            yield from self.switched(far, "", zone, replace(packet, badges=frozenset()), table, seen)
            return
        vpc = next_one["ResourceId"]
        told = next(each for each in self.world.all("TransitGateways") if each["TransitGatewayId"] == gateway)
        if not origin or not self.joins(told, origin, vpc):
            packet = replace(packet, badges=frozenset())
        doors = [self.subnets[each] for each in next_one["VpcAttachment"]["SubnetIds"]]
        door = next((each for each in doors if each["AvailabilityZone"] == zone), doors[0])
        if self.covers(door, packet.dst):
            yield from self.come_to(vpc, packet, table, seen)
        elif self.acl_lets(door["SubnetId"], True, packet, packet.dst):
            yield from self.routed(door, packet, "", table, seen)

    def switching(self, gateway: str, table_id: str, address: Address) -> Answer | None:
        """The attachment that a route table sends to: static routes stand before propagated ones."""
        every = self.world.all("TransitGatewayRouteTables")
        told = next(each for each in every if each["TransitGatewayRouteTableId"] == table_id)
        by_id = {
            each["TransitGatewayAttachmentId"]: each
            for kind in ("vpc", "peering")
            for each in self.attached(gateway, kind)
        }
        routes = [(each["DestinationCidrBlock"], each) for each in told["Routes"]]
        for propagation in told["Propagations"]:
            vpc = self.vpcs[by_id[propagation["TransitGatewayAttachmentId"]]["ResourceId"]]
            way = {"State": "active", "TransitGatewayAttachments": [propagation]}
            routes += [(str(network), way) for network in self.network(vpc)]
        route = self.choose(routes, address)
        if route is None or route["State"] != "active":
            return None
        return by_id[route["TransitGatewayAttachments"][0]["TransitGatewayAttachmentId"]]

    # ---- load balancers

    def balancer_at(self, interface: str) -> Answer | None:
        description = self.interfaces[interface]["Description"]
        for each in self.world.all("LoadBalancers"):
            if description and each["LoadBalancerArn"].endswith(":loadbalancer/" + description.removeprefix("ELB ")):
                return each
        return None

    def handed_on(self, node: str, balancer: Answer, packet: Wire, target: str) -> Iterator[bool]:
        """Once for each way in which a request at a load balancer's node is served by `target`."""
        arn = balancer["LoadBalancerArn"]
        listener = next(
            each
            for told in self.world.all("LoadBalancerListeners")
            for each in told["Listeners"]
            if each["LoadBalancerArn"] == arn
        )
        takes = {"UDP": {UDP}, "TCP_UDP": {TCP, UDP}}.get(listener["Protocol"], {TCP})
        if packet.protocol not in takes or packet.dport != listener["Port"]:
            return
        if arn == target and balancer["Type"] == "application":
            yield True
            return
        group = next(
            each
            for each in self.world.all("TargetGroups")
            if each["TargetGroupArn"] == listener["DefaultActions"][0]["TargetGroupArn"]
        )
        for each in self.in_service(group):
            yield from self.sent_to(node, balancer, group, each, packet, "any" if arn == target else target)

    def in_service(self, group: Answer) -> list[Answer]:
        told = [each for each in group["TargetHealthDescriptions"] if each["TargetHealth"]["State"] != "draining"]
        well = [each["Target"] for each in told if each["TargetHealth"]["State"] == "healthy"]
        return well or [each["Target"] for each in told]

    def sent_to(
        self, node: str, balancer: Answer, group: Answer, target: Answer, packet: Wire, wanted: str
    ) -> Iterator[bool]:
        kind = group["TargetType"]
        if kind == "lambda":
            if wanted in ("any", target["Id"]):
                yield True
            return
        for to in self.interfaces_of(kind, target["Id"]):
            zones = {self.subnets[self.interfaces[each]["SubnetId"]]["AvailabilityZone"] for each in (node, to)}
            everywhere = balancer["Type"] == "application" or balancer["Attributes"][0]["Value"] == "true"
            if len(zones) > 1 and not everywhere:
                continue
            keeps = balancer["Type"] == "network" and group["Attributes"][0]["Value"] == "true"
            inner = self.addresses(to)[0]
            if keeps:
                sent = replace(packet, dst=inner, dport=target["Port"], badges=frozenset(balancer["SecurityGroups"]))
                if not self.passes_through(node, to, sent):
                    continue
                behind = self.balancer_at(to)
                if behind is not None:
                    yield from self.handed_on(
                        to, behind, sent, behind["LoadBalancerArn"] if wanted == "any" else wanted
                    )
                elif wanted in ("any", to):
                    yield True
            elif wanted in ("any", to) and self.connects(node, to, inner, target["Port"]):
                yield True

    def interfaces_of(self, kind: str, id: str) -> list[str]:
        if kind == "alb":
            return [each for each in self.interfaces if (self.balancer_at(each) or {}).get("LoadBalancerArn") == id]
        return [id_ for id_, told in self.interfaces.items() if told.get("Attachment", {}).get("InstanceId") == id]

    def connects(self, node: str, to: str, address: Address, port: int) -> bool:
        """A connection of the load balancer's own."""
        for sport in self.ports:
            request = Wire(self.addresses(node)[0], address, TCP, sport, port)
            if any(at.place == to and self.returns(at, node) for at in self.starts(node, request)):
                return True
        return False

    def passes_through(self, node: str, to: str, sent: Wire) -> bool:
        """With the client's address, from the node's subnet to the target's and back, whatever routes say."""
        if not self.group_lets(to, "IpPermissions", sent, sent.src, sent.badges):
            return False
        near, far = self.interfaces[node]["SubnetId"], self.interfaces[to]["SubnetId"]
        answer = self.answered(sent)
        return near == far or (
            self.acl_lets(near, True, sent, sent.dst)
            and self.acl_lets(far, False, sent, sent.src)
            and self.acl_lets(far, True, answer, answer.dst)
            and self.acl_lets(near, False, answer, answer.src)
        )

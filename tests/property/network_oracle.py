"""The oracle of network reachability: one packet and its reply, followed by AWS's rules through raw describe answers.

It knows nothing of the engine. Every field of a packet is a number, or a z3 term: given numbers it is a simulation of
one packet that says True or False; given terms it is the formula of all packets that pass, for z3 to decide.

What happens next is a function of where a packet arrives (`Then`), so a translation that undoes itself on the way back
is a function inside a function, and nothing has to be remembered.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import z3
from network_worlds import World

Value = Any  # an int, or a z3 integer term
Truth = Any  # a bool, or a z3 boolean term
Answer = dict[str, Any]
ECHO = {1: (8, 0), 58: (128, 129)}


def both(left: Truth, right: Callable[[], Truth]) -> Truth:
    if left is False:
        return False
    other = right()
    if left is True or other is False:
        return other
    return left if other is True else z3.And(left, other)


def either(parts: Any) -> Truth:
    found = []
    for each in parts:
        if each is True:
            return True
        if each is not False:
            found.append(each)
    return False if not found else found[0] if len(found) == 1 else z3.Or(*found)


def no(truth: Truth) -> Truth:
    return (not truth) if isinstance(truth, bool) else z3.Not(truth)


def among(value: Value, low: int, high: int) -> Truth:
    if isinstance(value, int):
        return low <= value <= high
    return z3.And(value >= low, value <= high) if low != high else value == low


@lru_cache(maxsize=4096)
def span(block: str) -> tuple[int, int, int]:
    network = ipaddress.ip_network(block)
    return network.version, int(network.network_address), int(network.broadcast_address)


def inside(address: Value, block: str, family: int) -> Truth:
    version, low, high = span(block)
    return version == family and (block.endswith("/0") or among(address, low, high))


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet on the wire. `sport` and `dport` are ICMP's code and type for ICMP; `groups` are its sender's."""

    family: int
    src: Value
    dst: Value
    protocol: Value
    sport: Value
    dport: Value
    groups: tuple[str, ...] = ()
    been: frozenset[str] = frozenset()
    """Where it was routed: whoever is routed twice by the same table, to the same address, goes in circles."""

    def answered(self) -> Packet:
        return replace(
            self, src=self.dst, dst=self.src, sport=self.dport, dport=self.sport, groups=(), been=frozenset()
        )


Then = Callable[[str, str, Packet], Truth]
"""What holds when a packet arrives: (kind of place, its id, the packet)."""

_PRIVATE = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3"
).split()
_RESERVED6 = "2001::/23 2001:db8::/32 2002::/16 3fff::/20".split()


def on_internet(address: Value, family: int) -> Truth:
    good = True if family == 4 else inside(address, "2000::/3", 6)
    for block in _PRIVATE if family == 4 else _RESERVED6:
        good = both(good, lambda block=block: no(inside(address, block, family)))  # type: ignore[misc]
    return good


class Oracle:
    def __init__(self, world: World) -> None:
        self.world = world
        self.subnets = {each["SubnetId"]: each for each in world.all("Subnets")}
        self.vpcs = {each["VpcId"]: each for each in world.all("Vpcs")}
        self.region = {vpc["VpcId"]: r for r, answers in world.answers.items() for vpc in answers.get("Vpcs", ())}
        self.enis = {each["NetworkInterfaceId"]: each for each in world.all("NetworkInterfaces")}
        self.groups = {each["GroupId"]: each for each in world.all("SecurityGroups")}
        self.lists = {each["PrefixListId"]: each["Cidrs"] for each in world.all("PrefixLists")}
        self.nats = {each["NatGatewayId"]: each for each in world.all("NatGateways")}
        self.transits = {each["TransitGatewayId"]: each for each in world.all("TransitGateways")}
        self.fresh = 0
        self.ports: list[int] = [1024, 50000, 65535]  # that gateways may choose, where nothing is a term
        self.symbolic = False
        self.constraints: list[Truth] = []

    def blocks6(self) -> list[str]:
        """Public addresses that are the VPCs' own, and nobody's on the internet."""
        return [b["Ipv6CidrBlock"] for vpc in self.vpcs.values() for b in vpc.get("Ipv6CidrBlockAssociationSet", ())]

    # What a query asks.

    def delivers(self, sender: str, target: str, packet: Packet) -> Truth:
        """Whether the packet that `sender` (interface or internet) sends reaches `target`, and its reply returns."""

        def arrived(kind: str, id: str, at: Packet, back: Then) -> Truth:
            if target == "internet":
                return kind == "internet" and self.reply(kind, id, at, back)
            if kind == "internet":
                return False
            if ":function:" in target:
                return self.balancer_of(id) is not None and self.balanced(id, at, back, target)
            if self.is_balancer(target):
                return self.served(id, target, at, back)
            if kind == "eni" and id == target:
                return self.reply(kind, id, at, back)
            if kind == "eni" and self.balancer_of(id) is not None:
                return self.balanced(id, at, back, target)
            return False

        self.arrived = arrived
        if sender == "internet":
            return self.enter(packet, "igw", self.home_is("internet", "igw"), request=True)
        return self.send(sender, packet, self.home_is("eni", sender))

    def home_is(self, kind: str, id: str) -> Then:
        return lambda where, what, packet: where == kind and what == id

    def send(self, sender: str, packet: Packet, back: Then) -> Truth:
        """A request from an interface, past its own security groups."""
        eni = self.enis[sender]
        worn = tuple(each["GroupId"] for each in eni["Groups"])
        allowed = self.group_allows(eni, "IpPermissionsEgress", packet, packet.dst, self.seen_groups(eni, packet.dst))
        sent = replace(packet, groups=worn)
        return both(allowed, lambda: self.leave(eni["SubnetId"], sent, sender, back, request=True))

    def seen_groups(self, eni: Answer, address: Value) -> tuple[str, ...]:
        """The groups of who has the private address, as rules of this interface's VPC see them."""
        if not isinstance(address, int):
            return ()
        for other in self.enis.values():
            if address in _own(other) and self.share_groups(eni["VpcId"], other["VpcId"]):
                return tuple(each["GroupId"] for each in other["Groups"])
        return ()

    def share_groups(self, one: str, other: str) -> bool:
        if one == other:
            return True
        if self.region[one] != self.region[other]:
            return False
        for peering in self.world.all("VpcPeeringConnections"):
            ends = {peering["RequesterVpcInfo"]["VpcId"], peering["AccepterVpcInfo"]["VpcId"]}
            if ends == {one, other} and peering["Status"]["Code"] == "active":
                return True
        return any(self.transit_shares(id, one, other) for id in self.transits)

    def transit_shares(self, id: str, one: str, other: str) -> bool:
        if self.transits[id]["Options"]["SecurityGroupReferencingSupport"] != "enable":
            return False
        attached = {a["ResourceId"] for a in self.attachments(id) if a["ResourceType"] == "vpc"}
        return {one, other} <= attached and self.region[one] == self.region[other]

    def attachments(self, transit: str) -> list[Answer]:
        return [a for a in self.world.all("TransitGatewayAttachments") if a["TransitGatewayId"] == transit]

    def reply(self, kind: str, id: str, packet: Packet, back: Then) -> Truth:
        """The answer of who was reached. ICMP other than an echo request is not answered, and need not be."""
        answer = packet.answered()

        def goes(sent: Packet) -> Truth:
            if kind == "internet":
                return self.enter(sent, id, back, request=False)
            return self.leave(self.enis[id]["SubnetId"], sent, id, back, request=False)

        parts = []
        other: Truth = True
        for icmp, (asks, answers) in ECHO.items():
            mine = among(packet.protocol, icmp, icmp)
            echo = both(mine, lambda asks=asks: among(packet.dport, asks, asks))  # type: ignore[misc]
            silent = both(mine, lambda asks=asks: no(among(packet.dport, asks, asks)))  # type: ignore[misc]
            reply = replace(answer, dport=answers, sport=0)
            parts.append(both(echo, lambda reply=reply: goes(reply)))  # type: ignore[misc]
            # What waits for no answer still has to have a way back as far as routes go: filters let it be.
            parts.append(both(silent, lambda: self.routed_only(lambda: goes(answer))))
            other = both(other, lambda mine=mine: no(mine))  # type: ignore[misc]
        return either([both(other, lambda: goes(answer)), *parts])

    def routed_only(self, walk: Callable[[], Truth]) -> Truth:
        self.quiet = True
        try:
            return walk()
        finally:
            self.quiet = False

    quiet = False

    # Subnets, filters, routes.

    def leave(self, subnet: str, packet: Packet, sender: str, back: Then, *, request: bool) -> Truth:
        place = self.subnets[subnet]
        if self.in_subnet(packet.dst, place, packet.family):
            return self.land(place["VpcId"], packet, back, request=request)
        return both(
            self.nacl_allows(subnet, True, packet, packet.dst),
            lambda: self.route(subnet, packet, sender, back, request=request),
        )

    def in_subnet(self, address: Value, subnet: Answer, family: int) -> bool:
        """Only known addresses are in subnets: open ones are on the internet."""
        blocks = [subnet["CidrBlock"]] + [
            each["Ipv6CidrBlock"] for each in subnet.get("Ipv6CidrBlockAssociationSet", ())
        ]
        return isinstance(address, int) and any(inside(address, block, family) for block in blocks)

    def in_vpc(self, address: Value, vpc: str, family: int) -> bool:
        answer = self.vpcs[vpc]
        blocks = [answer["CidrBlock"]] + [
            each["Ipv6CidrBlock"] for each in answer.get("Ipv6CidrBlockAssociationSet", ())
        ]
        return isinstance(address, int) and any(inside(address, block, family) for block in blocks)

    def nacl_allows(self, subnet: str, egress: bool, packet: Packet, address: Value) -> Truth:
        if self.quiet:
            return True
        nacl = next(a for a in self.world.all("NetworkAcls") if a["Associations"][0]["SubnetId"] == subnet)
        entries = sorted((e for e in nacl["Entries"] if e["Egress"] == egress), key=lambda e: e["RuleNumber"])

        def decide(at: int) -> Truth:
            if at == len(entries):
                return False
            matched = self.entry_matches(entries[at], packet, address)
            verdict = entries[at]["RuleAction"] == "allow"
            if isinstance(matched, bool):
                return verdict if matched else decide(at + 1)
            rest = decide(at + 1)
            return either([both(matched, lambda: verdict), both(no(matched), lambda: rest)])

        return decide(0)

    def entry_matches(self, entry: Answer, packet: Packet, address: Value) -> Truth:
        block = entry.get("CidrBlock") if packet.family == 4 else entry.get("Ipv6CidrBlock")
        if block is None:
            return False
        number = int(entry["Protocol"])
        matched = inside(address, block, packet.family)
        if number == -1:
            return matched
        matched = both(matched, lambda: among(packet.protocol, number, number))
        if number in (6, 17):
            ports = entry["PortRange"]
            return both(matched, lambda: among(packet.dport, ports["From"], ports["To"]))
        if number == 1:
            codes = entry["IcmpTypeCode"]
            return both(matched, lambda: _icmp(packet, codes["Type"], codes["Code"]))
        return matched

    def group_allows(self, eni: Answer, key: str, packet: Packet, address: Value, groups: tuple[str, ...]) -> Truth:
        if not eni["Groups"]:
            return True
        permissions = [p for worn in eni["Groups"] for p in self.groups[worn["GroupId"]][key]]
        return either(self.permission_allows(p, packet, address, groups) for p in permissions)

    def permission_allows(self, permission: Answer, packet: Packet, address: Value, groups: tuple[str, ...]) -> Truth:
        name = permission["IpProtocol"]
        number = {"-1": -1, "tcp": 6, "udp": 17, "icmp": 1}.get(name) or int(name)
        good: Truth = True
        if number != -1:
            good = among(packet.protocol, number, number)
            if number in (6, 17):
                good = both(good, lambda: among(packet.dport, permission["FromPort"], permission["ToPort"]))
            elif number == 1:
                good = both(good, lambda: _icmp(packet, permission["FromPort"], permission["ToPort"]))
        blocks = [each["CidrIp"] for each in permission.get("IpRanges", ())]
        if packet.family == 6:
            blocks = [each["CidrIpv6"] for each in permission.get("Ipv6Ranges", ())]
        for each in permission.get("PrefixListIds", ()):
            blocks = [*blocks, *(b for b in self.lists[each["PrefixListId"]] if span(b)[0] == packet.family)]
        named = {each["GroupId"] for each in permission.get("UserIdGroupPairs", ())}
        member = bool(named & set(groups))
        return both(good, lambda: either([member, *(inside(address, block, packet.family) for block in blocks)]))

    def table(self, subnet: str) -> Answer:
        vpc = self.subnets[subnet]["VpcId"]
        tables = [each for each in self.world.all("RouteTables") if each["VpcId"] == vpc]
        for each in tables:
            if any(a.get("SubnetId") == subnet for a in each["Associations"]):
                return each
        return next(each for each in tables if any(a.get("Main") for a in each["Associations"]))

    def route(self, subnet: str, packet: Packet, sender: str, back: Then, *, request: bool) -> Truth:
        """By the route of the longest prefix: each may be it, if no longer one matches."""
        if subnet in packet.been:
            return False
        packet = replace(packet, been=packet.been | {subnet})
        routes = []
        for each in self.table(subnet)["Routes"]:
            blocks = [each.get("DestinationCidrBlock"), each.get("DestinationIpv6CidrBlock")]
            blocks += self.lists.get(each.get("DestinationPrefixListId", ""), [])
            routes += [(block, each) for block in blocks if block and span(block)[0] == packet.family]
        return self.longest(
            routes, packet, lambda each: self.follow(each, subnet, packet, sender, back, request=request)
        )

    def longest(self, routes: list[tuple[str, Answer]], packet: Packet, go: Callable[[Answer], Truth]) -> Truth:
        # Of two of the same length the first stands; a named block goes before a prefix list.
        ordered = sorted(
            routes,
            key=lambda pair: (-int(pair[0].partition("/")[2]), "DestinationPrefixListId" in pair[1]),
        )
        taken: list[str] = []
        parts = []
        for block, each in ordered:
            mine = inside(packet.dst, block, packet.family)
            for longer in taken:
                mine = both(mine, lambda longer=longer: no(inside(packet.dst, longer, packet.family)))  # type: ignore[misc]
            taken.append(block)
            if mine is not False:
                parts.append(both(mine, lambda each=each: go(each)))  # type: ignore[misc]
            if mine is True:
                break
        return either(parts)

    def follow(self, route: Answer, subnet: str, packet: Packet, sender: str, back: Then, *, request: bool) -> Truth:
        vpc = self.subnets[subnet]["VpcId"]
        gateway = route.get("GatewayId", "")
        if route["State"] != "active":
            return False
        if gateway == "local":
            return self.deliver(vpc, packet, subnet, back, request=request)
        if gateway.startswith("igw"):
            return self.out(packet, sender, vpc, "igw", back, request=request)
        if gateway.startswith("vpce"):
            return request and False
        if route.get("EgressOnlyInternetGatewayId"):
            return request and self.out(packet, sender, vpc, "eigw", back, request=request)
        if route.get("NatGatewayId"):
            return self.translate(route["NatGatewayId"], subnet, packet, back, request=request)
        if route.get("VpcPeeringConnectionId"):
            return self.peer(route["VpcPeeringConnectionId"], vpc, packet, back, request=request)
        return self.transit(route["TransitGatewayId"], subnet, packet, back, request=request)

    def deliver(self, vpc: str, packet: Packet, came_from: str, back: Then, *, request: bool) -> Truth:
        """To an address of the VPC, past the network ACL of its subnet."""
        for id, subnet in self.subnets.items():
            if subnet["VpcId"] == vpc and self.in_subnet(packet.dst, subnet, packet.family):
                allowed = True if id == came_from else self.nacl_allows(id, False, packet, packet.src)
                return both(allowed, lambda: self.land(vpc, packet, back, request=request))
        return False

    def land(self, vpc: str, packet: Packet, back: Then, *, request: bool) -> Truth:
        for id, eni in self.enis.items():
            if eni["VpcId"] == vpc and packet.dst in _own(eni):
                if not request:
                    return back("eni", id, packet)
                if any(a["NetworkInterfaceId"] == id for n in self.nats.values() for a in n["NatGatewayAddresses"]):
                    return False
                allowed = self.group_allows(eni, "IpPermissions", packet, packet.src, packet.groups)
                return both(allowed, lambda id=id: self.arrived("eni", id, packet, back))  # type: ignore[misc]
        return False

    # Gateways.

    def out(self, packet: Packet, sender: str, vpc: str, by: str, back: Then, *, request: bool) -> Truth:
        """To the internet, from the sender's public address."""
        eni = self.enis[sender]
        if eni["VpcId"] != vpc:
            return False
        public = _public(eni).get(packet.src) if packet.family == 4 else packet.src
        if public is None:
            return False
        outside = replace(packet, src=public, groups=())
        good = on_internet(packet.dst, packet.family)
        if not request:
            return both(good, lambda: back("internet", by, outside))

        def returned(kind: str, id: str, answer: Packet) -> Truth:
            return kind == "internet" and id == "igw" and self.enter(answer, by, back, request=False)

        if self.has(packet.dst, packet.family):
            return both(good, lambda: self.enter(outside, "igw", returned, request=True))
        # Whoever answers on the internet answers to the public address.
        return both(good, lambda: self.arrived("internet", by, outside, back))

    def has(self, address: Value, family: int) -> bool:
        if not isinstance(address, int):
            return False
        if family == 6:
            return any(self.in_vpc(address, vpc, 6) for vpc in self.vpcs)
        return any(address in _public(eni).values() for eni in self.enis.values())

    def enter(self, packet: Packet, by: str, back: Then, *, request: bool) -> Truth:
        """From the internet to a public address, by the internet gateway or, for replies, the egress-only one."""
        for eni in self.enis.values():
            for private in _own(eni):
                public = _public(eni).get(private) if packet.family == 4 else private
                if public != packet.dst or (private > 1 << 32) != (packet.family == 6):
                    continue
                vpc = eni["VpcId"]
                key = "InternetGateways" if by == "igw" else "EgressOnlyInternetGateways"
                if not any(a["VpcId"] == vpc for g in self.world.all(key) for a in g["Attachments"]):
                    return False
                inner = replace(packet, dst=private, groups=(), been=frozenset())
                return self.deliver(vpc, inner, "", back, request=request)
        return False

    def translate(self, id: str, subnet: str, packet: Packet, back: Then, *, request: bool) -> Truth:
        """Through a NAT gateway: out from its address and a port of its own; replies come in by that door alone."""
        nat = self.nats[id]
        if not request or nat["State"] != "available" or packet.family == 6:
            return False
        eni = nat["NatGatewayAddresses"][0]["NetworkInterfaceId"]
        home = nat["SubnetId"]
        allowed = True if home == subnet else self.nacl_allows(home, False, packet, packet.src)
        known = either(among(packet.protocol, each, each) for each in (1, 6, 17))
        icmp = among(packet.protocol, 1, 1)

        def through(port: Value) -> Truth:
            outer = replace(packet, src=next(iter(_own(self.enis[eni]))), sport=port, groups=())

            def returned(kind: str, where: str, answer: Packet) -> Truth:
                if kind != "eni" or where != eni:
                    return False
                sport = _if(icmp, answer.dport, packet.sport)
                inner = replace(answer, dst=packet.src, dport=sport, been=frozenset())
                return self.leave(home, inner, eni, back, request=False)

            return self.leave(home, outer, eni, returned, request=True)

        return both(allowed, lambda: both(known, lambda: self.some_port(icmp, packet.sport, through)))

    def some_port(self, icmp: Truth, sport: Value, go: Callable[[Value], Truth]) -> Truth:
        """With a port between 1024 and 65535 of a gateway's choice; ICMP's code stays."""
        if icmp is True:
            return go(sport)
        if not self.symbolic:
            return either(go(port) for port in self.ports)
        self.fresh += 1
        port = z3.Int(f"port{self.fresh}")
        self.constraints.append(z3.And(port >= 1024, port <= 65535))
        return go(_if(icmp, sport, port))

    def peer(self, id: str, vpc: str, packet: Packet, back: Then, *, request: bool) -> Truth:
        peering = next(each for each in self.world.all("VpcPeeringConnections") if each["VpcPeeringConnectionId"] == id)
        ends = [peering["RequesterVpcInfo"]["VpcId"], peering["AccepterVpcInfo"]["VpcId"]]
        other = ends[1 - ends.index(vpc)]
        if peering["Status"]["Code"] != "active" or not self.in_vpc(packet.src, vpc, packet.family):
            return False
        if not self.in_vpc(packet.dst, other, packet.family):
            return False
        seen = packet if self.region[vpc] == self.region[other] else replace(packet, groups=())
        return self.deliver(other, seen, "", back, request=request)

    def transit(self, id: str, subnet: str, packet: Packet, back: Then, *, request: bool) -> Truth:
        """Into a transit gateway by the attachment's interface in the subnet's zone."""
        place = self.subnets[subnet]
        mine = [a for a in self.attachments(id) if a["ResourceId"] == place["VpcId"]]
        if not mine:
            return False
        near = [
            each
            for each in mine[0]["VpcAttachment"]["SubnetIds"]
            if self.subnets[each]["AvailabilityZone"] == place["AvailabilityZone"]
        ]
        if not near:
            return False
        zone = place["AvailabilityZone"]
        origin = place["VpcId"]
        return both(
            self.nacl_allows(near[0], False, packet, packet.src),
            lambda: self.switch(id, mine[0], packet, zone, origin, back, request=request),
        )

    def switch(
        self, id: str, source: Answer, packet: Packet, zone: str, origin: str, back: Then, *, request: bool
    ) -> Truth:
        table_id = source.get("Association", {}).get("TransitGatewayRouteTableId")
        if not table_id or source["TransitGatewayAttachmentId"] + id in packet.been:
            return False
        packet = replace(packet, been=packet.been | {source["TransitGatewayAttachmentId"] + id})
        tables = self.world.all("TransitGatewayRouteTables")
        table = next(each for each in tables if each["TransitGatewayRouteTableId"] == table_id)
        here = {a["TransitGatewayAttachmentId"]: a for a in self.attachments(id)}
        routes = [(each["DestinationCidrBlock"], each) for each in table["Routes"]]
        static = {block for block, _ in routes}
        for each in table["Propagations"]:
            attachment = here[each["TransitGatewayAttachmentId"]]
            vpc = self.vpcs[attachment["ResourceId"]]
            blocks = [vpc["CidrBlock"], *(b["Ipv6CidrBlock"] for b in vpc.get("Ipv6CidrBlockAssociationSet", ()))]
            told = {"State": "active", "TransitGatewayAttachments": [each]}
            routes += [(block, told) for block in blocks if block not in static]
        routes = [pair for pair in routes if span(pair[0])[0] == packet.family]

        def go(route: Answer) -> Truth:
            if route["State"] != "active":
                return False
            to = here[route["TransitGatewayAttachments"][0]["TransitGatewayAttachmentId"]]
            if to["ResourceType"] == "peering":
                far = to["ResourceId"]
                entry = next(a for a in self.attachments(far) if a["ResourceType"] == "peering")
                return self.switch(far, entry, replace(packet, groups=()), zone, "", back, request=request)
            vpc = to["ResourceId"]
            sees = bool(origin) and self.transit_shares(id, origin, vpc)
            onward = packet if sees else replace(packet, groups=())
            return self.emerge(to, vpc, onward, zone, back, request=request)

        return self.longest(routes, packet, go)

    def emerge(self, attachment: Answer, vpc: str, packet: Packet, zone: str, back: Then, *, request: bool) -> Truth:
        subnets = attachment["VpcAttachment"]["SubnetIds"]
        near = [each for each in subnets if self.subnets[each]["AvailabilityZone"] == zone]
        entry = (near or subnets)[0]
        if self.in_subnet(packet.dst, self.subnets[entry], packet.family):
            return self.land(vpc, packet, back, request=request)
        # What a gateway's interface sends on has no public address, so `sender` is the interface of nobody.
        return both(
            self.nacl_allows(entry, True, packet, packet.dst),
            lambda: self.route(entry, packet, self.nobody, back, request=request),
        )

    @property
    def nobody(self) -> str:
        self.enis.setdefault("eni-nobody", {"VpcId": "", "Groups": [], "PrivateIpAddresses": []})
        return "eni-nobody"

    # Load balancers.

    def is_balancer(self, target: str) -> bool:
        return target.startswith("arn:")

    def balancer_of(self, eni: str) -> Answer | None:
        description = self.enis[eni].get("Description", "")
        for each in self.world.all("LoadBalancers"):
            if description == "ELB " + each["LoadBalancerArn"].partition("loadbalancer/")[2]:
                return each
        return None

    def served(self, eni: str, target: str, packet: Packet, back: Then) -> Truth:
        """At a load balancer that is asked for, itself or through another one: an application one answers, a network
        one needs a target."""
        balancer = self.balancer_of(eni)
        if balancer is None:
            return False
        if balancer["LoadBalancerArn"] != target:
            return self.balanced(eni, packet, back, target)
        if balancer["Type"] == "application":
            _, takes = self.listens(balancer, packet)
            return both(takes, lambda: self.reply("eni", eni, packet, back))
        return self.balanced(eni, packet, back, "")

    def listens(self, balancer: Answer, packet: Packet) -> tuple[Answer, Truth]:
        arn = balancer["LoadBalancerArn"]
        listener = next(w for w in self.world.all("LoadBalancerListeners") if w["LoadBalancerArn"] == arn)["Listeners"][
            0
        ]
        numbers = {"UDP": (17,), "TCP_UDP": (6, 17)}.get(listener["Protocol"], (6,))
        takes = both(
            either(among(packet.protocol, each, each) for each in numbers),
            lambda: among(packet.dport, listener["Port"], listener["Port"]),
        )
        return listener, takes

    def balanced(
        self, eni: str, packet: Packet, back: Then, target: str, answered: Callable[[], Truth] | None = None
    ) -> Truth:
        """On from a load balancer's node to a target: `target`, or any where that is "". `answered` is what holds when
        the client has its answer, if that is not the node's own affair."""
        balancer = self.balancer_of(eni)
        assert balancer is not None
        listener, takes = self.listens(balancer, packet)
        arn = listener["DefaultActions"][0]["TargetGroupArn"]
        group = next(each for each in self.world.all("TargetGroups") if each["TargetGroupArn"] == arn)
        told = answered or (lambda: self.reply("eni", eni, packet, back))
        return both(
            takes,
            lambda: either(
                self.to_target(balancer, group, eni, each, packet, told, target) for each in self.targets(group)
            ),
        )

    def targets(self, group: Answer) -> list[Answer]:
        registered = [e for e in group["TargetHealthDescriptions"] if e["TargetHealth"]["State"] != "draining"]
        healthy = [e for e in registered if e["TargetHealth"]["State"] == "healthy"]
        return [each["Target"] for each in healthy or registered]

    def to_target(
        self,
        balancer: Answer,
        group: Answer,
        eni: str,
        target: Answer,
        packet: Packet,
        answered: Callable[[], Truth],
        wanted: str,
    ) -> Truth:
        if group["TargetType"] == "lambda":
            return wanted in ("", target["Id"]) and answered()
        if group["TargetType"] == "alb":
            nodes = [id for id in self.enis if (self.balancer_of(id) or {}).get("LoadBalancerArn") == target["Id"]]
            return either(self.kept(balancer, eni, id, target, packet, answered, wanted) for id in nodes)
        to = next(id for id, e in self.enis.items() if e.get("Attachment", {}).get("InstanceId") == target["Id"])
        if wanted and to != wanted:
            return False
        if balancer["Type"] == "network" and group["Attributes"][0]["Value"] == "true":
            return self.kept(balancer, eni, to, target, packet, answered, "")
        if not self.sends_to_zone(balancer, eni, to):
            return False

        def there_is(kind: str, id: str, at: Packet, back_to_node: Then) -> Truth:
            return kind == "eni" and id == to and self.reply(kind, id, at, back_to_node)

        def onward(port: Value) -> Truth:
            inner = Packet(4, next(iter(_own(self.enis[eni]))), _primary(self.enis[to]), 6, port, target["Port"])
            before, self.arrived = self.arrived, there_is
            try:
                return self.send(eni, inner, self.home_is("eni", eni))
            finally:
                self.arrived = before

        return both(answered(), lambda: self.some_port(False, 0, onward))

    def sends_to_zone(self, balancer: Answer, eni: str, to: str) -> bool:
        crosses = balancer["Type"] == "application" or balancer["Attributes"][0]["Value"] == "true"
        zones = {self.subnets[self.enis[each]["SubnetId"]]["AvailabilityZone"] for each in (eni, to)}
        return crosses or len(zones) == 1

    def kept(
        self,
        balancer: Answer,
        eni: str,
        to: str,
        target: Answer,
        packet: Packet,
        answered: Callable[[], Truth],
        wanted: str,
    ) -> Truth:
        """To a target that sees the client's address, and answers through the node whatever routes say."""
        if not self.sends_to_zone(balancer, eni, to):
            return False
        place, there = self.subnets[self.enis[eni]["SubnetId"]], self.subnets[self.enis[to]["SubnetId"]]
        address = _primary(self.enis[to])
        inner = replace(packet, dst=address, dport=target["Port"], groups=tuple(balancer["SecurityGroups"]), family=4)
        answer = inner.answered()
        good = self.group_allows(self.enis[to], "IpPermissions", inner, inner.src, inner.groups)
        if place is not there:
            # Out of the node's subnet and into the target's; the reply the same way.
            for subnet, egress, sent, seen in (
                (place, True, inner, inner.dst),
                (there, False, inner, inner.src),
                (there, True, answer, answer.dst),
                (place, False, answer, answer.src),
            ):
                good = both(good, lambda s=subnet, e=egress, p=sent, a=seen: self.nacl_allows(s["SubnetId"], e, p, a))  # type: ignore[misc]
        inside_it = self.balancer_of(to)
        if inside_it is None:
            return both(good, answered)
        if wanted in ("", inside_it["LoadBalancerArn"]):
            return both(good, lambda: both(self.listens(inside_it, inner)[1], answered))
        return both(good, lambda: self.balanced(to, inner, self.home_is("", ""), wanted, answered))


def _if(condition: Truth, one: Value, other: Value) -> Value:
    if isinstance(condition, bool):
        return one if condition else other
    return z3.If(condition, one, other)


def _icmp(packet: Packet, kind: int, code: int) -> Truth:
    """Type in the place of the destination port, code in that of the source port."""
    good = True if kind == -1 else among(packet.dport, kind, kind)
    return good if code == -1 else both(good, lambda: among(packet.sport, code, code))


@lru_cache(maxsize=4096)
def number(address: str) -> int:
    return int(ipaddress.ip_address(address))


def _own(eni: Answer) -> dict[int, None]:
    four = [number(each["PrivateIpAddress"]) for each in eni["PrivateIpAddresses"]]
    return dict.fromkeys([*four, *(number(each["Ipv6Address"]) for each in eni.get("Ipv6Addresses", ()))])


def _primary(eni: Answer) -> int:
    return number(next(each["PrivateIpAddress"] for each in eni["PrivateIpAddresses"] if each["Primary"]))


def _public(eni: Answer) -> dict[int, int]:
    return {
        number(each["PrivateIpAddress"]): number(each["Association"]["PublicIp"])
        for each in eni["PrivateIpAddresses"]
        if "Association" in each
    }

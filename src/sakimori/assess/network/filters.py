"""Security groups and network ACLs as sets of packets.

Each is compiled once a direction, address family and orientation. The orientation says on which port a rule's range
lies: a *request* travels to the server port, a *reply* to the client port. The remote address is the one that the rule
looks at: the source of what comes in, the destination of what goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sakimori.assess.network.addresses import V4, V6, Range, cidr
from sakimori.assess.network.space import (
    EMPTY,
    ICMP,
    ICMP6,
    PORTS,
    TCP,
    TOP,
    UDP,
    Box,
    Space,
    at,
    box,
    minus,
)

ECHO = {ICMP: (8, 0), ICMP6: (128, 129)}
"""ICMP's echo request and its reply (RFC 792, RFC 4443): the only types that wait for an answer."""

PROTOCOLS = {"icmp": ICMP, "tcp": TCP, "udp": UDP, "icmpv6": ICMP6}

INGRESS, EGRESS = "ingress", "egress"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A rule that may let packets pass: what it says is not known. It stands in trails beside rules."""

    reason: str


def protocol_number(name: str) -> int | None:
    """None for all protocols. Raises ValueError."""
    name = str(name).lower()
    if name in ("-1", "all"):
        return None
    return PROTOCOLS[name] if name in PROTOCOLS else int(name)


class Nacl:
    """One network ACL: numbered rules, the first match decides, what no rule matches is denied. Stateless."""

    def __init__(self, id: str, entries: Iterable[Mapping[str, Any]]) -> None:
        self.id = id
        self.entries = sorted(entries, key=lambda entry: entry["RuleNumber"])
        self._spaces: dict[tuple[str, int, bool], Space] = {}
        self._by_address: dict[tuple[str, int, bool], dict[int, Space] | None] = {}

    def space(self, direction: str, family: int, *, reply: bool, peer: int | None) -> Space:
        """What it lets pass; with a `peer`, to or from that address alone."""
        key = (direction, family, reply)
        space = self._spaces.get(key)
        if space is None:
            space = self._spaces[key] = self._compile(direction, family, reply)
            spanning = all(each[0] == 0 and each[1] == TOP for each in space)
            self._by_address[key] = None if spanning else {}
        if peer is None:
            return space
        known = self._by_address[key]
        if known is None:
            return space
        found = known.get(peer)
        if found is None:
            if len(known) > 10_000:
                known.clear()
            found = known[peer] = at(space, peer)
        return found

    def _compile(self, direction: str, family: int, reply: bool) -> Space:
        allowed: list[Box] = []
        undecided: Space = (box(),)
        if reply:
            for icmp, (request, _) in ECHO.items():
                for span in ((0, request - 1), (request + 1, PORTS)):
                    silent = box(protocol=(icmp, icmp), server=span)
                    allowed.append(silent)
                    undecided = minus(undecided, (silent,))
        for entry in self.entries:
            matched = nacl_boxes(entry, direction, family, reply, f"{self.id}/{direction}/{entry['RuleNumber']}")
            if not matched:
                continue
            if entry["RuleAction"] == "allow":
                for piece in _both(undecided, matched):
                    allowed.append(piece)
            undecided = minus(undecided, matched)
        return widened(allowed)

    def decides(self, direction: str, family: int, *, reply: bool, point: Sequence[int]) -> str:
        """The rule that decides about one packet, as a person would name it."""
        for entry in self.entries:
            for each in nacl_boxes(entry, direction, family, reply, None):
                if all(each[2 * i] <= point[i] <= each[2 * i + 1] for i in range(4)):
                    number = entry["RuleNumber"]
                    return f"rule {'*' if number == 32767 else number} {_VERBS[entry['RuleAction']]} it"
        return "no rule allows it"


_VERBS = {"allow": "allows", "deny": "denies"}


def _both(left: Space, right: Space) -> Space:
    from sakimori.assess.network.space import meet

    return meet(left, right)


def widened(boxes: list[Box]) -> Space:
    """The boxes with those left out that lie inside another; one that spans a whole family spans all addresses."""
    kept: list[Box] = []
    for each in boxes:
        if not any(_within(each, other) for other in kept):
            kept.append(each)
    return tuple(kept)


def _within(inner: Box, outer: Box) -> bool:
    return all(outer[low] <= inner[low] and inner[low + 1] <= outer[low + 1] for low in (0, 2, 4, 6))


def nacl_boxes(entry: Mapping[str, Any], direction: str, family: int, reply: bool, trail: Any) -> Space:
    """The packets that one entry matches, as boxes."""
    if bool(entry["Egress"]) != (direction == EGRESS):
        return EMPTY
    block = entry.get("CidrBlock") if family == V4 else entry.get("Ipv6CidrBlock")
    if not block:
        return EMPTY
    protocol = protocol_number(entry["Protocol"])
    if protocol in (TCP, UDP):
        ports = entry.get("PortRange") or {}
        low, high = int(ports.get("From", 0)), int(ports.get("To", PORTS))
    elif protocol in ECHO:
        codes = entry.get("IcmpTypeCode") or {}
        low, high = int(codes.get("Type", -1)), int(codes.get("Code", -1))
    else:
        low, high = -1, -1
    return boxes(address_span(block), protocol, low, high, reply=reply, trail=trail)


def address_span(block: str) -> Range:
    """A CIDR block's range; that of a whole family is widened to all addresses."""
    span = cidr(block)[1]
    return (0, TOP) if block.endswith("/0") else span


def boxes(span: Range, protocol: int | None, low: int, high: int, *, reply: bool, trail: Any) -> Space:
    """A rule as boxes. `low` and `high` are ports, or ICMP's type and code with -1 for any."""
    if protocol is None:
        return (box(ip=span, trail=trail),)
    if protocol in ECHO:
        return _icmp(span, protocol, low, high, reply=reply, trail=trail)
    ports = (low, high) if protocol in (TCP, UDP) and low >= 0 else (0, PORTS)
    if reply:
        return (box(ip=span, protocol=(protocol, protocol), client=ports, trail=trail),)
    return (box(ip=span, protocol=(protocol, protocol), server=ports, trail=trail),)


def _icmp(span: Range, protocol: int, kind: int, code: int, *, reply: bool, trail: Any) -> Space:
    codes = (code, code) if code >= 0 else (0, PORTS)
    if not reply:
        kinds = (kind, kind) if kind >= 0 else (0, PORTS)
        return (box(ip=span, protocol=(protocol, protocol), server=kinds, client=codes, trail=trail),)
    request, answer = ECHO[protocol]
    if kind not in (-1, answer) or code not in (-1, 0):
        return EMPTY
    return (box(ip=span, protocol=(protocol, protocol), server=(request, request), trail=trail),)


@dataclass(slots=True)
class GroupRules:
    """One direction of a security group in one family: by address, by member of another group, and in doubt."""

    by_address: list[Box] = field(default_factory=list)
    by_group: dict[str, list[Box]] = field(default_factory=dict)
    doubtful: list[Box] = field(default_factory=list)
    _spanning: list[tuple[int, int, Box]] | None = None

    def at(self, peer: int) -> list[Box]:
        """Those by address that hold for `peer`, over all addresses."""
        if self._spanning is None:
            self._spanning = [(each[0], each[1], (0, TOP, *each[2:])) for each in self.by_address]
        return [each for low, high, each in self._spanning if low <= peer <= high]


class SecurityGroup:
    """One security group: it allows and never denies, and lets the replies to what it allowed pass."""

    def __init__(self, id: str, config: Mapping[str, Any], prefixes: Mapping[str, Sequence[str]]) -> None:
        self.id = id
        self._config = config
        self._prefixes = prefixes
        self._rules: dict[tuple[str, int], GroupRules] = {}

    def rules(self, direction: str, family: int) -> GroupRules:
        found = self._rules.get((direction, family))
        if found is None:
            found = self._rules[direction, family] = self._compile(direction, family)
        return found

    def spans(self) -> Iterator[Range]:
        """Every range of addresses that a rule names."""
        for direction in (INGRESS, EGRESS):
            for family in (V4, V6):
                for each in self.rules(direction, family).by_address:
                    yield each[0], each[1]

    def _compile(self, direction: str, family: int) -> GroupRules:
        compiled = GroupRules()
        key = "IpPermissions" if direction == INGRESS else "IpPermissionsEgress"
        for permission in self._config.get(key) or ():
            self._permission(compiled, permission, direction, family)
        return compiled

    def _permission(self, into: GroupRules, permission: Mapping[str, Any], direction: str, family: int) -> None:
        protocol = protocol_number(permission["IpProtocol"])
        low, high = permission.get("FromPort"), permission.get("ToPort")
        low, high = (-1 if low is None else int(low)), (-1 if high is None else int(high))
        named = f"{self.id}/{direction}/{_ports_text(str(permission['IpProtocol']), protocol, low, high)}"

        def add(to: list[Box], span: Range, trail: Any) -> None:
            to.extend(boxes(span, protocol, low, high, reply=False, trail=trail))

        blocks = [each["CidrIp"] for each in permission.get("IpRanges") or ()]
        if family == V6:
            blocks = [each["CidrIpv6"] for each in permission.get("Ipv6Ranges") or ()]
        for block in blocks:
            add(into.by_address, address_span(block), f"{named}/{block}")
        for each in permission.get("PrefixListIds") or ():
            id = each["PrefixListId"]
            known = self._prefixes.get(id)
            if known is None:
                reason = f"the addresses of prefix list {id}, which {named} names, are not in the snapshot"
                add(into.doubtful, (0, TOP), Doubt(reason))
            for block in known or ():
                if cidr(block)[0] == family:
                    add(into.by_address, address_span(block), f"{named}/{id}")
        for pair in permission.get("UserIdGroupPairs") or ():
            group = pair.get("GroupId") or pair.get("GroupName") or ""
            add(into.by_group.setdefault(group, []), (0, TOP), f"{named}/{group}")
        for unknown in sorted(set(permission) - _PERMISSION):
            if permission[unknown]:
                reason = f"{unknown} in {named} is not modelled"
                add(into.doubtful, (0, TOP), Doubt(reason))


_PERMISSION = frozenset(
    "IpProtocol FromPort ToPort IpRanges Ipv6Ranges PrefixListIds UserIdGroupPairs".split(),
)


def _ports_text(name: str, protocol: int | None, low: int, high: int) -> str:
    if protocol is None:
        return "all"
    if low < 0:
        return name
    if protocol in ECHO:
        return f"{name}/{low}" if high < 0 else f"{name}/{low}.{high}"
    return f"{name}/{low}" if low == high else f"{name}/{low}-{high}"


class GroupSet:
    """The security groups of one interface: a packet passes if any of them lets it."""

    def __init__(self, groups: Sequence[SecurityGroup], missing: Sequence[str]) -> None:
        self.groups = groups
        self.ids = [group.id for group in groups] + list(missing)
        self.missing = missing
        self._rules: dict[tuple[str, int], GroupRules] = {}

    def rules(self, direction: str, family: int) -> GroupRules:
        found = self._rules.get((direction, family))
        if found is None:
            found = self._rules[direction, family] = self._gather(direction, family)
        return found

    def space(
        self, direction: str, family: int, *, peer: int | None, peer_groups: Sequence[str]
    ) -> tuple[Space, Space]:
        """What is let pass for certain, and what may be: to or from `peer`, or any address where it is None.

        `peer_groups` are the groups that the peer is seen as a member of.
        """
        rules = self.rules(direction, family)
        found: list[Box] = []
        if rules.by_group:
            for group in peer_groups:
                found += rules.by_group.get(group, ())
        if peer is None:
            found += rules.by_address
        else:
            found += rules.at(peer)
        return tuple(found), tuple(rules.doubtful)

    def _gather(self, direction: str, family: int) -> GroupRules:
        if len(self.groups) == 1 and not self.missing:
            return self.groups[0].rules(direction, family)
        gathered = GroupRules()
        for group in self.groups:
            rules = group.rules(direction, family)
            gathered.by_address += rules.by_address
            gathered.doubtful += rules.doubtful
            for id, each in rules.by_group.items():
                gathered.by_group.setdefault(id, []).extend(each)
        for id in self.missing:
            gathered.doubtful.append(box(trail=Doubt(f"security group {id} is not in the snapshot")))
        gathered.by_address = list(widened(gathered.by_address))
        return gathered

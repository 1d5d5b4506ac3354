"""An answer as a person would say it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sakimori.assess.network.engine import Answer
from sakimori.assess.network.judge import REACHABLE, UNREACHABLE
from sakimori.assess.network.topology import Topology
from sakimori.model.said import joined, say

KINDS = {
    "internet": say("the internet"),
    "i-": say("instance"),
    "eni-": say("interface"),
    "subnet-": say("subnet"),
    "vpc-": say("VPC"),
    "igw-": say("internet gateway"),
    "eigw-": say("egress-only internet gateway"),
    "nat-": say("NAT gateway"),
    "tgw-": say("transit gateway"),
    "vgw-": say("virtual private gateway"),
    "vpn-": say("VPN connection"),
    "dxgw-": say("Direct Connect gateway"),
    "vpce-": say("VPC endpoint"),
    "arn:": say("load balancer"),
}
"""What a node is, by how its id begins."""

_COMPONENTS = {
    "security_group": "security group",
    "network_acl": "network ACL",
    "route_table": "route",
    "transit_gateway_route_table": "transit gateway route",
    "nat_gateway": "address translation by",
    "internet_gateway": "gateway",
    "egress_only_internet_gateway": "gateway",
    "vpn_gateway": "gateway",
    "load_balancer": "listener",
    "target_group": "target group",
    "propagation": "propagated route",
}


def kind(node: str) -> str:
    """`instance` for i-0abc; "" for what has no kind of its own."""
    return next((name for prefix, name in KINDS.items() if node.startswith(prefix)), "")


def short(node: str) -> str:
    """A node or rule as it is spoken of: of an ARN, the name."""
    if not node.startswith("arn:"):
        return node
    resource = node.split(":", 5)[-1]
    kind_of, slash, name = resource.partition("/")
    return name if slash and kind_of in _NAMED else resource


_NAMED = frozenset(("loadbalancer", "listener", "targetgroup"))


def component(name: str) -> str:
    """`network ACL` for network_acl."""
    return _COMPONENTS.get(name, name.replace("_", " "))


def named(net: Topology, node: str) -> str:
    """`instance i-0abc (web)`."""
    title = net.titles.get(node, "")
    shown = "" if node == "internet" else short(node)
    return joined(" ", filter(None, (kind(node), shown, f"({title})" if title and title not in node else "")))


def packet_text(packet: dict[str, Any]) -> str:
    """`tcp from 1.0.0.0 port 49152 to 10.0.0.5 port 22`."""
    if not packet:
        return "nothing"
    protocol = packet["protocol"]
    shown = f"protocol {protocol}" if protocol.isdigit() else protocol
    if "dst_port" in packet:
        return f"{shown} from {packet['src']} port {packet['src_port']} to {packet['dst']} port {packet['dst_port']}"
    kind_of = f" type {packet['type']} code {packet['code']}" if "type" in packet else ""
    return f"{shown}{kind_of} from {packet['src']} to {packet['dst']}"


def sentences(net: Topology, answer: Answer) -> Iterator[str]:
    """The lines of an explanation."""
    source, target = named(net, answer.source), named(net, answer.target)
    if answer.answer == REACHABLE:
        yield f"Yes: {source or answer.source} reaches {target or answer.target}."
        yield f"For instance, {packet_text(answer.packet)} gets there, and its reply gets back."
        yield from _journey(net, answer)
        yield from (f"Taken for granted: {each}." for each in answer.unknown_because)
        return
    if answer.answer == UNREACHABLE:
        yield f"No: nothing that was asked about gets from {source or answer.source} to {target or answer.target}."
        yield from _blocked(net, answer)
        return
    yield f"Not known: whether {source or answer.source} reaches {target or answer.target}."
    yield f"Packets get as far as {_last(net, answer.path)}: {_arrows(answer.path)}."
    yield from (f"What is not known: {each}." for each in answer.unknown_because)


def _journey(net: Topology, answer: Answer) -> Iterator[str]:
    for title, path, returning in (("There", answer.path, False), ("Back", answer.return_path, True)):
        yield ""
        yield f"{title}:"
        for step, node in enumerate(path):
            yield f"  {step + 1:>2}. {named(net, node)}"
            for hop in answer.hops:
                if hop["returning"] == returning and hop["step"] == step:
                    what = component(hop["component"])
                    yield f"        {what} {', '.join(map(short, hop['rules']))}"


def _blocked(net: Topology, answer: Answer) -> Iterator[str]:
    if answer.path:
        yield f"Packets get as far as {_last(net, answer.path)}: {_arrows(answer.path)}."
    if answer.return_path:
        yield f"They arrive, but replies get only as far as {_last(net, answer.return_path)}."
    first = [each for each in answer.blocked_by if each.first]
    rest = [each for each in answer.blocked_by if not each.first]
    for each in first:
        yield f"What stops them first: {each.why} [{short(each.id)}]."
    for each in rest:
        yield f"What would stop them then: {each.why} [{short(each.id)}]."


def _last(net: Topology, path: list[str]) -> str:
    return named(net, path[-1]) if path else "nowhere"


def _arrows(path: list[str]) -> str:
    return " > ".join(map(short, path))

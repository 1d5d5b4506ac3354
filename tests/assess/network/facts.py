"""Batfish's facts, put to the engine: its notation of flows and nodes mapped onto ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sakimori.assess.network.engine import Answer, Engine, Question
from sakimori.assess.network.topology import Topology

OUTSIDE = ("AWS_BACKBONE_HOSTNAME", "INTERNET_HOST_NAME", "IspModelingUtils.INTERNET_HOST_NAME", "AWS_SERVICES_GATEWAY")
ROUTED = frozenset(("NO_ROUTE", "NULL_ROUTED", "NEIGHBOR_UNREACHABLE"))
PROTOCOLS = {"AN": 107, "TCP": 6, "UDP": 17, "ICMP": 1}


@dataclass(frozen=True, slots=True)
class Score:
    passed: bool
    told: str


def node(net: Topology, theirs: str, fact: dict[str, Any]) -> str:
    """Our id of one of their nodes."""
    if any(theirs.startswith(each) for each in OUTSIDE):
        return "internet"
    balancer = re.search(r'LoadBalancer\.getNodeId\("([^".]+)-([0-9a-f]+)\.', theirs)
    if balancer:
        return next(uid for uid in net.balancers if f"/{balancer[1]}/{balancer[2]}" in uid)
    if theirs.startswith("_"):
        # A constant of the test class that was not substituted: an instance in the next node's subnet.
        following = fact["path"][fact["path"].index(theirs) + 1]
        subnet = net.by_node[following][0].subnet
        return next(each.node for each in net.interfaces.values() if each.subnet is subnet and each.kind == "host")
    return theirs


def path(net: Topology, theirs: list[str], fact: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for each in theirs:
        ours = node(net, each, fact)
        if not found or found[-1] != ours:
            found.append(ours)
    return found


def arguments(text: str) -> list[str]:
    """The arguments of the outermost call, nested calls whole."""
    inner = text[text.index("(") + 1 : text.rindex(")")]
    found, depth, at = [], 0, 0
    for index, char in enumerate(inner + ","):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            found.append(inner[at:index].strip())
            at = index + 1
    return found


def end(net: Topology, text: str, fact: dict[str, Any]) -> str:
    address = re.search(r'Ip\.parse\("([^"]+)"\)', text)
    if address:
        return address[1]
    interface = re.search(r'getInterfaceIp\(.*"(eni-[^"]+)"\)', text)
    if interface:
        family, ip = next(net.interfaces[interface[1]].addresses())
        from sakimori.assess.network.addresses import text as shown

        return shown(ip, family)
    return node(net, text.strip('"'), fact)


def question(net: Topology, fact: dict[str, Any]) -> Question:
    """The query that one fact is about."""
    if "src" in fact:
        return Question(fact["src"], fact["dst"])
    flow = fact["flow"]
    if flow.startswith("Flow.builder"):
        parts = {name: value for name, value in re.findall(r"\.set(\w+)\(((?:[^()]|\([^()]*\))*)\)", flow)}
        source = end(net, parts["IngressNode"], fact)
        if source not in net.vpcs and source != "internet" and "Ip.parse" in parts.get("SrcIp", ""):
            source = end(net, parts["SrcIp"], fact)
        protocol = parts.get("IpProtocol", "").rpartition(".")[2]
        return Question(source, end(net, parts["DstIp"], fact), PROTOCOLS.get(protocol))
    found = arguments(flow)
    source = end(net, found[0], fact)
    if flow.startswith("getAnyFlow"):
        return Question(source, end(net, found[-1], fact))
    if len(found) == 4:
        asked = end(net, found[1], fact)
        source = asked if source in net.subnets else source
    port = sum(int(each) for each in found[-1].split("+"))
    return Question(source, end(net, found[-2], fact), PROTOCOLS["TCP"], port)


def score(engine: Engine, fact: dict[str, Any]) -> Score:
    answer = engine.ask(question(engine.net, fact))
    problems = list(_problems(engine, fact, answer))
    return Score(not problems, "; ".join(problems))


def _problems(engine: Engine, fact: dict[str, Any], answer: Answer) -> list[str]:
    found = []
    wanted = _verdict(fact)
    if wanted is not None and answer.answer not in wanted:
        found.append(f"{answer.answer}, not {'/'.join(wanted)}")
    for key, ours in (("path", answer.path), ("reverse_path", answer.return_path)):
        if fact.get(key):
            theirs = path(engine.net, fact[key], fact)
            if ours != theirs:
                found.append(f"{key} {ours}, not {theirs}")
    return found


def _verdict(fact: dict[str, Any]) -> tuple[str, ...] | None:
    """The answers that the fact allows; None where it decides about the path alone (see PROVENANCE)."""
    disposition = fact["disposition"]
    if disposition in ROUTED:
        return ("unreachable",)
    if "ACCEPTED" in disposition or disposition == "EXITS_NETWORK":
        beyond = any(
            not each.startswith(("i-", "subnet-", "vpc-", "tgw-", "eni-")) for each in fact.get("path", ())[-1:]
        )
        return ("reachable", "unknown") if beyond else ("reachable",)
    tcp = fact.get("flow", "").startswith("getTcpFlow") or "setIpProtocol" in fact.get("flow", "")
    return ("unreachable",) if tcp else None

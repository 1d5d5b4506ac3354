"""Measure 2: the engine, a packet-by-packet oracle and z3 agree on 5,000 random networks and queries.

For each: z3 decides over all packets whether any passes, and the engine must say the same; the engine's witness is
replayed packet by packet, and so is z3's own model; and of packets drawn at random, the packet oracle and z3's formula,
written apart from each other, say the same.
"""

from __future__ import annotations

import ipaddress
import multiprocessing
import os
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

z3 = pytest.importorskip("z3", reason="z3 is not installed: no oracle over all packets")

from network_oracle import Oracle, Packet, _own, _public, inside, no, on_internet  # noqa: E402
from network_packets import Simulation, Wire  # noqa: E402
from network_worlds import Maker, World  # noqa: E402

from sakimori.assess.network.engine import Answer, Engine, Question  # noqa: E402
from sakimori.assess.network.witness import points  # noqa: E402

QUERIES = 5_000
PER_WORLD = 5
SEED = 20261125


@dataclass(frozen=True, slots=True)
class Asked:
    """A query in the oracle's words: who sends, to whom, and the packet's fixed fields."""

    sender: str
    target: str
    protocol: int | None
    port: int | None


def question(asked: Asked) -> Question:
    def named(end: str) -> str:
        return end.replace("eni-", "i-", 1) if end.startswith("eni-") else end

    return Question(named(asked.sender), named(asked.target), asked.protocol, asked.port)


def queries(world: World, chooser: random.Random) -> list[Asked]:
    hosts = [e["NetworkInterfaceId"] for e in world.all("NetworkInterfaces") if "Attachment" in e]
    balancers = [each["LoadBalancerArn"] for each in world.all("LoadBalancers")]
    functions = [
        each["Target"]["Id"]
        for group in world.all("TargetGroups")
        for each in group["TargetHealthDescriptions"]
        if group["TargetType"] == "lambda"
    ]
    found = []
    while len(found) < PER_WORLD:
        sender = chooser.choice([*hosts, *hosts, "internet"])
        target = chooser.choice([*hosts * 2, *balancers * 3, *functions * 3, *["internet"] * len(hosts)])
        if sender == target:
            continue
        protocol = chooser.choice([None, 6, 6, 6, 17, 1, 50])
        port = chooser.choice([None, 22, 80, 443]) if protocol in (6, 17) else None
        found.append(Asked(sender, target, protocol, port))
    return found


def destinations(oracle: Oracle, target: str) -> list[tuple[int, int]]:
    """(family, address) of all that a packet for the target can be sent to: itself, and what stands before it."""
    own = [id for id in oracle.enis if id == target or (oracle.balancer_of(id) or {}).get("LoadBalancerArn") == target]
    if target != "internet":
        own += [id for id in oracle.enis if oracle.balancer_of(id) is not None]
    found: dict[tuple[int, int], None] = {}
    for id in own:
        eni = oracle.enis[id]
        for address in [*_own(eni), *_public(eni).values()]:
            found[6 if address > 1 << 32 else 4, address] = None
    return list(found)


def senders(oracle: Oracle, sender: str, family: int) -> list[int]:
    return [each for each in _own(oracle.enis[sender]) if (each > 1 << 32) == (family == 6)]


def decided_by_z3(world: World, asked: Asked) -> tuple[Packet, list[int]] | None:
    """A packet that passes, if any does, and the ports that gateways chose for it."""
    oracle = Oracle(world)
    oracle.symbolic = True
    protocol = asked.protocol if asked.protocol is not None else z3.Int("protocol")
    dport = asked.port if asked.port is not None else z3.Int("dport")
    sport, remote = z3.Int("sport"), z3.Int("remote")
    for family in (4, 6):
        targets = [address for each, address in destinations(oracle, asked.target) if each == family]
        for dst in [remote] if asked.target == "internet" else targets:
            for src in [remote] if asked.sender == "internet" else senders(oracle, asked.sender, family):
                if asked.sender == asked.target == "internet":
                    continue
                oracle.constraints = []
                packet = Packet(family, src, dst, protocol, sport, dport)
                passes = oracle.delivers(asked.sender, asked.target, packet)
                if passes is False:
                    continue
                solver = z3.SolverFor("QF_LIA")
                solver.add(passes, sport >= 0, sport <= 65535, *oracle.constraints)
                if asked.protocol is None:
                    solver.add(protocol >= 0, protocol <= 255)
                if asked.port is None:
                    solver.add(dport >= 0, dport <= 65535)
                if "internet" in (asked.sender, asked.target):
                    top = (1 << (32 if family == 4 else 128)) - 1
                    solver.add(remote >= 0, remote <= top, on_internet(remote, family))
                    solver.add(*(no(inside(remote, block, 6)) for block in oracle.blocks6() if family == 6))
                if solver.check() == z3.sat:
                    return _concrete(solver.model(), packet, oracle)
    return None


def _concrete(model: Any, packet: Packet, oracle: Oracle) -> tuple[Packet, list[int]]:
    def value(term: Any) -> int:
        return term if isinstance(term, int) else model.eval(term, model_completion=True).as_long()

    ports = [z3.Int(f"port{number}") for number in range(1, oracle.fresh + 1)]
    fields = ("family", "src", "dst", "protocol", "sport", "dport")
    return Packet(*(value(getattr(packet, name)) for name in fields)), [value(port) for port in ports]


def simulated(world: World, asked: Asked, packet: Packet, ports: list[int]) -> bool:
    simulation = Simulation(world)
    simulation.ports = [*ports, *simulation.ports]
    made = ipaddress.IPv4Address if packet.family == 4 else ipaddress.IPv6Address
    wire = Wire(made(packet.src), made(packet.dst), packet.protocol, packet.sport, packet.dport)
    return simulation.exchange(asked.sender, asked.target, wire)


def witness(answer: Answer) -> tuple[Packet, list[int]]:
    assert answer.judgement is not None
    found = points(answer.judgement)
    told = answer.packet
    src, dst = (ipaddress.ip_address(told[end]) for end in ("src", "dst"))
    _, protocol, server, client = found[0]
    packet = Packet(src.version, int(src), int(dst), protocol, client, server)
    return packet, [point[3] for point in found if point[3] >= 1024]


def problem(world: World, engine: Engine, asked: Asked, chooser: random.Random, tally: Counter[str]) -> str:
    """What the three do not agree about, "" if they do."""
    answer = engine.ask(question(asked))
    if answer.answer == "unknown":
        tally["unknown"] += 1
        told = " ".join(answer.unknown_because)
        return "" if "which zone" in told or "in another zone" in told else f"unknown: {told}"
    tally[answer.answer] += 1
    model = decided_by_z3(world, asked)
    if (model is not None) != (answer.answer == "reachable"):
        return f"the engine says {answer.answer}, z3 {model}"
    if model is not None:
        packet, ports = witness(answer)
        if not simulated(world, asked, packet, ports):
            return f"the witness {answer.packet} does not pass"
        if not simulated(world, asked, *model):
            return f"z3's {model[0]} does not pass"
        _note(answer, tally)
    for _ in range(3):
        packet = drawn(world, asked, chooser)
        if packet is None:
            continue
        passes = simulated(world, asked, packet, [])
        if passes != Oracle(world).delivers(asked.sender, asked.target, packet):
            return f"{packet}: the packet oracle says {passes}, and z3's formula not"
        if passes and model is None:
            return f"{packet} passes"
        tally["drawn that pass" if passes else "drawn that do not"] += 1
    return ""


def _note(answer: Answer, tally: Counter[str]) -> None:
    for kind in ("nat-", "tgw-", "arn:", "eigw-"):
        tally[f"by {kind}"] += any(node.startswith(kind) for node in answer.path)
    tally["functions"] += ":function:" in answer.path[-1]
    tally["balancers in a row"] += sum(":loadbalancer/" in node for node in answer.path) > 1
    tally["IPv6"] += ":" in answer.packet["src"]


def drawn(world: World, asked: Asked, chooser: random.Random) -> Packet | None:
    oracle = Oracle(world)
    outside = int(ipaddress.ip_address(chooser.choice(("8.8.8.8", "9.9.9.9", "130.0.0.1", "1.1.1.1"))))
    targets = [(4, outside)] if asked.target == "internet" else destinations(oracle, asked.target)
    if not targets or asked.sender == asked.target:
        return None
    family, dst = chooser.choice(targets)
    own = [outside if family == 4 else 0x2A00_0001 << 96] if asked.sender == "internet" else []
    own = own or senders(oracle, asked.sender, family)
    if not own:
        return None
    protocol = asked.protocol if asked.protocol is not None else chooser.choice((1, 6, 6, 17, 50))
    dport = asked.port if asked.port is not None else chooser.choice((22, 80, 443, 8, 50000))
    return Packet(family, chooser.choice(own), dst, protocol, chooser.choice((1024, 40000, 50000, 0)), dport)


def run(seeds: list[int]) -> tuple[Counter[str], list[str]]:
    tally: Counter[str] = Counter()
    problems = []
    for seed in seeds:
        world = Maker(seed).make()
        engine = Engine(world.inventory())
        chooser = random.Random(seed)
        for asked in queries(world, chooser):
            tally["queries"] += 1
            found = problem(world, engine, asked, chooser, tally)
            if found:
                problems.append(f"seed {seed}, {asked}: {found}")
    return tally, problems


def test_engine_and_oracles_agree(capsys: pytest.CaptureFixture[str]) -> None:
    count = int(os.environ.get("SAKIMORI_NETWORK_WORLDS", QUERIES // PER_WORLD + 40))
    seeds = [SEED + number for number in range(count)]
    tally: Counter[str] = Counter()
    problems: list[str] = []
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for counted, found in pool.imap_unordered(run, [seeds[at : at + 20] for at in range(0, len(seeds), 20)]):
            tally += counted
            problems += found
    with capsys.disabled():
        print(f"\nengine, packet oracle and z3: {dict(sorted(tally.items()))}")
    assert not problems, "\n".join(problems[:20])
    assert tally["queries"] - tally["unknown"] >= QUERIES
    for kind in ("by nat-", "by tgw-", "by arn:", "by eigw-", "IPv6", "functions", "balancers in a row"):
        assert tally[kind] >= 25, kind

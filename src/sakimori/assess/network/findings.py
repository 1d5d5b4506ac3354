"""Findings about the network: what is exposed to the internet, and which assertions do not hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sakimori.assess.network.addresses import INTERNET, overlap, range_text, without
from sakimori.assess.network.assertions import A_PATH, Assertion
from sakimori.assess.network.engine import Answer, Engine, Question
from sakimori.assess.network.explain import named, short
from sakimori.assess.network.exposure import Exposure, Scan
from sakimori.assess.network.judge import REACHABLE
from sakimori.assess.network.prove import Proof, Prover
from sakimori.assess.network.space import PORTS, TCP, UDP, Space
from sakimori.assess.network.witness import NAMES
from sakimori.model.asset import Asset, Inventory, NotEvaluated
from sakimori.model.finding import COMPLIANCE, Finding, finding_uid
from sakimori.model.said import joined, made_of, say
from sakimori.model.severity import Severity

EXPOSURE = "network/internet_exposure"
ASSERTION = "network/assertion/"

SENSITIVE = {
    **{22: "SSH", 23: "Telnet", 135: "RPC", 445: "SMB", 1433: "SQL Server", 1521: "Oracle", 2375: "Docker"},
    **{2379: "etcd", 3306: "MySQL", 3389: "RDP", 5432: "PostgreSQL", 5601: "Kibana", 5900: "VNC", 5985: "WinRM"},
    **{
        6379: "Redis",
        6443: "Kubernetes",
        9200: "Elasticsearch",
        10250: "kubelet",
        11211: "memcached",
        27017: "MongoDB",
    },
}
"""Ports of what is administered or stored: nothing that the whole internet should talk to."""

WEB = frozenset((80, 443))
SHOWN = 12
"""Ranges of ports or addresses that a finding lists."""


@dataclass(slots=True)
class Assessment:
    """What an assessment came to. `undecided` are assets that it could not decide about, with the reasons."""

    findings: list[Finding] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    undecided: dict[str, list[str]] = field(default_factory=dict)
    exposed: int = 0
    interfaces: int = 0
    classes: int = 0
    not_evaluated: list[NotEvaluated] = field(default_factory=list)

    @property
    def rules(self) -> list[str]:
        """The rules that were to be evaluated, found or not."""
        return [EXPOSURE, *(ASSERTION + proof.assertion.id for proof in self.proofs)]

    @property
    def unproved(self) -> list[str]:
        """Those of them that could not be."""
        return [ASSERTION + proof.assertion.id for proof in self.proofs if proof.problem]


def assess(inventory: Inventory, assertions: Iterable[Assertion], now: str) -> Assessment:
    """Looks for exposure and proves the assertions; `now` is the time of the findings (ISO 8601)."""
    engine = Engine(inventory)
    done = Assessment(interfaces=len(engine.net.interfaces), not_evaluated=list(inventory.not_evaluated))
    scan = Scan(engine)
    by_node: dict[str, list[Exposure]] = {}
    for exposure in scan.exposures():
        if exposure.space:
            by_node.setdefault(exposure.node, []).append(exposure)
        if exposure.unknown:
            uid = engine.net.uid(exposure.node)
            done.undecided.setdefault(uid, []).extend(exposure.unknown)
    done.classes, done.exposed = scan.classes, len(by_node)
    done.findings += (_exposed(engine, inventory, node, found, now) for node, found in by_node.items())
    prover = Prover(engine, inventory)
    for assertion in assertions:
        proof = prover.prove(assertion)
        done.proofs.append(proof)
        done.findings += _violated(engine, inventory, proof, now)
        for node, reasons in proof.unknown.items():
            done.undecided.setdefault(engine.net.uid(node), []).extend(reasons)
    return done


def _exposed(engine: Engine, inventory: Inventory, node: str, exposures: list[Exposure], now: str) -> Finding:
    space = tuple(each for exposure in exposures for each in exposure.space)
    answer = engine.ask(Question("internet", node))
    open_ports = list(ports(space))
    told_of = named(engine.net, node)
    via = sorted({exposure.via for exposure in exposures if exposure.via})
    evidence = {
        "question": {"from": "internet", "to": node},
        "ports": [str(each) for each in open_ports[:SHOWN]],
        "open_to": sources(space, exposures[0].family)[:SHOWN],
        "via": via,
        **_shown(answer),
    }
    told = joined(", ", [*open_ports[:SHOWN], *(["..."] if len(open_ports) > SHOWN else [])])
    through = joined(", ", map(short, via))
    return _finding(
        engine,
        inventory,
        EXPOSURE,
        node,
        now,
        title=say("{what} is reachable from the internet on {ports}", what=told_of, ports=told),
        description=say(
            "Packets from the internet reach {what} through {via}, and its replies get back.", what=told_of, via=through
        )
        if through
        else say("Packets from the internet reach {what}, and its replies get back.", what=told_of),
        severity=severity(space),
        evidence=evidence,
        remediation=say(
            "Close the ports that need not be open to the internet in the security groups that `rules` names, "
            "or name the addresses that may connect."
        ),
    )


def _violated(engine: Engine, inventory: Inventory, proof: Proof, now: str) -> Iterator[Finding]:
    """One finding for each asset that the assertion does not hold for, with the first witness."""
    assertion = proof.assertion
    by_asset: dict[str, list[Answer]] = {}
    for violation in proof.violations:
        by_asset.setdefault(violation.asset, []).append(violation.answer)
    for node, answers in by_asset.items():
        first = answers[0]
        evidence = {
            "assertion": assertion.text,
            "question": {"from": first.source, "to": first.target},
            "violations": len(answers),
            **_shown(first),
        }
        yield _finding(
            engine,
            inventory,
            ASSERTION + assertion.id,
            node,
            now,
            title=say("{what} violates: {text}", what=named(engine.net, node), text=assertion.text),
            description=assertion.why or say("The assertion `{text}` does not hold.", text=assertion.text),
            severity=assertion.severity,
            evidence=evidence,
            remediation=_REMEDY_PATH if assertion.kind == A_PATH else _REMEDY,
        )


_REMEDY = say("Take away one of the rules that `rules` names, or change the assertion if this is wanted.")
_REMEDY_PATH = say("Let through what `blocked_by` names, or change the assertion if this is wanted.")


def _shown(answer: Answer) -> dict[str, Any]:
    found = answer.to_json()
    wanted = ("packet", "path", "return_path", "rules") if answer.answer == REACHABLE else ("path", "blocked_by")
    return {name: found[name] for name in wanted}


def _finding(
    engine: Engine,
    inventory: Inventory,
    rule: str,
    node: str,
    now: str,
    *,
    title: str,
    description: str,
    severity: Severity,
    evidence: dict[str, Any],
    remediation: str,
) -> Finding:
    uid = engine.net.uid(node)
    account, region = _place(engine, inventory.get(uid), node)
    return Finding(
        uid=finding_uid(rule, account, region, uid, ""),
        rule=rule,
        title=str(title),
        severity=severity,
        tactics=(),
        techniques=(),
        account=account,
        region=region,
        actor="",
        source_ip="",
        asset=uid,
        count=1,
        first_seen=now,
        last_seen=now,
        records=(),
        description=str(description),
        class_uid=COMPLIANCE,
        evidence=evidence,
        remediation=str(remediation),
        said=made_of((title, description, remediation)),
    )


def _place(engine: Engine, asset: Asset | None, node: str) -> tuple[str, str]:
    """Whose it is, and in which region: of what is no asset, its VPC's, and of a function what its ARN says."""
    if asset is not None:
        return asset.account, asset.region
    if node in engine.net.by_node:
        vpc = engine.net.by_node[node][0].subnet.vpc
        return vpc.account, vpc.region
    return node.split(":")[4], node.split(":")[3]


def ports(space: Space) -> Iterator[str]:
    """`tcp/22`, `tcp/8000-9000`, `icmp`, `protocol 50`, `all`: the server ports of a set, as few as say it."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for each in set((each[2], each[3], each[4], each[5]) for each in space):
        for protocol in range(each[0], each[1] + 1):
            spans.setdefault(protocol, []).append((each[2], each[3]))
    merged = {protocol: list(_merged(listed)) for protocol, listed in sorted(spans.items())}
    if len(merged) == 256 and all(listed == [(0, PORTS)] for listed in merged.values()):
        yield say("all")
        return
    for protocol, listed in merged.items():
        name = NAMES.get(protocol)
        for low, high in listed if name and protocol in (TCP, UDP) else ():
            yield f"{name}/{low}" if low == high else f"{name}/{low}-{high}" if (low, high) != (0, PORTS) else str(name)
        if name and protocol not in (TCP, UDP):
            yield name
    for low, high in _merged([(each, each) for each in merged if each not in NAMES]):
        yield (
            say("protocol {number}", number=low)
            if low == high
            else say("protocols {first} to {last}", first=low, last=high)
        )


def _merged(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    spans = sorted(set(spans))
    if not spans:
        return
    low, high = spans[0]
    for start, end in spans[1:]:
        if start > high + 1:
            yield low, high
            low = start
        high = max(high, end) if start <= high + 1 else end
    yield low, high


def sources(space: Space, family: int) -> list[str]:
    """The addresses of the internet that a set's packets come from; `anywhere` where it has them all."""
    spans = list(_merged([(each[0], each[1]) for each in space]))
    outside = INTERNET[family]
    if not without(outside, spans):
        return ["anywhere"]
    return [range_text(span, family) for span in overlap(spans, outside)]


def severity(space: Space) -> Severity:
    """High for ports of administration and storage, or all ports; low for the web's alone; medium for the rest.

    One step lower where only a part of the internet may connect.
    """
    listed = {(each[2], each[3], each[4], each[5]) for each in space}
    tcp = [(low, high) for first, last, low, high in listed if first <= TCP <= last]
    if any(low <= port <= high for port in SENSITIVE for low, high in tcp):
        level = Severity.HIGH
    elif all(first == last == TCP and low == high and low in WEB for first, last, low, high in listed):
        level = Severity.LOW
    else:
        level = Severity.MEDIUM
    return level if _reaches_far(space) else Severity(max(level - 1, Severity.INFORMATIONAL))


def _reaches_far(space: Space) -> bool:
    """Whether the addresses are more than a hundredth of what there is of IPv4."""
    return sum(high - low + 1 for low, high in _merged([(each[0], each[1]) for each in space])) > (1 << 32) // 100

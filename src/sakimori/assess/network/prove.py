"""Whether assertions hold: every class of senders to every class of receivers, judged once.

Two addresses that no rule, route or list tells apart, on interfaces with the same subnet and groups, are of one class:
what holds for one holds for all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from sakimori.assess.network.addresses import V4, cidr
from sakimori.assess.network.assertions import A_PATH, NO_PATH, THROUGH, Assertion, Ends
from sakimori.assess.network.compile import TALKING
from sakimori.assess.network.engine import Answer, Engine, Question
from sakimori.assess.network.judge import REACHABLE, UNCERTAIN, Judgement, judge, there
from sakimori.assess.network.legs import Host
from sakimori.assess.network.resolve import hosts
from sakimori.assess.network.space import Space, meet
from sakimori.assess.network.topology import Interface, Topology
from sakimori.model.asset import Asset, Inventory

HELD, VIOLATED, UNDECIDED = "held", "violated", "not evaluated"


@dataclass(frozen=True, slots=True)
class Violation:
    """One asset that an assertion does not hold for: `asset` is whose it is, `answer` shows it."""

    asset: str
    answer: Answer


@dataclass(slots=True)
class Proof:
    """What became of an assertion. `classes` counts the packet classes (senders, receivers, ways) that were judged."""

    assertion: Assertion
    classes: int = 0
    violations: list[Violation] = field(default_factory=list)
    unknown: dict[str, list[str]] = field(default_factory=dict)
    """By the asset that it is about, why it is not known."""
    problem: str = ""

    @property
    def verdict(self) -> str:
        if self.violations:
            return VIOLATED
        return UNDECIDED if self.unknown or self.problem else HELD


@dataclass(slots=True)
class Prover:
    """Proves assertions about one inventory."""

    engine: Engine
    inventory: Inventory
    _cuts: list[int] | None = None
    _tags: dict[str, dict[str, str]] | None = None

    @property
    def net(self) -> Topology:
        return self.engine.net

    def prove(self, assertion: Assertion) -> Proof:
        proof = Proof(assertion)
        for ends in (assertion.source, assertion.target):
            proof.unknown |= dict(self._perhaps(ends))
            if not ends.internet and not self.select(ends):
                proof.problem = f"nothing in the inventory is {ends}"
                return proof
        if assertion.kind == THROUGH:
            self._through(proof)
        elif assertion.kind == A_PATH:
            self._a_path(proof)
        elif assertion.kind == NO_PATH:
            self._none(proof, self._senders(assertion.source), assertion.packets)
        else:
            self._none(proof, self._senders(assertion.source, besides=True), None)
            if assertion.ports:
                self._none(proof, self._senders(assertion.source), assertion.others)
        return proof

    # Ends.

    def select(self, ends: Ends) -> list[Interface]:
        """The interfaces that selectors name."""
        found: dict[str, Interface] = {}
        for kind, value in ends.selectors:
            for interface in self.net.interfaces.values():
                if interface.kind in ("host", "balancer", "endpoint") and self._is(interface, kind, value):
                    found[interface.id] = interface
        return list(found.values())

    def _is(self, interface: Interface, kind: str, value: str) -> bool:
        subnet, vpc = interface.subnet, interface.subnet.vpc
        if kind == "tag":
            key, _, wanted = value.partition("=")
            return any(tags.get(key) is not None and wanted in ("*", tags[key]) for tags in self._tags_of(interface))
        if kind == "cidr":
            family, span = cidr(value)
            return any(each == family and span[0] <= ip <= span[1] for each, ip in interface.addresses())
        if kind == "sg":
            return bool({value, *self.net.names.get(value, ())} & set(interface.groups))
        wearers = [asset for uid in self.net.wearers.get(interface.id, ()) if (asset := self.inventory.get(uid))]
        if kind in ("name", "id") and any(_may_be(asset, kind, value) for asset in wearers):
            return True
        names = {
            "vpc": (vpc.id, vpc.uid, self.net.titles.get(vpc.id)),
            "subnet": (subnet.id, subnet.uid, self.net.titles.get(subnet.id)),
            "account": (vpc.account,),
            "name": (self.net.titles.get(interface.node), self.net.titles.get(interface.id)),
            "id": (interface.node, interface.id, interface.uid, self.net.uid(interface.node)),
        }
        return value in names.get(kind, ())

    def _tags_of(self, interface: Interface) -> Iterator[dict[str, str]]:
        if self._tags is None:
            self._tags = {asset.uid: dict(asset.tags) for asset in self.inventory if asset.tags}
        for uid in (self.net.uid(interface.node), interface.uid, *self.net.wearers.get(interface.id, ())):
            if uid in self._tags:
                yield self._tags[uid]

    def _perhaps(self, ends: Ends) -> Iterator[tuple[str, list[str]]]:
        """What the selectors may mean, too: without a known place in the network, or with tags that were not told."""
        names = dict.fromkeys((*self.net.untold, *self.net.unplaced))
        for asset in (asset for name in names if (asset := self.inventory.get(name)) is not None):
            if any(_may_be(asset, kind, value) for kind, value in ends.selectors):
                yield asset.uid, [f"whether {asset.id} is {ends}, and what reaches it, is not in the inventory"]
        if any(kind == "tag" for kind, _ in ends.selectors):
            for each in self.inventory.not_evaluated:
                if each.action in TAGS_OF_TALKING and each.resource:
                    yield each.resource, [f"whether it is {ends} is not known: {each.action} was not answered"]

    def _senders(self, ends: Ends, *, besides: bool = False) -> list[Host]:
        """Hosts of the ends, one a class; with `besides` all that are not of the ends, the internet included."""
        chosen = self.select(ends)
        if besides:
            named = {each.id for each in chosen}
            chosen = [each for each in self.net.interfaces.values() if each.kind == "host" and each.id not in named]
        outside = ends.internet != besides
        found = hosts(self.net, "internet", source=True) if outside else []
        return [*found, *self.classes(chosen)]

    def classes(self, interfaces: list[Interface]) -> list[Host]:
        """The hosts of the interfaces by class: subnet, groups, and the piece of the addresses that rules tell apart.

        Two of each class, where there are two: neighbours of one class may reach each other, too.
        """
        found: dict[tuple[object, ...], list[Host]] = {}
        for interface in interfaces:
            for family, ip in interface.addresses():
                public = interface.public.get(ip) if family == V4 else None
                fronts = tuple(id(front[3]) for front in self.net.fronts.get(interface.id, ()))
                special = interface.id if fronts or interface.kind != "host" else ""
                spots = self._spot(ip), -1 if public is None else self._spot(public)
                key = (interface.subnet.id, interface.groups, family, *spots, special)
                members = found.setdefault(key, [])
                if len(members) < 2:
                    members.append(Host("interface", family, ip, interface=interface))
        return [host for members in found.values() for host in members]

    def _spot(self, address: int) -> int:
        if self._cuts is None:
            self._cuts = sorted(set(_boundaries(self.net)))
        return bisect_right(self._cuts, address)

    # Kinds of assertions.

    def _none(self, proof: Proof, senders: list[Host], packets: Space | None) -> None:
        """No sender may reach a target with any of these packets (None: with any at all)."""
        violated: set[str] = set()
        for target in self._receivers(proof.assertion.target):
            for source in senders:
                if source.interface is not None and source.interface is target.interface:
                    continue
                if source.kind == target.kind == "internet":
                    continue
                self._judge(proof, source, target, packets, violated)

    def _judge(self, proof: Proof, source: Host, target: Host, packets: Space | None, violated: set[str]) -> None:
        question = Question(source.node, target.node)
        for judgement in self._judgements(source, target, packets):
            proof.classes += 1
            if judgement.answer == REACHABLE and (source.node + target.node) not in violated:
                violated.add(source.node + target.node)
                proof.violations.append(Violation(_about(source, target), self.engine.told(judgement, question)))
            elif reasons := self._reasons(judgement):
                proof.unknown.setdefault(_about(source, target), []).extend(reasons)

    def _judgements(self, source: Host, target: Host, packets: Space | None) -> Iterator[Judgement]:
        query = self.engine.packets(source, target)
        if packets is not None:
            query = meet(query, packets)
        if query:
            for way in self.engine.ways.between(source, target):
                yield judge(way, query)

    def _a_path(self, proof: Proof) -> None:
        """Every receiver must be reached by some sender."""
        senders = self._senders(proof.assertion.source)
        for target in self._receivers(proof.assertion.target):
            best: Judgement | None = None
            pair = (senders[0], target)
            for source in senders:
                for judgement in self._judgements(source, target, proof.assertion.packets):
                    proof.classes += 1
                    if best is None or _rank(judgement) > _rank(best):
                        best, pair = judgement, (source, target)
            if best is None:
                self._strangers(proof, senders, target)
            elif best.answer == REACHABLE:
                continue
            elif reasons := self._reasons(best):
                proof.unknown.setdefault(target.node, []).extend(reasons)
            else:
                question = Question(pair[0].node, target.node)
                proof.violations.append(Violation(target.node, self.engine.told(best, question)))

    def _strangers(self, proof: Proof, senders: list[Host], target: Host) -> None:
        """No sender has an address of the receiver's family: another address of the receiver may do."""
        families = {sender.family for sender in senders}
        if target.interface is not None and families.isdisjoint(each for each, _ in target.interface.addresses()):
            question = Question(senders[0].node, target.node)
            proof.violations.append(Violation(target.node, self.engine.between(senders, [target], question)))

    def _reasons(self, judgement: Judgement) -> list[str]:
        """Why a judgement that is not "reachable" may be so all the same."""
        if judgement.answer == REACHABLE:
            return []
        return list(judgement.reasons) if judgement.answer == UNCERTAIN else list(self.engine.unseen(judgement))

    def _receivers(self, ends: Ends) -> list[Host]:
        return hosts(self.net, "internet", source=False) if ends.internet else self.classes(self.select(ends))

    def _through(self, proof: Proof) -> None:
        """Whatever leaves for the internet must pass one of the places."""
        violated: set[str] = set()
        for source in self._senders(proof.assertion.source):
            for family_target in hosts(self.net, "internet", source=False):
                if source.family != family_target.family:
                    continue
                question = Question(source.node, "internet")
                for judgement in self._judgements(source, family_target, None):
                    proof.classes += 1
                    path, _ = there(judgement)
                    if any(node.startswith(proof.assertion.via) for node in path):
                        continue
                    if judgement.answer == REACHABLE and source.node not in violated:
                        violated.add(source.node)
                        proof.violations.append(Violation(source.node, self.engine.told(judgement, question)))
                    elif reasons := self._reasons(judgement):
                        proof.unknown.setdefault(source.node, []).extend(reasons)


TAGS_OF_TALKING = ("ec2:DescribeTags", "elasticloadbalancing:DescribeTags")
"""What tells the tags of assets that have network interfaces, where their description does not."""


def _may_be(asset: Asset, kind: str, value: str) -> bool:
    if kind == "tag":
        key, _, wanted = value.partition("=")
        return key in asset.tags and wanted in ("*", asset.tags[key])
    names = {"name": (asset.name,), "id": (asset.id, asset.uid), "account": (asset.account,)}
    if kind in ("vpc", "subnet", "sg") and asset.type not in TALKING:
        return value in str(asset.config)  # a database tells where it is, if not with which interface
    return kind not in names or value in names[kind]


def _about(source: Host, target: Host) -> str:
    """Whose setting it is: the receiver's, or the sender's where it is about what goes out."""
    return source.node if target.kind == "internet" else target.node


def _rank(judgement: Judgement) -> int:
    return {REACHABLE: 2, UNCERTAIN: 1}.get(judgement.answer, 0)


def _boundaries(net: Topology) -> Iterator[int]:
    """Where anything begins or ends that looks at addresses: rules, ACLs, routes."""
    tables = [*net.tables.values(), *net.edges.values(), *net.transit_tables.values()]
    for table in tables:
        for route in table.routes:
            yield from (route.span[0], route.span[1] + 1)
    guards = {id(each.guard): each.guard for each in net.interfaces.values()}
    for guard in guards.values():
        for group in guard.groups:
            for low, high in group.spans():
                yield from (low, high + 1)
    for nacl in {id(each.nacl): each.nacl for each in net.subnets.values() if each.nacl is not None}.values():
        for entry in nacl.entries:
            for key in ("CidrBlock", "Ipv6CidrBlock"):
                if entry.get(key):
                    low, high = cidr(entry[key])[1]
                    yield from (low, high + 1)

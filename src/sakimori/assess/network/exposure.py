"""What the internet reaches, of everything at once: interfaces that no rule tells apart are looked at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from sakimori.assess.network.addresses import V4, V6, Range
from sakimori.assess.network.engine import Engine
from sakimori.assess.network.filters import INGRESS
from sakimori.assess.network.judge import REACHABLE, UNCERTAIN, judge
from sakimori.assess.network.legs import Host, Way
from sakimori.assess.network.resolve import internet
from sakimori.assess.network.space import EMPTY, FULL, TOP, Space, addresses, meet
from sakimori.assess.network.stages import SERVICE
from sakimori.assess.network.topology import Balancer, Interface, Subnet, Topology

_NOT_OF_THE_GATE = frozenset(("security_group", "internet_gateway"))
"""The groups differ within a gate, and that only internet addresses come through a gateway is looked at last."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """The packets from the internet that reach an interface and are answered, by the address asked or a load balancer;
    or that reach a load balancer's interface, which calls a function with what is in them: `other` is what is no
    interface here.

    `space` is in the coordinates of the packet as the internet sends it; of its addresses those on the internet count,
    and each of its boxes has some. `unknown` says why it may be more.
    """

    interface: Interface | None
    family: int
    space: Space
    via: str = ""
    unknown: tuple[str, ...] = ()
    other: str = ""

    @property
    def node(self) -> str:
        return self.other or (self.interface.node if self.interface else "")


@dataclass(slots=True)
class Scan:
    """One look at everything. `classes` counts the different questions that were answered."""

    engine: Engine
    classes: int = 0
    _gates: dict[tuple[object, ...], Space | None] = field(default_factory=dict)
    _known: dict[tuple[object, ...], tuple[Space, tuple[str, ...]]] = field(default_factory=dict)
    _spans: dict[int, tuple[list[int], tuple[Range, ...]]] = field(default_factory=dict)

    @property
    def net(self) -> Topology:
        return self.engine.net

    def exposures(self) -> Iterator[Exposure]:
        """Every interface that something of the internet reaches, or may reach."""
        for interface in self.net.interfaces.values():
            if interface.kind in ("host", "endpoint"):
                yield from self.direct(interface)
        for balancer in self.net.balancers.values():
            yield from self.balanced(balancer)

    def direct(self, interface: Interface) -> Iterator[Exposure]:
        """By the interface's own public addresses."""
        families = [V4] if interface.public else []
        if any(ip >> 125 == 1 for ip in interface.v6):  # 2000::/3, the global unicast addresses
            families.append(V6)
        for family in families:
            space, unknown = self._direct(interface, family)
            if space or unknown:
                yield Exposure(interface, family, space, unknown=unknown)

    def _direct(self, interface: Interface, family: int) -> tuple[Space, tuple[str, ...]]:
        subnet = interface.subnet
        private = next(iter(interface.public)) if family == V4 else interface.v6[0]
        edge = self.net.edges.get(subnet.vpc.igw)
        key = (id(subnet.nacl), id(subnet.table), id(subnet.vpc), self._opened(subnet), family, edge and private)
        known = self._known.get((key, interface.guard))
        if known is None:
            self.classes += 1
            known = self._known[key, interface.guard] = self._look(interface, family, private, key)
        return known

    def _opened(self, subnet: Subnet) -> str:
        return self.net.open_internet.get(subnet.id, "") if self.net.open_internet else ""

    def _look(
        self, interface: Interface, family: int, private: int, key: tuple[object, ...]
    ) -> tuple[Space, tuple[str, ...]]:
        """The class's packets: the security groups' set within the gate's, or step by step where there are doubts."""
        gate = self._gates.get(key, EMPTY)
        if gate is EMPTY:
            gate = self._gates[key] = self._gate(interface, family, private)
        if gate is not None:
            sure, doubtful = interface.guard.space(INGRESS, family, peer=None, peer_groups=())
            if not doubtful:
                return self._seen(meet(sure, gate) if interface.guard.ids else gate, family), ()
        found: Space = EMPTY
        unknown: dict[str, None] = {}
        for way in self._ways(interface, family, private, internet(self.net, family)):
            judgement = judge(way, addresses(internet(self.net, family)))
            if judgement.answer == REACHABLE:
                found += judgement.spaces[0]
            elif judgement.answer == UNCERTAIN:
                unknown.update(dict.fromkeys(judgement.reasons))
        return found, tuple(unknown)

    def _gate(self, interface: Interface, family: int, private: int) -> Space | None:
        """All of the way there and back but the security groups; None where anything about it is in doubt."""
        whole: Space = ()
        for way in self._ways(interface, family, private, ((0, TOP),)):
            space: Space = FULL
            for leg in way:
                for chain in (leg.forward, leg.back):
                    if chain is None:
                        continue
                    if chain.unknown or any(stage.doubtful for stage in chain.stages):
                        return None
                    for stage in chain.stages:
                        if stage.component not in _NOT_OF_THE_GATE or not stage.space:
                            space = meet(space, stage.space)
            whole += space
        return whole

    def _seen(self, space: Space, family: int) -> Space:
        """The boxes that have addresses on the internet."""
        starts, spans = self._internet(family)
        kept = []
        for each in space:
            index = bisect_right(starts, each[1]) - 1
            if index >= 0 and spans[index][1] >= each[0]:
                kept.append(each)
        return tuple(kept)

    def _internet(self, family: int) -> tuple[list[int], tuple[Range, ...]]:
        known = self._spans.get(family)
        if known is None:
            spans = internet(self.net, family)
            known = self._spans[family] = [span[0] for span in spans], spans
        return known

    def _ways(self, interface: Interface, family: int, private: int, ranges: tuple[Range, ...]) -> Iterator[Way]:
        source = Host("internet", family, None, ranges=ranges)
        asked = interface.public[private] if family == V4 else private
        target = Host("interface", family, private, interface=interface, asked=asked)
        return self.engine.ways.between(source, target)

    def balanced(self, balancer: Balancer) -> Iterator[Exposure]:
        """By a load balancer that faces the internet: the balancer itself, and the targets that it sends to."""
        if not balancer.internet_facing or balancer.kind == "gateway":
            return
        reached: dict[tuple[str, int], Exposure] = {}
        if not balancer.interfaces:
            reason = f"the network interfaces of {balancer.uid} are not in the snapshot"
            yield Exposure(None, V4, EMPTY, unknown=(reason,), other=balancer.uid)
        for entry in balancer.interfaces:
            for family, private in entry.addresses():
                if family == V4 and private not in entry.public:
                    continue
                source = Host("internet", family, None, ranges=internet(self.net, family))
                for way in self.engine.ways.between(source, Host("interface", family, private, interface=entry)):
                    self.classes += 1
                    self._note(reached, balancer, way, family)
        yield from reached.values()

    def _note(self, reached: dict[tuple[str, int], Exposure], balancer: Balancer, way: Way, family: int) -> None:
        judgement = judge(way, addresses(internet(self.net, family)))
        end, first = way[-1].forward.at, way[0].forward.at
        called = end if isinstance(end, str) and way[-1].forward.end == SERVICE else ""
        if judgement.answer == REACHABLE and (called or isinstance(end, Interface)):
            node = called or end.node
            known = reached.get((node, family))
            space = judgement.spaces[0] + (known.space if known else EMPTY)
            via = "" if node == balancer.uid else balancer.uid
            at = first if called else end
            reached[node, family] = Exposure(at, family, space, via=via, other=called)
            if isinstance(first, Interface):
                reached.setdefault((first.node, family), Exposure(first, family, judgement.spaces[0]))
        elif judgement.answer == UNCERTAIN:
            entry = balancer.interfaces[0]
            unknown = Exposure(entry, family, EMPTY, unknown=judgement.reasons)
            reached.setdefault((entry.node, family), unknown)

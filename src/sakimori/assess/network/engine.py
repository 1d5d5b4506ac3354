"""Answers: what reaches what, with a witness; or what is in the way; or why that is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sakimori.assess.network.blocked import Blocker, blockers
from sakimori.assess.network.compile import compile_topology
from sakimori.assess.network.judge import REACHABLE, UNCERTAIN, UNREACHABLE, Judgement, back, judge, there
from sakimori.assess.network.legs import Host
from sakimori.assess.network.resolve import UnknownEnd, Untold, hosts, is_function
from sakimori.assess.network.space import PORTS, TCP, TOP, UDP, Space, box
from sakimori.assess.network.stages import INTERNET_NODE
from sakimori.assess.network.topology import Topology
from sakimori.assess.network.ways import Ways
from sakimori.assess.network.witness import packet, passed, pick, points
from sakimori.model.asset import GLOBAL, Inventory

_WANTING = frozenset(
    "address subnet vpc internet_gateway egress_only_internet_gateway vpn_gateway nat_gateway interface load_balancer "
    "target_group transit_gateway transit_gateway_attachment transit_gateway_route_table boundary".split()
)
"""Stages that block because something is not there: it may be, where the calls that list it were refused."""


@dataclass(frozen=True, slots=True)
class Question:
    """`source` and `target` as users name them; `protocol` and `port` (the server's) None for any."""

    source: str
    target: str
    protocol: int | None = None
    port: int | None = None


@dataclass(slots=True)
class Answer:
    """What `sakimori reach --json` prints. `judgement` is what it was made of."""

    answer: str
    source: str
    target: str
    packet: dict[str, Any] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    return_path: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    blocked_by: list[Blocker] = field(default_factory=list)
    unknown_because: list[str] = field(default_factory=list)
    hops: list[dict[str, Any]] = field(default_factory=list)
    judgement: Judgement | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "from": self.source,
            "to": self.target,
            "answer": self.answer,
            "packet": self.packet,
            "path": self.path,
            "return_path": self.return_path,
            "rules": self.rules,
            "blocked_by": [each.to_json() for each in self.blocked_by],
            "unknown_because": self.unknown_because,
            "hops": self.hops,
        }


class Engine:
    """One compiled inventory, to be asked often."""

    def __init__(self, inventory: Inventory | Topology) -> None:
        self.net = inventory if isinstance(inventory, Topology) else compile_topology(inventory)
        self.ways = Ways(self.net)

    def ask(self, question: Question) -> Answer:
        """Raises UnknownEnd where the inventory does not have what the question names."""
        try:
            sources = hosts(self.net, question.source, source=True)
            targets = hosts(self.net, question.target, source=False)
        except Untold as error:
            return _untold(question, str(error))
        if question.source == question.target == "internet":
            raise UnknownEnd("from the internet to the internet is nothing that this inventory decides")
        return self.between(sources, targets, question)

    def ask_all(self, question: Question) -> Iterator[Answer]:
        """One answer for every asset with a network interface, and every load balancer and function behind one."""
        try:
            sources, nowhere = hosts(self.net, question.source, source=True), ""
        except Untold as error:
            sources, nowhere = [], str(error)
        for node in self.destinations():
            asked = Question(question.source, node, question.protocol, question.port)
            if node == question.source:
                continue
            if nowhere or node in self.net.untold:
                yield _untold(asked, nowhere) if nowhere else self.ask(asked)
            else:
                yield self.between(sources, hosts(self.net, node, source=False), asked)

    def destinations(self) -> list[str]:
        talking = [
            node
            for node, interfaces in self.net.by_node.items()
            if interfaces[0].kind in ("host", "balancer", "endpoint")
        ]
        functions = [node for node in self.net.fronts if is_function(self.net, node)]
        silent = (uid for uid, each in self.net.balancers.items() if not each.interfaces)
        return [*talking, *functions, *silent, *dict.fromkeys(self.net.untold.values())]

    def between(self, sources: Iterable[Host], targets: Iterable[Host], question: Question) -> Answer:
        """The first way that lets something pass decides; else all that is in the way is named."""
        judged: list[Judgement] = []
        for judgement in self.judgements(sources, targets, question):
            if judgement.answer == REACHABLE:
                return self._reachable(judgement, question)
            judged.append(judgement)
        uncertain = [each for each in judged if each.answer == UNCERTAIN]
        if uncertain:
            return self._unknown(uncertain, question)
        return self._unreachable(judged, question)

    def judgements(self, sources: Iterable[Host], targets: Iterable[Host], question: Question) -> Iterator[Judgement]:
        """Every way between the hosts, judged."""
        targets = list(targets)
        for source in sources:
            for target in targets:
                if source.interface is not None and source.interface is target.interface:
                    continue
                query = packets(source, target, question)
                for way in self.ways.between(source, target):
                    judgement = judge(way, query)
                    judgement.target = target.interface
                    yield judgement

    def told(self, judgement: Judgement, question: Question) -> Answer:
        """One judgement as an answer."""
        if judgement.answer == REACHABLE:
            return self._reachable(judgement, question)
        if judgement.answer == UNCERTAIN:
            return self._unknown([judgement], question)
        return self._unreachable([judgement], question)

    def packets(self, source: Host, target: Host) -> Space:
        """Every packet that could be sent from one host to the other."""
        return packets(source, target, Question("", ""))

    def _reachable(self, judgement: Judgement, question: Question) -> Answer:
        answer = self._start(judgement, question)
        witness = points(judgement)
        answer.packet = packet(judgement.way[0].flow, witness[0])
        answer.hops = list(passed(judgement, witness))
        answer.rules = list(dict.fromkeys(rule for hop in answer.hops for rule in hop["rules"]))
        caveats = (
            each for leg in judgement.way for each in (*leg.forward.caveats, *(leg.back.caveats if leg.back else ()))
        )
        stale = (f"{each}: what is known of it is of an earlier discovery, if any" for each in self._unasked(judgement))
        answer.unknown_because = list(dict.fromkeys((*caveats, *stale)))
        return answer

    def _start(self, judgement: Judgement, question: Question) -> Answer:
        return Answer(
            judgement.answer,
            question.source,
            question.target,
            path=there(judgement)[0],
            return_path=back(judgement)[0],
            judgement=judgement,
        )

    def _unknown(self, uncertain: list[Judgement], question: Question) -> Answer:
        answer = self._start(uncertain[0], question)
        answer.packet = packet(uncertain[0].way[0].flow, pick(uncertain[0].spaces[0] or uncertain[0].query))
        answer.unknown_because = list(dict.fromkeys(reason for each in uncertain for reason in each.reasons))
        return answer

    def _unreachable(self, judged: list[Judgement], question: Question) -> Answer:
        if not judged:
            why = f"no address of {question.source} and of {question.target} is of the same family"
            if any(each in (*self.net.subnets, *self.net.vpcs) for each in self.net.names.get(question.target, ())):
                why = f"no interface in {question.target} is of the same family as {question.source}"
            blocker = Blocker("address", question.target, why, first=True)
            return Answer(UNREACHABLE, question.source, question.target, blocked_by=[blocker])
        first = judged[0]
        if there(first)[0][:1] == [INTERNET_NODE]:
            first = max(judged, key=lambda each: len(there(each)[0]))
        answer = self._start(first, question)
        answer.packet = packet(first.way[0].flow, pick(first.query))
        unseen = [reason for each in judged for reason in self.unseen(each)]
        if unseen:
            answer.answer, answer.unknown_because = UNCERTAIN, list(dict.fromkeys(unseen))
            return answer
        answer.blocked_by = blockers(first)
        known = {(each.component, each.id) for each in answer.blocked_by}
        for other in judged:
            if other is not first:
                for each in blockers(other):
                    if (each.component, each.id) not in known:
                        known.add((each.component, each.id))
                        answer.blocked_by.append(each.not_first())
        return answer

    def unseen(self, judgement: Judgement) -> Iterator[str]:
        """Calls that discovery could not make, where packets stop for want of something that those would have told.
        Past whatever stops them, there may be a way through a load balancer."""
        if judgement.died is not None:
            yield from self._unasked(judgement, "" if judgement.died.component in _WANTING else "elasticloadbalancing:")

    def _unasked(self, judgement: Judgement, service: str = "") -> Iterator[str]:
        """Calls about the networks on the way, of this service alone ("": any), that discovery could not make."""
        if not self.net.unseen:
            return
        nodes = [*there(judgement)[0], *back(judgement)[0]]
        vpcs = [self.net.vpcs[node] for node in nodes if node in self.net.vpcs]
        vpcs += [host.subnet.vpc for host in (judgement.way[0].flow.sender, judgement.target) if host is not None]
        for each in self.net.unseen:
            if not each.action.startswith(service):
                continue
            if not vpcs or any(each.account == vpc.account and each.region in (vpc.region, GLOBAL) for vpc in vpcs):
                yield f"{each.action} in {each.account} {each.region} was not answered: {each.code}"


def _untold(question: Question, why: str) -> Answer:
    return Answer(UNCERTAIN, question.source, question.target, unknown_because=[why])


def packets(source: Host, target: Host, question: Question) -> Space:
    """The packets that a question is about, in the coordinates of the first leg. Only TCP and UDP have ports."""
    protocol = (0, 255) if question.protocol is None else (question.protocol, question.protocol)
    server = (0, PORTS) if question.port is None else (question.port, question.port)
    protocols = [protocol]
    if question.protocol is None and question.port is not None:
        protocols = [(TCP, TCP), (UDP, UDP)]
    open_ = source if source.ip is None else target if target.ip is None else None
    spans = ((0, TOP),) if open_ is None else open_.ranges
    return tuple(box(ip=span, protocol=each, server=server) for span in spans for each in protocols)

"""Ways through load balancers: a leg to one of their nodes, and another from there to a target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sakimori.assess.network.addresses import V4
from sakimori.assess.network.filters import EGRESS, INGRESS
from sakimori.assess.network.legs import Host, Leg, Rewrite, Way
from sakimori.assess.network.space import box
from sakimori.assess.network.stages import INTERFACE, SERVICE, Chain, Flow, Stage
from sakimori.assess.network.topology import Balancer, Interface, Listener, Target, TargetGroup

if TYPE_CHECKING:
    from sakimori.assess.network.ways import Ways


MOST_IN_A_ROW = 3
"""Load balancers that stand one behind the other: what is behind more is unknown, for some send in circles."""


def through(
    ways: Ways,
    source: Host,
    balancer: Balancer,
    listener: Listener,
    group: TargetGroup,
    target: Target,
    behind_it: int = 1,
) -> Iterator[Way]:
    """`behind_it` counts the load balancers from here to the end of the query."""
    if not balancer.interfaces and (balancer.internet_facing or source.kind != "internet"):
        yield [unseen(source, balancer)]
    for entry in balancer.interfaces:
        if source.interface is entry or not _same_zone(balancer, entry, target):
            continue
        for first in _to_listener(ways, source, balancer, entry, listener, behind_it):
            yield from behind(ways, first, balancer, entry, listener, group, target)


def _to_listener(
    ways: Ways, source: Host, balancer: Balancer, entry: Interface, listener: Listener, behind_it: int
) -> Iterator[Way]:
    """The ways to a listener at one node: straight, and through other load balancers that send to the node."""
    yield from to_balancer(ways, source, balancer, entry, (listener,))
    fronts = ways.net.fronts.get(entry.id, ())
    if fronts and behind_it == MOST_IN_A_ROW:
        chain = Chain([source.node]).give_up(f"more than {MOST_IN_A_ROW} load balancers in a row, up to {entry.node}")
        yield [Leg(Flow(source.family, source.ip, None, ranges=source.ranges), chain, None)]
        return
    for front, outer, group, to in fronts:
        for way in through(ways, source, front, outer, group, to, behind_it + 1):
            yield _taken(way, balancer, (listener,))


def unseen(source: Host, balancer: Balancer) -> Leg:
    """The only leg of a way through a load balancer of which no interface is known."""
    chain = Chain([source.node]).give_up(f"the network interfaces of {balancer.uid} are not in the snapshot")
    return Leg(Flow(source.family, source.ip, None, ranges=source.ranges), chain, None)


def to_function(ways: Ways, source: Host, arn: str) -> Iterator[Way]:
    """To a Lambda function that load balancers call: no packet gets there, so the way ends with the request's."""
    for balancer, listener, group, target in ways.net.fronts.get(arn, ()):
        yield from through(ways, source, balancer, listener, group, target)


def to_node(ways: Ways, source: Host, entry: Interface, target: Host) -> Iterator[Way]:
    """To a load balancer itself: on to what it sends to, and for those that answer by themselves no further."""
    balancer = ways.net.balancers[entry.node]
    if not balancer.listeners:
        yield from to_balancer(ways, source, balancer, entry, (), target)
    for listener in balancer.listeners:
        for first in to_balancer(ways, source, balancer, entry, (listener,), target):
            yield from _served(ways, first, balancer, entry, listener, 1)
    for front, outer, group, to in ways.net.fronts.get(entry.id, ()) if target.asked is None else ():
        for way in through(ways, source, front, outer, group, to):
            for listener in balancer.listeners:
                yield from _served(ways, _taken(way, balancer, (listener,)), balancer, entry, listener, 2)


def _served(
    ways: Ways, first: Way, balancer: Balancer, entry: Interface, listener: Listener, before: int
) -> Iterator[Way]:
    """On from a listener that `first` leads to; `before` counts the load balancers that were passed, this one too."""
    if first[-1].forward.end != INTERFACE:
        yield first
        return
    for group in listener.groups:
        yield from _to_group(ways, first, balancer, entry, listener, group, before)
    if balancer.kind in ("application", "classic") or not listener.groups:
        yield first


def _to_group(
    ways: Ways, first: Way, balancer: Balancer, entry: Interface, listener: Listener, group: TargetGroup, before: int
) -> Iterator[Way]:
    last = first[-1]
    chain = Chain([entry.node])
    if group.unknown:
        chain.give_up(group.unknown)
    elif not any(_same_zone(balancer, entry, each) for each in group.targets):
        chain.block("target_group", group.id, f"{group.id} has no target that {entry.id} may send to")
    else:
        for each in group.targets:
            if _same_zone(balancer, entry, each):
                for way in behind(ways, first, balancer, entry, listener, group, each):
                    yield from _further(ways, way, each, before)
        return
    yield [*first[:-1], replace(last, rewrite=Rewrite(listener.id, port=0)), Leg(last.flow, chain, None)]


def _further(ways: Ways, way: Way, target: Target, before: int) -> Iterator[Way]:
    """A target that is itself a load balancer's node sends further."""
    entry = target.interface
    inner = ways.net.balancers.get(entry.node) if entry is not None and entry.kind == "balancer" else None
    if inner is None or entry is None or way[-1].forward.end != INTERFACE:
        yield way
        return
    if before == MOST_IN_A_ROW:
        chain = way[-1].forward.copy().give_up(f"more than {MOST_IN_A_ROW} load balancers in a row, up to {entry.node}")
        yield [*way[:-1], replace(way[-1], forward=chain)]
        return
    if not inner.listeners:
        yield _taken(way, inner, ())
    for listener in inner.listeners:
        yield from _served(ways, _taken(way, inner, (listener,)), inner, entry, listener, before + 1)


def to_balancer(
    ways: Ways,
    source: Host,
    balancer: Balancer,
    entry: Interface,
    listeners: tuple[Listener, ...],
    target: Host | None = None,
) -> Iterator[Way]:
    """The ways to one node of a load balancer, on what these listeners take; to all its addresses or `target`'s."""
    for family, ip in entry.addresses():
        if family != source.family or (target is not None and target.ip != ip):
            continue
        host = target or Host("interface", family, ip, interface=entry)
        for way in _to_plain(ways, source, host):
            yield _taken(way, balancer, listeners)


def _taken(way: Way, balancer: Balancer, listeners: tuple[Listener, ...]) -> Way:
    """A way to a load balancer's node, on what these listeners take."""
    last = way[-1]
    if last.forward.end != INTERFACE:
        return way
    space = tuple(
        box(protocol=(protocol, protocol), server=(each.port, each.port), trail=each.id)
        for each in listeners
        for protocol in each.protocols
    )
    why = f"{balancer.uid} has no listener for it"
    forward = last.forward.copy()
    forward.stages.append(Stage("load_balancer", balancer.uid, len(forward.nodes), space, why))
    if not balancer.active:
        forward.block("load_balancer", balancer.uid, f"{balancer.uid} is not active")
    return [*way[:-1], replace(last, forward=forward)]


def _to_plain(ways: Ways, source: Host, host: Host) -> Iterator[Way]:
    """Direct ways to an interface, without those through load balancers in front of it."""
    assert host.interface is not None
    assert host.ip is not None
    public = host.interface.public.get(host.ip) if host.family == V4 else host.ip
    if source.kind == "internet":
        yield from ways.from_internet(source, host, public)
        return
    yield from ways.direct(source, host, host.ip if host.asked is None else host.asked, ())
    if host.family == V4 and public is not None and source.kind == "interface" and host.asked is None:
        yield from ways.direct(source, host, public, ())


def behind(
    ways: Ways,
    first: Way,
    balancer: Balancer,
    entry: Interface,
    listener: Listener,
    group: TargetGroup,
    target: Target,
) -> Iterator[Way]:
    """The ways on from a load balancer's node that `first` leads to."""
    last = first[-1]
    if target.function:
        yield [*first[:-1], replace(last, rewrite=Rewrite(listener.id)), _called(last.flow, entry, group, target)]
        return
    keeps = balancer.kind == "network" and group.keeps_client
    rewrite = Rewrite(listener.id, port=target.port, keeps_client=keeps)
    head = [*first[:-1], replace(last, rewrite=rewrite)]
    if target.interface is None:
        chain = Chain([entry.node])
        chain.pass_rule("target_group", group.id)
        chain.give_up(f"{target.outside}, a target of {group.id}, is not in the snapshot")
        yield [*head, Leg(last.flow, chain, None)]
    elif keeps and target.interface.subnet.vpc is entry.subnet.vpc:
        leg = _keeping(last.flow, balancer, entry, group, target)
        _doubt_zone(leg.forward, balancer, entry, target)
        yield [*head, leg]
    else:
        source = Host("interface", target.family, _own_address(entry, target.family), interface=entry)
        to = Host("interface", target.family, target.ip, interface=target.interface)
        if source.ip is None:
            chain = Chain([entry.node])
            yield [
                *head,
                Leg(last.flow, chain.block("load_balancer", balancer.uid, "no address to send from"), None),
            ]
            return
        for rest in ways.direct(source, to, target.ip, ()):
            rest[0].forward.stages.insert(0, _group_stage(group))
            _doubt_zone(rest[0].forward, balancer, entry, target)
            yield [*head, *rest]


def _keeping(flow: Flow, balancer: Balancer, entry: Interface, group: TargetGroup, target: Target) -> Leg:
    """Behind a network load balancer that keeps the client's address: replies come back through it anyway."""
    to = target.interface
    assert to is not None
    inner = replace(flow, dst=target.ip, reply=False, groups=balancer.groups)
    answer = Flow(flow.family, target.ip, flow.src, reply=True, ranges=flow.ranges)
    forward, back = Chain([entry.node]), Chain([to.node])
    forward.stages.append(_group_stage(group))
    for chain, places in ((forward, (entry.subnet, to.subnet)), (back, (to.subnet, entry.subnet))):
        chain.visit(places[0].id)
        if places[0] is not places[1]:
            sent = inner if chain is forward else answer
            chain.nacl(places[0], EGRESS, sent, target.ip if chain is forward else flow.src)
            chain.visit(entry.subnet.vpc.id)
            chain.visit(places[1].id)
            chain.nacl(places[1], INGRESS, sent, flow.src if chain is forward else target.ip)
    forward.visit(to.node)
    forward.guard(to.guard, INGRESS, inner, flow.src, balancer.groups, to.node)
    back.visit(entry.node)
    forward.end = back.end = INTERFACE
    forward.at, back.at = to, entry
    return Leg(inner, forward, back)


def _called(flow: Flow, entry: Interface, group: TargetGroup, target: Target) -> Leg:
    """A request that an application load balancer hands to a function, and the answer that it hands back."""
    forward, back = Chain([entry.node]), Chain([target.function, entry.node])
    forward.stages.append(_group_stage(group))
    forward.visit(target.function)
    forward.end, forward.at = SERVICE, target.function
    back.end, back.at = INTERFACE, entry
    return Leg(flow, forward, back)


def _group_stage(group: TargetGroup) -> Stage:
    return Stage("target_group", group.id, 1, (box(trail=group.id),))


def _own_address(interface: Interface, family: int) -> int | None:
    return next((ip for each, ip in interface.addresses() if each == family), None)


def _same_zone(balancer: Balancer, entry: Interface, target: Target) -> bool:
    if balancer.cross_zone or target.interface is None or target.interface.kind == "balancer":
        return True
    return target.interface.subnet.zone == entry.subnet.zone


def _doubt_zone(chain: Chain, balancer: Balancer, entry: Interface, target: Target) -> None:
    """AWS does not tell whether a node without its neighbours' traffic sends to another zone's load balancer."""
    to = target.interface
    if to is not None and to.kind == "balancer" and not balancer.cross_zone and to.subnet.zone != entry.subnet.zone:
        chain.doubt("target_group", balancer.uid, f"whether {entry.id} sends to {to.node} in another zone")

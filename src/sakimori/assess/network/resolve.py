"""What users call the ends of a query: `internet`, an asset, an address or a CIDR block."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from sakimori.assess.network.addresses import INTERNET, V4, V6, Range, cidr, inside, overlap, without
from sakimori.assess.network.legs import ADDRESS, FUNCTION, UNSEEN, Host
from sakimori.assess.network.topology import Interface, Topology


class UnknownEnd(ValueError):
    """The inventory has nothing of that name, or several things."""


class Untold(UnknownEnd):
    """The inventory has it, and not what its place in the network is; says which calls were not answered."""


ALL: Range = (0, (1 << 128) - 1)
_WHOLE = {V4: (0, (1 << 32) - 1), V6: ALL}


def hosts(net: Topology, name: str, *, source: bool) -> list[Host]:
    """The hosts that an end of a query stands for. Raises UnknownEnd."""
    if name == "internet":
        return [Host("internet", family, None, ranges=internet(net, family)) for family in (V4, V6)]
    try:
        ipaddress.ip_network(name, strict=False)
    except ValueError:
        return _asset(net, name)
    return list(_addressed(net, name, source=source))


def internet(net: Topology, family: int) -> tuple[Range, ...]:
    """The addresses that hosts on the internet may have: not those of the VPCs here, where they are public (IPv6)."""
    if family == V4:
        return INTERNET[V4]
    return without(INTERNET[V6], [*net.elsewhere, *(span for vpc in net.vpcs.values() for span in vpc.ranges[V6])])


def _asset(net: Topology, name: str) -> list[Host]:
    nodes = sorted(set(net.names.get(name, ())))
    if name in net.boundaries:
        nodes = [name]
    talking = [node for node in nodes if _talks(net, node)]
    if not talking and name in net.untold:
        raise Untold(f"where {name} is in the network is not in the inventory{_unanswered(net)}")
    if not talking and name in net.worn:
        if not net.worn[name]:
            raise Untold(f"which network interface is {name}'s is not in the inventory{_unanswered(net)}")
        return of_interfaces(net.worn[name])
    nodes = talking or [node for node in nodes if node in net.subnets or node in net.vpcs] or nodes
    if not nodes:
        told = "give an id, an ARN, a name, a CIDR or `internet`"
        raise UnknownEnd(f"nothing in the inventory is called {name}: {told}{_unanswered(net)}")
    if len(nodes) > 1:
        raise UnknownEnd(f"{name} is the name of {', '.join(nodes)}: give the id of one")
    node = nodes[0]
    if node in net.balancers and node not in net.by_node:
        return [Host(UNSEEN, V4, None, ranges=(ALL,), place=node)]
    if is_function(net, node) and node not in net.by_node:
        return [Host(FUNCTION, V4, None, ranges=(ALL,), place=node)]
    if node in net.boundaries:
        boundary = net.boundaries[node]
        return [Host("boundary", V4, None, ranges=_beyond(net), boundary=boundary)]
    if node in net.interfaces and node not in net.by_node:
        return of_interfaces([net.interfaces[node]])
    if node in net.by_node:
        return of_interfaces(net.by_node[node])
    if node in net.subnets:
        subnet = net.subnets[node]
        return _places("subnet", node, subnet.ranges)
    if node in net.vpcs:
        return _places("vpc", node, net.vpcs[node].ranges)
    raise UnknownEnd(
        f"{name} has no network interface in the inventory: name an instance, an interface, a subnet, ..."
        f"{_unanswered(net)}"
    )


def _unanswered(net: Topology) -> str:
    if not net.unseen:
        return ""
    first = net.unseen[0]
    return f" (calls that were not answered: {len(net.unseen):,}, such as {first.action}: {first.message})"


def _talks(net: Topology, node: str) -> bool:
    return node in net.by_node or node in net.interfaces or node in net.balancers or is_function(net, node)


def is_function(net: Topology, node: str) -> bool:
    """Whether it is a Lambda function that load balancers send to."""
    return ":function:" in node and node in net.fronts


def _places(kind: str, node: str, ranges: dict[int, tuple[Range, ...]]) -> list[Host]:
    return [Host(kind, family, None, ranges=spans, place=node) for family, spans in ranges.items() if spans]


def _beyond(net: Topology) -> tuple[Range, ...]:
    """The IPv4 addresses that no VPC here has, those first that networks on premises have as a rule (RFC 1918)."""
    free = without([_WHOLE[V4]], (span for vpc in net.vpcs.values() for span in vpc.ranges[V4]))
    private = [cidr(each)[1] for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
    return overlap(free, private) + without(free, private)


def of_interfaces(interfaces: Iterable[Interface]) -> list[Host]:
    """Every address of the interfaces: the primary ones first."""
    return [Host("interface", family, ip, interface=each) for each in interfaces for family, ip in each.addresses()]


def _addressed(net: Topology, name: str, *, source: bool) -> Iterable[Host]:
    family, span = cidr(name)
    single = span[0] == span[1]
    known = _owners(net, family, span)
    for interface, ip in known:
        asked = span[0] if single else None
        yield Host("interface", family, ip, interface=interface, asked=asked)
    public = overlap([span], INTERNET[family])
    rest = without(public, ((ip, ip) for ip in _public_addresses(net, family, span)))
    if rest and not (single and known):
        only = span[0] if single else None
        if not source:
            yield Host(ADDRESS, family, only, ranges=rest)
        elif not _in_vpcs(net, family, span):
            yield Host("internet", family, only, ranges=rest)
    private = without([span], INTERNET[family])
    if source:
        yield from _hidden_sources(net, family, span, known=bool(known))
    elif private and not known:
        yield Host(ADDRESS, family, span[0] if single else None, ranges=private)


def _owners(net: Topology, family: int, span: Range) -> list[tuple[Interface, int]]:
    """Interfaces that have an address in the range, with their own address."""
    if span[0] == span[1]:
        return list(net.interface_at(family, span[0]))
    found: dict[tuple[str, int], tuple[Interface, int]] = {}
    for interface in net.interfaces.values():
        for each, ip in interface.addresses():
            outer = interface.public.get(ip) if each == V4 else None
            if each == family and (inside(ip, [span]) or (outer is not None and inside(outer, [span]))):
                found[interface.id, ip] = interface, ip
    return list(found.values())


def _public_addresses(net: Topology, family: int, span: Range) -> Iterable[int]:
    if family == V4:
        return (ip for ip in net.by_public if inside(ip, [span]))
    return (ip for vpc in net.vpcs.values() for each, ip in vpc.interfaces if each == V6 and inside(ip, [span]))


def _in_vpcs(net: Topology, family: int, span: Range) -> bool:
    return any(overlap(vpc.ranges[family], [span]) for vpc in net.vpcs.values())


def _hidden_sources(net: Topology, family: int, span: Range, *, known: bool) -> Iterable[Host]:
    """Hosts that could be in a subnet, where no interface is known, and those behind boundaries."""
    for subnet in net.subnets.values():
        shared = overlap(subnet.ranges[family], [span])
        if shared and not known:
            only = span[0] if span[0] == span[1] else None
            yield Host("subnet", family, only, ranges=shared, place=subnet.id)
    beyond = without(overlap([span], _beyond(net)), INTERNET[family]) if family == V4 else ()
    if beyond:
        for boundary in dict.fromkeys(map(id, net.boundaries.values())):
            each = next(one for one in net.boundaries.values() if id(one) == boundary)
            if each.kind != "on-premises":
                yield Host("boundary", family, span[0] if span[0] == span[1] else None, ranges=beyond, boundary=each)

"""The network that packets walk: what `compile.py` makes of an inventory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sakimori.assess.network.addresses import V4, V6, Range
from sakimori.assess.network.filters import GroupSet, Nacl
from sakimori.assess.network.routing import RouteTable
from sakimori.model.asset import NotEvaluated


@dataclass(slots=True)
class Vpc:
    """`igw` and `egress_only` are the ids of its gateways, "" where it has none."""

    uid: str
    id: str
    account: str
    region: str
    ranges: dict[int, tuple[Range, ...]]
    igw: str = ""
    egress_only: str = ""
    vgw: str = ""
    main_table: RouteTable | None = None
    subnets: list[Subnet] = field(default_factory=list)
    interfaces: dict[tuple[int, int], Interface] = field(default_factory=dict)
    attachments: dict[str, Attachment] = field(default_factory=dict)
    _starts: dict[int, tuple[list[int], list[tuple[Range, Subnet]]]] = field(default_factory=dict)

    def subnet_of(self, family: int, ip: int) -> Subnet | None:
        compiled = self._starts.get(family)
        if compiled is None:
            spans = sorted(
                ((span, each) for each in self.subnets for span in each.ranges[family]), key=lambda pair: pair[0]
            )
            compiled = self._starts[family] = [span[0] for span, _ in spans], spans
        starts, pieces = compiled
        index = bisect_right(starts, ip) - 1
        return pieces[index][1] if index >= 0 and ip <= pieces[index][0][1] else None


@dataclass(slots=True)
class Subnet:
    uid: str
    id: str
    vpc: Vpc
    zone: str
    ranges: dict[int, tuple[Range, ...]]
    nacl: Nacl | None = None
    table: RouteTable | None = None


@dataclass(slots=True)
class Interface:
    """A network interface. `node` is the asset that stands in paths for it: the instance, gateway, load balancer, ....

    `public` maps its private IPv4 addresses to those that the internet gateway translates them to. `kind` is `host`,
    `nat`, `balancer`, `endpoint` or `gateway`.
    """

    uid: str
    id: str
    node: str
    owner: str
    subnet: Subnet
    groups: tuple[str, ...]
    guard: GroupSet
    v4: tuple[int, ...]
    v6: tuple[int, ...]
    public: Mapping[int, int]
    forwards: bool = False
    kind: str = "host"

    def addresses(self) -> Iterator[tuple[int, int]]:
        """(family, address), the primary one first."""
        for each in self.v4:
            yield V4, each
        for each in self.v6:
            yield V6, each


@dataclass(frozen=True, slots=True)
class NatGateway:
    id: str
    uid: str
    interface: Interface | None
    public: bool
    available: bool
    unmodelled: str = ""


@dataclass(frozen=True, slots=True)
class Peering:
    id: str
    vpcs: tuple[str, str]
    active: bool


@dataclass(slots=True)
class Attachment:
    """What is attached to a transit gateway: `kind` is vpc, peering, vpn, direct-connect-gateway, connect, ....

    `table` is the id of the route table that it is associated with. `subnets` are those that a VPC's attachment has an
    interface in: None where that is not known.
    """

    id: str
    gateway: str
    kind: str
    resource: str
    table: str
    available: bool
    subnets: tuple[Subnet, ...] | None = None
    references: bool = False


@dataclass(slots=True)
class TransitGateway:
    id: str
    uid: str
    references: bool = False
    attachments: dict[str, Attachment] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a load balancer sends: an interface at one of its addresses, a Lambda function by its ARN, or what is
    nothing here (`outside`)."""

    port: int
    family: int
    ip: int
    interface: Interface | None
    outside: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    id: str
    protocol: int
    targets: tuple[Target, ...]
    keeps_client: bool
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Listener:
    """What a load balancer listens on: protocols, one port. `groups` is empty where it answers by itself."""

    id: str
    protocols: tuple[int, ...]
    port: int
    groups: tuple[TargetGroup, ...]


@dataclass(slots=True)
class Balancer:
    """`kind` is application, network, gateway or classic. `cross_zone`: its nodes send to every zone's targets."""

    uid: str
    kind: str
    internet_facing: bool
    cross_zone: bool
    groups: tuple[str, ...]
    active: bool = True
    interfaces: list[Interface] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Boundary:
    """What the model ends at: a VPN connection, a Direct Connect gateway, another organisation's VPC.

    `far` is the asset behind it where the inventory has one (a router's configuration beside the snapshot).
    """

    id: str
    uid: str
    kind: str
    ranges: tuple[tuple[int, Range], ...] = ()
    far: str = ""

    def is_at(self, other: Boundary | None) -> bool:
        """Whether the other is this one, or one of the two is the router behind the other."""
        if other is None:
            return False
        return self.id == other.id or self.far == other.id or self.id == other.far or self.far == other.far != ""


@dataclass(slots=True)
class Topology:
    """Everything by its id."""

    vpcs: dict[str, Vpc] = field(default_factory=dict)
    subnets: dict[str, Subnet] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    tables: dict[str, RouteTable] = field(default_factory=dict)
    edges: dict[str, RouteTable] = field(default_factory=dict)
    nats: dict[str, NatGateway] = field(default_factory=dict)
    peerings: dict[str, Peering] = field(default_factory=dict)
    transits: dict[str, TransitGateway] = field(default_factory=dict)
    transit_tables: dict[str, RouteTable] = field(default_factory=dict)
    balancers: dict[str, Balancer] = field(default_factory=dict)
    boundaries: dict[str, Boundary] = field(default_factory=dict)
    vgw_boundaries: dict[str, list[str]] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)
    """The kind of each VPC endpoint by its id: Gateway, Interface, GatewayLoadBalancer, ...."""
    firewalls: dict[str, str] = field(default_factory=dict)
    """The firewall behind an endpoint, by the endpoint's id."""
    by_public: dict[int, tuple[Interface, int]] = field(default_factory=dict)
    by_node: dict[str, list[Interface]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    """Node ids by what users may call them: uid, id, name."""
    titles: dict[str, str] = field(default_factory=dict)
    """The name that people gave a node, by its id."""
    fronts: dict[str, list[tuple[Balancer, Listener, TargetGroup, Target]]] = field(default_factory=dict)
    """What load balancers send to an interface, by its id, or to a Lambda function, by its ARN."""
    uids: dict[str, str] = field(default_factory=dict)
    """The uid of a node by its id."""
    blocked_internet: dict[tuple[str, str], str] = field(default_factory=dict)
    """The mode of VPC Block Public Access by (account, region), where it is on."""
    open_internet: dict[str, str] = field(default_factory=dict)
    """Its exclusions: the mode allowed by VPC or subnet id."""

    elsewhere: list[Range] = field(default_factory=list)
    """The IPv6 blocks of subnets whose VPC is not known: not the internet's."""
    worn: dict[str, list[Interface]] = field(default_factory=dict)
    """The interfaces of databases, tasks and the like, by what users may call these; empty where it is not known
    which they are."""
    wearers: dict[str, list[str]] = field(default_factory=dict)
    """The uids of these by the id of an interface."""
    unplaced: list[str] = field(default_factory=list)
    """The uids of those whose interfaces are not known."""
    untold: dict[str, str] = field(default_factory=dict)
    """What has no known place in the network because not everything was told, by what users may call it."""
    unseen: list[NotEvaluated] = field(default_factory=list)
    """Calls about networks that discovery could not make."""

    def interface_at(self, family: int, ip: int) -> Sequence[tuple[Interface, int]]:
        """Interfaces that have the address in any VPC, each with its own private address."""
        found = [(each, ip) for vpc in self.vpcs.values() if (each := vpc.interfaces.get((family, ip))) is not None]
        if family == V4 and ip in self.by_public:
            found.append(self.by_public[ip])
        return found

    def uid(self, node: str) -> str:
        return self.uids.get(node, node)


Config = Mapping[str, Any]

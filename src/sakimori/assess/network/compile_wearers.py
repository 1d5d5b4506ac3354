"""Which interfaces are a service's: databases, file systems, tasks, functions and clusters talk through interfaces of
their own, which AWS makes and describes for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sakimori.assess.network.topology import Interface, Topology
from sakimori.model.asset import Inventory

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trait:
    """What is known of an asset's interfaces: their ids; or how they are described, their type, groups and subnets
    (None: whatever), and whether they have public addresses."""

    ids: tuple[str, ...] = ()
    described: str = ""
    type: str = ""
    groups: frozenset[str] | None = None
    subnets: frozenset[str] | None = None
    public: bool | None = None


def read_wearers(topology: Topology, inventory: Inventory) -> None:
    """Enters the interfaces of services' assets by what users may call these; of those that have none, that it is not
    known which they are."""
    wearers = [(asset, trait) for kind, trait in _TRAITS.items() for asset in inventory.of_type(kind)]
    if not wearers:
        return
    known = _by_trait(topology, inventory)
    for asset, trait_of in wearers:
        trait = trait_of(asset.config)
        if trait is None:
            continue
        among = known.get((trait.described or trait.type, trait.groups), ())
        worn = [each for each in among if _fits(trait, each)]
        worn += (topology.interfaces[id] for id in trait.ids if id in topology.interfaces)
        for each in worn:
            topology.wearers.setdefault(each.id, []).append(asset.uid)
        topology.unplaced += () if worn else (asset.uid,)
        for name in {asset.uid, asset.id, asset.name} - {""}:
            topology.worn.setdefault(name, []).extend(worn)


def _by_trait(topology: Topology, inventory: Inventory) -> dict[tuple[str, frozenset[str] | None], list[Interface]]:
    """The interfaces by their description or their type, with their groups and whatever these are."""
    known: dict[tuple[str, frozenset[str] | None], list[Interface]] = {}
    for asset in inventory.of_type("AWS::EC2::NetworkInterface"):
        interface = topology.interfaces.get(asset.config.get("NetworkInterfaceId", asset.id))
        if interface is None:
            continue
        for text in (asset.config.get("Description"), asset.config.get("InterfaceType")):
            for groups in (None, frozenset(interface.groups)) if text else ():
                known.setdefault((str(text), groups), []).append(interface)
    return known


def _fits(trait: Trait, interface: Interface) -> bool:
    return (trait.subnets is None or interface.subnet.id in trait.subnets) and (
        trait.public is None or trait.public == bool(interface.public)
    )


def _database(config: Config) -> Trait:
    subnets = (config.get("DBSubnetGroup") or {}).get("Subnets") or ()
    return Trait(
        described="RDSNetworkInterface",
        groups=frozenset(each["VpcSecurityGroupId"] for each in config.get("VpcSecurityGroups") or ()),
        subnets=frozenset(each["SubnetIdentifier"] for each in subnets) or None,
        public=bool(config.get("PubliclyAccessible")),
    )


def _warehouse(config: Config) -> Trait:
    return Trait(
        described="RedshiftNetworkInterface",
        groups=frozenset(each["VpcSecurityGroupId"] for each in config.get("VpcSecurityGroups") or ()),
    )


def _function(config: Config) -> Trait | None:
    """A function in a VPC; functions with the same subnets and groups share interfaces."""
    place = config.get("VpcConfig") or {}
    if not place.get("SubnetIds"):
        return None
    return Trait(
        type="lambda", groups=frozenset(place.get("SecurityGroupIds") or ()), subnets=frozenset(place["SubnetIds"])
    )


def _task(config: Config) -> Trait | None:
    attached = _of(config.get("attachments"), "details")
    ids = tuple(str(each.get("value")) for each in attached if each.get("name") == "networkInterfaceId")
    return Trait(ids=ids) if ids else None


def _of(holders: Iterable[Config] | None, key: str) -> Iterator[Config]:
    for each in holders or ():
        yield from each.get(key) or ()


def _domain(config: Config) -> Trait | None:
    """A search domain in a VPC."""
    in_vpc = (config.get("VPCOptions") or {}).get("SubnetIds")
    return Trait(described=f"ES {config.get('DomainName', '')}") if in_vpc else None


_TRAITS: dict[str, Callable[[Config], Trait | None]] = {
    "AWS::RDS::DBInstance": _database,
    "AWS::Redshift::Cluster": _warehouse,
    "AWS::ElastiCache::CacheCluster": lambda config: Trait(described=f"ElastiCache {config.get('CacheClusterId', '')}"),
    "AWS::OpenSearchService::Domain": _domain,
    "AWS::EKS::Cluster": lambda config: Trait(described=f"Amazon EKS {config.get('name', '')}"),
    "AWS::EFS::MountTarget": lambda config: Trait(ids=(str(config.get("NetworkInterfaceId")),)),
    "AWS::ECS::Task": _task,
    "AWS::Lambda::Function": _function,
}
"""How AWS describes the interfaces that it makes for a service (EC2 User Guide, "Requester-managed network
interfaces", and the services' own guides)."""

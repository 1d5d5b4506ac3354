"""An inventory becomes a topology: AWS's describe answers, read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sakimori.assess.network import compile_balancers, compile_transit
from sakimori.assess.network.addresses import V4, V6, Range, cidr, number
from sakimori.assess.network.compile_routes import read_tables
from sakimori.assess.network.compile_wearers import read_wearers
from sakimori.assess.network.filters import GroupSet, Nacl, SecurityGroup
from sakimori.assess.network.topology import Interface, NatGateway, Peering, Subnet, Topology, Vpc
from sakimori.model.asset import NOT_DESCRIBED, Asset, Inventory

GONE = frozenset(("deleted", "deleting", "failed", "terminated", "rejected", "expired"))


def compile_topology(inventory: Inventory) -> Topology:
    """Reads everything that packets can meet. What is known to be there and was not described is not taken for what
    its config looks like: it is missing."""
    everything, inventory = inventory, _described(inventory)
    topology = Topology()
    _read_vpcs(topology, inventory)
    _read_gateways(topology, inventory)
    prefixes = read_prefixes(inventory)
    read_tables(topology, inventory, prefixes, _in_doubt(everything, inventory))
    _read_nacls(topology, inventory)
    guards = _Guards(inventory, prefixes)
    topology.uids.update(guards.uids)
    _read_interfaces(topology, inventory, guards)
    _read_nats(topology, inventory, guards)
    compile_transit.read_transits(topology, inventory)
    compile_transit.read_boundaries(topology, inventory)
    compile_balancers.read_balancers(topology, inventory)
    read_wearers(topology, inventory)
    _read_public_access(topology, inventory)
    services = ("ec2:", "elasticloadbalancing:", "directconnect:", "network-firewall:")
    topology.unseen = [
        each
        for each in inventory.not_evaluated
        if each.action.startswith(services) and each.action.partition(":")[2] not in _BESIDE
    ]
    _name(topology, inventory)
    _name_untold(topology, everything)
    return topology


def _described(inventory: Inventory) -> Inventory:
    bare = {each.resource for each in inventory.not_evaluated if each.code == NOT_DESCRIBED}
    if not bare:
        return inventory
    return Inventory((asset for asset in inventory if asset.uid not in bare), not_evaluated=inventory.not_evaluated)


def _in_doubt(everything: Inventory, described: Inventory) -> frozenset[str]:
    """The VPCs of route tables that were not described: which table a subnet of theirs has, nobody knows."""
    bare = [each for each in everything.of_type("AWS::EC2::RouteTable") if described.get(each.uid) is None]
    found = {str(each.config["VpcId"]) for each in bare if each.config.get("VpcId")}
    places = {(each.account, each.region) for each in bare if not each.config.get("VpcId")}
    for vpc in everything.of_type("AWS::EC2::VPC"):
        if (vpc.account, vpc.region) in places:
            found.add(vpc.config.get("VpcId", vpc.id))
    return frozenset(found)


_BESIDE = frozenset(
    "DescribeImageAttribute DescribeImages DescribeLaunchTemplateVersions DescribeLaunchTemplates DescribeTags "
    "DescribeSnapshotAttribute DescribeSnapshots DescribeVolumes DescribeFlowLogs DescribeSecurityGroupRules "
    "DescribeVpcEndpointServiceConfigurations DescribeVpcEndpointServicePermissions DescribeAddresses "
    "DescribeFirewallPolicy DescribeRuleGroup ListFirewallPolicies ListRuleGroups".split()
)
"""Calls of the same services that tell nothing about where packets go."""


def live(inventory: Inventory, *types: str) -> Iterable[Asset]:
    """The assets of the types that are not on their way out."""
    for asset in inventory.of_type(*types):
        state = asset.config.get("State") or asset.config.get("Status")
        if isinstance(state, Mapping):
            state = state.get("Name") or state.get("Code")
        if str(state).lower() not in GONE:
            yield asset


def read_prefixes(inventory: Inventory) -> dict[str, list[str]]:
    """The CIDR blocks of the prefix lists whose contents are known."""
    known: dict[str, list[str]] = {}
    for asset in inventory.of_type("AWS::EC2::PrefixList"):
        blocks = asset.config.get("Cidrs")
        entries = asset.config.get("Entries")
        if blocks is not None:
            known[asset.config.get("PrefixListId", asset.id)] = list(blocks)
        elif entries is not None:
            known[asset.config.get("PrefixListId", asset.id)] = [each["Cidr"] for each in entries]
    return known


def _read_vpcs(topology: Topology, inventory: Inventory) -> None:
    for asset in live(inventory, "AWS::EC2::VPC"):
        id = asset.config.get("VpcId", asset.id)
        topology.vpcs[id] = Vpc(asset.uid, id, asset.account, asset.region, ranges=_vpc_ranges(asset.config))
        topology.uids[id] = asset.uid
    for asset in live(inventory, "AWS::EC2::Subnet"):
        config = asset.config
        six = _blocks(config.get("Ipv6CidrBlockAssociationSet"), "Ipv6CidrBlock")
        vpc = topology.vpcs.get(config.get("VpcId", ""))
        if vpc is None:
            topology.elsewhere += (cidr(each)[1] for each in six)
            continue
        id = config.get("SubnetId", asset.id)
        four = [config["CidrBlock"]] if config.get("CidrBlock") else []
        subnet = Subnet(asset.uid, id, vpc, config.get("AvailabilityZone", ""), ranges=_ranges(four, six))
        topology.subnets[id] = subnet
        topology.uids[id] = asset.uid
        vpc.subnets.append(subnet)


def _vpc_ranges(config: Mapping[str, Any]) -> dict[int, tuple[Range, ...]]:
    four = _blocks(config.get("CidrBlockAssociationSet"), "CidrBlock")
    if config.get("CidrBlock") and config["CidrBlock"] not in four:
        four.insert(0, config["CidrBlock"])
    return _ranges(four, _blocks(config.get("Ipv6CidrBlockAssociationSet"), "Ipv6CidrBlock"))


def _blocks(associations: Any, key: str) -> list[str]:
    """The blocks of associations that hold."""
    found = []
    for each in associations or ():
        state = each.get(f"{key}State") or {}
        if state.get("State", "associated") in ("associated", "associating"):
            found.append(each[key])
    return found


def _ranges(four: Iterable[str], six: Iterable[str]) -> dict[int, tuple[Range, ...]]:
    return {V4: tuple(cidr(each)[1] for each in four), V6: tuple(cidr(each)[1] for each in six)}


def _read_gateways(topology: Topology, inventory: Inventory) -> None:
    for kind, key, attribute in (
        ("AWS::EC2::InternetGateway", "InternetGatewayId", "igw"),
        ("AWS::EC2::EgressOnlyInternetGateway", "EgressOnlyInternetGatewayId", "egress_only"),
        ("AWS::EC2::VPNGateway", "VpnGatewayId", "vgw"),
    ):
        for asset in live(inventory, kind):
            id = asset.config.get(key, asset.id)
            topology.uids[id] = asset.uid
            for attachment in asset.config.get("Attachments") or asset.config.get("VpcAttachments") or ():
                vpc = topology.vpcs.get(attachment.get("VpcId", ""))
                if vpc is not None and attachment.get("State") in ("available", "attached", "attaching", None):
                    setattr(vpc, attribute, id)
    for asset in inventory.of_type("AWS::EC2::VPCPeeringConnection"):
        id = asset.config.get("VpcPeeringConnectionId", asset.id)
        ends = tuple((asset.config.get(end) or {}).get("VpcId", "") for end in ("RequesterVpcInfo", "AccepterVpcInfo"))
        active = (asset.config.get("Status") or {}).get("Code") == "active"
        topology.peerings[id] = Peering(id, (ends[0], ends[1]), active)
        topology.uids[id] = asset.uid
    for asset in live(inventory, "AWS::EC2::VPCEndpoint"):
        id = asset.config.get("VpcEndpointId", asset.id)
        topology.endpoints[id] = asset.config.get("VpcEndpointType") or "Gateway"
        topology.uids[id] = asset.uid
    for asset in inventory.of_type("AWS::NetworkFirewall::Firewall"):
        for endpoint in _firewall_endpoints(asset.config):
            topology.firewalls[endpoint] = asset.uid


def _firewall_endpoints(config: Mapping[str, Any]) -> Iterable[str]:
    status = config.get("FirewallStatus") or config
    for state in (status.get("SyncStates") or {}).values():
        endpoint = (state.get("Attachment") or {}).get("EndpointId")
        if endpoint:
            yield endpoint


def _read_nacls(topology: Topology, inventory: Inventory) -> None:
    for asset in inventory.of_type("AWS::EC2::NetworkAcl"):
        id = asset.config.get("NetworkAclId", asset.id)
        topology.uids[id] = asset.uid
        nacl = Nacl(id, asset.config.get("Entries") or ())
        for association in asset.config.get("Associations") or ():
            subnet = topology.subnets.get(association.get("SubnetId", ""))
            if subnet is not None:
                subnet.nacl = nacl


class _Guards:
    """Security groups by id, and the sets of them that interfaces wear; one object a set."""

    def __init__(self, inventory: Inventory, prefixes: Mapping[str, list[str]]) -> None:
        self.groups = {
            asset.config.get("GroupId", asset.id): SecurityGroup(
                asset.config.get("GroupId", asset.id), asset.config, prefixes
            )
            for asset in inventory.of_type("AWS::EC2::SecurityGroup")
        }
        self.uids = {
            asset.config.get("GroupId", asset.id): asset.uid for asset in inventory.of_type("AWS::EC2::SecurityGroup")
        }
        self._sets: dict[tuple[str, ...], GroupSet] = {}

    def of(self, ids: tuple[str, ...]) -> GroupSet:
        found = self._sets.get(ids)
        if found is None:
            known = [self.groups[each] for each in ids if each in self.groups]
            found = self._sets[ids] = GroupSet(known, [each for each in ids if each not in self.groups])
        return found


def _read_interfaces(topology: Topology, inventory: Inventory, guards: _Guards) -> None:
    for asset in inventory.of_type("AWS::EC2::NetworkInterface"):
        _add_interface(topology, guards, asset.uid, asset.config)
    for asset in live(inventory, "AWS::EC2::Instance"):
        id = asset.config.get("InstanceId", asset.id)
        topology.uids[id] = asset.uid
        for config in asset.config.get("NetworkInterfaces") or ():
            eni = config.get("NetworkInterfaceId", "")
            if eni not in topology.interfaces:
                attached = {**config, "Attachment": {**(config.get("Attachment") or {}), "InstanceId": id}}
                attached.setdefault("SubnetId", asset.config.get("SubnetId"))
                _add_interface(topology, guards, f"{asset.uid.rpartition(':')[0]}:network-interface/{eni}", attached)
    for asset in inventory.of_type("AWS::EC2::EIP"):
        interface = topology.interfaces.get(asset.config.get("NetworkInterfaceId", ""))
        private, public = asset.config.get("PrivateIpAddress"), asset.config.get("PublicIp")
        if interface is not None and private and public:
            _translate(topology, interface, number(private), number(public))
    for asset in live(inventory, "AWS::EC2::VPCEndpoint"):
        for eni in asset.config.get("NetworkInterfaceIds") or ():
            if eni in topology.interfaces:
                rename(topology, topology.interfaces[eni], asset.config.get("VpcEndpointId", asset.id), "endpoint")


def _translate(topology: Topology, interface: Interface, private: int, public: int) -> None:
    """Enters a public address, unless the interface itself tells of one."""
    if private not in interface.public:
        interface.public = {**interface.public, private: public}
        topology.by_public[public] = interface, private


def _add_interface(topology: Topology, guards: _Guards, uid: str, config: Mapping[str, Any]) -> Interface | None:
    subnet = topology.subnets.get(config.get("SubnetId") or "")
    if subnet is None:
        return None
    id = config.get("NetworkInterfaceId", "")
    attachment = config.get("Attachment") or {}
    instance = attachment.get("InstanceId") or ""
    four, public = _four(config)
    groups = tuple(sorted({each["GroupId"] for each in config.get("Groups") or ()}))
    interface = Interface(
        uid=uid,
        id=id,
        node=instance or id,
        owner=instance,
        subnet=subnet,
        groups=groups,
        guard=guards.of(groups),
        v4=four,
        v6=tuple(number(each["Ipv6Address"]) for each in config.get("Ipv6Addresses") or ()),
        public=public,
        forwards=config.get("SourceDestCheck") is False,
        kind="gateway" if config.get("InterfaceType") in _GATEWAYS else "host",
    )
    topology.interfaces[id] = interface
    topology.uids[id] = uid
    topology.by_node.setdefault(interface.node, []).append(interface)
    for family, address in interface.addresses():
        subnet.vpc.interfaces[family, address] = interface
    for private, outer in public.items():
        topology.by_public[outer] = interface, private
    return interface


_GATEWAYS = frozenset(("transit_gateway", "gateway_load_balancer_endpoint", "gateway_load_balancer"))


def _four(config: Mapping[str, Any]) -> tuple[tuple[int, ...], dict[int, int]]:
    """The private IPv4 addresses, the primary one first, and the public ones by private one."""
    listed = config.get("PrivateIpAddresses") or ()
    if not listed and config.get("PrivateIpAddress"):
        listed = [{"PrivateIpAddress": config["PrivateIpAddress"], "Association": config.get("Association")}]
    private: list[int] = []
    public: dict[int, int] = {}
    for each in listed:
        address = number(each["PrivateIpAddress"])
        if each.get("Primary"):
            private.insert(0, address)
        else:
            private.append(address)
        outer = (each.get("Association") or {}).get("PublicIp")
        if outer:
            public[address] = number(outer)
    outer = (config.get("Association") or {}).get("PublicIp")
    if outer and private and private[0] not in public:
        public[private[0]] = number(outer)
    return tuple(private), public


def rename(topology: Topology, interface: Interface, node: str, kind: str) -> None:
    """The interface stands for another asset than was thought."""
    before = topology.by_node[interface.node]
    before.remove(interface)
    if not before:
        del topology.by_node[interface.node]
    interface.node, interface.kind = node, kind
    topology.by_node.setdefault(node, []).append(interface)


def _read_nats(topology: Topology, inventory: Inventory, guards: _Guards) -> None:
    for asset in live(inventory, "AWS::EC2::NatGateway"):
        config = asset.config
        id = config.get("NatGatewayId", asset.id)
        topology.uids[id] = asset.uid
        interface = None
        for address in config.get("NatGatewayAddresses") or ():
            interface = topology.interfaces.get(address.get("NetworkInterfaceId", "")) or _add_interface(
                topology, guards, asset.uid, _nat_interface(config, address)
            )
            if interface is not None:
                rename(topology, interface, id, "nat")
                interface.guard = _OPEN
                if address.get("PublicIp") and interface.v4:
                    _translate(topology, interface, interface.v4[0], number(address["PublicIp"]))
                break
        topology.nats[id] = NatGateway(
            id=id,
            uid=asset.uid,
            interface=interface,
            public=config.get("ConnectivityType", "public") != "private",
            available=config.get("State", "available") == "available",
            unmodelled="" if config.get("AvailabilityMode", "zonal") == "zonal" else "regional NAT gateways",
        )


_OPEN = GroupSet([], [])


def _nat_interface(config: Mapping[str, Any], address: Mapping[str, Any]) -> dict[str, Any]:
    public = {"PublicIp": address["PublicIp"]} if address.get("PublicIp") else None
    private = address.get("PrivateIp")
    return {
        "NetworkInterfaceId": address.get("NetworkInterfaceId") or f"{config.get('NatGatewayId')}-interface",
        "SubnetId": config.get("SubnetId"),
        "PrivateIpAddresses": [{"PrivateIpAddress": private, "Association": public}] if private else [],
    }


def _read_public_access(topology: Topology, inventory: Inventory) -> None:
    for asset in inventory.of_type("AWS::EC2::VPCBlockPublicAccessOptions"):
        mode = asset.config.get("InternetGatewayBlockMode", "off")
        if mode != "off":
            topology.blocked_internet[asset.account, asset.region] = mode
    for asset in live(inventory, "AWS::EC2::VPCBlockPublicAccessExclusion"):
        place = str(asset.config.get("ResourceArn", "")).rpartition("/")[2]
        topology.open_internet[place] = asset.config.get("InternetGatewayExclusionMode", "allow-bidirectional")


def _name_untold(topology: Topology, everything: Inventory) -> None:
    """What would have a place in the network, if more had been told."""
    if not topology.unseen:
        return
    for asset in everything.of_type(*TALKING):
        node = asset.config.get("InstanceId") or asset.config.get("NetworkInterfaceId") or asset.uid
        if asset.uid in topology.balancers or node in topology.by_node or node in topology.interfaces:
            continue
        for name in {asset.uid, asset.id, node, asset.name or asset.tags.get("Name", "")} - {""}:
            topology.untold.setdefault(name, node)


TALKING = (
    *("AWS::EC2::Instance", "AWS::EC2::NetworkInterface"),
    *("AWS::ElasticLoadBalancing::LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
)


def _name(topology: Topology, inventory: Inventory) -> None:
    """What users may call the nodes: by uid, id and name."""
    functions = [reached for reached in topology.fronts if ":function:" in reached]
    topology.uids.update((arn, arn) for arn in functions)
    by_uid = {uid: node for node, uid in topology.uids.items()}
    for asset in inventory:
        node = by_uid.get(asset.uid)
        if node is None:
            continue
        title = asset.name or asset.tags.get("Name", "")
        if title and title != node:
            topology.titles[node] = title
        for name in {asset.uid, asset.id, node, title} - {""}:
            topology.names.setdefault(name, []).append(node)
    for node in (*topology.by_node, *functions):
        if node not in topology.names:
            topology.names[node] = [node]

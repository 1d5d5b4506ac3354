"""Load balancers: listeners, target groups and targets with their health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from sakimori.assess.network.addresses import V4, V6, number
from sakimori.assess.network.space import TCP, UDP
from sakimori.assess.network.topology import Balancer, Interface, Listener, Target, TargetGroup, Topology
from sakimori.model.asset import Asset, Inventory

PROTOCOLS = {"UDP": (UDP,), "TCP_UDP": (TCP, UDP), "QUIC": (UDP,), "TCP_QUIC": (TCP, UDP)}
"""What a listener's or target group's protocol is on the wire; all others are TCP."""

_SHORT = {"app": "application", "net": "network", "gwy": "gateway"}


def read_balancers(topology: Topology, inventory: Inventory) -> None:
    instances = _primary_interfaces(topology, inventory)
    by_description: dict[str, Balancer] = {}
    for asset in inventory.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        balancer = _balancer(asset)
        topology.balancers[asset.uid] = balancer
        topology.uids[asset.uid] = asset.uid
        by_description[f"ELB {asset.uid.rpartition('loadbalancer/')[2]}"] = balancer
    for asset in inventory.of_type("AWS::ElasticLoadBalancing::LoadBalancer"):
        topology.balancers[asset.uid] = balancer = _classic(topology, asset, instances)
        topology.uids[asset.uid] = asset.uid
        by_description[f"ELB {asset.config.get('LoadBalancerName', asset.id)}"] = balancer
    _own_interfaces(topology, inventory, by_description)
    groups = {
        asset.uid: _target_group(topology, asset, instances)
        for asset in inventory.of_type("AWS::ElasticLoadBalancingV2::TargetGroup")
    }
    rules: dict[str, list[Asset]] = {}
    for asset in inventory.of_type("AWS::ElasticLoadBalancingV2::ListenerRule"):
        rules.setdefault(asset.config.get("ListenerArn", ""), []).append(asset)
    for asset in inventory.of_type("AWS::ElasticLoadBalancingV2::Listener"):
        owner = topology.balancers.get(asset.config.get("LoadBalancerArn", ""))
        if owner is not None:
            owner.listeners.append(_listener(asset, rules.get(asset.uid, []), groups))
    for balancer in topology.balancers.values():
        for listener in balancer.listeners:
            for group in listener.groups:
                for target in group.targets:
                    reached = target.interface.id if target.interface is not None else target.function
                    if reached and balancer.kind != "gateway":
                        topology.fronts.setdefault(reached, []).append((balancer, listener, group, target))


def _balancer(asset: Asset) -> Balancer:
    config = asset.config
    kind = config.get("Type") or _SHORT.get(asset.uid.rpartition("loadbalancer/")[2].partition("/")[0], "application")
    cross = attributes(config).get("load_balancing.cross_zone.enabled")
    return Balancer(
        uid=asset.uid,
        kind=kind,
        internet_facing=config.get("Scheme") == "internet-facing",
        cross_zone=kind == "application" or cross == "true",
        groups=tuple(config.get("SecurityGroups") or ()),
        active=(config.get("State") or {}).get("Code", "active") in ("active", "active_impaired"),
    )


def attributes(config: Mapping[str, Any]) -> dict[str, str]:
    """Attributes as a mapping, however they were written down."""
    listed = config.get("Attributes") or ()
    if isinstance(listed, Mapping):
        return {str(key): str(value).lower() for key, value in listed.items()}
    return {each["Key"]: str(each.get("Value", "")).lower() for each in listed}


def _own_interfaces(topology: Topology, inventory: Inventory, by_description: Mapping[str, Balancer]) -> None:
    from sakimori.assess.network.compile import rename

    for asset in inventory.of_type("AWS::EC2::NetworkInterface"):
        description = str(asset.config.get("Description") or "")
        balancer = by_description.get(description) if description.startswith("ELB ") else None
        interface = topology.interfaces.get(asset.config.get("NetworkInterfaceId", asset.id))
        if balancer is not None and interface is not None:
            rename(topology, interface, balancer.uid, "balancer")
            balancer.interfaces.append(interface)


def _primary_interfaces(topology: Topology, inventory: Inventory) -> dict[str, Interface]:
    """The first interface of each instance, by the instance's id: that of device index 0 where one has it."""
    first: dict[str, Interface] = {}
    for node, interfaces in topology.by_node.items():
        if node.startswith("i-") or interfaces[0].owner:
            first[node] = interfaces[0]
    for asset in inventory.of_type("AWS::EC2::NetworkInterface"):
        attachment = asset.config.get("Attachment") or {}
        if attachment.get("DeviceIndex") == 0 and attachment.get("InstanceId"):
            interface = topology.interfaces.get(asset.config.get("NetworkInterfaceId", asset.id))
            if interface is not None:
                first[attachment["InstanceId"]] = interface
    return first


def _listener(asset: Asset, rules: list[Asset], groups: Mapping[str, TargetGroup]) -> Listener:
    config = asset.config
    wanted: dict[str, None] = {}
    configs = [config.get("DefaultActions") or (), *(rule.config.get("Actions") or () for rule in rules)]
    for action in chain.from_iterable(configs):
        if action.get("Type", "forward") != "forward":
            continue
        weighted = (action.get("ForwardConfig") or {}).get("TargetGroups") or ()
        for each in weighted:
            if each.get("Weight", 1) != 0:
                wanted[each["TargetGroupArn"]] = None
        if action.get("TargetGroupArn"):
            wanted[action["TargetGroupArn"]] = None
    protocols = PROTOCOLS.get(str(config.get("Protocol", "TCP")).upper(), (TCP,))
    found = tuple(groups.get(arn) or _unseen(arn) for arn in wanted)
    return Listener(config.get("ListenerArn", asset.uid), protocols, int(config.get("Port", 0)), found)


def _unseen(arn: str) -> TargetGroup:
    return TargetGroup(arn, TCP, (), False, unknown=f"target group {arn} is not in the snapshot")


def _target_group(topology: Topology, asset: Asset, instances: Mapping[str, Interface]) -> TargetGroup:
    config = asset.config
    kind = config.get("TargetType", "instance")
    protocol = str(config.get("Protocol", "TCP")).upper()
    said = attributes(config).get("preserve_client_ip.enabled")
    keeps = said == "true" if said else kind in ("instance", "alb") or protocol in ("UDP", "TCP_UDP", "QUIC")
    health = config.get("TargetHealthDescriptions")
    if health is None:
        return TargetGroup(asset.uid, TCP, (), keeps, unknown=f"the targets of {asset.uid} are not in the snapshot")
    targets = tuple(
        target for each in serving(health) for target in _targets(topology, config, kind, each["Target"], instances)
    )
    return TargetGroup(asset.uid, PROTOCOLS.get(protocol, (TCP,))[0], targets, keeps)


def serving(health: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The targets that are sent to: the healthy ones; all that are registered when none is healthy ("fail open")."""
    registered = [each for each in health if _state(each) not in ("draining", "unused")]
    return [each for each in registered if _state(each) in ("healthy", "unavailable")] or registered


def _state(description: Mapping[str, Any]) -> str:
    return str((description.get("TargetHealth") or {}).get("State", "healthy"))


def _targets(
    topology: Topology,
    config: Mapping[str, Any],
    kind: str,
    target: Mapping[str, Any],
    instances: Mapping[str, Interface],
) -> Iterable[Target]:
    port = int(target.get("Port") or config.get("Port") or 0)
    if kind == "lambda":
        yield Target(0, V4, 0, None, function=":".join(target["Id"].split(":")[:7]))  # without version or alias
        return
    if kind == "alb":
        yield from _nodes(topology, target["Id"], port)
        return
    if kind == "instance":
        interface = instances.get(target["Id"])
        if interface is None or not (interface.v4 or interface.v6):
            yield Target(port, V4, 0, None, outside=target["Id"])
            return
        six = config.get("IpAddressType") == "ipv6" and bool(interface.v6)
        address = interface.v6[0] if six else interface.v4[0]
        yield Target(port, V6 if six else V4, address, interface)
        return
    address = number(target["Id"])
    family = V6 if ":" in target["Id"] else V4
    home = topology.vpcs.get(config.get("VpcId", ""))
    interface = home.interfaces.get((family, address)) if home else None
    if interface is None:
        elsewhere = [each for each, ip in topology.interface_at(family, address) if ip == address]
        interface = elsewhere[0] if len(elsewhere) == 1 else None
    yield Target(port, family, address, interface, outside="" if interface else target["Id"])


def _nodes(topology: Topology, arn: str, port: int) -> Iterable[Target]:
    """An application load balancer as a target of a network one: each of its nodes is."""
    balancer = topology.balancers.get(arn)
    found = [Target(port, V4, each.v4[0], each) for each in balancer.interfaces if each.v4] if balancer else []
    yield from found or [Target(port, V4, 0, None, outside=arn)]


def _classic(topology: Topology, asset: Asset, instances: Mapping[str, Interface]) -> Balancer:
    config = asset.config
    cross = (config.get("LoadBalancerAttributes") or {}).get("CrossZoneLoadBalancing") or {}
    balancer = Balancer(
        uid=asset.uid,
        kind="classic",
        internet_facing=config.get("Scheme") == "internet-facing",
        cross_zone=bool(cross.get("Enabled", True)),
        groups=tuple(config.get("SecurityGroups") or ()),
    )
    states = {each["InstanceId"]: each.get("State") for each in config.get("InstanceStates") or ()}
    for description in config.get("ListenerDescriptions") or ():
        listener = description["Listener"]
        port = int(listener["LoadBalancerPort"])
        targets = []
        for each in config.get("Instances") or ():
            interface = instances.get(each["InstanceId"])
            if states.get(each["InstanceId"], "InService") != "InService":
                continue
            inner = int(listener["InstancePort"])
            if interface is None or not interface.v4:
                targets.append(Target(inner, V4, 0, None, outside=each["InstanceId"]))
            else:
                targets.append(Target(inner, V4, interface.v4[0], interface))
        group = TargetGroup(f"{asset.uid}/{port}", TCP, tuple(targets), keeps_client=False)
        balancer.listeners.append(Listener(f"{asset.uid}/{port}", (TCP,), port, (group,)))
    return balancer

"""Batfish's folders of AWS describe answers, read into the assets that our own discovery would give.

    DIR/aws_configs/*.json                              one account, one region
    DIR/aws_configs/REGION/*.json                       one account
    DIR/aws_configs/accounts/ACCOUNT/REGION/*.json      an organisation
    DIR/configs/*                                       routers on premises: boundaries, with the addresses they have

A file's answer has AWS's key (`{"Vpcs": [...]}`); what takes a call per item is wrapped by Batfish, and unwrapped here.
np-guard's single JSON file with `vpcs`, `subnets`, `instances`, ... is read as well: the same answers under other keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from sakimori.model.asset import Asset, Inventory, NotEvaluated


class BatfishError(Exception):
    """The folder or file cannot be read: says which, why, and what to do."""


_EC2 = {
    "Vpcs": ("AWS::EC2::VPC", "VpcId", "vpc"),
    "Subnets": ("AWS::EC2::Subnet", "SubnetId", "subnet"),
    "RouteTables": ("AWS::EC2::RouteTable", "RouteTableId", "route-table"),
    "NetworkAcls": ("AWS::EC2::NetworkAcl", "NetworkAclId", "network-acl"),
    "SecurityGroups": ("AWS::EC2::SecurityGroup", "GroupId", "security-group"),
    "NetworkInterfaces": ("AWS::EC2::NetworkInterface", "NetworkInterfaceId", "network-interface"),
    "Instances": ("AWS::EC2::Instance", "InstanceId", "instance"),
    "Addresses": ("AWS::EC2::EIP", "AllocationId", "elastic-ip"),
    "InternetGateways": ("AWS::EC2::InternetGateway", "InternetGatewayId", "internet-gateway"),
    "EgressOnlyInternetGateways": (
        "AWS::EC2::EgressOnlyInternetGateway",
        "EgressOnlyInternetGatewayId",
        "egress-only-internet-gateway",
    ),
    "NatGateways": ("AWS::EC2::NatGateway", "NatGatewayId", "natgateway"),
    "VpnGateways": ("AWS::EC2::VPNGateway", "VpnGatewayId", "vpn-gateway"),
    "VpnConnections": ("AWS::EC2::VPNConnection", "VpnConnectionId", "vpn-connection"),
    "CustomerGateways": ("AWS::EC2::CustomerGateway", "CustomerGatewayId", "customer-gateway"),
    "VpcPeeringConnections": (
        "AWS::EC2::VPCPeeringConnection",
        "VpcPeeringConnectionId",
        "vpc-peering-connection",
    ),
    "VpcEndpoints": ("AWS::EC2::VPCEndpoint", "VpcEndpointId", "vpc-endpoint"),
    "PrefixLists": ("AWS::EC2::PrefixList", "PrefixListId", "prefix-list"),
    "TransitGateways": ("AWS::EC2::TransitGateway", "TransitGatewayId", "transit-gateway"),
    "TransitGatewayRouteTables": (
        "AWS::EC2::TransitGatewayRouteTable",
        "TransitGatewayRouteTableId",
        "transit-gateway-route-table",
    ),
    "TransitGatewayAttachments": (
        "AWS::EC2::TransitGatewayAttachment",
        "TransitGatewayAttachmentId",
        "transit-gateway-attachment",
    ),
}
"""Answers of EC2 by their key: the assets' type, where they have their id, and what stands before it in the ARN."""

_WITH_ARN = {
    "LoadBalancers": ("AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerArn"),
    "Listeners": ("AWS::ElasticLoadBalancingV2::Listener", "ListenerArn"),
    "ListenerRules": ("AWS::ElasticLoadBalancingV2::ListenerRule", "RuleArn"),
    "TargetGroups": ("AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupArn"),
    "DBInstances": ("AWS::RDS::DBInstance", "DBInstanceArn"),
    "DomainStatusList": ("AWS::OpenSearchService::Domain", "ARN"),
    "Firewalls": ("AWS::NetworkFirewall::Firewall", "FirewallArn"),
}

_DIRECT_CONNECT = {
    "DirectConnectGateways": ("AWS::DirectConnect::Gateway", "directConnectGatewayId", "dx-gateway"),
    "VirtualInterfaces": ("AWS::DirectConnect::VirtualInterface", "virtualInterfaceId", "dxvif"),
    "DirectConnectGatewayAssociations": (
        "AWS::DirectConnect::GatewayAssociation",
        "associationId",
        "dx-gateway-association",
    ),
}

_NO_ASSETS = frozenset("AvailabilityZones ServiceNames ServiceDetails".split())

_NESTED = {
    # wrapper's key: (what the items are about, where the answer is in each, the key of the asset's config)
    "LoadBalancerAttributes": ("LoadBalancerArn", "Attributes", "Attributes"),
    "LoadBalancerTargetHealth": ("TargetGroupArn", "TargetHealthDescriptions", "TargetHealthDescriptions"),
    "TargetGroupAttributes": ("TargetGroupArn", "Attributes", "Attributes"),
    "TransitGatewayStaticRoutes": ("TransitGatewayRouteTableId", "Routes", "Routes"),
    "TransitGatewayPropagations": (
        "TransitGatewayRouteTableId",
        "TransitGatewayRouteTablePropagations",
        "Propagations",
    ),
}

_NP_GUARD = {
    "instances": "Instances",
    "internet_gateways": "InternetGateways",
    "network_acls": "NetworkAcls",
    "security_groups": "SecurityGroups",
    "subnets": "Subnets",
    "vpcs": "Vpcs",
    "route_tables": "RouteTables",
    "network_interfaces": "NetworkInterfaces",
    "nat_gateways": "NatGateways",
}


def is_batfish(place: Path) -> bool:
    """Whether it looks like one of the layouts that this file reads."""
    return place.is_file() or (place / "aws_configs").is_dir() or place.name == "aws_configs"


def read_batfish(place: Path) -> Inventory:
    """All that the folder (or np-guard's file) holds. Raises BatfishError."""
    if place.is_file():
        return _read_np_guard(place)
    root = place if place.name == "aws_configs" else place / "aws_configs"
    if not root.is_dir():
        raise BatfishError(f"{place}: has no folder aws_configs: name the folder that holds it")
    inventory = Inventory()
    inventory.asked = frozenset()
    for folder, account, region in _places(root):
        answers: dict[str, list[Any]] = {}
        for file in sorted(folder.glob("*.json")):
            for key, items in _load(file).items():
                if isinstance(items, list):
                    answers.setdefault(key, []).extend(items)
        add_answers(inventory, answers, account, region)
    for file in sorted((root.parent / "configs").rglob("*")):
        if file.is_file():
            inventory.add(_router(file))
    return inventory


def _places(root: Path) -> Iterator[tuple[Path, str, str]]:
    """Every folder with answers, its account ("" where the layout does not tell) and its region."""
    if any(root.glob("*.json")):
        yield root, "", ""
    for region in sorted(root.iterdir()):
        if region.is_dir() and region.name != "accounts" and any(region.glob("*.json")):
            yield region, "", region.name
    for region in sorted(root.glob("accounts/*/*")):
        if region.is_dir():
            yield region, region.parent.name, region.name


def _load(file: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(file.read_bytes())
    except OSError as error:
        raise BatfishError(f"{file}: cannot be read: {error.strerror}: check its permissions") from error
    except ValueError as error:
        raise BatfishError(f"{file}: is not JSON: {error}: take the snapshot again") from error
    if not isinstance(found, dict):
        raise BatfishError(f"{file}: is not a JSON object: it should hold an answer of AWS")
    return found


def _read_np_guard(file: Path) -> Inventory:
    found = _load(file)
    if not {"vpcs", "subnets"} <= set(found):
        raise BatfishError(f"{file}: is no snapshot: a file should have `vpcs`, `subnets`, `instances`, ...")
    answers = {_NP_GUARD[key]: items for key, items in found.items() if key in _NP_GUARD and isinstance(items, list)}
    inventory = Inventory()
    inventory.asked = frozenset()
    add_answers(inventory, answers, "", "")
    return inventory


def add_answers(inventory: Inventory, answers: dict[str, list[Any]], account: str = "", region: str = "") -> None:
    """Adds what the answers, by AWS's key, say of one account and region ("" where they tell themselves)."""
    region = region or _region(answers)
    answers["Instances"] = answers.get("Instances", []) + [
        instance for each in answers.pop("Reservations", []) for instance in each.get("Instances") or ()
    ]
    listeners = answers.pop("LoadBalancerListeners", [])
    answers["Listeners"] = [listener for each in listeners for listener in each.get("Listeners") or ()]
    details = _details(answers)
    for key, items in answers.items():
        if key in _NESTED or key in _NO_ASSETS or key == "TransitGatewayVpcAttachments":
            continue
        for item in items:
            asset = _asset(key, item, account, region, details)
            if asset is None:
                told = "has no place in this inventory"
                inventory.not_evaluated.append(NotEvaluated(key, account, region, "", "NotModelled", told))
                break
            inventory.add(asset)


def _details(answers: Mapping[str, list[Any]]) -> dict[str, dict[str, Any]]:
    """What further calls told of an item, by the item's id or ARN, under the key that discovery keeps it."""
    found: dict[str, dict[str, Any]] = {}
    for key, (about, where, under) in _NESTED.items():
        for each in answers.get(key, ()):
            found.setdefault(each[about], {})[under] = each.get(where) or []
    for each in answers.get("TransitGatewayVpcAttachments", ()):
        found.setdefault(each["TransitGatewayAttachmentId"], {})["VpcAttachment"] = each
    return found


def _asset(
    key: str, item: Mapping[str, Any], account: str, region: str, details: Mapping[str, Mapping[str, Any]]
) -> Asset | None:
    owner = account or str(item.get("OwnerId") or item.get("VpcOwnerId") or _account_of(item))
    if key in _EC2:
        kind, id_key, prefix = _EC2[key]
        id = str(item.get(id_key) or item.get("PublicIp") or "")
        uid = f"arn:aws:ec2:{region}:{owner}:{prefix}/{id}"
    elif key in _WITH_ARN:
        kind, id_key = _WITH_ARN[key]
        uid = id = str(item.get(id_key, ""))
        owner, region = account or uid.split(":")[4], region or uid.split(":")[3]
    elif key in _DIRECT_CONNECT:
        kind, id_key, prefix = _DIRECT_CONNECT[key]
        item = _as_direct_connect(item)
        id = str(item.get(id_key, ""))
        uid = f"arn:aws:directconnect::{owner}:{prefix}/{id}"
    else:
        return None
    tags = _tags(item)
    config = {**item, **details.get(id, {})}
    return Asset(uid, kind, owner, region, config, tags, name=tags.get("Name") or _own_name(item))


def _account_of(item: Mapping[str, Any]) -> str:
    for interface in item.get("NetworkInterfaces") or ():
        if isinstance(interface, Mapping) and interface.get("OwnerId"):
            return str(interface["OwnerId"])
    return ""


def _own_name(item: Mapping[str, Any]) -> str:
    names = ("GroupName", "LoadBalancerName", "TargetGroupName", "DBInstanceIdentifier", "DomainName", "PrefixListName")
    return next((str(item[name]) for name in names if item.get(name)), "")


def _tags(item: Mapping[str, Any]) -> dict[str, str]:
    listed = item.get("Tags") or item.get("TagSet") or item.get("tags") or ()
    return {
        str(each.get("Key") or each.get("key")): str(each.get("Value") or each.get("value") or "") for each in listed
    }


def _as_direct_connect(value: Any) -> Any:
    """In Direct Connect's own spelling, which begins keys with a small letter."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: _as_direct_connect(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_direct_connect(inner) for inner in value]
    return value


def _region(answers: Mapping[str, list[Any]]) -> str:
    """The region that zones tell, where the layout does not."""
    zones: Iterable[Any] = (each.get("AvailabilityZone") for each in answers.get("Subnets", ()))
    zone = next((str(each) for each in zones if each), "")
    return re.sub(r"(?<=\d)[a-z]$", "", zone)


_OWN_ADDRESS = re.compile(
    r"(?:^\s*(?:(?:ip|ipv4|ipv6)\s+)?address|\bfamily inet6? address)\s+([0-9a-fA-F.:]+)", re.MULTILINE
)
_HOSTNAME = re.compile(r"^\s*(?:set system host-name|set hostname|host-?name|switchname)\s+\"?([\w.-]+)", re.MULTILINE)


def _router(file: Path) -> Asset:
    """A router on premises. Its name and addresses are read, and nothing else: what it forwards is its own affair."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BatfishError(f"{file}: cannot be read: {error.strerror}: check its permissions") from error
    named = _HOSTNAME.search(text)
    name = (named.group(1) if named else file.stem).lower()
    addresses = sorted(set(_OWN_ADDRESS.findall(text)))
    return Asset(name, "OnPremises::Router", "", "", {"Addresses": addresses}, name=name)

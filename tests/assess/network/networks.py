"""A small network to change: a public and a private subnet in one VPC, an instance in each, everything open."""

from __future__ import annotations

from typing import Any

from sakimori.assess.network.engine import Answer, Engine, Question
from sakimori.discover.batfish import add_answers
from sakimori.model.asset import Asset, Inventory

Answers = dict[str, list[dict[str, Any]]]
EVERYTHING = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
ACCOUNT, REGION = "111122223333", "eu-west-1"
LB = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"


def network() -> Answers:
    found: Answers = {
        "Vpcs": [{"VpcId": "vpc-1", "OwnerId": ACCOUNT, "CidrBlock": "10.0.0.0/16"}],
        "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]}],
    }
    for number, name in enumerate("ab"):
        put(found, "Subnets", SubnetId=f"subnet-{name}", VpcId="vpc-1", CidrBlock=f"10.0.{number}.0/24")
        found["Subnets"][-1]["AvailabilityZone"] = f"{REGION}a"
        route(found, f"rtb-{name}", f"subnet-{name}", {"GatewayId": "igw-1"} if name == "a" else {})
        put(found, "NetworkAcls", NetworkAclId=f"acl-{name}", Associations=[{"SubnetId": f"subnet-{name}"}])
        found["NetworkAcls"][-1]["Entries"] = entries()
        group(found, f"sg-{name}", EVERYTHING)
    interface(found, "a", "subnet-a", "10.0.0.10", "sg-a", public="54.0.0.1", instance="i-a")
    interface(found, "b", "subnet-b", "10.0.1.10", "sg-b", instance="i-b")
    return found


def put(found: Answers, key: str, **item: Any) -> dict[str, Any]:
    found.setdefault(key, []).append(item)
    return item


def entries() -> list[dict[str, Any]]:
    return [
        {"RuleNumber": 1, "Egress": egress, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"}
        for egress in (False, True)
    ]


def route(
    found: Answers, id: str, subnet: str, way: dict[str, str], vpc: str = "vpc-1", local: str = "10.0.0.0/16"
) -> None:
    routes = [{"DestinationCidrBlock": local, "GatewayId": "local", "State": "active"}]
    if way:
        routes.append({"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **way})
    put(found, "RouteTables", RouteTableId=id, VpcId=vpc, Associations=[{"SubnetId": subnet}], Routes=routes)


def group(found: Answers, id: str, into: list[dict[str, Any]]) -> None:
    put(found, "SecurityGroups", GroupId=id, IpPermissions=into, IpPermissionsEgress=EVERYTHING)


def tcp(port: int, *blocks: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": each} for each in blocks]}


def interface(
    found: Answers,
    name: str,
    subnet: str,
    private: str,
    *groups: str,
    public: str = "",
    instance: str = "",
    description: str = "",
) -> dict[str, Any]:
    address: dict[str, Any] = {"PrivateIpAddress": private, "Primary": True}
    if public:
        address["Association"] = {"PublicIp": public}
    made = put(
        found,
        "NetworkInterfaces",
        NetworkInterfaceId=f"eni-{name}",
        SubnetId=subnet,
        Groups=[{"GroupId": each} for each in groups],
        PrivateIpAddresses=[address],
        Description=description,
    )
    if instance:
        made["Attachment"] = {"InstanceId": instance, "DeviceIndex": 0}
        put(found, "Instances", InstanceId=instance)
    return made


def table(found: Answers, id: str) -> list[dict[str, Any]]:
    """The routes of a route table."""
    return next(list_ for each in found["RouteTables"] if each["RouteTableId"] == id for list_ in [each["Routes"]])


def engine(found: Answers, *more: Asset) -> Engine:
    made = Inventory(more)
    add_answers(made, {key: list(items) for key, items in found.items()}, ACCOUNT, REGION)
    return Engine(made)


def ask(found: Answers, source: str, target: str, port: int | None = None, *more: Asset) -> Answer:
    return engine(found, *more).ask(Question(source, target, None if port is None else 6, port))

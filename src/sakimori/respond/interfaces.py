"""Isolation by security group: the interfaces of an instance or task get one that lets nothing in or out.

Security groups are stateful: connections that are open go on until they are idle ("Security group connection
tracking", EC2 user guide); new ones are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.model.said import say
from sakimori.respond.describing import group_ids

GROUP_NAME = "sakimori-quarantine"

IAM_ACTIONS = (
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:CreateSecurityGroup",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:DeleteSecurityGroup",
    "ec2:ModifyNetworkInterfaceAttribute",
)


def groups_of(ec2: Any, interfaces: list[str]) -> dict[str, list[str]]:
    """Interface -> its security groups."""
    answer = ec2.describe_network_interfaces(NetworkInterfaceIds=interfaces)
    return {each["NetworkInterfaceId"]: group_ids(each) for each in answer["NetworkInterfaces"]}


def isolate(ec2: Any, vpc: str, interfaces: Mapping[str, list[str]]) -> None:
    """Gives every interface the quarantine group of its VPC, which is made if there is none."""
    group = quarantine_group(ec2, vpc) or _made(ec2, vpc)
    for interface, groups in interfaces.items():
        if groups != [group]:
            ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[group])


def release(ec2: Any, vpc: str, interfaces: Mapping[str, list[str]]) -> None:
    """Gives every interface its own groups again; the quarantine group goes with the last interface that has it."""
    for interface, groups in interfaces.items():
        ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=list(groups))
    group = quarantine_group(ec2, vpc)
    if group and not _in_use(ec2, group):
        ec2.delete_security_group(GroupId=group)


def quarantine_group(ec2: Any, vpc: str) -> str:
    """The quarantine group of a VPC; "" if there is none."""
    filters = [{"Name": "group-name", "Values": [GROUP_NAME]}, {"Name": "vpc-id", "Values": [vpc]}]
    found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    return str(found[0]["GroupId"]) if found else ""


def is_closed(ec2: Any, group: str) -> bool:
    """Whether the group lets nothing in or out."""
    described = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return not described.get("IpPermissions") and not described.get("IpPermissionsEgress")


def found(group: str, closed: bool) -> str:
    """What is said of interfaces that were looked at."""
    return say("all interfaces have {group} alone", group=group) if closed else say("an interface is still open")


def _made(ec2: Any, vpc: str) -> str:
    description = "Sakimori: lets nothing in or out"
    group = str(ec2.create_security_group(GroupName=GROUP_NAME, Description=description, VpcId=vpc)["GroupId"])
    described = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    if described.get("IpPermissionsEgress"):
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=described["IpPermissionsEgress"])
    return group


def _in_use(ec2: Any, group: str) -> bool:
    try:
        filters = [{"Name": "group-id", "Values": [group]}]
        return bool(ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"])
    except AwsError:
        return True  # not known: then it stays

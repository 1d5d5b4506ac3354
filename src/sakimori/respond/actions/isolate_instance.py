"""Cut an EC2 instance off: all its network interfaces get a security group that lets nothing in or out.

Connections that are open go on until they are idle. The instance runs on, so that its memory can be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.respond import interfaces
from sakimori.respond.describing import group_ids, instance
from sakimori.respond.describing import instance_tags as tags
from sakimori.respond.world import World

__all__ = ["apply", "before", "tags", "undo", "verify", "would"]

ASSET = "AWS::EC2::Instance"
IAM_ACTIONS = ("ec2:DescribeInstances", *interfaces.IAM_ACTIONS)


def before(world: World, target: Target) -> dict[str, Any]:
    described = instance(world, target)
    return {"interfaces": {each["NetworkInterfaceId"]: group_ids(each) for each in described["NetworkInterfaces"]}}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"interfaces": {interface: [interfaces.GROUP_NAME] for interface in before["interfaces"]}}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    interfaces.isolate(world.aws("ec2", target.account, target.region), _vpc(world, target), before["interfaces"])


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after = before(world, target)
    ec2 = world.aws("ec2", target.account, target.region)
    group = interfaces.quarantine_group(ec2, _vpc(world, target))
    alone = bool(group) and all(groups == [group] for groups in after["interfaces"].values())
    closed = alone and interfaces.is_closed(ec2, group)
    return Proof(closed, after, interfaces.found(group, closed))


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    interfaces.release(world.aws("ec2", target.account, target.region), _vpc(world, target), before["interfaces"])


def _vpc(world: World, target: Target) -> str:
    return str(instance(world, target)["VpcId"])

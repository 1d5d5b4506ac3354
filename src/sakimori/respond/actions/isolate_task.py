"""Cut an ECS task with its own network interface off (awsvpc, also on Fargate), so that it can be looked at.

Tasks that share their host's network cannot be cut off alone: they are refused, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond import interfaces
from sakimori.respond.describing import tags_of
from sakimori.respond.errors import RespondError
from sakimori.respond.world import World

ASSET = "AWS::ECS::Task"
IAM_ACTIONS = ("ecs:DescribeTasks", *interfaces.IAM_ACTIONS)


def tags(world: World, target: Target) -> dict[str, str]:
    return tags_of(task(world, target).get("tags", ()))


def before(world: World, target: Target) -> dict[str, Any]:
    ec2 = world.aws("ec2", target.account, target.region)
    return {"interfaces": interfaces.groups_of(ec2, _interfaces(world, target))}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"interfaces": {interface: [interfaces.GROUP_NAME] for interface in before["interfaces"]}}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    ec2 = world.aws("ec2", target.account, target.region)
    interfaces.isolate(ec2, _vpc(ec2, before), before["interfaces"])


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after, ec2 = before(world, target), world.aws("ec2", target.account, target.region)
    group = interfaces.quarantine_group(ec2, _vpc(ec2, after))
    alone = bool(group) and all(groups == [group] for groups in after["interfaces"].values())
    closed = alone and interfaces.is_closed(ec2, group)
    return Proof(closed, after, interfaces.found(group, closed))


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    ec2 = world.aws("ec2", target.account, target.region)
    interfaces.release(ec2, _vpc(ec2, before), before["interfaces"])


def task(world: World, target: Target) -> dict[str, Any]:
    """The task as DescribeTasks answers. Raises RespondError if it is gone."""
    cluster = target.parameters.get("cluster") or target.uid.rpartition(":")[2].split("/")[1]
    ecs = world.aws("ecs", target.account, target.region)
    found = ecs.describe_tasks(cluster=cluster, tasks=[target.uid], include=["TAGS"])["tasks"]
    if not found or found[0].get("lastStatus") == "STOPPED":
        raise RespondError(say("the task {task} does not run any more", task=target.uid))
    described: dict[str, Any] = found[0]
    return described


def _interfaces(world: World, target: Target) -> list[str]:
    details = [
        detail["value"]
        for attachment in task(world, target).get("attachments", ())
        for detail in attachment.get("details", ())
        if detail.get("name") == "networkInterfaceId"
    ]
    if not details:
        raise RespondError(
            say("the task {task} has no network interface of its own: isolate or stop its host", task=target.uid)
        )
    return details


def _vpc(ec2: Any, state: Mapping[str, Any]) -> str:
    answer = ec2.describe_network_interfaces(NetworkInterfaceIds=sorted(state["interfaces"]))
    return str(answer["NetworkInterfaces"][0]["VpcId"])

"""Take a snapshot of every volume of an EC2 instance, as evidence and for recovery.

Source: "Create Amazon EBS snapshots". The snapshots are tagged with the instance and with the run that made them; undo
deletes those of the run, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import joined, say
from sakimori.respond.describing import instance, tags_of
from sakimori.respond.describing import instance_tags as tags
from sakimori.respond.errors import RespondError
from sakimori.respond.world import World

__all__ = ["apply", "before", "tags", "undo", "verify", "would"]

ASSET = "AWS::EC2::Instance"
IAM_ACTIONS = (
    "ec2:DescribeInstances",
    "ec2:DescribeSnapshots",
    "ec2:CreateSnapshot",
    "ec2:CreateTags",
    "ec2:DeleteSnapshot",
)

OF_INSTANCE, OF_RUN = "sakimori:evidence-of", "sakimori:run"


def before(world: World, target: Target) -> dict[str, Any]:
    return {"snapshots": sorted(each["SnapshotId"] for each in _snapshots(world, target))}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"snapshots": [*before["snapshots"], "one more of each volume"]}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    ec2 = world.aws("ec2", target.account, target.region)
    taken = {each["VolumeId"] for each in _snapshots(world, target) if tags_of(each["Tags"]).get(OF_RUN) == key}
    for volume in _volumes(world, target):
        if volume not in taken:
            described = {"ResourceType": "snapshot", "Tags": _tags(target, key)}
            text = f"Sakimori: evidence of {target.id}"
            ec2.create_snapshot(VolumeId=volume, Description=text, TagSpecifications=[described])


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    found = [each for each in _snapshots(world, target) if each["SnapshotId"] not in before_it["snapshots"]]
    missing = sorted(set(_volumes(world, target)) - {each["VolumeId"] for each in found if each["State"] != "error"})
    why = say("{count} snapshots are taken", count=len(found))
    if missing:
        why = say("no snapshot of {volumes}", volumes=joined(", ", missing))
    return Proof(not missing and bool(found), before(world, target), why)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for snapshot in sorted(set(after["snapshots"]) - set(before["snapshots"])):
        world.aws("ec2", target.account, target.region).delete_snapshot(SnapshotId=snapshot)


def _volumes(world: World, target: Target) -> list[str]:
    mapped = [each["Ebs"]["VolumeId"] for each in instance(world, target)["BlockDeviceMappings"] if "Ebs" in each]
    if not mapped:
        raise RespondError(say("the instance {instance} has no EBS volume", instance=target.id))
    return mapped


def _snapshots(world: World, target: Target) -> list[dict[str, Any]]:
    ec2 = world.aws("ec2", target.account, target.region)
    filters = [{"Name": f"tag:{OF_INSTANCE}", "Values": [target.id]}]
    found: list[dict[str, Any]] = ec2.describe_snapshots(Filters=filters, OwnerIds=["self"])["Snapshots"]
    return found


def _tags(target: Target, key: str) -> list[dict[str, str]]:
    return [{"Key": OF_INSTANCE, "Value": target.id}, {"Key": OF_RUN, "Value": key}]

"""What actions and workflows ask AWS about the same things: instances, their interfaces and volumes, tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.model.action import Target
from sakimori.model.said import say
from sakimori.respond.errors import RespondError
from sakimori.respond.world import World


def instance(world: World, target: Target) -> dict[str, Any]:
    """An EC2 instance as DescribeInstances answers. Raises RespondError if there is none, or it is gone."""
    ec2 = world.aws("ec2", target.account, target.region)
    answer = ec2.describe_instances(InstanceIds=[target.id])
    found = [each for reservation in answer["Reservations"] for each in reservation["Instances"]]
    if not found or found[0]["State"]["Name"] in ("terminated", "shutting-down"):
        raise RespondError(say("the instance {instance} does not exist any more", instance=target.id))
    described: dict[str, Any] = found[0]
    return described


def tags_of(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """[{Key, Value}] as a dict; ECS writes the names in lower case."""
    return {str(each.get("Key", each.get("key"))): str(each.get("Value", each.get("value", ""))) for each in listed}


def instance_tags(world: World, target: Target) -> dict[str, str]:
    """The tags of an EC2 instance."""
    return tags_of(instance(world, target).get("Tags", ()))


def bucket_tags(world: World, target: Target) -> dict[str, str]:
    """The tags of an S3 bucket."""
    try:
        return tags_of(world.aws("s3", target.account, target.region).get_bucket_tagging(Bucket=target.id)["TagSet"])
    except AwsError as error:
        if error.code == "NoSuchTagSet":
            return {}
        raise


def group_ids(interface: Mapping[str, Any]) -> list[str]:
    """The security groups of a network interface, as any call spells them."""
    return sorted(each["GroupId"] for each in interface.get("Groups", ()))

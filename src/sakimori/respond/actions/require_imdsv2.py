"""Require IMDSv2 on an EC2 instance, so that a forged request cannot read its role's credentials.

Source: "Modify instance metadata options for existing instances" (EC2 user guide). The hop limit and whether the
endpoint is on stay as they are. Programs that only speak IMDSv1 lose the metadata: CloudWatch's MetadataNoToken counts
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.describing import instance
from sakimori.respond.describing import instance_tags as tags
from sakimori.respond.world import World

__all__ = ["apply", "before", "tags", "undo", "verify", "would"]

ASSET = "AWS::EC2::Instance"
IAM_ACTIONS = ("ec2:DescribeInstances", "ec2:ModifyInstanceMetadataOptions")


OPTIONS = ("HttpTokens", "HttpEndpoint", "HttpPutResponseHopLimit", "HttpProtocolIpv6", "InstanceMetadataTags")


def before(world: World, target: Target) -> dict[str, Any]:
    options = instance(world, target).get("MetadataOptions", {})
    return {name: options[name] for name in OPTIONS if name in options}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {**before, "HttpTokens": "required"}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    _set(world, target, {**before, "HttpTokens": "required"})


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after = before(world, target)
    return Proof(after["HttpTokens"] == "required", after, say("tokens are {state}", state=after["HttpTokens"]))


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    _set(world, target, before)


def _set(world: World, target: Target, options: Mapping[str, Any]) -> None:
    ec2 = world.aws("ec2", target.account, target.region)
    ec2.modify_instance_metadata_options(InstanceId=target.id, **options)

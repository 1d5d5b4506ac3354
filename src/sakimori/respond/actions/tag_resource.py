"""Tag a resource, so that people and other programs see what was found on it.

Source: "Resource Groups Tagging API". `tags` among the target's parameters are those to set; others stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.describing import tags_of
from sakimori.respond.world import World

ASSET = "*"
IAM_ACTIONS = ("tag:GetResources", "tag:TagResources", "tag:UntagResources", "eks:TagResource", "eks:UntagResource")
"""The tagging API needs leave of the service, too: EKS clusters are what our workflows tag."""


def tags(world: World, target: Target) -> dict[str, str]:
    answer = _api(world, target).get_resources(ResourceARNList=[target.uid])
    return tags_of(tag for each in answer["ResourceTagMappingList"] for tag in each["Tags"])


def before(world: World, target: Target) -> dict[str, Any]:
    found = tags(world, target)
    return {"tags": {name: found.get(name) for name in sorted(target.parameters["tags"])}}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"tags": dict(sorted(target.parameters["tags"].items()))}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    _api(world, target).tag_resources(ResourceARNList=[target.uid], Tags=dict(target.parameters["tags"]))


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after = before(world, target)
    tagged = after["tags"] == dict(target.parameters["tags"])
    return Proof(tagged, after, say("the tags are set") if tagged else say("not all tags are set"))


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    were = {name: value for name, value in before["tags"].items() if value is not None}
    new = [name for name, value in before["tags"].items() if value is None]
    if were:
        _api(world, target).tag_resources(ResourceARNList=[target.uid], Tags=were)
    if new:
        _api(world, target).untag_resources(ResourceARNList=[target.uid], TagKeys=new)


def _api(world: World, target: Target) -> Any:
    return world.aws("resourcegroupstaggingapi", target.account, target.region)

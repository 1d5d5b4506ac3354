"""Block all public access to an S3 bucket.

Source: "Blocking public access to your Amazon S3 storage". Access points and other accounts' grants in the bucket
policy stay as they are, public ones count no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.describing import bucket_tags as tags
from sakimori.respond.world import World

__all__ = ["apply", "before", "tags", "undo", "verify", "would"]

ASSET = "AWS::S3::Bucket"
IAM_ACTIONS = ("s3:GetBucketTagging", "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock")

ALL = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


def before(world: World, target: Target) -> dict[str, Any]:
    try:
        answer = world.aws("s3", target.account, target.region).get_public_access_block(Bucket=target.id)
    except AwsError as error:
        if error.code == "NoSuchPublicAccessBlockConfiguration":
            return {"PublicAccessBlockConfiguration": None}
        raise
    return {"PublicAccessBlockConfiguration": answer["PublicAccessBlockConfiguration"]}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"PublicAccessBlockConfiguration": ALL}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    _put(world, target, ALL)


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after = before(world, target)
    blocked = after["PublicAccessBlockConfiguration"] == ALL
    why = say("all four settings are on") if blocked else say("not all four settings are on")
    return Proof(blocked, after, why)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    was = before["PublicAccessBlockConfiguration"]
    if was is None:
        world.aws("s3", target.account, target.region).delete_public_access_block(Bucket=target.id)
    else:
        _put(world, target, was)


def _put(world: World, target: Target, wanted: Mapping[str, bool]) -> None:
    s3 = world.aws("s3", target.account, target.region)
    s3.put_public_access_block(Bucket=target.id, PublicAccessBlockConfiguration=dict(wanted))

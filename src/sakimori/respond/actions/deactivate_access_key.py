"""Deactivate an access key of an IAM user; it is kept, and can be activated again.

The target's uid is the key's id; `user_name` among its parameters says whose it is, where that is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.describing import tags_of
from sakimori.respond.errors import RespondError
from sakimori.respond.world import World

ASSET = "AWS::IAM::AccessKey"
IAM_ACTIONS = ("iam:ListUserTags", "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed", "iam:UpdateAccessKey")


def tags(world: World, target: Target) -> dict[str, str]:
    return tags_of(world.aws("iam", target.account).list_user_tags(UserName=_user(world, target))["Tags"])


def before(world: World, target: Target) -> dict[str, Any]:
    user = _user(world, target)
    keys = world.aws("iam", target.account).list_access_keys(UserName=user)["AccessKeyMetadata"]
    found = next((key for key in keys if key["AccessKeyId"] == target.uid), None)
    if found is None:
        raise RespondError(say("the user {user} has no access key {key} any more", user=user, key=target.uid))
    return {"UserName": user, "Status": found["Status"]}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {**before, "Status": "Inactive"}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    _set(world, target, before, "Inactive")


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after = before(world, target)
    return Proof(after["Status"] == "Inactive", after, say("the key is {status}", status=after["Status"]))


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    _set(world, target, before, before["Status"])


def _set(world: World, target: Target, before: Mapping[str, Any], status: str) -> None:
    iam = world.aws("iam", target.account)
    iam.update_access_key(UserName=before["UserName"], AccessKeyId=target.uid, Status=status)


def _user(world: World, target: Target) -> str:
    """Whose key it is: as the finding says, else as IAM says."""
    told = target.parameters.get("user_name")
    if told:
        return str(told)
    answer = world.aws("iam", target.account).get_access_key_last_used(AccessKeyId=target.uid)
    if not answer.get("UserName"):
        raise RespondError(say("IAM does not say whose access key {key} is", key=target.uid))
    return str(answer["UserName"])

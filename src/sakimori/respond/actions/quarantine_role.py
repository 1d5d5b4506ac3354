"""Deny everything to the sessions of an IAM role that were begun before now; new sessions work.

Source: "Revoking IAM role temporary security credentials" (IAM user guide): an inline policy with a condition on
aws:TokenIssueTime. Whoever holds stolen credentials of the role loses them; the workload gets new ones by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from sakimori.aws.errors import AwsError
from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.describing import tags_of
from sakimori.respond.world import World

ASSET = "AWS::IAM::Role"
IAM_ACTIONS = ("iam:ListRoleTags", "iam:GetRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy")

POLICY_NAME = "SakimoriDenyOlderSessions"


def tags(world: World, target: Target) -> dict[str, str]:
    return tags_of(world.aws("iam", target.account).list_role_tags(RoleName=target.id)["Tags"])


def before(world: World, target: Target) -> dict[str, Any]:
    iam = world.aws("iam", target.account)
    try:
        found = iam.get_role_policy(RoleName=target.id, PolicyName=POLICY_NAME)["PolicyDocument"]
    except AwsError as error:
        if error.code == "NoSuchEntity":
            iam.list_role_tags(RoleName=target.id)  # raises if it is the role that is not there
            return {"policy": None}
        raise
    return {"policy": json.loads(unquote(found)) if isinstance(found, str) else found}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"policy": _document("now", "would")}


def apply(world: World, target: Target, before_it: Mapping[str, Any], key: str) -> None:
    current = before(world, target)["policy"]
    if current and current.get("Id") == _id(key):
        return  # it was put before a crash: the time in it stays
    document = json.dumps(_document(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), key))
    iam = world.aws("iam", target.account)
    iam.put_role_policy(RoleName=target.id, PolicyName=POLICY_NAME, PolicyDocument=document)


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after = before(world, target)
    policy = after["policy"]
    denies = policy and policy != before_it["policy"] and policy["Statement"][0]["Effect"] == "Deny"
    why = say("the policy that denies older sessions is not there")
    if denies:
        why = say("sessions begun before now are denied")
    return Proof(bool(denies), after, why)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    iam = world.aws("iam", target.account)
    if before["policy"] is None:
        iam.delete_role_policy(RoleName=target.id, PolicyName=POLICY_NAME)
    else:
        document = json.dumps(before["policy"])
        iam.put_role_policy(RoleName=target.id, PolicyName=POLICY_NAME, PolicyDocument=document)


def _id(key: str) -> str:
    return f"Sakimori-{key}"


def _document(time: str, key: str) -> dict[str, Any]:
    statement = {
        "Sid": "DenyOlderSessions",
        "Effect": "Deny",
        "Action": ["*"],
        "Resource": ["*"],
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": time}},
    }
    return {"Version": "2012-10-17", "Id": _id(key), "Statement": [statement]}

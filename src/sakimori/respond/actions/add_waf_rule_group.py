"""Add a managed rule group to a web ACL as Count: it is seen what it would block, and nothing is blocked.

Source: UpdateWebACL (WAF API reference): the whole ACL is written, with the LockToken of the reading; who was quicker
wins, and it is read again. The target is the web ACL; `vendor` and `group` among its parameters name the rule group.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.describing import tags_of
from sakimori.respond.errors import Passing, RespondError, Undone
from sakimori.respond.world import World

ASSET = "AWS::WAFv2::WebACL"
IAM_ACTIONS = ("wafv2:ListTagsForResource", "wafv2:GetWebACL", "wafv2:UpdateWebACL")

TRIES = 5
PREFIX = "Sakimori-"

_KEPT = (
    "DefaultAction",
    "Description",
    "VisibilityConfig",
    "CustomResponseBodies",
    "CaptchaConfig",
    "ChallengeConfig",
    "TokenDomains",
    "AssociationConfig",
    "DataProtectionConfig",
    "OnSourceDDoSProtectionConfig",
    "ApplicationConfig",
)
"""What UpdateWebACL takes besides the rules, and would reset where it is left out."""


def tags(world: World, target: Target) -> dict[str, str]:
    answer = _api(world, target).list_tags_for_resource(ResourceARN=target.uid)
    return tags_of(answer["TagInfoForResource"].get("TagList", ()))


def before(world: World, target: Target) -> dict[str, Any]:
    return {"rules": _plain(_read(world, target)["WebACL"].get("Rules", []))}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"rules": _with_group(before["rules"], target)}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    """Adds the group to the rules as they are when they are written: what somebody else added meanwhile stays."""
    _write(world, target, lambda rules: rules if _has(rules, target) else _with_group(rules, target))


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after = before(world, target)
    counted = _has(after["rules"], target)
    why = say("the rule group counts") if counted else say("the rule group is not in the web ACL as Count")
    return Proof(counted, after, why)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    def without(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if _plain(rules) != after["rules"]:
            raise Undone(f"the rules of {target.uid} were changed by somebody else just now: look, and undo it again")
        own = rule(target, 0)["Statement"]
        pairs = zip(rules, _plain(rules), strict=True)
        return [each for each, plain in pairs if each["Statement"] != own or plain in before["rules"]]

    _write(world, target, without)


def rule(target: Target, priority: int) -> dict[str, Any]:
    """The rule that adds the group."""
    vendor, group = str(target.parameters["vendor"]), str(target.parameters["group"])
    name = f"{PREFIX}{group}"[:128]
    return {
        "Name": name,
        "Priority": priority,
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": vendor, "Name": group}},
        "OverrideAction": {"Count": {}},
        "VisibilityConfig": {
            "SampledRequestsEnabled": True,
            "CloudWatchMetricsEnabled": True,
            "MetricName": name,
        },
    }


def _with_group(rules: list[dict[str, Any]], target: Target) -> list[dict[str, Any]]:
    return [*rules, rule(target, max((each["Priority"] for each in rules), default=-1) + 1)]


def _has(rules: list[dict[str, Any]], target: Target) -> bool:
    statement = rule(target, 0)["Statement"]
    return any(each["Statement"] == statement and "Count" in each.get("OverrideAction", {}) for each in rules)


def _write(world: World, target: Target, change: Any) -> None:
    for _ in range(TRIES):
        answer = _read(world, target)
        acl, rules = answer["WebACL"], answer["WebACL"].get("Rules", [])
        wanted = change(rules)
        if wanted == rules:
            return
        kept = {name: acl[name] for name in _KEPT if acl.get(name) not in (None, "", {}, [])}
        try:
            _api(world, target).update_web_acl(Rules=wanted, LockToken=answer["LockToken"], **_named(target), **kept)
            return
        except AwsError as error:
            if error.code != "WAFOptimisticLockException":
                raise
    raise Passing(
        say(
            "the web ACL {acl} was changed by somebody else {count} times while it was being written",
            acl=target.uid,
            count=TRIES,
        )
    )


def _read(world: World, target: Target) -> dict[str, Any]:
    answer: dict[str, Any] = _api(world, target).get_web_acl(**_named(target))
    return answer


def _named(target: Target) -> dict[str, str]:
    """`arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID` in the API's words."""
    parts = target.uid.rpartition(":")[2].split("/")
    if len(parts) != 4 or parts[1] != "webacl":
        raise RespondError(say("not the ARN of a web ACL of WAFv2: {acl}", acl=target.uid))
    return {"Name": parts[2], "Id": parts[3], "Scope": "CLOUDFRONT" if parts[0] == "global" else "REGIONAL"}


def _api(world: World, target: Target) -> Any:
    """Web ACLs of CloudFront are kept in us-east-1."""
    region = "us-east-1" if ":global/webacl/" in target.uid else target.region
    return world.aws("wafv2", target.account, region)


def _plain(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rules as JSON: search strings are bytes at boto3."""
    plain: list[dict[str, Any]] = json.loads(json.dumps(rules, default=_bytes))
    return plain


def _bytes(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)

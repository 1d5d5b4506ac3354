"""Take intrusion prevention rules off the policy or computer where they are assigned right there.

`rules` and `policy` as for `assign-rules`. The workflow `inspector` withdraws what it assigned, when a finding closes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond import protection
from sakimori.respond.assigned import holder, own_rules, restore
from sakimori.respond.protection import ask, tags
from sakimori.respond.world import World

__all__ = ["apply", "before", "tags", "undo", "verify", "would"]

ASSET = "AWS::EC2::Instance"
IAM_ACTIONS = protection.IAM_ACTIONS
MODULE = "intrusionPrevention"


def before(world: World, target: Target) -> dict[str, Any]:
    return {"rules": own_rules(world, target, [MODULE])}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"rules": {MODULE: sorted(set(before["rules"][MODULE]) - set(target.parameters["rules"]))}}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    held, rules = holder(target), list(target.parameters["rules"])
    ask(world, lambda client: client.unassign(held, rules, MODULE))


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after = before(world, target)
    left = sorted(set(after["rules"][MODULE]) & set(target.parameters["rules"]))
    why = say("the rules are not assigned any more")
    if left:
        why = say("rules {rules} are still assigned", rules=left)
    return Proof(not left, after, why)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    restore(world, target, before["rules"])

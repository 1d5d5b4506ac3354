"""Assign intrusion prevention rules to the policy of a protected computer, or to the computer alone.

`rules` among the target's parameters are the rules' numbers at the manager; `policy` is the policy's, or is left out
for the computer alone. What was assigned before stays; undo restores exactly that.
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
    return {"rules": {MODULE: sorted({*before["rules"][MODULE], *target.parameters["rules"]})}}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    held, rules = holder(target), list(target.parameters["rules"])
    ask(world, lambda client: client.assign(held, rules, MODULE))


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    held, wanted = holder(target), set(target.parameters["rules"])
    in_force = ask(world, lambda client: client.assignments(held, MODULE).assigned)
    missing = sorted(wanted - in_force)
    why = say("the manager lists the rules as assigned")
    if missing:
        why = say("rules {rules} are not in force", rules=missing)
    return Proof(not missing, before(world, target), why)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    restore(world, target, before["rules"])

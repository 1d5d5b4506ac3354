"""Assign what the newest recommendation scan of a protected computer recommends, to the computer alone.

Intrusion prevention, integrity monitoring and log inspection. Rules that the scan holds for not needed stay assigned:
taking protection off while something is being looked into is not this action's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.protect.client import RULE_MODULES
from sakimori.respond import protection
from sakimori.respond.assigned import own_rules, restore
from sakimori.respond.protection import ask, computer_of, tags
from sakimori.respond.world import World

__all__ = ["apply", "before", "tags", "undo", "verify", "would"]

ASSET = "AWS::EC2::Instance"
IAM_ACTIONS = protection.IAM_ACTIONS


def before(world: World, target: Target) -> dict[str, Any]:
    return {"rules": own_rules(world, _alone(target), RULE_MODULES)}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"rules": {module: [*rules, "what the scan recommends"] for module, rules in before["rules"].items()}}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    from sakimori.protect.client import host

    computer = computer_of(target)
    ask(world, lambda client: client.apply_recommendations(host(computer), RULE_MODULES, unassign=False))


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    from sakimori.protect.client import host

    held, missing, status = host(computer_of(target)), [], "valid"
    for module in RULE_MODULES:
        found = ask(world, lambda client, module=module: client.assignments(held, module))  # type: ignore[misc]
        missing += sorted(found.to_assign - found.assigned)
        status = found.scan_status if module == "intrusionPrevention" else status
    if status == "none":
        return Proof(False, before(world, target), say("the computer was never scanned for recommendations"))
    why = say("all recommended rules are assigned")
    if missing:
        why = say("rules {rules} are recommended and not assigned", rules=missing)
    return Proof(not missing, before(world, target), why)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    restore(world, _alone(target), before["rules"])


def _alone(target: Target) -> Target:
    """The computer and not its policy, which others share."""
    parameters = {name: value for name, value in target.parameters.items() if name != "policy"}
    return Target(target.type, target.uid, target.account, target.region, parameters)

"""Scan a protected computer for the rules that it needs, and wait until the scan has ended.

Through the protection manager, ours or Trend's. `computer` among the target's parameters is the manager's number of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.protect.client_tasks import RECOMMENDATION_SCAN as KIND
from sakimori.respond import protection, scanning
from sakimori.respond.errors import RespondError
from sakimori.respond.protection import tags
from sakimori.respond.world import World

__all__ = ["apply", "before", "tags", "undo", "verify", "would"]

ASSET = "AWS::EC2::Instance"
IAM_ACTIONS = protection.IAM_ACTIONS
FINAL = f"a {KIND.says} only looks: there is nothing to undo"


def before(world: World, target: Target) -> dict[str, Any]:
    return scanning.before(world, target, KIND)


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return scanning.would(KIND)


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    scanning.apply(world, target, before, key, KIND)


def verify(world: World, target: Target, before: Mapping[str, Any]) -> Proof:
    return scanning.verify(world, target, before, KIND)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    raise RespondError(FINAL)

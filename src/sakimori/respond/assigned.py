"""Rules on a policy or a computer of the protection manager: what is assigned right there, read, added and restored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sakimori.model.action import Target
from sakimori.respond.protection import ask, computer_of
from sakimori.respond.world import World


def holder(target: Target) -> Any:
    """The policy that the target's parameters name, else the computer alone."""
    from sakimori.protect import client

    policy = target.parameters.get("policy")
    return client.policy(policy) if isinstance(policy, int) and policy else client.host(computer_of(target))


def own_rules(world: World, target: Target, modules: Iterable[str]) -> dict[str, list[int]]:
    """Module -> the rules assigned right there."""
    held = holder(target)
    return {
        module: sorted(ask(world, lambda client, module=module: client.assignments(held, module, own=True).assigned))  # type: ignore[misc]
        for module in modules
    }


def restore(world: World, target: Target, rules: Mapping[str, list[int]]) -> None:
    """Assigns these rules right there and no others."""
    held = holder(target)
    for module, wanted in rules.items():
        ask(world, lambda client, module=module, wanted=wanted: client.set_assigned(held, wanted, module))  # type: ignore[misc]

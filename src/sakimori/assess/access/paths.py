"""Paths of role assumption: who gets to a role by assuming it, step by step, from anywhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sakimori.assess.access.symbolic import Outcome

if TYPE_CHECKING:
    from sakimori.assess.access.estate import Estate
    from sakimori.assess.access.questions import Row

ASSUMING = ("sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML")
"""The calls that give a role's keys; the last two are for identity providers."""


def assumers(found: Estate, role: str) -> Iterator[Row]:
    """Everybody who can assume a role, ours or not; services and providers among them."""
    from sakimori.assess.access.questions import directly

    asset = found.inventory.get(role)
    policy = found.resource_policy(asset) if asset else None
    statements = policy.statements if policy else ()
    kinds = {kind for statement in statements for kind, _ in statement.principals or ()}
    for action in ASSUMING if "Federated" in kinds else ASSUMING[:1]:
        yield from directly(found, action, role)


def through_roles(found: Estate, direct: Sequence[Row]) -> list[Row]:
    """Those who get there by assuming a role of `direct`, each by a shortest path, the near ones first."""
    reached = {row.principal for row in direct}
    waiting = deque(row for row in direct if row.kind == "role" and row.ours)
    rows: list[Row] = []
    while waiting:
        target = waiting.popleft()
        for row in found.assumers(target.path[0]):
            if row.principal in reached:
                continue
            reached.add(row.principal)
            extended = joined(row, target)
            rows.append(extended)
            if row.kind == "role" and row.ours:
                waiting.append(extended)
    return rows


def joined(first: Row, rest: Row) -> Row:
    """One step in front of a path: possible as far as both are."""
    order = (Outcome.ALLOWED, Outcome.CONDITIONAL, Outcome.UNKNOWN)
    outcome = max(first.outcome, rest.outcome, key=order.index)
    said = tuple(f"to assume {rest.path[0].rpartition('/')[2]}: {each}" for each in first.conditions)
    return replace(
        first,
        outcome=outcome,
        conditions=(*said, *rest.conditions),
        path=(*first.path, *rest.path),
        steps=(*first.steps, *rest.steps),
        why=rest.why if outcome is not first.outcome else first.why,
    )

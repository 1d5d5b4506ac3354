"""Which computers a task's filter means: one, a group's, a policy's, or all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from sakimori.protect import storage, tables
from sakimori.protect.errors import Invalid

_NO_SMART_FOLDERS = (
    "there are no smart folders, for this API has no way to make one: choose computers by group or policy"
)


_NEEDS = {
    "computer": "computerID",
    "computers-in-group": "computerGroupID",
    "computers-in-group-or-subgroup": "computerGroupID",
    "computers-using-policy": "policyID",
    "computers-using-policy-or-subpolicy": "policyID",
}


def check(filter: Mapping[str, Any] | None) -> None:
    """Raises Invalid for a filter that can never mean a computer."""
    filter = filter or {}
    kind = filter.get("type") or ""
    if kind == "computers-in-smart-folder":
        raise Invalid(_NO_SMART_FOLDERS)
    if kind in _NEEDS and not filter.get(_NEEDS[kind]):
        raise Invalid(f"computerFilter of type {kind} needs {_NEEDS[kind]}")


def chosen(connection: Connection, tenant: int, filter: Mapping[str, Any] | None) -> list[int]:
    """The computers that a filter means. Raises Invalid if it names one that is not there."""
    filter = filter or {"type": "all-computers"}
    match filter.get("type"):
        case "computer":
            id = filter.get("computerID") or 0
            if not storage.existing(connection, tenant, "computers", [id]):
                raise Invalid(f"there is no computer with ID {id}")
            return [id]
        case "computers-in-group":
            return valued(connection, tenant, "groupID", [filter.get("computerGroupID") or 0])
        case "computers-in-group-or-subgroup":
            groups = _tree(connection, tenant, "computergroups", "parentGroupID", filter.get("computerGroupID") or 0)
            return valued(connection, tenant, "groupID", groups)
        case "computers-using-policy":
            return valued(connection, tenant, "policyID", [filter.get("policyID") or 0])
        case "computers-using-policy-or-subpolicy":
            policies = _tree(connection, tenant, "policies", "parentID", filter.get("policyID") or 0)
            return valued(connection, tenant, "policyID", policies)
        case "computers-in-smart-folder":
            raise Invalid(_NO_SMART_FOLDERS)
        case _:
            objects = tables.objects
            every = select(objects.c.id).where(objects.c.tenant == tenant, objects.c.resource == "computers")
            return list(connection.execute(every.order_by(objects.c.id)).scalars())


def valued(connection: Connection, tenant: int, field: str, wanted: Iterable[int]) -> list[int]:
    """The computers whose field has one of the values."""
    shown = tables.values
    rows = connection.execute(
        select(shown.c.id).where(
            shown.c.tenant == tenant,
            shown.c.resource == "computers",
            shown.c.field == field,
            shown.c.number.in_(sorted(set(wanted))),
        )
    )
    return sorted(rows.scalars())


def _tree(connection: Connection, tenant: int, resource: str, field: str, root: int) -> set[int]:
    """An object with all below it."""
    shown = tables.values
    found, level = {root}, {root}
    while level:
        children = connection.execute(
            select(shown.c.id).where(
                shown.c.tenant == tenant,
                shown.c.resource == resource,
                shown.c.field == field,
                shown.c.number.in_(sorted(level)),
            )
        ).scalars()
        level = set(children) - found
        found |= level
    return found

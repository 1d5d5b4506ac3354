"""The built-in catalogue in a tenant: rules and application types whose IDs are the same everywhere.

Loading again brings what is new and changes what has changed, but never what a user has set on a rule: a mode, an
alert, a schedule or a context stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from sakimori.protect import storage
from sakimori.protect.resources import all_resources

Catalogue = Mapping[str, Mapping[int, Mapping[str, Any]]]
"""Resource id -> ID -> the rule's values as the API names them."""

MODE = ("action", "detectOnly")
"""Fields that say whether a rule stops what it finds: no update of the catalogue changes, adds or removes one."""

USERS_OWN = ("recommendationsMode", "alertEnabled", "alertMinimumSeverity", "scheduleID", "contextID", *MODE)
"""Fields of a built-in rule that belong to the user once the rule is there."""


def load(connection: Connection, tenant: int, catalogue: Catalogue) -> dict[str, int]:
    """Brings a tenant's rules up to the catalogue's; resource id -> how many were new or changed."""
    changed = {}
    for id, rules in catalogue.items():
        resource = all_resources()[id]
        present = storage.get_many(connection, tenant, id, rules)
        changed[id] = 0
        for number, rule in rules.items():
            if not 0 < number <= resource.reserved:
                raise ValueError(f"{id}: {number} is not one of the catalogue's IDs, which end at {resource.reserved}")
            before = present.get(number)
            body = dict(rule) | {"_builtin": True}
            if before is not None:
                body = {name: value for name, value in body.items() if name not in MODE}
                body |= {name: before[name] for name in USERS_OWN if name in before}
            if body == before:
                continue
            changed[id] += 1
            if before is None:
                storage.make(connection, tenant, resource, body, id=number)
            else:
                storage.replace(connection, tenant, resource, number, body)
    return changed

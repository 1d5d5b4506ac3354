"""What recommendation scans found, held against what is assigned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, delete, insert, select

from sakimori.protect import setting_values, storage, tables
from sakimori.protect.clock import now
from sakimori.protect.resources import all_resources
from sakimori.protect.work import MODULES, RULE_RESOURCES

OUT_OF_DATE_MS = 30 * 86_400_000
"""A scan that is older no longer says what the host needs."""

_MODULE_OF = {resource: module for module, resource in MODULES.items()}
_kept = tables.recommendations


@dataclass(frozen=True, slots=True)
class Scan:
    """The newest recommendation scan of a computer for one kind of rule. `fits` are all rules that fit the host."""

    scanned_at: int
    fits: frozenset[int]

    @property
    def status(self) -> str:
        return "out-of-date" if now() - self.scanned_at > OUT_OF_DATE_MS else "valid"


def keep(connection: Connection, tenant: int, computer: int, fits: Mapping[str, Collection[int]]) -> None:
    """Stores what a scan found."""
    at = now()
    for resource in RULE_RESOURCES:
        connection.execute(
            delete(_kept).where(_kept.c.tenant == tenant, _kept.c.computer == computer, _kept.c.resource == resource)
        )
        connection.execute(
            insert(_kept),
            {
                "tenant": tenant,
                "computer": computer,
                "resource": resource,
                "scanned_at": at,
                "rules": orjson.dumps(sorted(fits.get(resource, ()))).decode(),
            },
        )


def scans(connection: Connection, tenant: int, computers: Iterable[int], resource: str) -> dict[int, Scan]:
    """The newest scans of computers; those never scanned are left out."""
    wanted = sorted(set(computers))
    found: dict[int, Scan] = {}
    for start in range(0, len(wanted), 500):
        rows = connection.execute(
            select(_kept.c.computer, _kept.c.scanned_at, _kept.c.rules).where(
                _kept.c.tenant == tenant,
                _kept.c.resource == resource,
                _kept.c.computer.in_(wanted[start : start + 500]),
            )
        )
        found |= {row.computer: Scan(row.scanned_at, frozenset(orjson.loads(row.rules))) for row in rows}
    return found


def changes(
    connection: Connection, tenant: int, resource: str, scan: Scan, assigned: Collection[int]
) -> tuple[list[int], list[int]]:
    """(rules to assign, rules to unassign): a rule that users told scans to ignore is in neither."""
    considered = scan.fits | set(assigned)
    rules = storage.get_many(connection, tenant, resource, considered)
    to_assign = [
        id
        for id in sorted(scan.fits - set(assigned))
        if id in rules and rules[id].get("recommendationsMode") != "ignored"
    ]
    to_unassign = [
        id
        for id in sorted(set(assigned) - scan.fits)
        if id in rules and rules[id].get("recommendationsMode") == "enabled"
    ]
    return to_assign, to_unassign


def closed(connection: Connection, tenant: int, resource: str, ids: Iterable[int]) -> list[int]:
    """Rules with all that they depend on, once each, in order. IDs that do not exist stay, for the caller to refuse."""
    found: dict[int, None] = {}
    open_ids = list(dict.fromkeys(ids))
    while open_ids:
        bodies = storage.get_many(connection, tenant, resource, open_ids)
        found |= dict.fromkeys(open_ids)
        wanted = (each for body in bodies.values() for each in body.get("dependsOnRuleIDs") or ())
        open_ids = [id for id in dict.fromkeys(wanted) if id not in found]
    return list(found)


def apply(
    connection: Connection,
    tenant: int,
    computer: int,
    settings: Mapping[str, str],
    in_force: Mapping[str, Collection[int]],
) -> bool:
    """Where the settings say so, assigns what a scan recommends on the computer and takes off what it does not need.

    Only what is assigned on the computer itself is taken off. True if something changed.
    """
    body = storage.get_or_none(connection, tenant, "computers", computer)
    if body is None:
        return False
    changed = False
    for resource, setting in setting_values.AUTO_APPLY.items():
        if not setting_values.is_yes(settings.get(setting)):
            continue
        scan = scans(connection, tenant, [computer], resource).get(computer)
        if scan is None:
            continue
        to_assign, to_unassign = changes(connection, tenant, resource, scan, in_force[resource])
        module = dict(body.get(_MODULE_OF[resource]) or {})
        own = list(module.get("ruleIDs") or ())
        needed = closed(connection, tenant, resource, to_assign + [id for id in own if id not in to_unassign])
        kept = [id for id in own if id in needed] + [id for id in needed if id not in (*own, *in_force[resource])]
        if kept != own:
            body[_MODULE_OF[resource]] = module | {"ruleIDs": kept}
            changed = True
    if changed:
        storage.replace(connection, tenant, all_resources()["computers"], computer, body)
    return changed

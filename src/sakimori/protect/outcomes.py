"""What comes of jobs, and where it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from sakimori.protect import modes, recommendations, secrets, storage, tables
from sakimori.protect.clock import now
from sakimori.protect.computers import effective_on
from sakimori.protect.inheritance import Effective
from sakimori.protect.jobs import Entry
from sakimori.protect.policies import Policies
from sakimori.protect.resources import all_resources
from sakimori.protect.work import Job, Outcome, Rules
from sakimori.store.database import insert_new
from sakimori.store.text import storable

RULES = (
    "intrusionpreventionrules",
    "integritymonitoringrules",
    "loginspectionrules",
    "firewallrules",
    "applicationtypes",
    "portlists",
    "iplists",
)
"""What performers are given to look at."""

_SCANNED = {
    "scan-for-integrity-changes": ("integrityMonitoring", "lastIntegrityScan"),
    "scan-for-malware": ("antiMalware", "lastManualScan"),
}


class Catalogue:
    """All rules of a tenant, read once for each state of them. One a process."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[int, ...], Rules]] = {}

    def rules(self, connection: Connection, tenant: int) -> Rules:
        at = storage.revisions(connection, tenant, *RULES)
        known = self._known.get(tenant)
        if known is not None and known[0] == at:
            return known[1]
        objects = tables.objects
        rows = connection.execute(
            select(objects.c.resource, objects.c.id, objects.c.body).where(
                objects.c.tenant == tenant, objects.c.resource.in_(RULES)
            )
        )
        found: dict[str, dict[int, Mapping[str, Any]]] = {resource: {} for resource in RULES}
        for row in rows:
            found[row.resource][row.id] = orjson.loads(row.body)
        self._known = {**self._known, tenant: (at, found)} if len(self._known) < 16 else {tenant: (at, found)}
        return found


def job(connection: Connection, entry: Entry, policies: Policies, rules: Rules) -> Job:
    """The job as its performer sees it."""
    body = storage.get_or_none(connection, entry.tenant, "computers", entry.computer) or {}
    effective = effective_on(policies.view(connection, entry.tenant), body)
    return Job(
        entry.id,
        entry.tenant,
        entry.type,
        body | {"ID": entry.computer},
        host(connection, entry.tenant, entry.computer),
        entry.parameters,
        {resource: in_force(resource, ids, effective, rules[resource]) for resource, ids in effective.rules.items()},
    )


def in_force(
    resource: str, ids: Iterable[int], effective: Effective, rules: Mapping[int, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Rules as they are on a computer: with their IDs and with what is overridden in them."""
    overridden = effective.overrides.get(resource, {})
    return [{**rules[id], **overridden.get(str(id), {}), "ID": id} for id in ids if id in rules]


def host(connection: Connection, tenant: int, computer: int) -> Mapping[str, Any]:
    """The newest description of a machine; {} if there is none."""
    hosts = tables.hosts
    found = connection.execute(
        select(hosts.c.description).where(hosts.c.tenant == tenant, hosts.c.computer == computer)
    ).scalar()
    description: Mapping[str, Any] = orjson.loads(found) if found else {}
    return description


def describe(connection: Connection, tenant: int, computer: int, description: Mapping[str, Any]) -> None:
    """Keeps a machine's description in place of the one before."""
    hosts = tables.hosts
    connection.execute(delete(hosts).where(hosts.c.tenant == tenant, hosts.c.computer == computer))
    connection.execute(
        insert(hosts),
        {
            "tenant": tenant,
            "computer": computer,
            "described_at": now(),
            "description": orjson.dumps(description).decode(),
        },
    )


def keep(connection: Connection, entry: Entry, outcome: Outcome, policies: Policies) -> bool:
    """Stores an outcome, in the transaction that ends the job. True if what is in force on the computer changed."""
    tenant, computer = entry.tenant, entry.computer
    if outcome.host is not None:
        describe(connection, tenant, computer, outcome.host)
    add_events(connection, tenant, computer, outcome.events)
    _set_on_computer(connection, entry, outcome)
    if entry.type == "send-policy":
        agents = tables.agents
        connection.execute(
            update(agents).where(agents.c.tenant == tenant, agents.c.computer == computer).values(policy_sent=now())
        )
    if outcome.recommended is None:
        return False
    recommendations.keep(connection, tenant, computer, outcome.recommended)
    body = storage.get_or_none(connection, tenant, "computers", computer)
    if body is None:
        return False
    effective = effective_on(policies.view(connection, tenant), body)
    with modes.acting("the manager", f"recommendations of scan {entry.id} are applied, as its settings say"):
        return recommendations.apply(connection, tenant, computer, effective.settings, effective.rules)


def _set_on_computer(connection: Connection, entry: Entry, outcome: Outcome) -> None:
    values: dict[str, Any] = dict(outcome.computer)
    if entry.type in _SCANNED:
        module, field = _SCANNED[entry.type]
        values[module] = {field: now(), **values.get(module, {})}
    body = storage.get_or_none(connection, entry.tenant, "computers", entry.computer) if values else None
    if body is None:
        return
    for name, value in values.items():
        body[name] = {**(body.get(name) or {}), **value} if isinstance(value, Mapping) else value
    storage.replace(connection, entry.tenant, all_resources()["computers"], entry.computer, body)


def add_events(connection: Connection, tenant: int, computer: int, events: Iterable[Mapping[str, Any]]) -> int:
    """Keeps a computer's events and returns how many were new: an event that is sent again is kept once."""
    added = 0
    statement = insert_new(connection, tables.events).returning(tables.events.c.id)
    for event in events:
        body = orjson.dumps(event).decode()
        row = {
            "tenant": tenant,
            "module": storable(str(event.get("module", "")))[:100],
            "computer": computer,
            "rule": _number(event.get("ruleID"), 0),
            "at": _number(event.get("time"), now()),
            "key": storable(str(event.get("key") or secrets.fingerprint(body)))[:400],
            "verdict": "",
            "note": "",
            "body": body,
        }
        added += connection.execute(statement, row).first() is not None
    return added


def _number(value: Any, default: int) -> int:
    """A number that every database can hold."""
    return value if isinstance(value, int) and 0 <= value < 1 << 53 else default

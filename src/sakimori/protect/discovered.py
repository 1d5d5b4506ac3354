"""Computers from discovery: every EC2 instance in the ledger is a computer of the tenant that its account belongs to.

An account belongs to the tenant that has an AWS connector for it, and else to the primary one. A computer keeps what
users set on it; discovery changes only what AWS says of the machine. When an instance is gone, its computer goes too,
unless an agent was ever on it: then it stays, and says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, select

from sakimori.model.asset import Asset
from sakimori.protect import computers, storage, tables
from sakimori.protect.clock import now
from sakimori.protect.resources import all_resources
from sakimori.protect.seed import PRIMARY
from sakimori.protect.storage import Body
from sakimori.protect.tasks import Tasks
from sakimori.store import assets
from sakimori.store.database import reading, writing
from sakimori.store.tables import discovery_runs

INSTANCE = "AWS::EC2::Instance"
BATCH = 250
"""Computers in one transaction: other writers get their turn between."""

SUMMARY = "ec2VirtualMachineSummary"


def newest_run(connection: Connection) -> tuple[int, str]:
    """Which discovery was last, and when it ended; changes when there may be something new."""
    c = discovery_runs.c
    row = connection.execute(select(c.number, c.ended_at).order_by(c.number.desc()).limit(1)).first()
    return (row.number, row.ended_at or "") if row is not None else (0, "")


def synchronise(engine: Engine, tasks: Tasks) -> dict[str, int]:
    """Brings all tenants' computers up to what discovery saw; says how many were new, changed and gone."""
    with reading(engine) as connection:
        instances = list(assets.inventory(connection, types=(INSTANCE,)))
        owners = _owners(connection)
    count = {"new": 0, "changed": 0, "gone": 0}
    tenants = {PRIMARY, *owners.values()}
    for tenant in sorted(tenants):
        own = [each for each in instances if owners.get(each.account, PRIMARY) == tenant]
        for some in _batches(own):
            with writing(engine) as connection:
                _put(connection, tenant, some, tasks, count)
        with writing(engine) as connection:
            _remove_gone(connection, tenant, {each.id for each in own}, count)
            _stamp(connection, tenant)
    return count


def _batches(instances: list[Asset]) -> Iterator[list[Asset]]:
    return (instances[start : start + BATCH] for start in range(0, len(instances), BATCH))


def _owners(connection: Connection) -> dict[str, int]:
    """Account -> the tenant that has a connector for it; the primary tenant's own connectors need not be there."""
    found: dict[str, int] = {}
    for tenant in storage.all_ids(connection, PRIMARY, "tenants"):
        ids = storage.all_ids(connection, tenant, "awsconnectors")
        for body in storage.get_many(connection, tenant, "awsconnectors", ids).values():
            account = body.get("accountId") or str(body.get("crossAccountRoleArn", "")).split(":")[4:5]
            found.setdefault(account if isinstance(account, str) else "".join(account), tenant)
    return found


def _put(connection: Connection, tenant: int, instances: Sequence[Asset], tasks: Tasks, count: dict[str, int]) -> None:
    resource = all_resources()["computers"]
    known = _known(connection, tenant, [each.id for each in instances])
    groups = _Groups(connection, tenant)
    new: list[Body] = []
    for each in instances:
        described = _described(each)
        id = known.get(each.id)
        if id is None:
            new.append({**_blank(), **described, "groupID": groups.of(each.account, each.region)})
            continue
        before = storage.get(connection, tenant, resource, id)
        after = {**before, SUMMARY: described[SUMMARY], "hostName": described["hostName"]}
        after["displayName"] = described["displayName"] or before.get("displayName", "")
        if after != before:
            storage.replace(connection, tenant, resource, id, after)
            count["changed"] += 1
    for id, body in zip(storage.make_many(connection, tenant, resource, new), new, strict=True):
        tasks.happened(connection, tenant, "computer-created-by-system", id, body)
    count["new"] += len(new)


def _blank() -> Body:
    return {"policyID": 0, "hostGUID": str(uuid.uuid4()).upper(), "_discovered": True}


def _known(connection: Connection, tenant: int, instances: list[str]) -> dict[str, int]:
    """Instance ID -> computer; of agents too that came before discovery did."""
    shown = tables.values
    found: dict[str, int] = {}
    for summary in ("noConnectorVirtualMachineSummary", SUMMARY):
        rows = connection.execute(
            select(shown.c.head, shown.c.id).where(
                shown.c.tenant == tenant,
                shown.c.resource == "computers",
                shown.c.field == f"{summary}/instanceID",
                shown.c.head.in_([each.lower() for each in instances]),
            )
        )
        found |= {row.head: row.id for row in rows}
    return {each: found[each.lower()] for each in instances if each.lower() in found}


def _described(instance: Asset) -> Body:
    """What AWS says of the machine, as the API spells it."""
    config = instance.config
    summary: dict[str, Any] = {
        "cloudProvider": "Amazon",
        "accountID": instance.account,
        "instanceID": instance.id,
        "amiID": config.get("ImageId"),
        "type": config.get("InstanceType"),
        "state": (config.get("State") or {}).get("Name"),
        "availabilityZone": (config.get("Placement") or {}).get("AvailabilityZone"),
        "privateIPAddress": config.get("PrivateIpAddress"),
        "publicIPAddress": config.get("PublicIpAddress"),
        "DNSName": config.get("PublicDnsName") or config.get("PrivateDnsName"),
        "virtualizationType": config.get("VirtualizationType"),
        "operatingSystem": config.get("PlatformDetails"),
        "securityGroups": [
            {"name": group.get("GroupName", ""), "ID": group.get("GroupId", "")}
            for group in config.get("SecurityGroups") or ()
        ],
        "metadata": [{"name": name, "value": value} for name, value in sorted(instance.tags.items())],
    }
    return {
        "hostName": config.get("PrivateDnsName") or config.get("PublicDnsName") or instance.id,
        "displayName": instance.tags.get("Name", ""),
        "platform": config.get("PlatformDetails") or "",
        SUMMARY: {name: value for name, value in summary.items() if value not in (None, "")},
    }


class _Groups:
    """Groups of accounts and regions, made where they are missing."""

    def __init__(self, connection: Connection, tenant: int) -> None:
        self._connection = connection
        self._tenant = tenant
        self._found: dict[tuple[str, str], int] = {}

    def of(self, account: str, region: str) -> int:
        if (account, region) not in self._found:
            above = self._group(account, "aws-account", 1)
            self._found[account, region] = self._group(region, "aws-region", above)
        return self._found[account, region]

    def _group(self, name: str, kind: str, parent: int) -> int:
        resource = all_resources()["computergroups"]
        ids = _children(self._connection, self._tenant, parent)
        for id, body in storage.get_many(self._connection, self._tenant, resource.id, ids).items():
            if body.get("name") == name and body.get("type") == kind:
                return id
        body = {"name": name, "type": kind, "parentGroupID": parent, "cloudType": "amazon"}
        return storage.make(self._connection, self._tenant, resource, body)


def _children(connection: Connection, tenant: int, parent: int) -> list[int]:
    shown = tables.values
    rows = connection.execute(
        select(shown.c.id).where(
            shown.c.tenant == tenant,
            shown.c.resource == "computergroups",
            shown.c.field == "parentGroupID",
            shown.c.number == parent,
        )
    )
    return list(rows.scalars())


def _remove_gone(connection: Connection, tenant: int, there: set[str], count: dict[str, int]) -> None:
    shown = tables.values
    rows = connection.execute(
        select(shown.c.id, shown.c.head).where(
            shown.c.tenant == tenant,
            shown.c.resource == "computers",
            shown.c.field == f"{SUMMARY}/instanceID",
        )
    ).all()
    present = {each.lower() for each in there}
    gone = [row.id for row in rows if row.head not in present]
    with_agent = set(
        connection.execute(select(tables.agents.c.computer).where(tables.agents.c.tenant == tenant)).scalars()
    )
    resource = all_resources()["computers"]
    for id, body in storage.get_many(connection, tenant, resource.id, gone).items():
        if not body.get("_discovered"):
            continue
        count["gone"] += 1
        if id in with_agent:
            summary = {**body[SUMMARY], "state": "terminated"}
            storage.replace(connection, tenant, resource, id, {**body, SUMMARY: summary})
        else:
            computers.forget(connection, tenant, id)
            storage.remove(connection, tenant, resource, id)


def _stamp(connection: Connection, tenant: int) -> None:
    """Says on every connector when, and with how many computers."""
    resource = all_resources()["awsconnectors"]
    for id in storage.all_ids(connection, tenant, resource.id):
        body = storage.get(connection, tenant, resource, id)
        storage.replace(connection, tenant, resource, id, {**body, "lastSyncTime": now()})

"""Computers that cannot enforce what their policy says, as findings: seen again they are the same, closed they go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from sakimori.model.finding import COMPLIANCE, Finding, finding_uid
from sakimori.model.partition import partition_of
from sakimori.model.said import joined, made_of, say
from sakimori.model.severity import Severity
from sakimori.protect import storage
from sakimori.protect.agent_states import Beats
from sakimori.protect.client_answers import MODULE_NAMES
from sakimori.protect.coverage import covered
from sakimori.protect.policies import Policies
from sakimori.protect.seed import PRIMARY
from sakimori.protect.storage import Body
from sakimori.store.database import reading
from sakimori.store.findings import Upserted
from sakimori.store.ledger import Ledger

RULE = "protection_not_enforced"
BATCH = 50
"""Computers that are looked at in one go: calls that are answered meanwhile hardly wait."""

STOPPING = frozenset(("antiMalware", "intrusionPrevention", "firewall", "applicationControl"))
"""Modules that stop attacks: without one of them the finding is High."""


def report(engine: Engine, policies: Policies, beats: Beats, interval: int) -> Upserted:
    """Brings the ledger's findings up to what is so now; those whose gap is closed are resolved."""
    return Ledger(engine).put_assessment([RULE], found(engine, policies, beats, interval))


def found(engine: Engine, policies: Policies, beats: Beats, interval: int) -> Iterator[Finding]:
    """A finding for each computer of every tenant whose policy wants what its agent does not do."""
    with reading(engine) as connection:
        tenants = [PRIMARY, *storage.all_ids(connection, PRIMARY, "tenants")]
    for tenant in sorted(set(tenants)):
        with reading(engine) as connection:
            ids = storage.all_ids(connection, tenant, "computers")
        for start in range(0, len(ids), BATCH):
            yield from _of(engine, tenant, ids[start : start + BATCH], policies, beats, interval)


def on(engine: Engine, tenant: int, computer: int, policies: Policies, beats: Beats, interval: int) -> Finding | None:
    """The finding of one computer; None if it does what its policy says, or is not there any more."""
    return next(iter(_of(engine, tenant, [computer], policies, beats, interval)), None)


def _of(
    engine: Engine, tenant: int, ids: Iterable[int], policies: Policies, beats: Beats, interval: int
) -> list[Finding]:
    with reading(engine) as connection:
        bodies = sorted(storage.get_many(connection, tenant, "computers", ids).items())
        view = policies.view(connection, tenant)
        rows = covered(connection, tenant, bodies, view, beats, interval)
        names = storage.get_many(connection, tenant, "policies", {row["policyID"] for row in rows})
    return [
        _finding(tenant, row, body, names.get(row["policyID"], {}), missing)
        for row, (_, body) in zip(rows, bodies, strict=True)
        if (missing := _missing(row))
    ]


def _missing(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The modules that the policy wants and that do not run as it says."""
    return [each for each in row["modules"] if each["wanted"] != "off" and each["status"] != "active"]


def _finding(
    tenant: int, row: Mapping[str, Any], body: Body, policy: Body, missing: Sequence[Mapping[str, Any]]
) -> Finding:
    account, region, asset = _place(tenant, row, body)
    name = body.get("displayName") or body.get("hostName") or say("computer {number}", number=row["computerID"])
    modules = joined(", ", [MODULE_NAMES.get(each["module"], each["module"]) for each in missing])
    title = say("{what} does not enforce what its policy says: {modules}", what=name, modules=modules)
    why = say(
        "Policy {policy} sets {modules} on {what}, and its agent does not say that they run. What they should stop or "
        "see passes.",
        policy=policy.get("name") or row["policyID"],
        modules=modules,
        what=name,
    )
    remedy = (
        say("Install or start the agent on it.")
        if row["agentStatus"] != "active"
        else say("See to the reasons that the agent gives, or change the policy to what the host can do.")
    )
    severe = any(each["module"] in STOPPING for each in missing)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Finding(
        uid=finding_uid(RULE, account, region, asset, str(tenant)),
        rule=RULE,
        title=str(title),
        severity=Severity.HIGH if severe else Severity.MEDIUM,
        tactics=(),
        techniques=(),
        account=account,
        region=region,
        actor="",
        source_ip="",
        asset=asset,
        count=1,
        first_seen=at,
        last_seen=at,
        records=(),
        description=str(why),
        class_uid=COMPLIANCE,
        evidence={
            "computerID": row["computerID"],
            "tenant": tenant,
            "policyID": row["policyID"],
            "agentStatus": row["agentStatus"],
            "lastAgentCommunication": row["lastAgentCommunication"],
            "modules": [dict(each) for each in missing],
        },
        remediation=str(remedy),
        said=made_of((title, why, remedy)),
    )


def _place(tenant: int, row: Mapping[str, Any], body: Body) -> tuple[str, str, str]:
    """(account, region, asset): an EC2 instance by its ARN, another machine by its number here."""
    machine = body.get("ec2VirtualMachineSummary") or body.get("noConnectorVirtualMachineSummary") or {}
    account = str(machine.get("accountID") or "")
    region = str(machine.get("region") or str(machine.get("availabilityZone") or "")[:-1])
    instance = str(machine.get("instanceID") or "")
    if account and region and instance:
        return account, region, f"arn:{partition_of(region)}:ec2:{region}:{account}:instance/{instance}"
    return account, region, f"sakimori:protect:{tenant}:computer/{row['computerID']}"

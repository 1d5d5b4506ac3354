"""Recommendation scans that a policy asks for time and again, without a task: `recommendationScanMode` "ongoing"."""

from __future__ import annotations

import re

from sqlalchemy import Connection, select

from sakimori.protect import jobs, recommendations, tables
from sakimori.protect.clock import now
from sakimori.protect.computer_filter import valued
from sakimori.protect.policies import Policies
from sakimori.protect.work import RULE_RESOURCES

SCAN = "scan-for-recommendations"
INTERVAL = "platformSettingRecommendationOngoingScansInterval"
DAY = 86_400_000
_UNITS = {"minute": 60_000, "hour": 3_600_000, "day": DAY, "week": 7 * DAY}


def queue_due(connection: Connection, policies: Policies) -> int:
    """Queues a scan for every computer whose policy wants one and whose last is too old; says how many."""
    shown = tables.values
    wanting = connection.execute(
        select(shown.c.tenant, shown.c.id).where(
            shown.c.resource == "policies",
            shown.c.field == "recommendationScanMode",
            shown.c.head == "ongoing",
        )
    ).all()
    return sum(_of_policy(connection, policies, tenant, id) for tenant, id in wanting)


def _of_policy(connection: Connection, policies: Policies, tenant: int, policy: int) -> int:
    settings = policies.view(connection, tenant).effective(policy).settings
    oldest = now() - milliseconds(settings.get(INTERVAL, ""))
    computers = valued(connection, tenant, "policyID", [policy])
    scans = recommendations.scans(connection, tenant, computers, RULE_RESOURCES[0])
    due = [each for each in computers if each not in scans or scans[each].scanned_at < oldest]
    due = sorted(set(due) - _tried(connection, tenant, due, oldest))
    return jobs.queue(connection, tenant, due, SCAN)


def _tried(connection: Connection, tenant: int, computers: list[int], since: int) -> set[int]:
    """Those that are being scanned, or could not be of late: a scan that failed is not tried at once again."""
    table, found = tables.jobs, set[int]()
    for start in range(0, len(computers), 500):
        rows = connection.execute(
            select(table.c.computer).where(
                table.c.tenant == tenant,
                table.c.computer.in_(computers[start : start + 500]),
                table.c.type == SCAN,
                table.c.created_at >= min(since, now() - DAY),
                table.c.state.in_(("queued", "running", "failed")),
            )
        )
        found |= set(rows.scalars())
    return found


def milliseconds(interval: str) -> int:
    """What `7 Days` or `12 Hours` is; a week where it is something else."""
    read = re.fullmatch(r"\s*(\d{1,4})\s*(minute|hour|day|week)s?\s*", interval, re.IGNORECASE)
    return int(read[1]) * _UNITS[read[2].lower()] if read is not None else 7 * DAY

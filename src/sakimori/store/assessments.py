"""The end of assessments' findings: resolved when they are no longer found, when their asset is gone, or their rule.

The functions take a connection inside a transaction; `ledger.py` opens it.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, outerjoin, select

from sakimori.model.finding import DETECTION
from sakimori.store.findings import OPEN, OURSELVES, Status, change_status
from sakimori.store.tables import assets, findings


@dataclass(frozen=True, slots=True)
class Place:
    """Where an assessment could not decide; "" is every account, region, asset or rule."""

    account: str = ""
    region: str = ""
    asset: str = ""
    rule: str = ""


def settle(connection: Connection, rules: Collection[str], kept: Set[str], undecided: Collection[Place]) -> int:
    """Resolves the open findings of an assessment's rules that it does not find any more; how many that are.

    Not those in a place that was not evaluated: nobody knows whether they are still there. That their asset is gone,
    discovery knows, and no assessment can tell otherwise.
    """
    c = findings.c
    there = outerjoin(findings, assets, (assets.c.uid == c.asset) & (assets.c.gone_at != ""))
    query = select(c.uid, c.account, c.region, c.asset, c.rule, assets.c.gone_at).select_from(there)
    query = query.where(c.rule.in_(rules), c.class_uid != DETECTION, c.status.in_(OPEN))
    resolved = 0
    for row in connection.execute(query).all():
        if row.uid in kept or (not row.gone_at and _is_in(row, undecided)):
            continue
        why = f"its asset is gone since {row.gone_at}" if row.gone_at else "the assessment does not find it any more"
        change_status(connection, row.uid, Status.RESOLVED, OURSELVES, f"resolved: {why}")
        resolved += 1
    return resolved


def open_rules(connection: Connection, prefix: str) -> list[str]:
    """The rules with such names that have open findings."""
    c = findings.c
    query = select(c.rule).where(c.rule.startswith(prefix, autoescape=True), c.status.in_(OPEN)).distinct()
    return sorted(connection.execute(query).scalars())


def retire(connection: Connection, rule: str, why: str) -> int:
    """Resolves all open findings of a rule that is no more; how many that are."""
    query = select(findings.c.uid).where(findings.c.rule == rule, findings.c.status.in_(OPEN))
    uids = connection.execute(query).scalars().all()
    for uid in uids:
        change_status(connection, uid, Status.RESOLVED, OURSELVES, f"resolved: {why}")
    return len(uids)


def _is_in(row: Any, places: Collection[Place]) -> bool:
    return any(
        all(getattr(place, name) in ("", getattr(row, name)) for name in ("account", "region", "asset", "rule"))
        for place in places
    )

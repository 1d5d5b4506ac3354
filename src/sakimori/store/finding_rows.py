"""A finding as a row of the ledger, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from sakimori.model.finding import Finding
from sakimori.model.said import Made
from sakimori.model.severity import Severity
from sakimori.store.text import is_storable, storable, storable_json


def to_row(finding: Finding, status: str, now: str) -> dict[str, Any]:
    """A finding's row, its columns in the table's order, made and changed `now`."""
    row: dict[str, Any] = {
        "uid": finding.uid,
        "rule": finding.rule,
        "title": finding.title,
        "description": finding.description,
        "severity_id": finding.severity.value,
        "tactics": _texts(finding.tactics),
        "techniques": _texts(finding.techniques),
        "account": finding.account,
        "region": finding.region,
        "actor": finding.actor,
        "source_ip": finding.source_ip,
        "asset": finding.asset,
        "count": _count(finding),
        "first_seen": finding.first_seen,
        "last_seen": finding.last_seen,
        "matched": storable_json(finding.matched),
        "status": status,
        "created_at": now,
        "updated_at": now,
        "class_uid": finding.class_uid,
        "evidence": _evidence(finding) if finding.evidence or finding.said else "{}",
        "remediation": finding.remediation,
    }
    if not is_storable("".join([row[name] for name in _TEXTS])):  # one look at all of them, which mostly does
        row |= {name: storable(row[name]) for name in _TEXTS}
    return row


_TEXTS = (
    *("uid", "rule", "title", "description", "account", "region", "actor", "source_ip", "asset"),
    *("first_seen", "last_seen", "remediation"),
)


SAID = "_said"
"""What the texts were made of stands in the column of the evidence, under this name, and is no part of it."""


def _evidence(finding: Finding) -> str:
    kept = {SAID: msgspec.to_builtins(finding.said)} if finding.said else {}
    return storable_json({**finding.evidence, **kept})


def said_of(evidence: dict[str, Any]) -> dict[str, Made] | None:
    """What a finding's texts were made of, out of the column of its evidence."""
    return msgspec.convert(evidence[SAID], dict[str, Made]) if SAID in evidence else None


@lru_cache(maxsize=4096)
def _texts(texts: tuple[str, ...]) -> str:
    """As JSON: what all findings of a rule have in common."""
    return storable_json(texts)


def _count(finding: Finding) -> int:
    if len(finding.records) == 1:
        return 1
    return len(set(map(storable, finding.records))) or finding.count


def to_finding(row: RowMapping, records: Sequence[tuple[str, str]]) -> Finding:
    """The finding of a row and of its (record id, time), in the order in which they are given."""
    evidence = json.loads(row["evidence"])
    said = said_of(evidence)
    evidence.pop(SAID, None)
    return Finding(
        uid=row["uid"],
        rule=row["rule"],
        title=row["title"],
        description=row["description"],
        severity=Severity(row["severity_id"]),
        tactics=tuple(json.loads(row["tactics"])),
        techniques=tuple(json.loads(row["techniques"])),
        account=row["account"],
        region=row["region"],
        actor=row["actor"],
        source_ip=row["source_ip"],
        asset=row["asset"],
        count=row["count"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        records=tuple(record for record, _ in records),
        matched=json.loads(row["matched"]),
        times=tuple(time for _, time in records) if any(time for _, time in records) else (),
        class_uid=row["class_uid"],
        evidence=evidence,
        remediation=row["remediation"],
        said=said,
    )

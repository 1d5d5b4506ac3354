"""What is new about a finding, for a route that was told of it before or not: that it is there, worse, there again, or
gone."""

from __future__ import annotations

from sakimori.model.finding import Finding
from sakimori.model.severity import Severity
from sakimori.notify.message import OPEN, Message
from sakimori.store.findings import Status, StoredFinding

Told = tuple[str, int, int]
"""What a route was last told of a finding: the kind of message, the severity, and how often it was told of it."""


def news(stored: StoredFinding, told: Told | None) -> Message | None:
    """The message, if there is any news for whoever was told this."""
    kind = _kind(stored, told)
    if not kind:
        return None
    finding, before = stored.finding, Severity(told[1]) if told and told[1] else None
    facts = facts_of(finding) | ({"before": before.label} if before and kind == "finding-worse" else {})
    key = f"{finding.uid}/{kind}/{(told[2] if told else 0) + 1}"
    return Message(
        kind,
        key,
        finding.severity,
        finding.account,
        finding.asset,
        finding.actor,
        facts,
        finding,
        about=finding.uid,
        at=stored.updated_at,
        said=finding.said or {},
    )


def facts_of(finding: Finding) -> dict[str, str]:
    """What a message says of a finding."""
    return {
        "title": finding.title,
        "description": finding.description or finding.title,
        "uid": finding.uid[:12],
        "remedy": finding.remediation,
        "rule": finding.rule,
        "tactic": next(iter(finding.tactics), ""),
    }


def _kind(stored: StoredFinding, told: Told | None) -> str:
    known_as, severity = (told[0], told[1]) if told else ("", 0)
    if stored.status in (Status.NEW, Status.IN_PROGRESS):
        if not known_as:
            return "finding-new"
        if known_as not in OPEN:
            return "finding-again"
        return "finding-worse" if stored.finding.severity > severity else ""
    ended = "finding-suppressed" if stored.status is Status.SUPPRESSED else "finding-resolved"
    return ended if known_as in OPEN else ""

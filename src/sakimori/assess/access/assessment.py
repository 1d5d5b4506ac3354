"""The one algorithm: run the checks over an inventory and make findings of what they yield (OCSF IAM Analysis)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sakimori.assess.access.estate import Estate, estate
from sakimori.assess.access.exposure import Exposure, Plugin, checks
from sakimori.assess.access.unasked import unasked
from sakimori.assess.access.unlisted import unlisted
from sakimori.model.asset import Inventory
from sakimori.model.finding import IAM_ANALYSIS, Finding, finding_uid
from sakimori.model.said import made_of


@dataclass(frozen=True, slots=True)
class NotDecided:
    """What a check could not decide, with the check's id; see Undecided."""

    check: str
    asset: str
    account: str
    reason: str
    unwanted: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """The findings, the worst first, and everything that could not be decided."""

    findings: tuple[Finding, ...]
    undecided: tuple[NotDecided, ...]


def assess(inventory: Inventory, only: Collection[str] = ()) -> Assessment:
    """All checks, or `only` these, over an inventory."""
    found = estate(inventory)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    findings: list[Finding] = []
    undecided: list[NotDecided] = []
    for plugin in checks():
        if only and plugin.id not in only:
            continue
        for each in plugin.exposures(found):
            if isinstance(each, Exposure):
                findings.append(finding_of(plugin, each, now))
            else:
                undecided.append(NotDecided(plugin.id, each.asset, each.account, each.reason, each.unwanted))
        lacking = [*unlisted(inventory.not_evaluated, plugin.check.needs), *unasked(inventory, plugin.check.needs)]
        undecided += [NotDecided(plugin.id, "", account, reason) for account, reason in lacking]
    undecided += _of_the_whole(found)
    findings.sort(key=lambda each: (-each.severity, each.rule, each.asset))
    return Assessment(tuple(findings), tuple(dict.fromkeys(undecided)))


def _of_the_whole(found: Estate) -> list[NotDecided]:
    """What is missing of whole accounts and of the organisation: every check is the worse for it."""
    return [
        NotDecided("", "", uid.removeprefix("account ") if uid.startswith("account ") else "", reason)
        for uid, reasons in found.gaps.items()
        if uid.startswith(("account ", "organization"))
        for reason in reasons
    ]


def finding_of(plugin: Plugin, exposure: Exposure, now: str) -> Finding:
    return Finding(
        uid=finding_uid(plugin.id, exposure.account, exposure.region, exposure.asset, exposure.discriminator),
        rule=plugin.id,
        title=str(exposure.title),
        severity=exposure.severity or plugin.check.severity,
        tactics=(),
        techniques=plugin.check.techniques,
        account=exposure.account,
        region=exposure.region,
        actor=exposure.actor,
        source_ip="",
        asset=exposure.asset,
        count=1,
        first_seen=now,
        last_seen=now,
        records=(),
        description=plugin.check.why,
        class_uid=IAM_ANALYSIS,
        evidence=exposure.evidence,
        remediation=plugin.check.fix,
        said=made_of([exposure.title]) or None,
    )

"""Access keys that never expire, of users and of root users."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sakimori.assess.access.credential_report import OLD, active_keys, report_of
from sakimori.assess.access.estate import USER, Estate
from sakimori.assess.access.exposure import Check, Exposure, Undecided, Yielded
from sakimori.assess.access.questions import step_json
from sakimori.model.asset import Asset
from sakimori.model.said import say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Long-term access key is active",
    severity=Severity.LOW,
    why="Such keys lie in files, repositories and laptops, and work from anywhere until somebody deletes them.",
    fix="Give people and programs roles with short-lived keys; until then rotate keys within 90 days.",
    needs=(USER, "AWS::::Account"),
    techniques=("T1078.004", "T1552.001"),
)


def exposures(found: Estate) -> Iterator[Yielded]:
    for asset in found.inventory.of_type(USER, "AWS::::Account"):
        report = report_of(asset)
        if report is None:
            if asset.type == USER:
                yield Undecided(asset.uid, asset.account, "the credential report is not in the inventory")
            continue
        for number, rotated, used in active_keys(report):
            yield _exposure(found, asset, number, rotated, used)


def _exposure(found: Estate, asset: Asset, number: int, rotated: datetime | None, used: datetime | None) -> Exposure:
    root = asset.type != USER
    age = datetime.now(UTC) - rotated if rotated else None
    old = age is None or age > OLD
    rights = [] if root else [right for right in found.what(asset.uid).rights if right.witness.possible]
    name = say("the root user") if root else asset.name or asset.id
    return Exposure(
        asset.uid,
        asset.account,
        say("{who} has an access key that is {days} days old", who=name, days=age.days)
        if age is not None
        else say("{who} has an access key that is an unknown number of days old", who=name),
        {
            "key": number,
            "last_rotated": rotated.isoformat() if rotated else "",
            "last_used": used.isoformat() if used else "",
            "chain": [step_json(right.witness) for right in rights[:1]],
        },
        severity=Severity.CRITICAL if root else Severity.MEDIUM if old else Severity.LOW,
        discriminator=str(number),
        actor=asset.uid,
    )

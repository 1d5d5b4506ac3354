"""Users and roles that nobody has used for 90 days, and still can."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sakimori.assess.access.credential_report import OLD, moment_of, report_of
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.exposure import Check, Exposure, Undecided, Yielded
from sakimori.assess.access.questions import step_json
from sakimori.assess.access.risk import Risk
from sakimori.model.said import say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Rights are not used",
    severity=Severity.LOW,
    why="Nobody would notice if somebody else used them.",
    fix="Delete the user or role, or take its policies away.",
    needs=("AWS::IAM::User", "AWS::IAM::Role"),
    techniques=("T1078.004",),
)

_USES = ("password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date")


def exposures(found: Estate) -> Iterator[Yielded]:
    now = datetime.now(UTC)
    for identity in found.identities.values():
        asset = identity.asset
        if asset is None or identity.principal.is_service_linked or not identity.policies:
            continue
        created = moment_of(asset.config.get("CreateDate"))
        used, told = last_use(identity)
        if not told or created is None:
            yield Undecided(identity.arn, identity.account, "when it was created and last used is not in the inventory")
            continue
        if (used or created) > now - OLD or created > now - OLD:
            continue
        rights = found.what(identity.arn).rights
        if not rights:
            continue
        grave = any(right.risk in (Risk.PRIVILEGE, Risk.DATA) for right in rights)
        who = identity.arn.split(":", 5)[5]
        yield Exposure(
            identity.arn,
            identity.account,
            say("{who} has not been used for {days} days", who=who, days=(now - used).days)
            if used
            else say("{who} has never been used", who=who),
            {
                "last_used": used.isoformat() if used else "",
                "chain": [step_json(right.witness) for right in rights[:1]],
            },
            severity=Severity.MEDIUM if grave else Severity.LOW,
            actor=identity.arn,
        )


def last_use(identity: Identity) -> tuple[datetime | None, bool]:
    """When a user or role was last used, None for never; and whether the inventory tells."""
    asset = identity.asset
    if asset is None:
        return None, False
    if identity.principal.kind == "role":
        told = asset.config.get("RoleLastUsed")
        return moment_of((told or {}).get("LastUsedDate")), told is not None
    report = report_of(asset)
    if report is None:
        return None, False
    moments = [moment for key in _USES if (moment := moment_of(report.get(key))) is not None]
    return max(moments, default=None), True

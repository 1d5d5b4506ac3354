"""Instances that hand their role's keys to anybody who can make them send one request."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.assess.access.estate import INSTANCE, Estate, instance_role
from sakimori.assess.access.exposure import Check, Exposure, Undecided, Yielded
from sakimori.assess.access.questions import step_json
from sakimori.assess.access.risk import Risk
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.said import say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Instance hands out its role's keys over IMDSv1",
    severity=Severity.MEDIUM,
    why="A single forged request through a web server on it (SSRF) fetches keys that work from anywhere.",
    fix="Set HttpTokens to required, and take from the role what the instance does not need.",
    needs=(INSTANCE, "AWS::IAM::InstanceProfile", "AWS::IAM::Role"),
    techniques=("T1552.005",),
)


def exposures(found: Estate) -> Iterator[Yielded]:
    climbers = {each.principal for each in found.escalations}
    for instance in found.inventory.of_type(INSTANCE):
        profile = instance.config.get("IamInstanceProfile")
        options = instance.config.get("MetadataOptions")
        if not profile or (instance.config.get("State") or {}).get("Name") == "terminated":
            continue
        role = instance_role(found, instance)
        if role is None:
            yield Undecided(instance.uid, instance.account, f"the role of {profile.get('Arn')} is not in the inventory")
            continue
        if options is None:
            yield Undecided(instance.uid, instance.account, "its MetadataOptions are not in the inventory")
            continue
        if options.get("HttpTokens") == "required" or options.get("HttpEndpoint") == "disabled":
            continue
        rights = [right for right in found.what(role.arn).rights if right.outcome is not Outcome.UNKNOWN]
        grave = [right for right in rights if right.risk in (Risk.PRIVILEGE, Risk.DATA)]
        severity = Severity.MEDIUM if grave else Severity.LOW
        if role.arn in found.administrators or role.arn in climbers:
            severity = Severity.CRITICAL
        elif any(right.risk is Risk.PRIVILEGE for right in grave):
            severity = Severity.HIGH
        worst = (grave or rights)[:5]
        yield Exposure(
            instance.uid,
            instance.account,
            say("{what} hands out the keys of {role} over IMDSv1", what=instance.id, role=role.principal.role),
            {
                "role": role.arn,
                "metadata_options": dict(options),
                "actions": [action for right in worst for action in right.actions[:10]],
                "becomes_administrator": role.arn in climbers or role.arn in found.administrators,
                "chain": [step_json(right.witness) for right in worst],
            },
            region=instance.region,
            severity=severity,
            actor=role.arn,
        )

"""Roles that an account outside the organisation can assume without an external id."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.assess.access.callers import named_callers
from sakimori.assess.access.estate import Estate
from sakimori.assess.access.exposure import Check, Exposure, Undecided, Yielded
from sakimori.assess.access.questions import row_of, step_json
from sakimori.assess.access.stipulations import demands_external_id
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.said import say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Role trusts another account without an external id",
    severity=Severity.MEDIUM,
    why="A provider that serves others too can be talked into using the role for one of them (the confused deputy).",
    fix="Demand sts:ExternalId in the trust policy, with a value that the provider gives to you alone.",
    needs=("AWS::IAM::Role",),
    techniques=("T1199",),
)


def exposures(found: Estate) -> Iterator[Yielded]:
    for role in found.roles:
        if role.asset is None:
            continue
        for caller in named_callers(found, role.trust):
            who = caller.principal
            if not who.has_identity or not caller.outside or who.arn.endswith(":user/anybody"):
                continue
            row = row_of(found, caller, "sts:AssumeRole", role.arn, role.asset, role.account)
            if row is None or demands_external_id(row.conditions):
                continue
            if row.outcome is Outcome.UNKNOWN:
                yield Undecided(role.arn, role.account, row.why)
                continue
            yield Exposure(
                role.arn,
                role.account,
                say("{who} may assume {role} without an external id", who=who.arn, role=role.principal.role),
                {"conditions": list(row.conditions), "chain": [step_json(step) for step in row.steps]},
                discriminator=who.arn,
                actor=who.arn,
            )

"""Roles that every user of an identity provider can assume."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.assess.access.callers import named_callers
from sakimori.assess.access.estate import Estate
from sakimori.assess.access.exposure import Check, Exposure, Undecided, Yielded
from sakimori.assess.access.questions import row_of, step_json
from sakimori.assess.access.stipulations import names_subject
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.said import say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Role can be assumed by every user of an identity provider",
    severity=Severity.HIGH,
    why="With a public provider, such as a code host, anybody with an account there takes the role's keys.",
    fix="Demand the subject and the audience of the token in the trust policy (PROVIDER:sub and PROVIDER:aud).",
    needs=("AWS::IAM::Role",),
    techniques=("T1078.004", "T1199"),
)


def exposures(found: Estate) -> Iterator[Yielded]:
    for role in found.roles:
        if role.asset is None:
            continue
        for caller in named_callers(found, role.trust):
            if caller.principal.kind != "federated" or ":saml-provider/" in caller.arn:
                continue
            row = row_of(found, caller, "sts:AssumeRoleWithWebIdentity", role.arn, role.asset, role.account)
            if row is None or names_subject(row.conditions):
                continue
            if row.outcome is Outcome.UNKNOWN:
                yield Undecided(role.arn, role.account, row.why)
                continue
            provider = caller.arn.rpartition("/")[2]
            yield Exposure(
                role.arn,
                role.account,
                say("Every user of {provider} may assume {role}", provider=provider, role=role.principal.role),
                {"conditions": list(row.conditions), "chain": [step_json(step) for step in row.steps]},
                discriminator=caller.arn,
                actor=caller.arn,
            )

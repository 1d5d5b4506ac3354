"""Roles that anybody with an AWS account can assume."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sakimori.assess.access.callers import ANYBODY
from sakimori.assess.access.estate import Estate
from sakimori.assess.access.exposure import Check, Exposure, Undecided, Yielded
from sakimori.assess.access.policy import Statement
from sakimori.assess.access.questions import row_of, step_json
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.said import say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Role can be assumed by anybody",
    severity=Severity.CRITICAL,
    why="Anybody with an AWS account of their own takes the role's keys with one call.",
    fix="Name the accounts or roles that need it in the trust policy.",
    needs=("AWS::IAM::Role",),
    techniques=("T1078.004", "T1199"),
)


def exposures(found: Estate) -> Iterator[Yielded]:
    for role in found.roles:
        if role.asset is None or role.trust is None or not _names_everybody(role.trust.statements):
            continue
        row = row_of(found, ANYBODY, "sts:AssumeRole", role.arn, role.asset, role.account)
        if row is None:
            continue
        if row.outcome is Outcome.UNKNOWN:
            yield Undecided(role.arn, role.account, row.why)
            continue
        yield Exposure(
            role.arn,
            role.account,
            say("Anybody with an AWS account may assume {role}", role=role.principal.role),
            {"conditions": list(row.conditions), "chain": [step_json(step) for step in row.steps]},
            severity=Severity.CRITICAL if row.outcome is Outcome.ALLOWED else Severity.MEDIUM,
            actor=ANYBODY.arn,
        )


def _names_everybody(statements: Iterable[Statement]) -> bool:
    return any(
        statement.allows and (statement.not_principals or any(value == "*" for _, value in statement.principals or ()))
        for statement in statements
    )

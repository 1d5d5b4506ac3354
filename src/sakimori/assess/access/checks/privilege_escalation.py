"""Principals that can make themselves administrators."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.assess.access.estate import GROUP, MANAGED, PROFILE, ROLE, USER, Estate
from sakimori.assess.access.exposure import Check, Exposure, Undecided, Yielded
from sakimori.assess.access.methods import holder_kinds
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.said import joined, say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Principal can become an administrator",
    severity=Severity.HIGH,
    why="Whoever takes these keys has the account a few calls later, though no policy says administrator.",
    fix="Take away or narrow the permission of the first link, or bound it by a condition, a boundary or an SCP.",
    needs=(USER, GROUP, ROLE, MANAGED, PROFILE, *holder_kinds()),
    techniques=("T1098.003", "T1078.004"),
)


def exposures(found: Estate) -> Iterator[Yielded]:
    for escalation in found.escalations:
        if escalation.outcome is Outcome.UNKNOWN:
            reason = "; ".join(step.why for edge in escalation.chain for step in edge.steps if step.why)
            yield Undecided(escalation.principal, escalation.account, reason)
            continue
        links = joined(" then ", [edge.method.id for edge in escalation.chain])
        who = escalation.principal.split(":", 5)[5]
        conditional = escalation.outcome is Outcome.CONDITIONAL
        yield Exposure(
            escalation.principal,
            escalation.account,
            say("{who} can become an administrator: {how}", who=who, how=links),
            escalation.to_json(),
            severity=Severity.MEDIUM if conditional else Severity.HIGH,
            actor=escalation.principal,
        )
    for identity in found.identities.values():
        for reason in found.gaps.get(identity.arn, ()):
            yield Undecided(identity.arn, identity.account, reason)

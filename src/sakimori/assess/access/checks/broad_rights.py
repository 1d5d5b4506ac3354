"""Principals that may do everything, or everything with IAM, and compute that runs under such."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.assess.access.administrators import shown_by
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.exposure import Check, Exposure, Yielded
from sakimori.assess.access.questions import step_json
from sakimori.model.said import joined, say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Principal has administrator's rights",
    severity=Severity.LOW,
    why="One stolen key or one bug in what runs under it is the whole account.",
    fix="Give it the actions that it uses (`sakimori access what` lists what it may); leave administration to few.",
    needs=("AWS::IAM::User", "AWS::IAM::Role"),
    techniques=("T1078.004",),
)


def exposures(found: Estate) -> Iterator[Yielded]:
    for identity in found.administrators.values():
        if identity.principal.is_service_linked:
            continue
        compute = sorted(_services(identity))
        shown = shown_by(found, identity)
        who = identity.arn.split(":", 5)[5]
        runs = {"who": who, "services": joined(", ", compute)}
        yield Exposure(
            identity.arn,
            identity.account,
            say("{who} has administrator's rights, and {services} runs under it", **runs)
            if compute
            else say("{who} has administrator's rights", who=who),
            {"services": compute, "chain": [step_json(shown)] if shown else []},
            severity=Severity.MEDIUM if compute or identity.principal.kind == "user" else Severity.LOW,
            actor=identity.arn,
        )


def _services(identity: Identity) -> Iterator[str]:
    """The services that a role trusts."""
    for statement in identity.trust.statements if identity.trust else ():
        for kind, value in statement.principals or ():
            if statement.allows and kind == "Service":
                yield value

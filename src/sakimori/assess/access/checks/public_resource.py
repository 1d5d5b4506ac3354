"""Resources that anybody can use, with or without an AWS account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sakimori.assess.access.estate import Estate
from sakimori.assess.access.exposure import Check, Exposure, Undecided, Yielded
from sakimori.assess.access.questions import step_json
from sakimori.assess.access.resource_policies import POLICIES
from sakimori.assess.access.resource_shares import SHARE
from sakimori.assess.access.risk import Risk, risk_of
from sakimori.assess.access.shared_resources import unread_resources
from sakimori.assess.access.sharing import KINDS as SHARED
from sakimori.assess.access.stipulations import Left, left
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.said import say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Resource is open to anybody",
    severity=Severity.HIGH,
    why="Whoever finds its name can use it: data is read, replaced or held to ransom, and messages are forged.",
    fix="Name the accounts, roles or organisation that need it in the policy, and switch Block Public Access on.",
    needs=(*POLICIES, *SHARED, SHARE),
    techniques=("T1530",),
)

_SEVERITIES = {
    Risk.PRIVILEGE: Severity.CRITICAL,
    Risk.DATA: Severity.HIGH,
    Risk.CHANGE: Severity.HIGH,
    Risk.READ: Severity.MEDIUM,
}
_LEFT = {Left.SOME_PRINCIPALS: Severity.MEDIUM, Left.SOME_NETWORK: Severity.LOW}
"""Where conditions leave only some of everybody."""
ALLOWED = Outcome.ALLOWED


def exposures(found: Estate) -> Iterator[Yielded]:
    done: set[str] = set()
    for share in sorted(found.shares, key=lambda each: each.caller.principal.kind != "anonymous"):
        if not share.everybody or share.asset.uid in done:
            continue
        done.add(share.asset.uid)
        if not share.possible:
            yield Undecided(share.asset.uid, share.asset.account, share.rows[0][1].why)
            continue
        action, row = min(share.possible, key=lambda each: (left(each[1].conditions), each[1].outcome is not ALLOWED))
        severity = _LEFT.get(left(row.conditions)) or _SEVERITIES[risk_of(action)]
        anonymous = share.caller.principal.kind == "anonymous"
        who = say("Anybody") if anonymous else say("Anybody with an AWS account")
        yield Exposure(
            share.asset.uid,
            share.asset.account,
            _title(who, action, share.asset.name or share.asset.id, row.conditions),
            {
                "actions": [each for each, _ in share.possible],
                "conditions": list(row.conditions),
                "chain": [step_json(step) for step in row.steps],
            },
            region=share.asset.region,
            severity=severity,
            actor=share.caller.arn,
        )
    yield from unread_resources(found)


def _title(who: str, action: str, what: str, conditions: Sequence[str]) -> str:
    about = {"who": who, "action": action, "what": what}
    if not conditions:
        return say("{who} may {action} on {what}", **about)
    return say("{who} may {action} on {what} if {terms}", terms="; ".join(conditions), **about)

"""Resources that principals of other accounts can use, inside and outside the organisation."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.assess.access.estate import Estate
from sakimori.assess.access.exposure import Check, Exposure, Undecided, Yielded
from sakimori.assess.access.questions import step_json
from sakimori.assess.access.resource_policies import POLICIES
from sakimori.assess.access.resource_shares import SHARE
from sakimori.assess.access.risk import Risk, risk_of
from sakimori.assess.access.shared_resources import unread_resources
from sakimori.assess.access.sharing import KINDS as SHARED
from sakimori.model.said import say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Resource is shared with another account",
    severity=Severity.MEDIUM,
    why="Whoever takes over the other account, which we neither see nor guard, has this as well.",
    fix="Remove the account from the policy if it is not needed; else name the one role that is, and the actions.",
    needs=(*POLICIES, *SHARED, SHARE),
    techniques=("T1199",),
)


def exposures(found: Estate) -> Iterator[Yielded]:
    for share in found.shares:
        if share.everybody:
            continue
        asset, caller = share.asset, share.caller
        if not share.possible:
            yield Undecided(asset.uid, asset.account, share.rows[0][1].why)
            continue
        action, row = min(share.possible, key=lambda each: risk_of(each[0]) is not Risk.DATA)
        ours = caller.account in found.accounts
        yield Exposure(
            asset.uid,
            asset.account,
            _title(caller.arn, ours, action, len(share.possible) - 1, asset.name or asset.id),
            {
                "actions": [each for each, _ in share.possible],
                "conditions": list(row.conditions),
                "chain": [step_json(step) for step in row.steps],
            },
            region=asset.region,
            severity=Severity.INFORMATIONAL if ours else Severity.MEDIUM,
            discriminator=caller.arn,
            actor=caller.arn,
        )
    yield from unread_resources(found)


def _title(who: str, ours: bool, action: str, others: int, what: str) -> str:
    whose = say("of the organisation") if ours else say("outside the organisation")
    about = {"who": who, "whose": whose, "action": action, "what": what}
    if others < 1:
        return say("{who}, {whose}, may {action} on {what}", **about)
    return say("{who}, {whose}, may {action} and {count} other actions on {what}", count=f"{others:,}", **about)

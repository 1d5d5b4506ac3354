"""Services and actions that users and roles may use, and have not used for 90 days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sakimori.assess.access.credential_report import OLD, moment_of
from sakimori.assess.access.effective import Right
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.exposure import Check, Exposure, Undecided, Yielded
from sakimori.assess.access.questions import asked, step_json
from sakimori.assess.access.risk import Risk
from sakimori.model.said import say
from sakimori.model.severity import Severity

CHECK = Check(
    title="Rights to services and actions are not used",
    severity=Severity.LOW,
    why="Who takes these keys gets rights that nobody needs, as well.",
    fix="Allow only the services and actions that are used.",
    needs=("AWS::IAM::User", "AWS::IAM::Role"),
    techniques=("T1078.004",),
)

NOT_ASKED = "which services and actions are used was not asked: `sakimori discover --last-used` asks for it"
NOT_IN_THE_INVENTORY = (
    "which services and actions it uses is not in the inventory: `sakimori discover --last-used` asks for it"
)


@dataclass(frozen=True, slots=True)
class Unused:
    """What of a right is not used: the whole service, or some of its actions."""

    right: Right
    actions: tuple[str, ...] = ()


def exposures(found: Estate) -> Iterator[Yielded]:
    now = datetime.now(UTC)
    wanted = {each.account for each in found.inventory.not_evaluated if "ServiceLastAccessed" in each.action}
    unasked: list[Identity] = []
    for identity in found.identities.values():
        asset = identity.asset
        if asset is None or identity.principal.is_service_linked or not identity.policies:
            continue
        told = asset.config.get("ServicesLastAccessed")
        if told is None:
            unasked.append(identity)
            continue
        wanted.add(identity.account)
        created = moment_of(asset.config.get("CreateDate"))
        if created is None or created > now - OLD:
            continue
        unused = [*_unused(found.what(identity.arn).rights, _services(told), now)]
        if unused and any(_used(service, now) for service in told):
            yield _exposure(found, identity, unused)
    yield from (Undecided(each.arn, each.account, NOT_IN_THE_INVENTORY) for each in unasked if each.account in wanted)
    accounts = sorted({each.account for each in unasked} - wanted)
    yield from (Undecided("", account, NOT_ASKED, unwanted=True) for account in accounts)


def _services(told: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(service.get("ServiceNamespace")): service for service in told}


def _unused(rights: Sequence[Right], services: Mapping[str, Mapping[str, Any]], now: datetime) -> Iterator[Unused]:
    """Of services that IAM tells of alone, and of their actions that it keeps track of."""
    for right in rights:
        service = services.get(right.service)
        if service is None or not right.witness.possible:
            continue
        if not _used(service, now):
            yield Unused(right)
            continue
        tracked = service.get("TrackedActionsLastAccessed") or ()
        idle = {str(each.get("ActionName")) for each in tracked if not _lately(each.get("LastAccessedTime"), now)}
        actions = tuple(action for action in right.actions if action.rpartition(":")[2] in idle)
        if actions:
            yield Unused(right, actions)


def _used(service: Mapping[str, Any], now: datetime) -> bool:
    return _lately(service.get("LastAuthenticated"), now)


def _lately(when: Any, now: datetime) -> bool:
    moment = moment_of(when)
    return moment is not None and moment > now - OLD


def _exposure(found: Estate, identity: Identity, unused: Sequence[Unused]) -> Exposure:
    services = sorted({each.right.service for each in unused if not each.actions})
    actions = sorted({f"{each.right.service}:{name.rpartition(':')[2]}" for each in unused for name in each.actions})
    grave = [each for each in unused if each.right.risk in (Risk.PRIVILEGE, Risk.DATA)]
    gravest = (grave or unused)[0]
    witness = gravest.right.witness
    if gravest.actions:
        action = f"{gravest.right.service}:{gravest.actions[0].rpartition(':')[2]}"
        witness = asked(found, identity, action, witness.witness.resource)
    return Exposure(
        identity.arn,
        identity.account,
        say(
            "{who} does not use {services} services and {actions} actions that it may use",
            who=identity.arn.split(":", 5)[5],
            services=f"{len(services):,}",
            actions=f"{len(actions):,}",
        ),
        {"services": services, "actions": actions, "chain": [step_json(witness)]},
        severity=Severity.MEDIUM if grave else Severity.LOW,
        actor=identity.arn,
    )

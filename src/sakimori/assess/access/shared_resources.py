"""Which resources are open to whom outside their account, found once for the checks that ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sakimori.assess.access.beside import NETWORK
from sakimori.assess.access.callers import named_callers, root_of
from sakimori.assess.access.catalogue import actions_like, actions_of
from sakimori.assess.access.estate import ROLE, Estate, Identity
from sakimori.assess.access.exposure import Undecided
from sakimori.assess.access.inside import subject_of
from sakimori.assess.access.policy import Policy
from sakimori.assess.access.principals import Grant, granted, names_account
from sakimori.assess.access.questions import Row, row_of
from sakimori.assess.access.reserved import answers_unsigned
from sakimori.assess.access.risk import Risk, risk_of
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.asset import Asset


@dataclass(frozen=True, slots=True)
class Share:
    """What a resource lets one caller from outside its account do: the possible actions, the gravest first, and the
    unknown ones."""

    asset: Asset
    caller: Identity
    rows: tuple[tuple[str, Row], ...]

    @property
    def possible(self) -> tuple[tuple[str, Row], ...]:
        return tuple(each for each in self.rows if each[1].outcome is not Outcome.UNKNOWN)

    @property
    def everybody(self) -> bool:
        """Is the caller anybody at all?"""
        return self.caller.principal.kind == "anonymous" or self.caller.arn.endswith(":user/anybody")


def shares(found: Estate) -> Iterator[Share]:
    """Every resource with a policy of its own but roles, with every caller from outside its account that it lets in."""
    for asset in found.with_policies:
        policy = found.resource_policy(asset)
        if policy is None or asset.type == ROLE:
            continue
        for caller in _from_outside(found, policy, asset):
            rows = tuple(_rows(found, policy, asset, caller))
            if rows:
                yield Share(asset, caller, rows)


def unread_resources(found: Estate) -> Iterator[Undecided]:
    """The resources of which it could not be read whom they let in."""
    for uid, reasons in found.gaps.items():
        asset = found.inventory.get(uid)
        if asset is not None and uid not in found.identities:
            yield Undecided(uid, asset.account, "; ".join(reasons))


def _from_outside(found: Estate, policy: Policy, asset: Asset) -> Iterator[Identity]:
    for caller in named_callers(found, policy):
        if caller.principal.kind in ("service", "federated") or _own_distribution(found, caller):
            continue
        yield caller
    yield from _ours_of_other_accounts(found, policy, asset)


_DISTRIBUTION = ":iam::cloudfront:user/CloudFront Origin Access Identity "


def _own_distribution(found: Estate, caller: Identity) -> bool:
    """Is the caller the identity by which a CloudFront distribution of ours reads its origin?"""
    name = caller.arn.partition(_DISTRIBUTION)[2]
    held = found.inventory.of_type("AWS::CloudFront::CloudFrontOriginAccessIdentity")
    return bool(name) and any(name in (each.name, each.id, each.config.get("Id")) for each in held)


def _ours_of_other_accounts(found: Estate, policy: Policy, asset: Asset) -> Iterator[Identity]:
    seen = set()
    for statement in policy.statements:
        for kind, value in (statement.principals or ()) if statement.allows and not statement.not_principals else ():
            account = names_account(value)
            identity = root_of(account) if account in found.accounts else found.identities.get(value)
            if kind == "AWS" and identity and identity.account != asset.account and identity.arn not in seen:
                seen.add(identity.arn)
                yield identity


def _rows(found: Estate, policy: Policy, asset: Asset, caller: Identity) -> Iterator[tuple[str, Row]]:
    order = list(Risk)
    actions = sorted(_actions(policy, caller), key=lambda action: (order.index(risk_of(action)), action))
    for action in actions:
        if caller.principal.kind == "anonymous" and not answers_unsigned(action):
            continue
        if asset.type == NETWORK and action.startswith("vpc-lattice-svcs:"):
            continue  # it is its services that are called, as far as it allows
        row = row_of(found, caller, action, subject_of(asset, action), asset, asset.account)
        if row is not None:
            yield action, row


_ACTIONS_OF = {"apigateway": "execute-api", "vpc-lattice": "vpc-lattice-svcs"}
"""Service in a resource's ARN -> the prefix of the actions that its policy is about, where they differ."""


def _actions(policy: Policy, caller: Identity) -> Iterator[str]:
    """The actions that allowing statements give the caller; of a bare `*` those of the resource's service."""
    seen: set[str] = set()
    for statement in policy.statements:
        if not statement.allows or statement.principals is None:
            continue
        if not statement.not_principals and granted(statement.principals, caller.principal) <= Grant.UNKNOWN:
            continue
        service = policy.name.partition("arn:")[2].split(":")[1] if "arn:" in policy.name else ""
        service = _ACTIONS_OF.get(service, service)
        patterns = statement.patterns if not statement.not_actions else (f"{service}:*",)
        for pattern in patterns:
            for action in actions_of(service) if pattern == "*" else actions_like(pattern):
                if action not in seen:
                    seen.add(action)
                    yield action

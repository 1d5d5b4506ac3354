"""What a principal can do: every action that AWS has, by service and risk, with where and under what condition.

Actions on which the same statements bear, and whose resources are of one kind, have one answer: it is found once for
all of them, which makes thousands of actions a few dozen questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sakimori.assess.access.catalogue import actions_like
from sakimori.assess.access.context import has_boundary_key, known_context, limits
from sakimori.assess.access.engine import Policies, Request
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.gaps import incomplete, unread
from sakimori.assess.access.globs import matcher
from sakimori.assess.access.inside import subject_of
from sakimori.assess.access.narrowing import statements_of
from sakimori.assess.access.policy import Policy, Statement
from sakimori.assess.access.principals import Grant, granted
from sakimori.assess.access.questions import Row, identity_of, row_of, step_json
from sakimori.assess.access.reserved import ROOT_SESSION, acts_on_everything, needs_resource_policy
from sakimori.assess.access.risk import Risk, risk_of
from sakimori.assess.access.symbolic import Conclusion, Outcome, conclude
from sakimori.model.asset import Asset


@dataclass(frozen=True, slots=True)
class Right:
    """Some actions of one service and one risk that have the same answer.

    `resources` are the patterns that the allowing statements name; `by` the policies that they stand in.
    """

    service: str
    risk: Risk
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    outcome: Outcome
    conditions: tuple[str, ...]
    by: tuple[str, ...]
    why: str
    witness: Conclusion

    def to_json(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "risk": self.risk.value,
            "actions": list(self.actions),
            "resources": list(self.resources),
            "outcome": self.outcome.value,
            "conditions": list(self.conditions),
            "by": list(self.by),
            "why": self.why,
            "witness": step_json(self.witness),
        }


@dataclass(frozen=True, slots=True)
class What:
    """What a principal can do, the gravest first; `unknown` says what could not be looked at."""

    principal: str
    rights: tuple[Right, ...]
    unknown: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "principal": self.principal,
            "rights": [right.to_json() for right in self.rights],
            "unknown": list(self.unknown),
        }


def what_can(found: Estate, principal: str) -> What:
    """Everything that the principal can do by its own policies, and by those of resources that name it."""
    identity = identity_of(found, principal)
    rights = [*_by_own_policies(found, identity), *_by_resources(found, identity)]
    order = list(Risk)
    rights.sort(key=lambda right: (order.index(right.risk), right.service, right.actions))
    return What(identity.arn, tuple(rights), tuple(unread(found, identity, None, identity.account)))


def _by_own_policies(found: Estate, identity: Identity) -> Iterator[Right]:
    policies = found.policies(identity, None, identity.account)
    context = known_context(found, identity, None, identity.account)
    manages = identity.account == found.organization.management
    for actions in _alike(identity, policies):
        if actions[0].lower() == ROOT_SESSION and not manages:
            continue  # nobody else's account gives root sessions, but for one that IAM is delegated to
        request = Request(identity.principal, actions[0], "*", identity.account, context)
        conclusion = conclude(request, policies, limits=limits(found, identity, None, actions[0]))
        if conclusion.outcome is not Outcome.DENIED:
            yield _right(actions, conclusion)


def _alike(identity: Identity, policies: Policies) -> Iterator[tuple[str, ...]]:
    """The actions that some statement allows, in groups that have one answer and one risk.

    Roles and keys need the leave of their own policy: they are asked one by one.
    """
    statements = [*statements_of(policies)]
    groups: dict[tuple[Any, ...], list[str]] = {}
    for action in _candidates(identity, policies):
        lowered = action.lower()
        prefix = lowered.partition(":")[0]
        if needs_resource_policy(lowered, _sample(lowered)) and not acts_on_everything(lowered):
            continue
        bearing = tuple(at for at, statement in enumerate(statements) if _is_about(statement, lowered))
        alone = lowered == ROOT_SESSION
        kind = (prefix, risk_of(action), acts_on_everything(lowered), has_boundary_key(lowered), alone, bearing)
        groups.setdefault(kind, []).append(action)
    yield from (tuple(group) for group in groups.values())


def _sample(action: str) -> str:
    """A resource of the kind that the action acts on."""
    if action.startswith("sts:assumerole"):
        return "arn:aws:iam::1:role/a"
    return "arn:aws:kms:a:1:key/a" if action.startswith("kms:") and not action.endswith("alias") else ""


def _is_about(statement: Statement, action: str) -> bool:
    return any(matcher(glob)(action) for glob in statement.actions) is not statement.not_actions


def _candidates(identity: Identity, policies: Policies) -> list[str]:
    if identity.principal.kind == "root":
        return [*actions_like("*")]
    found: dict[str, None] = {}
    for policy in policies.identity:
        for statement in policy.statements:
            if not statement.allows:
                continue
            if statement.not_actions:
                found.update(dict.fromkeys(each for each in actions_like("*") if _is_about(statement, each.lower())))
            else:
                for pattern in statement.patterns:
                    found.update(dict.fromkeys(actions_like(pattern)))
    return [*found]


def _right(actions: tuple[str, ...], conclusion: Conclusion) -> Right:
    deciding = [statement for statement in conclusion.answer.decided_by if statement.allows]
    resources = dict.fromkeys(
        f"not {each}" if statement.not_resources else each
        for statement in deciding
        for each in (statement.resources or (conclusion.witness.resource,))
    )
    return Right(
        actions[0].partition(":")[0],
        risk_of(actions[0]),
        tuple(sorted(actions)),
        tuple(resources) or ("*",),
        conclusion.outcome,
        conclusion.conditions,
        tuple(dict.fromkeys(statement.policy for statement in deciding)),
        conclusion.why or conclusion.answer.why,
        conclusion,
    )


# ---- by the policies of resources


def _by_resources(found: Estate, identity: Identity) -> Iterator[Right]:
    """What policies of resources allow it: of ours by name, of keys and roles also where they leave it to its
    account."""
    given: list[tuple[str, str, Row]] = []
    may = _may(found, identity)
    for asset in found.with_policies:
        policy = found.resource_policy(asset)
        for action in _named_actions(policy, identity, asset, may) if policy is not None else ():
            subject = subject_of(asset, action)
            row = row_of(found, identity, action, subject, asset, asset.account)
            if row is not None:
                given.append((action, subject, row))
    return _together(given)


def _may(found: Estate, identity: Identity) -> Callable[[str], bool]:
    """Does some policy of its own allow an action at all, or may one that the inventory lacks?"""
    if identity.principal.kind == "root" or identity.outside or incomplete(found, identity):
        return lambda action: True
    allowing = [each for policy in identity.policies for each in policy.statements if each.allows]
    known: dict[str, bool] = {}

    def may(action: str) -> bool:
        if action not in known:
            known[action] = any(_is_about(each, action.lower()) for each in allowing)
        return known[action]

    return may


def _together(given: Iterable[tuple[str, str, Row]]) -> Iterator[Right]:
    """Resources on which an action is allowed on the same terms are one right, and so are actions that share them."""
    resources: dict[tuple[str, Terms], dict[str, Row]] = {}
    for action, subject, row in given:
        terms = (row.outcome, row.conditions, row.why if row.outcome is Outcome.UNKNOWN else "")
        resources.setdefault((action, terms), {})[subject] = row
    actions: dict[tuple[str, Risk, Terms, tuple[str, ...]], list[str]] = {}
    for (action, terms), rows in resources.items():
        kind = (action.partition(":")[0], risk_of(action), terms, tuple(rows))
        actions.setdefault(kind, []).append(action)
    for (service, risk, terms, subjects), alike in actions.items():
        every = [row for action in alike for row in resources[action, terms].values()]
        steps = [row.steps[-1] for row in every]
        by = dict.fromkeys(each.policy for step in steps for each in step.answer.decided_by if each.allows)
        first = every[0]
        yield Right(
            service,
            risk,
            tuple(sorted(alike)),
            subjects,
            first.outcome,
            first.conditions,
            tuple(by),
            first.why,
            steps[0],
        )


Terms = tuple[Outcome, tuple[str, ...], str]
"""The outcome, its conditions, and where it is unknown why."""


def _named_actions(policy: Policy, identity: Identity, asset: Asset, may: Callable[[str], bool]) -> Iterator[str]:
    """The actions that a resource's policy allows the principal, or leaves to its account where nothing else may: of
    these only what its own policies `may` allow."""
    seen: set[str] = set()
    for statement in policy.statements:
        if not statement.allows or statement.principals is None or statement.not_principals or statement.not_actions:
            continue
        grant = granted(statement.principals, identity.principal)
        own = identity.account == asset.account and asset.type not in ("AWS::IAM::Role", "AWS::KMS::Key")
        if grant <= Grant.UNKNOWN or (grant is Grant.ACCOUNT and own):
            continue
        for pattern in statement.patterns:
            for action in actions_like(pattern):
                if action not in seen and (grant is not Grant.ACCOUNT or may(action)):
                    seen.add(action)
                    yield action

"""Privilege escalation: for every declared method an account in which it works, and the same with the one thing that
stops it.

Both twins are made from the declaration, so that a method cannot be declared without its tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from estates import (
    ACCOUNT,
    OTHER,
    allow,
    attached,
    bounded,
    deny,
    document,
    group,
    inventory,
    managed,
    organization,
    role,
    trust,
    user,
)
from estates import profile as profile_asset
from sakimori.assess.access.administrators import administrators
from sakimori.assess.access.catalogue import actions_of
from sakimori.assess.access.engine import decide
from sakimori.assess.access.escalation import escalations
from sakimori.assess.access.estate import asset_of, estate
from sakimori.assess.access.methods import CATEGORIES, Method, methods
from sakimori.assess.access.questions import policies_over
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.asset import Asset

ATTACKER, VICTIM, POLICY = "attacker", "victim", f"arn:aws:iam::{ACCOUNT}:policy/worn"
PROVIDERS = {"SAML": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp", "Open": f"arn:aws:iam::{ACCOUNT}:oidc-provider/idp"}


class Twin:
    """An account in which one method leads from the attacker to an administrator."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.kind = method.who or "user"
        self.arn = f"arn:aws:iam::{ACCOUNT}:{self.kind}/{ATTACKER}"
        self.victim = f"arn:aws:iam::{ACCOUNT}:{method.target or 'role'}/{VICTIM}"
        self.holder = f"arn:aws:any:eu-west-1:{ACCOUNT}:thing/1" if method.holder else ""

    def statements(self, without: str = "", condition: Any = None) -> list[dict[str, Any]]:
        """The permissions that the method needs and no more; without one action, or with a condition on it."""
        found = []
        for need in self.method.needs:
            if need.action != without:
                found.append(allow(need.action, self.resource(need.place, need.action)))
        if self.method.passes and without != "iam:PassRole":
            passed = {"StringEquals": {"iam:PassedToService": self.method.passes}}
            found.append(allow("iam:PassRole", self.victim, Condition=passed))
        if condition:
            first = found[0]
            found[0] = {**first, "Condition": {**first.get("Condition", {}), **condition}}
        return found

    def resource(self, place: str, action: str) -> Any:
        provider = PROVIDERS["SAML" if "SAML" in action else "Open"]
        return {
            "any": "*",
            "self": self.arn,
            "own-policy": POLICY,
            "own-group": f"arn:aws:iam::{ACCOUNT}:group/team",
            "target": self.victim,
            "target-policy": POLICY,
            "holder": self.holder,
            "provider": provider,
        }[place]

    def assets(self, statements: list[dict[str, Any]], limits: dict[str, Any] | None = None) -> Iterator[Any]:
        places = {need.place for need in self.method.needs}
        config: dict[str, Any] = dict(limits or {})
        if self.kind == "user":
            config["GroupList"] = ["team"]
        if "own-policy" in places:
            config |= attached(POLICY)
        if self.method.gives == "unbounded":
            config = {**bounded(f"arn:aws:iam::{ACCOUNT}:policy/bound"), **config}
            yield managed("bound", *statements)
            statements = [allow("*")]
        make = user if self.kind == "user" else role
        trusts = {} if self.kind == "user" else {"trusts": {"Service": "ec2.amazonaws.com"}}
        yield make(ATTACKER, *statements, **trusts, **config)
        yield group("team")
        yield managed("worn", allow("ec2:Describe*"))
        yield from self._victim(places)
        if self.method.holder:
            yield self._holder()

    def _victim(self, places: set[str]) -> Iterator[Any]:
        method = self.method
        if not method.target:
            return
        rights = [] if method.gives == "target-self" else [allow("*")]
        config = attached(POLICY) if "target-policy" in places else {}
        if method.inactive_key:
            config["CredentialReport"] = {"access_key_1_active": "false", "access_key_1_last_rotated": "2025-01-01"}
        if method.target == "group":
            yield group(VICTIM, *rights)
        elif method.target == "user":
            yield user(VICTIM, *rights, **config)
        else:
            yield role(VICTIM, *rights, trusts=self._trust(places), **config)
        yield profile_asset("p", VICTIM)

    def _trust(self, places: set[str]) -> dict[str, Any]:
        if "provider" in places:
            saml = any("SAML" in need.action for need in self.method.needs)
            action = "sts:AssumeRoleWithSAML" if saml else "sts:AssumeRoleWithWebIdentity"
            return trust({"Federated": PROVIDERS["SAML" if saml else "Open"]}, action)
        if self.method.federated:
            return trust({"Federated": self.method.passes}, "sts:AssumeRoleWithWebIdentity")
        if self.method.passes:
            return trust({"Service": self.method.passes})
        return trust({"AWS": ACCOUNT} if self.method.assumes != "rewritten" else {"Service": "ec2.amazonaws.com"})

    def _holder(self) -> Asset:
        kind, path = self.method.holder or ("", "")
        runs_as = f"arn:aws:iam::{ACCOUNT}:instance-profile/p" if "Profile" in path else self.victim
        return Asset(self.holder, kind, ACCOUNT, "eu-west-1", nested(path.split(", ")[0], runs_as))

    def works(self, statements: list[dict[str, Any]], *more: Any, limits: dict[str, Any] | None = None) -> bool:
        """Is the method among those by which the attacker becomes an administrator?"""
        found = escalations(estate(inventory(*self.assets(statements, limits), *more)))
        edges = [edge for each in found if each.principal == self.arn for edge in (each.chain[0], *each.others)]
        return self.method.id in [edge.method.id for edge in edges]


def nested(path: str, value: str) -> dict[str, Any]:
    key, _, rest = path.partition(".")
    inner: Any = nested(rest, value) if rest else value
    return {key.removesuffix("[]"): [inner] if key.endswith("[]") else inner}


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.id)
def test_every_method_leads_to_an_administrator_by_steps_that_replay(method: Method) -> None:
    twin = Twin(method)
    assets = inventory(*twin.assets(twin.statements()))
    found = estate(assets)
    (escalation,) = (each for each in escalations(found) if each.principal == twin.arn)
    edges = {edge.method.id: edge for edge in (escalation.chain[0], *escalation.others)}
    assert method.id in edges
    edge = edges[method.id]
    assert edge.outcome is Outcome.ALLOWED
    assert {step.witness.action for step in edge.steps} >= set(method.actions)
    for step in edge.steps:
        assert step.answer.allowed
        if step.witness.principal.arn == twin.arn:
            identity, asset = found.identities[twin.arn], asset_of(found, step.witness.resource)
            policies, _ = policies_over(found, identity, asset, step.witness.account)
            assert decide(step.witness, policies).allowed


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.id)
def test_every_method_is_stopped_by_one_thing(method: Method) -> None:
    twin = Twin(method)
    for action in method.actions:
        assert not twin.works(twin.statements(without=action)), f"works without {action}"
    wrong = {"StringEquals": {"aws:PrincipalAccount": OTHER}}
    assert not twin.works(twin.statements(condition=wrong)), "works under a condition that is never met"
    action = method.needs[0].action
    denied = deny(action, Condition={"ArnEquals": {"aws:PrincipalArn": twin.arn}})
    scps = organization(OTHER, ACCOUNT, scps={"ou-1": [denied]})
    assert not twin.works(twin.statements(), scps), "works against a service control policy"
    limit = managed("limit", allow("*"), deny(action))
    bound = bounded(f"arn:aws:iam::{ACCOUNT}:policy/limit")
    assert not twin.works(twin.statements(), limit, limits=bound), "works beyond a boundary"


def test_every_action_that_a_method_needs_exists() -> None:
    wanted = {action for method in methods() for action in method.actions}
    assert sorted(action for action in wanted if action not in actions_of(action.partition(":")[0])) == []


def test_there_are_enough_methods_of_every_kind() -> None:
    assert len(methods()) >= 65
    assert {method.category for method in methods()} == set(CATEGORIES)
    assert len({method.id for method in methods()}) == len(methods())
    assert all(method.how.endswith(".") for method in methods())


def test_chains_of_several_links() -> None:
    assets = [
        user("ann", allow("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/bob")),
        user("bob", allow("lambda:UpdateFunctionCode")),
        role("deploy", allow("sts:AssumeRole"), trusts={"Service": "lambda.amazonaws.com"}),
        role("admin", allow("*"), trusts={"AWS": f"arn:aws:iam::{ACCOUNT}:role/deploy"}),
        Asset(
            f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f",
            "AWS::Lambda::Function",
            ACCOUNT,
            "eu-west-1",
            {"Role": f"arn:aws:iam::{ACCOUNT}:role/deploy"},
        ),
    ]
    found = {each.principal.rpartition("/")[2]: each for each in escalations(estate(inventory(*assets)))}
    assert [edge.method.id for edge in found["ann"].chain] == [
        "access_key_made",
        "lambda_code_replaced",
        "role_assumed",
    ]
    assert set(found) == {"ann", "bob", "deploy"}


def test_an_older_version_must_allow_more() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/mine"
    ann = user("ann", allow("iam:SetDefaultPolicyVersion", arn), **attached(arn))
    wide = managed("mine", allow("s3:*"))
    narrow = managed("mine", allow("s3:*"))
    narrow.config["PolicyVersionList"][0]["Document"] = document(allow("ec2:*"))
    assert [each.chain[0].method.id for each in escalations(estate(inventory(ann, wide)))] == [
        "own_policy_version_switched"
    ]
    assert escalations(estate(inventory(ann, narrow))) == []


def test_a_holder_by_what_it_is_made_from() -> None:
    arn = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:"
    definition = Asset(
        f"{arn}task-definition/web:1",
        "AWS::ECS::TaskDefinition",
        ACCOUNT,
        "eu-west-1",
        {"taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/admin"},
    )
    task = Asset(f"{arn}task/c/1", "AWS::ECS::Task", ACCOUNT, "eu-west-1", {"taskDefinitionArn": definition.uid})
    ann = user("ann", allow(["ecs:ExecuteCommand", "ecs:DescribeTasks"]))
    admin = role("admin", allow("*"), trusts={"Service": "ecs-tasks.amazonaws.com"})
    (found,) = escalations(estate(inventory(ann, admin, task, definition)))
    assert [(edge.method.id, edge.holder) for edge in found.chain] == [("ecs_container_entered", task.uid)]


def test_conditions_on_the_way_are_told() -> None:
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"
    found = escalations(estate(inventory(user("ann", allow("iam:PutUserPolicy", arn, Condition=mfa)))))
    assert [(each.outcome, each.chain[0].conditions) for each in found] == [
        (Outcome.CONDITIONAL, ("aws:MultiFactorAuthPresent = true",))
    ]


def test_a_boundary_holds_what_one_gives_oneself() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"
    bound = managed("bound", allow(["iam:PutUserPolicy", "s3:*"]))
    limited = user("ann", allow("iam:PutUserPolicy", arn), **bounded(bound.uid))
    assert escalations(estate(inventory(limited, bound))) == []


def test_administrators_are_those_who_change_everybody() -> None:
    assets = inventory(
        user("all", allow("*")),
        user("iam", allow("iam:*")),
        user("limited", allow("iam:*", f"arn:aws:iam::{ACCOUNT}:user/a*")),
        user("mfa", allow("*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
    )
    assert [arn.rpartition("/")[2] for arn in administrators(estate(assets))] == ["all", "iam"]

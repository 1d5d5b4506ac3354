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
    instance,
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
from sakimori.assess.access.estate import INSTANCE, asset_of, estate
from sakimori.assess.access.holders import DEPLOYED
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
        self.name = (method.below if method.alone else "") + ATTACKER
        self.victims_name = ("" if method.alone else method.below) + VICTIM
        self.arn = f"arn:aws:iam::{ACCOUNT}:{self.kind}/{self.name}"
        self.victim = f"arn:aws:iam::{ACCOUNT}:{method.target or 'role'}/{self.victims_name}"
        self.holder = f"arn:aws:any:eu-west-1:{ACCOUNT}:thing/1" if method.holder else ""
        self.held, self.profile = True, method.profile or bool(method.holder)
        self.trusts: dict[str, Any] | None = None

    def statements(self, without: str = "", on: str = "", condition: Any = None) -> list[dict[str, Any]]:
        """The permissions that the method needs and no more; without one action, or with a condition `on` it."""
        found = []
        for need in self.method.needs:
            if need.action != without:
                found.append(allow(need.action, self.resource(need.place, need.action)))
        if "iam:PassRole" in self.method.actions and without != "iam:PassRole":
            passed = {"StringEquals": {"iam:PassedToService": self.method.passes}}
            found.append(allow("iam:PassRole", self.victim, Condition=passed))
        for each in found:
            if each["Action"] == on:
                operators = each.get("Condition", {})
                both = {name: {**operators.get(name, {}), **keys} for name, keys in condition.items()}
                each["Condition"] = {**operators, **both}
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
            "new": f"arn:aws:iam::{ACCOUNT}:{self.method.makes}/of-{ATTACKER}-*",
            "script-document": "arn:aws:ssm:*::document/AWS-RunShellScript",
        }[place]

    def assets(self, statements: list[dict[str, Any]], limits: dict[str, Any] | None = None) -> Iterator[Any]:
        places = {need.place for need in self.method.needs}
        config: dict[str, Any] = dict(limits or {})
        worn, team, own = [allow("ec2:Describe*")], [], statements
        if "own-policy" in places:
            config |= attached(POLICY)
        if self.method.gives == "unbounded":
            config = {**bounded(f"arn:aws:iam::{ACCOUNT}:policy/bound"), **config}
            yield managed("bound", *statements)
            own = [allow("*")]
        if self.method.gives == "undenied":
            own, worn, team, more = self._denied(statements)
            yield managed("mine", *more)
            config |= attached(
                f"arn:aws:iam::{ACCOUNT}:policy/mine", *([POLICY] if self.method.removes == "attached" else [])
            )
        if self.kind == "user":
            config["GroupList"] = ["team"]
        make = user if self.kind == "user" else role
        trusts = {} if self.kind == "user" else {"trusts": {"Service": "ec2.amazonaws.com"}}
        yield make(self.name, *own, **trusts, **config)
        in_team = self.method.removes == "group-attached"
        yield group("team", *team, **(attached(POLICY) if in_team else {}))
        yield managed("worn", *worn)
        yield from self._victim(places)
        if self.method.holder and self.held:
            yield from self._holder()

    def _denied(self, statements: list[dict[str, Any]]) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Own inline statements, those of the policy worn, those of the team, and the rest: one of the first three
        denies all but the method."""
        elsewhere = {"NotAction": [*self.method.actions], "Resource": "*"}
        denial = [{"Effect": "Deny", **elsewhere}]
        more = [*statements, {"Effect": "Allow", **elsewhere}]
        removes = self.method.removes
        return (
            denial if removes == "inline" else [],
            denial if removes in ("attached", "group-attached") else [],
            denial if removes in ("group", "group-inline") else [],
            more,
        )

    def _victim(self, places: set[str]) -> Iterator[Any]:
        method = self.method
        if not method.target:
            return
        rights = [] if method.gives in ("target-self", "group-self") else [allow("*")]
        config = attached(POLICY) if "target-policy" in places else {}
        if method.inactive_key:
            config["CredentialReport"] = {"access_key_1_active": "false", "access_key_1_last_rotated": "2025-01-01"}
        if method.target == "group":
            yield group(VICTIM, *rights, **config)
        elif method.target == "user":
            yield user(VICTIM, *rights, **config)
        else:
            yield role(self.victims_name, *rights, trusts=self._trust(places), **config)
        if self.profile:
            yield profile_asset("p", self.victims_name)

    def _trust(self, places: set[str]) -> dict[str, Any]:
        if self.trusts:
            return trust(self.trusts)
        if "provider" in places:
            saml = any("SAML" in need.action for need in self.method.needs)
            action = "sts:AssumeRoleWithSAML" if saml else "sts:AssumeRoleWithWebIdentity"
            return trust({"Federated": PROVIDERS["SAML" if saml else "Open"]}, action)
        if self.method.federated:
            return trust({"Federated": self.method.passes}, "sts:AssumeRoleWithWebIdentity")
        if self.method.passes:
            return trust({"Service": self.method.passes})
        return trust({"AWS": ACCOUNT} if self.method.assumes != "rewritten" else {"Service": "ec2.amazonaws.com"})

    def _holder(self) -> Iterator[Asset]:
        kind, path = self.method.holder or ("", "")
        runs_as = f"arn:aws:iam::{ACCOUNT}:instance-profile/p" if "Profile" in path else self.victim
        first, _, rest = path.split(", ")[0].partition(" -> ")
        if first == DEPLOYED:
            config = {"ec2TagFilters": [{"Key": "app", "Type": "KEY_ONLY"}]}
            yield Asset(f"{self.holder}0", INSTANCE, ACCOUNT, "eu-west-1", nested(rest, runs_as), {"app": "web"})
        else:
            config = nested(first, runs_as)
        yield Asset(self.holder, kind, ACCOUNT, "eu-west-1", config)

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


EVERY = pytest.mark.parametrize("method", methods(), ids=lambda method: method.id)


@EVERY
def test_a_permission_that_is_missing_stops_a_method(method: Method) -> None:
    twin = Twin(method)
    for action in method.actions:
        assert not twin.works(twin.statements(without=action)), action


@EVERY
def test_a_condition_that_is_never_met_stops_a_method(method: Method) -> None:
    twin = Twin(method)
    wrong = {"StringEquals": {"aws:PrincipalAccount": OTHER}}
    for action in method.actions:
        assert not twin.works(twin.statements(on=action, condition=wrong)), action
    right = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
    assert twin.works(twin.statements(on=method.actions[0], condition=right))


@EVERY
def test_a_boundary_stops_a_method(method: Method) -> None:
    twin = Twin(method)
    bound = bounded(f"arn:aws:iam::{ACCOUNT}:policy/limit")
    for action in method.actions:
        assert not twin.works(twin.statements(), managed("limit", allow("*"), deny(action)), limits=bound), action
        others = {"Effect": "Allow", "NotAction": action, "Resource": "*"}
        assert not twin.works(twin.statements(), managed("limit", others), limits=bound), f"{action}, not allowed"


@EVERY
def test_a_service_control_policy_stops_a_method(method: Method) -> None:
    twin = Twin(method)
    attacker = {"ArnEquals": {"aws:PrincipalArn": twin.arn}}
    for action in method.actions:
        scps = organization(OTHER, ACCOUNT, scps={"ou-1": [deny(action, Condition=attacker)]})
        assert not twin.works(twin.statements(), scps), action
    elsewhere = organization(OTHER, ACCOUNT, scps={OTHER: [deny("*")]})
    assert twin.works(twin.statements(), elsewhere), "of another account"


@pytest.mark.parametrize("method", [each for each in methods() if each.passes], ids=lambda method: method.id)
def test_a_role_that_does_not_trust_the_service_stops_a_method(method: Method) -> None:
    twin = Twin(method)
    twin.trusts = {"Service": "another.amazonaws.com"}
    assert not twin.works(twin.statements())


@pytest.mark.parametrize("method", [each for each in methods() if each.profile], ids=lambda method: method.id)
def test_a_role_in_no_instance_profile_stops_a_method_that_needs_one(method: Method) -> None:
    twin = Twin(method)
    twin.profile = False
    assert not twin.works(twin.statements())


@pytest.mark.parametrize("method", [each for each in methods() if each.holder], ids=lambda method: method.id)
def test_nothing_that_runs_under_the_role_stops_a_method_that_needs_it(method: Method) -> None:
    twin = Twin(method)
    twin.held = False
    assert not twin.works(twin.statements())


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


def found_by(*assets: Any) -> list[tuple[str, str]]:
    """Who becomes an administrator, and by which methods at first."""
    found = []
    for each in escalations(estate(inventory(*assets))):
        edges = (each.chain[0], *each.others)
        found += [(each.principal.rpartition("/")[2], edge.method.id) for edge in edges]
    return found


BOUND = f"arn:aws:iam::{ACCOUNT}:policy/bound"
UNDER_BOUND = {"StringEquals": {"iam:PermissionsBoundary": BOUND}}


def test_rights_that_are_delegated_below_a_boundary_lead_nowhere() -> None:
    """ "Delegating responsibility to others using permissions boundaries" (IAM user guide)."""
    making = ["iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"]
    ann = user("ann", allow(making[:3], Condition=UNDER_BOUND), allow("sts:AssumeRole"))
    bound = managed("bound", allow("s3:*"))
    assert found_by(ann, bound, role("free"), role("held", **bounded(BOUND))) == []
    assert found_by(user("ann", allow(making[:2])), bound) == [("ann", "role_created")]
    wide = managed("bound", allow("*"))
    assert found_by(ann, wide, role("held", **bounded(BOUND))) == [
        ("ann", "assumable_role_given_policy"),
        ("ann", "assumable_role_given_inline_policy"),
    ]


def test_what_may_be_attached_counts() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"

    def only(policy: str) -> Asset:
        return user("ann", allow("iam:AttachUserPolicy", arn, Condition={"ArnEquals": {"iam:PolicyARN": policy}}))

    ours = managed("all", allow("*"))
    assert found_by(only("arn:aws:iam::aws:policy/ReadOnlyAccess")) == []
    assert found_by(only("arn:aws:iam::aws:policy/AdministratorAccess")) == [("ann", "policy_attached_to_own_user")]
    assert found_by(only(ours.uid), ours) == [("ann", "policy_attached_to_own_user")]
    assert found_by(only(ours.uid), managed("all", allow("s3:*"))) == []


def test_a_boundary_must_be_replaced_by_a_wide_one() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"
    replacing = managed("limit", allow("iam:PutUserPermissionsBoundary", arn, Condition=UNDER_BOUND))
    ann = user("ann", allow("*"), **bounded(replacing.uid))
    assert found_by(ann, replacing, managed("bound", allow("s3:*"))) == []
    assert found_by(ann, replacing, managed("bound", allow("*"))) == [("ann", "own_user_boundary_replaced")]


def test_what_is_made_must_be_one_thing_for_every_need() -> None:
    def making(role_: str, policy: str) -> Asset:
        arn = f"arn:aws:iam::{ACCOUNT}:role/"
        return user("ann", allow("iam:CreateRole", arn + role_), allow("iam:PutRolePolicy", arn + policy))

    assert found_by(making("dev-*", "ops-*")) == []
    assert found_by(making("dev-*", "*-ops")) == [("ann", "role_created_with_inline_policy")]


def test_a_command_needs_a_document_that_runs_it() -> None:
    machine = f"arn:aws:ec2:*:{ACCOUNT}:instance/*"
    updating, running = (f"arn:aws:ssm:*::document/{name}" for name in ("AWS-UpdateSSMAgent", "AWS-RunShellScript"))
    admin = role("admin", allow("*"), trusts={"Service": "ec2.amazonaws.com"})
    there = (admin, profile_asset("web", "admin"), instance("i-1", "web"))
    assert found_by(user("ann", allow("ssm:SendCommand", [machine, updating])), *there) == []
    assert found_by(user("ann", allow("ssm:SendCommand", [machine, running])), *there) == [("ann", "ssm_command_sent")]


def test_a_functions_own_policy_may_let_its_code_be_replaced() -> None:
    ann = user("ann")
    admin = role("admin", allow("*"), trusts={"Service": "lambda.amazonaws.com"})
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"
    statement = allow("lambda:UpdateFunctionCode", arn, Principal={"AWS": ann.uid})
    config = {"Role": admin.uid, "Policy": document(statement)}
    function = Asset(arn, "AWS::Lambda::Function", ACCOUNT, "eu-west-1", config)
    assert found_by(ann, admin, function) == [("ann", "lambda_code_replaced")]


def test_a_link_that_is_unknown_is_told_where_there_is_no_other_way() -> None:
    secret = managed("secret", allow("*"))
    secret.config["PolicyVersionList"] = []
    ann = user("ann", **attached(secret.uid))
    admin = role("admin", allow("*"), trusts={"AWS": ACCOUNT})
    (found,) = escalations(estate(inventory(ann, secret, admin)))
    assert (found.outcome, [edge.method.id for edge in found.chain]) == (Outcome.UNKNOWN, ["role_assumed"])
    better = user("ann", allow("iam:PutUserPolicy"), **attached(secret.uid))
    (found,) = escalations(estate(inventory(better, secret, admin)))
    assert (found.outcome, found.chain[0].method.id) == (Outcome.ALLOWED, "policy_written_into_own_user")


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

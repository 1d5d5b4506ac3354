"""Chains of privilege escalation, and what makes a use of a method one that works."""

from __future__ import annotations

from typing import Any

from estates import (
    ACCOUNT,
    OTHER,
    allow,
    attached,
    bounded,
    document,
    instance,
    inventory,
    managed,
    role,
    trust,
    user,
)
from estates import profile as profile_asset
from sakimori.assess.access.administrators import administrators
from sakimori.assess.access.escalation import escalations
from sakimori.assess.access.estate import estate
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.asset import Asset


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


def test_a_service_asks_for_the_account_that_the_role_is_in() -> None:
    def trusting(account: str) -> Asset:
        condition = {"StringEquals": {"aws:SourceAccount": account}}
        return role("admin", allow("*"), trusts=trust({"Service": "lambda.amazonaws.com"}, Condition=condition))

    ann = user("ann", allow(["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]))
    (found,) = escalations(estate(inventory(ann, trusting(ACCOUNT))))
    assert (found.outcome, found.chain[0].method.id) == (Outcome.ALLOWED, "lambda_created_and_invoked")
    assert escalations(estate(inventory(ann, trusting(OTHER)))) == []


def test_a_service_by_the_name_that_it_has_in_china() -> None:
    def chinese(asset: Asset) -> Asset:
        config = {**asset.config, "Arn": asset.uid.replace("arn:aws:", "arn:aws-cn:")}
        return Asset(config["Arn"], asset.type, asset.account, asset.region, config, asset.tags, asset.name)

    ann = user("ann", allow(["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:CreateService"]))
    admin = role("admin", allow("*"), trusts={"Service": "ecs-tasks.amazonaws.com.cn"})
    (found,) = escalations(estate(inventory(chinese(ann), chinese(admin))))
    assert found.chain[0].method.id == "ecs_service_created"
    assert escalations(estate(inventory(ann, admin))) == []


def test_needs_of_one_thing_must_be_about_one() -> None:
    admin = role("admin", allow("*"), trusts={"Service": "lambda.amazonaws.com"})

    def making(created: str, invoked: str) -> Asset:
        arn = f"arn:aws:lambda:*:{ACCOUNT}:function:"
        return user(
            "ann",
            allow("iam:PassRole"),
            allow("lambda:CreateFunction", arn + created),
            allow("lambda:InvokeFunction", arn + invoked),
        )

    assert found_by(making("dev-*", "prod-*"), admin) == []
    assert found_by(making("dev-*", "*-api"), admin) == [("ann", "lambda_created_and_invoked")]
    (found,) = escalations(estate(inventory(making("dev-*", "*-api"), admin)))
    about = {step.witness.resource for step in found.chain[0].steps if step.witness.action.startswith("lambda:")}
    assert len(about) == 1

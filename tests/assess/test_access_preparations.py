"""Ways of privilege escalation that begin with a preparation: what one gains by it is not everything, but leads on."""

from __future__ import annotations

from typing import Any

from estates import ACCOUNT, allow, attached, bounded, document, group, inventory, managed, role, user
from sakimori.assess.access.edges import best_of, outcome_of
from sakimori.assess.access.escalation import escalations
from sakimori.assess.access.estate import estate
from sakimori.assess.access.preparations import MOST
from sakimori.assess.access.replay import replayed
from sakimori.assess.access.symbolic import Outcome
from sakimori.model.asset import Asset

ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"


def chains(*assets: Any) -> dict[str, list[str]]:
    """The methods of each chain, by who is on it; evaluated again, each step is allowed as it was."""
    there = estate(inventory(*assets))
    found = escalations(there)
    assert all(answer.allowed for each in found for _, answer in replayed(there, each.to_json()))
    return {each.principal.rpartition("/")[2]: [edge.method.id for edge in each.chain] for each in found}


def versions(older: dict[str, Any], *now: dict[str, Any]) -> Asset:
    """The managed policy `mine`, with what an older version of it said."""
    mine = managed("mine", *(now or [allow("s3:*")]))
    mine.config["PolicyVersionList"][0]["Document"] = document(older)
    return mine


def joining(name: str = "*") -> dict[str, Any]:
    return allow("iam:AddUserToGroup", f"arn:aws:iam::{ACCOUNT}:group/{name}")


def test_a_group_whose_rights_lead_on_is_joined() -> None:
    devs = group("devs", allow("iam:PutUserPolicy", ANN))
    assert chains(user("ann", joining()), devs) == {"ann": ["joined_a_group", "policy_written_into_own_user"]}
    assert chains(user("ann", joining("ops")), devs) == {}
    assert chains(user("ann", joining()), group("devs", allow("s3:*"))) == {}
    assert chains(user("ann", joining()), group("devs")) == {}


def test_a_role_is_assumed_with_what_was_prepared() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/admin"
    admin = role("admin", allow("*"), trusts={"AWS": ACCOUNT})
    devs = group("devs", allow("sts:AssumeRole", arn))
    assert chains(user("ann", joining()), devs, admin) == {"ann": ["joined_a_group", "role_assumed"]}
    elsewhere = role("admin", allow("*"), trusts={"Service": "ec2.amazonaws.com"})
    assert chains(user("ann", joining()), devs, elsewhere) == {}


def test_a_boundary_that_is_put_off_uncovers_what_leads_on() -> None:
    limit = managed("limit", allow("iam:DeleteUserPermissionsBoundary"))
    own = allow(["iam:DeleteUserPermissionsBoundary", "iam:AttachUserPolicy"], ANN)
    assert chains(user("ann", own, **bounded(limit.uid)), limit) == {
        "ann": ["own_user_boundary_removed", "policy_attached_to_own_user"]
    }


def test_everything_below_a_boundary_may_still_lead_on() -> None:
    limit = managed("limit", allow(["iam:PutUserPolicy", "iam:CreateAccessKey"]))
    own = allow("iam:PutUserPolicy", ANN)
    root = user("root", allow("*"))
    assert chains(user("ann", own, **bounded(limit.uid)), limit, root) == {
        "ann": ["policy_written_into_own_user", "access_key_made"]
    }
    assert chains(user("ann", own, **bounded(limit.uid)), managed("limit", allow("iam:PutUserPolicy")), root) == {}


def test_an_older_version_may_lead_on() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/mine"
    mine = versions(allow("iam:PutUserPolicy", ANN))
    ann = user("ann", allow("iam:SetDefaultPolicyVersion", arn), **attached(arn))
    assert chains(ann, mine) == {"ann": ["own_policy_version_switched", "policy_written_into_own_user"]}


def test_what_the_default_version_said_is_gone_with_it() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/mine"
    admin = role("admin", allow("*"), trusts={"Service": "lambda.amazonaws.com"})
    creating = allow(["lambda:CreateFunction", "lambda:InvokeFunction"])
    ann = user("ann", allow("iam:SetDefaultPolicyVersion", arn), **attached(arn))
    assert chains(ann, versions(allow("iam:PassRole"), creating), admin) == {}
    both = versions(allow(["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]))
    assert chains(ann, both, admin) == {"ann": ["own_policy_version_switched", "lambda_created_and_invoked"]}


def test_two_preparations_are_tried_and_no_more() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/mine"
    mine = versions(allow("iam:PutUserPolicy", ANN))
    devs = group("devs", allow("iam:SetDefaultPolicyVersion", arn))
    ann = user("ann", joining("devs"), **attached(arn))
    three = ["joined_a_group", "own_policy_version_switched", "policy_written_into_own_user"]
    assert chains(ann, mine, devs) == {"ann": three}
    assert len(three) == MOST + 1


def test_whoever_needs_no_preparation_is_told_without() -> None:
    devs = group("devs", allow("iam:PutUserPolicy", ANN))
    ann = user("ann", joining(), allow("iam:AttachUserPolicy", ANN))
    assert chains(ann, devs) == {"ann": ["policy_attached_to_own_user"]}


def test_others_get_on_to_whom_a_preparation_led() -> None:
    devs = group("devs", allow("iam:PutUserPolicy", ANN))
    bob = user("bob", allow("iam:CreateAccessKey", ANN))
    assert chains(user("ann", joining("devs")), bob, devs)["bob"] == [
        "access_key_made",
        "joined_a_group",
        "policy_written_into_own_user",
    ]


def test_a_role_that_was_filled_up_must_be_got_at() -> None:
    worker = role("worker", trusts={"Service": "lambda.amazonaws.com"})
    filling = allow("iam:PutRolePolicy", worker.uid)
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"
    function = Asset(arn, "AWS::Lambda::Function", ACCOUNT, "eu-west-1", {"Role": worker.uid})
    ann = user("ann", filling, allow("lambda:UpdateFunctionCode", arn))
    assert chains(ann, worker, function) == {"ann": ["role_given_inline_policy_and_used", "lambda_code_replaced"]}
    assert chains(user("ann", filling), worker, function) == {}
    limit = managed("limit", allow("s3:*"))
    held = role("worker", trusts={"Service": "lambda.amazonaws.com"}, **bounded(limit.uid))
    assert chains(ann, held, function, limit) == {}, "its boundary holds what is put into it"
    making = user("ann", filling, allow(["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]))
    assert chains(making, worker) == {"ann": ["role_given_inline_policy_and_used", "lambda_created_and_invoked"]}


def test_a_password_for_a_repository_is_good_for_what_its_user_may_do_there() -> None:
    bob_arn = f"arn:aws:iam::{ACCOUNT}:user/bob"
    ann = user("ann", allow("iam:CreateServiceSpecificCredential", bob_arn))
    builder = role("builder", allow("*"), trusts={"Service": "codebuild.amazonaws.com"})
    source = {"type": "CODECOMMIT", "location": "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/web"}
    config = {"source": source, "serviceRole": builder.uid}
    arn = f"arn:aws:codebuild:eu-west-1:{ACCOUNT}:project/web"
    project = Asset(arn, "AWS::CodeBuild::Project", ACCOUNT, "eu-west-1", config)
    pushing = user("bob", allow("codecommit:GitPush"))
    assert chains(ann, pushing, builder, project)["ann"] == ["service_credential_made", "build_repository_pushed_to"]
    changing = user("bob", allow("codebuild:UpdateProject"))
    assert "ann" not in chains(ann, changing, builder, project), "it is no key for other services"
    assert chains(ann, user("bob", allow("*"))) == {}, "not even an administrator's"


def test_the_best_way_is_the_surest_and_then_the_shortest() -> None:
    devs = group("devs", allow("iam:PutUserPolicy", ANN))
    mfa = allow("iam:AddUserToGroup", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    (found,) = escalations(estate(inventory(user("ann", mfa), devs)))
    assert found.outcome is Outcome.CONDITIONAL
    one, two = found.chain
    assert [outcome_of((one,)), outcome_of((two,)), outcome_of((one, two))] == [
        Outcome.CONDITIONAL,
        Outcome.ALLOWED,
        Outcome.CONDITIONAL,
    ]
    assert best_of([(one, two), (two, two), (two,)]) == (two,)
    assert best_of([]) is None

"""What the inventory settles of a request's context, and what it leaves open."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, STRANGE, allow, bounded, bucket, inventory, key, role, user
from sakimori.assess.access.callers import session_of
from sakimori.assess.access.context import known_context, limits
from sakimori.assess.access.estate import Estate, Identity, estate
from sakimori.assess.access.questions import who_can
from sakimori.model.asset import Asset

ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
BOUND = f"arn:aws:iam::{ACCOUNT}:policy/bound"
TAGS = [{"Key": "Team", "Value": "blue"}]


def found_with(*assets: Asset) -> tuple[Estate, Identity]:
    found = estate(inventory(user("ann", Tags=TAGS), *assets))
    return found, found.identities[ANN]


def outcomes(found: Estate, action: str, resource: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {row.principal: (row.outcome.value, row.conditions) for row in who_can(found, action, resource).rows}


@pytest.mark.parametrize(
    ("kind", "prefixes"),
    [
        ("AWS::EC2::Instance", ("aws:resourcetag/", "ec2:resourcetag/", "ssm:resourcetag/")),
        ("AWS::IAM::ManagedPolicy", ("aws:resourcetag/", "iam:resourcetag/")),
        ("AWS::SQS::Queue", ("aws:resourcetag/",)),
        ("AWS::S3::Bucket", ()),
    ],
)
def test_the_tags_of_a_resource_by_every_key_that_holds_them(kind: str, prefixes: tuple[str, ...]) -> None:
    asset = Asset("arn:aws:x:eu-west-1:1:y", kind, ACCOUNT, "eu-west-1", {}, {"Env": "prod"})
    found, ann = found_with(asset)
    context = known_context(found, ann, asset, ACCOUNT)
    tags = {name: values for name, values in context.items() if "resourcetag" in name}
    assert tags == {f"{prefix}env": ("prod",) for prefix in prefixes}
    absent = limits(found, ann, asset).absent
    assert [absent(f"{prefix}other") for prefix in prefixes] == [True] * len(prefixes)
    assert absent("aws:resourcetag/other") is bool(prefixes), "whether S3 heeds a bucket's tags is not known"


def test_a_users_tags_are_all_it_has_and_a_roles_sessions_may_bring_others() -> None:
    found, ann = found_with(role("app", Tags=TAGS))
    app = found.identities[f"arn:aws:iam::{ACCOUNT}:role/app"]
    assert known_context(found, ann, None, "")["aws:principaltag/team"] == ("blue",)
    assert limits(found, ann, None).absent("aws:principaltag/other")
    assert not limits(found, app, None).absent("aws:principaltag/other")


@pytest.mark.parametrize(
    ("action", "config", "known", "open_"),
    [
        ("iam:AttachRolePolicy", bounded(BOUND), (BOUND,), False),
        ("iam:AttachRolePolicy", {}, None, False),
        ("iam:PutRolePermissionsBoundary", bounded(BOUND), None, True),
        ("iam:CreateRole", {}, None, True),
        ("iam:UpdateAssumeRolePolicy", bounded(BOUND), None, False),
        ("s3:GetObject", bounded(BOUND), None, False),
    ],
)
def test_the_boundary_key_is_the_one_that_is_there_or_the_one_that_is_asked_for(
    action: str, config: dict[str, Any], known: tuple[str, ...] | None, open_: bool
) -> None:
    app = role("app", **config)
    found, ann = found_with(app)
    assert known_context(found, ann, app, ACCOUNT, action).get("iam:permissionsboundary") == known
    if known is None:
        assert limits(found, ann, app, action).absent("iam:permissionsboundary") is not open_


def test_an_aws_managed_key_is_for_its_own_account_alone() -> None:
    of_account = {"StringEquals": {"kms:CallerAccount": ACCOUNT}}
    managed_key = key("1", allow("kms:Decrypt", Principal={"AWS": "*"}, Condition=of_account))
    found, _ = found_with(managed_key)
    assert {principal.split(":")[4] for principal in outcomes(found, "kms:Decrypt", managed_key.uid)} == {ACCOUNT}


def test_keys_that_every_request_has_are_never_taken_to_be_absent() -> None:
    no_clock = {"Null": {"aws:CurrentTime": "true"}}
    nobody = {"Null": {"aws:PrincipalArn": "true"}}
    files = bucket("files", allow("s3:GetObject", "arn:aws:s3:::files/*", Principal="*", Condition=no_clock))
    found, ann = found_with(files)
    assert f"arn:aws:iam::{STRANGE}:user/anybody" not in outcomes(found, "s3:GetObject", "arn:aws:s3:::files/*")
    assert set(outcomes(found, "s3:GetObject", "arn:aws:s3:::files/*")) == {f"arn:aws:iam::{ACCOUNT}:root"}
    files = bucket("files", allow("s3:GetObject", "arn:aws:s3:::files/*", Principal="*", Condition=nobody))
    found, ann = found_with(files)
    assert set(outcomes(found, "s3:GetObject", "arn:aws:s3:::files/*")) == {f"arn:aws:iam::{ACCOUNT}:root", "anonymous"}
    assert limits(found, ann, None).impossible("aws:userid", ())
    assert not limits(found, ann, None).impossible("aws:sourcevpce", ())


def test_the_user_id_of_a_session_is_its_roles_and_its_name() -> None:
    found, _ = found_with(role("app", RoleId="AROAEXAMPLE"))
    app = found.identities[f"arn:aws:iam::{ACCOUNT}:role/app"]
    session = session_of(app, f"arn:aws:sts::{ACCOUNT}:assumed-role/app/i-1")
    context = known_context(found, session, None, "")
    assert context["aws:userid"] == ("AROAEXAMPLE:i-1",)
    assert context["aws:principalarn"] == (app.arn,)
    assert "aws:userid" not in known_context(found, app, None, "")

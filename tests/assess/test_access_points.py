"""Access points of S3: the policy of the point and that of the bucket behind it must both allow."""

from __future__ import annotations

from typing import Any

import pytest

from estates import (
    ACCOUNT,
    OTHER,
    STRANGE,
    allow,
    bucket,
    deny,
    document,
    instance,
    inventory,
    managed,
    profile,
    role,
    user,
)
from sakimori.assess.access.assessment import assess
from sakimori.assess.access.engine import Response
from sakimori.assess.access.estate import estate
from sakimori.assess.access.instances import instances_that_can
from sakimori.assess.access.questions import can, who_can
from sakimori.model.asset import Asset, NotEvaluated

POINT = f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/p"
OBJECTS, FILE = f"{POINT}/object/*", f"{POINT}/object/a.csv"
OPEN = {name: False for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")}
SHUT = dict.fromkeys(OPEN, True)
DELEGATES = allow(
    "*",
    ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
    Principal="*",
    Condition={"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}},
)
READ = "s3:GetObject"
TO_ALL = allow(READ, OBJECTS, Principal="*")


def point(*statements: Any, block: Any = OPEN, **config: Any) -> Asset:
    own = {"Name": "p", "Bucket": "b", "NetworkOrigin": "Internet", "PublicAccessBlockConfiguration": block}
    policy = document(*statements) if statements else None
    return Asset(POINT, "AWS::S3::AccessPoint", ACCOUNT, "eu-west-1", {**own, "Policy": policy, **config}, {}, "p")


def response(who: str, subject: str, *assets: Asset, action: str = READ) -> str:
    arn = who if who.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:{who}"
    return can(estate(inventory(*assets)), arn, action, subject).response.value


ON_POINT, ON_BUCKET = allow(READ, OBJECTS), allow(READ, "arn:aws:s3:::b/*")


@pytest.mark.parametrize(
    ("rights", "bucket_policy", "point_policy", "expected"),
    [
        ([ON_POINT], [], [], "ImplicitlyDenied"),  # the bucket allows nothing
        ([ON_BUCKET], [], [], "ImplicitlyDenied"),  # the access point allows nothing
        ([ON_POINT, ON_BUCKET], [], [], "Allowed"),
        ([ON_POINT], [DELEGATES], [], "Allowed"),
        ([ON_BUCKET], [DELEGATES], [], "ImplicitlyDenied"),
        ([], [DELEGATES], [TO_ALL], "Allowed"),
        ([], [], [TO_ALL], "ImplicitlyDenied"),
        ([ON_BUCKET], [], [TO_ALL], "Allowed"),
        ([ON_POINT], [allow(READ, "arn:aws:s3:::b/other/*", Principal="*")], [], "ImplicitlyDenied"),
        ([ON_POINT], [allow(READ, "arn:aws:s3:::b/a*", Principal="*")], [], "Allowed"),
        ([ON_POINT, ON_BUCKET], [deny(READ, "arn:aws:s3:::b/*", Principal="*")], [], "ExplicitlyDenied"),
        ([ON_POINT, ON_BUCKET, deny(READ, "arn:aws:s3:::b/a.csv")], [], [], "ExplicitlyDenied"),
        ([ON_POINT, ON_BUCKET], [], [deny(READ, OBJECTS, Principal="*")], "ExplicitlyDenied"),
        (
            [ON_POINT, ON_BUCKET],
            [deny("s3:*", "*", Principal="*", Condition={"Null": {"s3:DataAccessPointArn": "true"}})],
            [],
            "Allowed",
        ),
    ],
)
def test_both_the_access_point_and_its_bucket_must_allow(
    rights: list[Any], bucket_policy: list[Any], point_policy: list[Any], expected: str
) -> None:
    assets = (bucket("b", *bucket_policy), point(*point_policy), user("ann", *rights))
    assert response("user/ann", FILE, *assets) == expected


def test_what_is_delegated_to_access_points_is_not_open_to_direct_requests() -> None:
    assets = (bucket("b", DELEGATES), point(), user("ann", ON_POINT))
    assert response("user/ann", "arn:aws:s3:::b/a.csv", *assets) == "ImplicitlyDenied"
    assert assess(inventory(*assets), ["public_resource", "cross_account_resource"]).findings == ()


def test_the_list_of_readers_has_those_through_access_points_and_says_so() -> None:
    found = estate(inventory(bucket("b", DELEGATES), point(TO_ALL), user("ann", ON_BUCKET), user("bob")))
    rows = {row.principal: row for row in who_can(found, READ, "arn:aws:s3:::b").rows}
    ann, bob = (rows[f"arn:aws:iam::{ACCOUNT}:user/{name}"] for name in ("ann", "bob"))
    assert (ann.outcome.value, ann.conditions) == ("Allowed", ())
    assert (bob.outcome.value, bob.conditions) == ("AllowedIf", (f"s3:DataAccessPointArn = {POINT}",))
    assert bob.witness.resource.startswith(f"{POINT}/object/")
    assert "anonymous" in rows


def test_a_public_access_point_is_found_only_where_the_bucket_and_the_blocks_let_it() -> None:
    def reported(*assets: Asset) -> list[str]:
        return [each.asset for each in assess(inventory(*assets), ["public_resource"]).findings]

    assert reported(bucket("b", DELEGATES), point(TO_ALL)) == [POINT]
    assert reported(bucket("b"), point(TO_ALL)) == []
    assert reported(bucket("b", DELEGATES), point(TO_ALL, block=SHUT)) == []
    assert reported(bucket("b", DELEGATES, PublicAccessBlockConfiguration=SHUT), point(TO_ALL)) == []
    account = Asset(
        "x", "AWS::S3::AccountPublicAccessBlock", ACCOUNT, "global", {"PublicAccessBlockConfiguration": SHUT}
    )
    assert reported(bucket("b", DELEGATES), point(TO_ALL), account) == []


def test_an_access_point_in_a_vpc_lets_in_who_asks_from_there() -> None:
    inside = point(TO_ALL, NetworkOrigin="VPC", VpcConfiguration={"VpcId": "vpc-1"})
    elsewhere = deny("*", OBJECTS, Principal="*", Condition={"StringNotEquals": {"aws:SourceVpc": "vpc-2"}})
    assert response("user/ann", FILE, bucket("b", DELEGATES), inside, user("ann")) == "Allowed"
    shut = point(TO_ALL, elsewhere, NetworkOrigin="VPC", VpcConfiguration={"VpcId": "vpc-1"})
    assert response("user/ann", FILE, bucket("b", DELEGATES), shut, user("ann")) == "ExplicitlyDenied"


def test_another_account_by_its_own_access_point_or_ours() -> None:
    stranger = f"arn:aws:iam::{STRANGE}:user/x"
    named = allow(READ, OBJECTS, Principal={"AWS": stranger})
    (finding,) = assess(inventory(bucket("b", DELEGATES), point(named)), ["cross_account_resource"]).findings
    assert (finding.asset, finding.actor) == (POINT, stranger)
    theirs = allow(
        READ, "arn:aws:s3:::b/*", Principal="*", Condition={"StringEquals": {"s3:DataAccessPointAccount": STRANGE}}
    )
    (found,) = assess(inventory(bucket("b", theirs)), ["public_resource"]).findings
    assert found.asset == "arn:aws:s3:::b"
    assert STRANGE in found.title
    neighbour = user("eve", allow(READ), account=OTHER)
    assets = (bucket("b", DELEGATES), point(allow(READ, OBJECTS, Principal={"AWS": OTHER})), neighbour)
    assert response(neighbour.uid, FILE, *assets) == "Allowed"
    assert response(neighbour.uid, FILE, bucket("b"), *assets[1:]) == "ImplicitlyDenied"


def test_a_bucket_that_is_not_known_or_whose_policy_was_refused_makes_it_unknown() -> None:
    assert response("user/ann", FILE, point(), user("ann", allow("s3:*"))) == "Unknown"
    assets = inventory(bucket("b"), point(), user("ann", allow("s3:*")))
    assets.not_evaluated.append(
        NotEvaluated("s3:GetBucketPolicy", ACCOUNT, "eu-west-1", "arn:aws:s3:::b", "AccessDenied", "no")
    )
    assert can(estate(assets), f"arn:aws:iam::{ACCOUNT}:user/ann", READ, FILE).response is Response.UNKNOWN
    assets = inventory(bucket("b"))
    assets.not_evaluated.append(NotEvaluated("s3:ListAccessPoints", ACCOUNT, "eu-west-1", "", "AccessDenied", "no"))
    (told,) = who_can(estate(assets), READ, "arn:aws:s3:::b").unknown
    assert "access points" in told


def test_variables_in_the_name_of_the_bucket_are_conditions() -> None:
    own = allow(READ, ["arn:aws:s3:::${aws:PrincipalTag/Bucket}/*", OBJECTS])
    for tag, expected in (("b", "Allowed"), ("c", "ImplicitlyDenied")):
        tagged = role("reader", own, Tags=[{"Key": "Bucket", "Value": tag}])
        assert response("role/reader", FILE, bucket("b"), point(), tagged) == expected
    home = allow(READ, ["arn:aws:s3:::b/${aws:username}/*", OBJECTS])
    assets = (bucket("b"), point(), user("ann", home))
    assert response("user/ann", f"{POINT}/object/ann/x", *assets) == "Allowed"
    assert response("user/ann", f"{POINT}/object/bob/x", *assets) == "ImplicitlyDenied"


def test_listing_through_an_access_point_is_listing_the_bucket() -> None:
    lists = allow("s3:ListBucket", ["arn:aws:s3:::b", POINT])
    assert response("user/ann", POINT, bucket("b"), point(), user("ann", lists), action="s3:ListBucket") == "Allowed"
    only = user("ann", allow("s3:ListBucket", POINT))
    assert response("user/ann", POINT, bucket("b"), point(), only, action="s3:ListBucket") == "ImplicitlyDenied"


def test_instances_reach_a_bucket_through_access_points() -> None:
    assets = [bucket("b", DELEGATES), point(), role("web", ON_POINT), profile("web", "web"), instance("i-1", "web")]
    (through,) = instances_that_can(estate(inventory(*assets)), READ, "arn:aws:s3:::b")
    assert (through.instance[-3:], through.row.conditions) == ("i-1", (f"s3:DataAccessPointArn = {POINT}",))


def test_an_access_point_of_many_regions_leads_to_each_of_its_buckets() -> None:
    uid = f"arn:aws:s3::{ACCOUNT}:accesspoint/m1.mrap"
    config = {"Alias": "m1.mrap", "Regions": [{"Bucket": "b"}, {"Bucket": "c"}], "PublicAccessBlock": OPEN}
    policy = document(allow(READ, f"{uid}/object/*", Principal="*"))
    many = Asset(uid, "AWS::S3::MultiRegionAccessPoint", ACCOUNT, "global", {**config, "Policy": policy}, {}, "m")
    for buckets, expected in (
        ([bucket("b", DELEGATES), bucket("c")], [uid]),
        ([bucket("b"), bucket("c")], []),
    ):
        findings = assess(inventory(*buckets, many), ["public_resource"]).findings
        assert [each.asset for each in findings] == expected
    shut = Asset(uid, many.type, ACCOUNT, "global", {**many.config, "PublicAccessBlock": SHUT}, {}, "m")
    assert assess(inventory(bucket("b", DELEGATES), bucket("c"), shut), ["public_resource"]).findings == ()


def test_access_points_of_directory_buckets() -> None:
    base = f"arn:aws:s3express:eu-west-1:{ACCOUNT}"
    arn, uid = f"{base}:bucket/b--x-s3", f"{base}:accesspoint/p--xa-s3"
    to_all = document(allow("s3express:CreateSession", "*", Principal="*"))
    point_ = Asset(uid, "AWS::S3Express::AccessPoint", ACCOUNT, "eu-west-1", {"Bucket": "b--x-s3", "Policy": to_all})

    def behind(policy: Any) -> Asset:
        return Asset(arn, "AWS::S3Express::DirectoryBucket", ACCOUNT, "eu-west-1", {"Policy": policy})

    delegating = document(
        allow(
            "s3express:*", arn, Principal="*", Condition={"StringEquals": {"s3express:DataAccessPointAccount": ACCOUNT}}
        )
    )
    assert [each.asset for each in assess(inventory(behind(delegating), point_), ["public_resource"]).findings] == [uid]
    assert assess(inventory(behind(None), point_), ["public_resource"]).findings == ()


def test_the_bucket_is_cited_and_a_root_user_needs_nothing_more() -> None:
    found = estate(inventory(bucket("b", DELEGATES), point(), user("ann", ON_POINT), managed("unused", ON_POINT)))
    answer = can(found, f"arn:aws:iam::{ACCOUNT}:user/ann", READ, FILE)
    assert "policy of arn:aws:s3:::b" in [each.policy for each in answer.decided_by]
    assert can(found, f"arn:aws:iam::{ACCOUNT}:root", READ, FILE).allowed
    refused = can(
        estate(inventory(bucket("b"), point(), user("ann", ON_POINT))), f"arn:aws:iam::{ACCOUNT}:user/ann", READ, FILE
    )
    assert "arn:aws:s3:::b allows through" in refused.why

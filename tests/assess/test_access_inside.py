"""What is inside of which resource, and what an action that a resource's policy allows is done to."""

from __future__ import annotations

import pytest

from estates import ACCOUNT, bucket
from sakimori.assess.access.inside import container_of, may_have_policy, subject_of
from sakimori.model.asset import Asset


@pytest.mark.parametrize(
    ("inside", "container"),
    [
        ("arn:aws:s3:::b/x/y", "arn:aws:s3:::b"),
        ("arn:aws:s3:::b", ""),
        ("arn:aws:es:eu-west-1:1:domain/d/_search", "arn:aws:es:eu-west-1:1:domain/d"),
        ("arn:aws:dynamodb:eu-west-1:1:table/t/index/i", "arn:aws:dynamodb:eu-west-1:1:table/t"),
        ("arn:aws:dynamodb:eu-west-1:1:table/t", ""),
        ("arn:aws:execute-api:eu-west-1:1:abc/prod/GET/x", "arn:aws:apigateway:eu-west-1::/restapis/abc"),
        ("arn:aws:sqs:eu-west-1:1:q", ""),
        ("*", ""),
    ],
)
def test_what_something_is_inside_of(inside: str, container: str) -> None:
    assert container_of(inside) == container


@pytest.mark.parametrize(
    ("action", "subject"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/*"),
        ("s3:ListBucket", "arn:aws:s3:::b"),
        ("s3:GetBucketObjectLockConfiguration", "arn:aws:s3:::b"),
    ],
)
def test_what_an_action_is_done_to(action: str, subject: str) -> None:
    assert subject_of(bucket("b"), action) == subject


HERE = f"eu-west-1:{ACCOUNT}"


@pytest.mark.parametrize(
    ("inside", "container"),
    [
        (f"arn:aws:s3:{HERE}:accesspoint/p/object/a/b", f"arn:aws:s3:{HERE}:accesspoint/p"),
        (f"arn:aws:s3::{ACCOUNT}:accesspoint/m1.mrap/object/a", f"arn:aws:s3::{ACCOUNT}:accesspoint/m1.mrap"),
        (
            f"arn:aws:s3-outposts:{HERE}:outpost/op-1/bucket/b/object/k",
            f"arn:aws:s3-outposts:{HERE}:outpost/op-1/bucket/b",
        ),
        (f"arn:aws:s3tables:{HERE}:bucket/b/table/1", f"arn:aws:s3tables:{HERE}:bucket/b"),
        (f"arn:aws:vpc-lattice:{HERE}:service/svc-1/path", f"arn:aws:vpc-lattice:{HERE}:service/svc-1"),
        (f"arn:aws:glue:{HERE}:table/d/t", f"arn:aws:glue:{HERE}:catalog"),
        (f"arn:aws:glue:{HERE}:job/j", ""),
        (f"arn:aws:events:{HERE}:rule/partner/r", f"arn:aws:events:{HERE}:event-bus/partner"),
        (f"arn:aws:events:{HERE}:rule/r", f"arn:aws:events:{HERE}:event-bus/default"),
        (f"arn:aws:schemas:{HERE}:schema/reg/s", f"arn:aws:schemas:{HERE}:registry/reg"),
        (f"arn:aws:codeartifact:{HERE}:package/d/r/npm//x", f"arn:aws:codeartifact:{HERE}:repository/d/r"),
    ],
)
def test_what_is_inside_of_the_newer_kinds(inside: str, container: str) -> None:
    assert container_of(inside) == container


@pytest.mark.parametrize(
    ("kind", "uid", "action", "subject"),
    [
        ("AWS::S3::AccessPoint", f"arn:aws:s3:{HERE}:accesspoint/p", "s3:GetObject", "{}/object/*"),
        ("AWS::S3::AccessPoint", f"arn:aws:s3:{HERE}:accesspoint/p", "s3:ListBucket", "{}"),
        ("AWS::S3Tables::TableBucket", f"arn:aws:s3tables:{HERE}:bucket/b", "s3tables:GetTableData", "{}/table/*"),
        ("AWS::S3Tables::TableBucket", f"arn:aws:s3tables:{HERE}:bucket/b", "s3tables:CreateTable", "{}"),
        ("AWS::S3Tables::TableBucket", f"arn:aws:s3tables:{HERE}:bucket/b", "s3tables:GetTableBucketPolicy", "{}"),
        ("AWS::Events::EventBus", f"arn:aws:events:{HERE}:event-bus/b", "events:PutEvents", "{}"),
        (
            "AWS::Events::EventBus",
            f"arn:aws:events:{HERE}:event-bus/b",
            "events:PutRule",
            f"arn:aws:events:{HERE}:rule/b/*",
        ),
        (
            "AWS::Events::EventBus",
            f"arn:aws:events:{HERE}:event-bus/default",
            "events:PutTargets",
            f"arn:aws:events:{HERE}:rule/*",
        ),
        ("AWS::Glue::DataCatalog", f"arn:aws:glue:{HERE}:catalog", "glue:GetTable", f"arn:aws:glue:{HERE}:table/*"),
        (
            "AWS::Glue::DataCatalog",
            f"arn:aws:glue:{HERE}:catalog",
            "glue:GetDatabases",
            f"arn:aws:glue:{HERE}:database/*",
        ),
        ("AWS::Glue::DataCatalog", f"arn:aws:glue:{HERE}:catalog", "glue:GetCatalog", "{}"),
        (
            "AWS::EventSchemas::Registry",
            f"arn:aws:schemas:{HERE}:registry/r",
            "schemas:DescribeSchema",
            f"arn:aws:schemas:{HERE}:schema/r/*",
        ),
        (
            "AWS::Rekognition::Project",
            f"arn:aws:rekognition:{HERE}:project/p/1700",
            "rekognition:CopyProjectVersion",
            f"arn:aws:rekognition:{HERE}:project/p/version/*",
        ),
        ("AWS::VpcLattice::Service", f"arn:aws:vpc-lattice:{HERE}:service/svc-1", "vpc-lattice-svcs:Invoke", "{}/*"),
    ],
)
def test_what_an_action_on_the_newer_kinds_is_done_to(kind: str, uid: str, action: str, subject: str) -> None:
    assert subject_of(Asset(uid, kind, ACCOUNT, "eu-west-1", {}), action) == subject.format(uid)


def test_only_kinds_with_policies_may_have_one() -> None:
    assert may_have_policy(f"arn:aws:events:{HERE}:event-bus/b")
    assert may_have_policy("arn:aws:s3:::b")
    assert not may_have_policy(f"arn:aws:events:{HERE}:archive/a")
    assert not may_have_policy(f"arn:aws:backup:{HERE}:backup-plan:1")
    assert not may_have_policy(f"arn:aws:ec2:{HERE}:instance/i-1")
    assert not may_have_policy("*")

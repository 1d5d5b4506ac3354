"""Where the code of what runs under a role is, in every way in which descriptions say it."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, allow, bucket, inventory, role, user
from sakimori.assess.access.code import code_of
from sakimori.assess.access.escalation import escalations
from sakimori.assess.access.estate import estate
from sakimori.model.asset import Asset

REPOSITORY = f"arn:aws:codecommit:eu-west-1:{ACCOUNT}:web"
REGISTRY = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
IMAGES = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/a"


def deployed(*, by_itself: bool) -> dict[str, Any]:
    repository = {"ImageIdentifier": f"{REGISTRY}/a:live"}
    return {"SourceConfiguration": {"ImageRepository": repository, "AutoDeploymentsEnabled": by_itself}}


def source(provider: str, category: str = "Source", **configuration: str) -> dict[str, Any]:
    kind = {"category": category, "provider": provider}
    return {"stages": [{"name": "S", "actions": [{"actionTypeId": kind, "configuration": configuration}]}]}


@pytest.mark.parametrize(
    ("action", "config", "expected"),
    [
        ("s3:PutObject", source("S3", S3Bucket="b", S3ObjectKey="a/k.zip"), ["arn:aws:s3:::b/a/k.zip"]),
        ("s3:PutObject", source("S3", "Deploy", BucketName="b"), []),
        ("s3:PutObject", source("CodeCommit", RepositoryName="web"), []),
        ("codecommit:GitPush", source("CodeCommit", RepositoryName="web"), [REPOSITORY]),
        ("s3:PutObject", {"source": {"type": "S3", "location": "b/k.zip"}}, ["arn:aws:s3:::b/k.zip"]),
        ("s3:PutObject", {"source": {"type": "S3", "location": "arn:aws:s3:::b/k.zip"}}, ["arn:aws:s3:::b/k.zip"]),
        ("s3:PutObject", {"source": {"type": "GITHUB", "location": "https://example.com/b"}}, []),
        ("codecommit:GitPush", {"source": {"type": "CODECOMMIT", "location": "https://x/v1/repos/web"}}, [REPOSITORY]),
        ("s3:PutObject", {"Command": {"ScriptLocation": "s3://b/j.py"}}, ["arn:aws:s3:::b/j.py"]),
        ("s3:PutObject", {"Command": {"ScriptLocation": "j.py"}}, []),
        ("s3:PutObject", {"SourceBucketArn": "arn:aws:s3:::b", "DagS3Path": "dags"}, ["arn:aws:s3:::b/dags/*"]),
        (
            "ecr:PutImage",
            {"containerDefinitions": [{"image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a/b:live"}]},
            ["arn:aws:ecr:eu-west-1:111122223333:repository/a/b"],
        ),
        (
            "ecr:PutImage",
            {"containerDefinitions": [{"image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a"}, {"image": "nginx"}]},
            ["arn:aws:ecr:eu-west-1:111122223333:repository/a"],
        ),
        (
            "ecr:PutImage",
            {"containerDefinitions": [{"image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a@sha256:0"}, {}]},
            [],
        ),
        ("ecr:PutImage", {"containerProperties": {"image": f"{REGISTRY}/a:1"}}, [IMAGES]),
        (
            "ecr:PutImage",
            {"ecsProperties": {"taskProperties": [{"containers": [{"image": f"{REGISTRY}/a"}]}]}},
            [IMAGES],
        ),
        ("ecr:PutImage", {"environment": {"image": f"{REGISTRY}/a:1"}}, [IMAGES]),
        ("ecr:PutImage", {"environment": {"image": "aws/codebuild/standard:7.0"}}, []),
        ("ecr:PutImage", deployed(by_itself=True), [IMAGES]),
        ("ecr:PutImage", deployed(by_itself=False), []),
        ("lambda:UpdateFunctionCode", {"source": {"type": "S3", "location": "b/k"}}, []),
    ],
)
def test_where_code_is(action: str, config: dict[str, Any], expected: list[str]) -> None:
    holder = Asset(f"arn:aws:any:eu-west-1:{ACCOUNT}:thing/1", "AWS::X::Y", ACCOUNT, "eu-west-1", config)
    assert [*code_of(holder, action)] == expected


def test_the_buckets_policy_alone_may_let_code_be_replaced() -> None:
    ann, builder = user("ann"), role("builder", allow("*"), trusts={"Service": "codebuild.amazonaws.com"})
    config = {"serviceRole": builder.uid, "source": {"type": "S3", "location": "code/web.zip"}}
    arn = f"arn:aws:codebuild:eu-west-1:{ACCOUNT}:project/web"
    project = Asset(arn, "AWS::CodeBuild::Project", ACCOUNT, "eu-west-1", config)
    code = bucket("code", allow("s3:PutObject", "arn:aws:s3:::code/*", Principal={"AWS": ann.uid}))
    (found,) = escalations(estate(inventory(ann, builder, project, code)))
    assert [(edge.method.id, edge.holder) for edge in found.chain] == [("build_object_replaced", arn)]
    elsewhere = bucket("code", allow("s3:PutObject", "arn:aws:s3:::code/docs/*", Principal={"AWS": ann.uid}))
    assert escalations(estate(inventory(ann, builder, project, elsewhere))) == []


def test_a_tag_that_stays_with_its_image_is_not_replaced_unless_that_is_changed() -> None:
    admin = role("admin", allow("*"), trusts={"Service": "ecs-tasks.amazonaws.com"})
    config = {"taskRoleArn": admin.uid, "containerDefinitions": [{"image": f"{REGISTRY}/a:live"}]}
    arn = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task-definition/web:1"
    task = Asset(arn, "AWS::ECS::TaskDefinition", ACCOUNT, "eu-west-1", config)
    pushing = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]

    def ways(mutability: str, *more: str) -> list[str]:
        config = {"imageTagMutability": mutability}
        repository = Asset(IMAGES, "AWS::ECR::Repository", ACCOUNT, "eu-west-1", config)
        found = escalations(estate(inventory(user("ann", allow([*pushing, *more], IMAGES)), admin, task, repository)))
        return [edge.method.id for each in found for edge in (each.chain[0], *each.others)]

    assert ways("MUTABLE") == ["container_image_replaced"]
    assert ways("IMMUTABLE") == []
    assert ways("IMMUTABLE", "ecr:PutImageTagMutability") == ["container_image_unfixed"]


def test_a_project_of_china_names_its_bucket_by_an_arn_of_china() -> None:
    config = {"source": {"type": "S3", "location": "arn:aws-cn:s3:::b/k.zip"}}
    holder = Asset(f"arn:aws-cn:any:cn-north-1:{ACCOUNT}:thing/1", "AWS::X::Y", ACCOUNT, "cn-north-1", config)
    assert [*code_of(holder, "s3:PutObject")] == ["arn:aws-cn:s3:::b/k.zip"]

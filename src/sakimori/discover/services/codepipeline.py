"""CodePipeline: pipelines with their stages, and webhooks that start them. Never the secrets of their actions."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.discover.declare import Detail, Listing, Place, Resource, Service, Tie, arn
from sakimori.discover.paths import find_all
from sakimori.discover.ties import encrypted_by
from sakimori.model.asset import Asset, Relation

_ACTION = "pipeline.stages[].actions[]"
_SECRETS = (
    *(
        f"{_ACTION}.configuration.{key}"
        for key in ("OAuthToken", "EnvironmentVariables", "UserParameters", "ParameterOverrides", "Password", "Input")
    ),
    f"{_ACTION}.environmentVariables[].value",
    "pipeline.variables[].defaultValue",
)
"""Where people write tokens, passwords and variables (CodePipeline User Guide, "Action structure reference")."""

_STORES = ("artifactStore.location", "artifactStores[].location")


def actions(pipeline: Asset, place: Place) -> Iterator[Relation]:
    """`targets`: the projects, applications, functions and buckets that actions hand work to; `built-from`: sources."""
    here = f"{place.region}:{place.account}"
    for action in find_all(pipeline.config, "stages[].actions[]"):
        kind = action.get("actionTypeId", {})
        given = action.get("configuration") or {}
        named = {
            ("Build", "CodeBuild"): f"codebuild:{here}:project/{given.get('ProjectName')}",
            ("Test", "CodeBuild"): f"codebuild:{here}:project/{given.get('ProjectName')}",
            ("Deploy", "CodeDeploy"): f"codedeploy:{here}:deploymentgroup:{given.get('ApplicationName')}"
            f"/{given.get('DeploymentGroupName')}",
            ("Deploy", "S3"): f"s3:::{given.get('BucketName')}",
            ("Deploy", "ECS"): f"ecs:{here}:service/{given.get('ClusterName')}/{given.get('ServiceName')}",
            ("Invoke", "Lambda"): f"lambda:{here}:function:{given.get('FunctionName')}",
            ("Source", "S3"): f"s3:::{given.get('S3Bucket')}",
            ("Source", "CodeCommit"): f"codecommit:{here}:{given.get('RepositoryName')}",
            ("Source", "ECR"): f"ecr:{here}:repository/{given.get('RepositoryName')}",
        }
        target = named.get((kind.get("category"), kind.get("provider")))
        if target:
            tie = "built-from" if kind["category"] == "Source" else "targets"
            yield Relation(pipeline.uid, tie, f"arn:{place.partition}:{target}")


PIPELINE = Resource(
    "AWS::CodePipeline::Pipeline",
    items="pipelines[]",
    arn=arn("codepipeline", "{name}"),
    name="{name}",
    tags="Tags",
    details=(
        Detail(operation="GetPipeline", parameters={"name": "{name}"}, path="pipeline", secrets=_SECRETS),
        Detail(
            operation="ListTagsForResource",
            parameters={"resourceArn": arn("codepipeline", "{name}")},
            path="tags[]",
            under="Tags",
        ),
    ),
    relations=(
        actions,
        Tie("runs-as", "roleArn"),
        Tie("runs-as", "stages[].actions[].roleArn"),
        *(Tie("uses", path, "arn:{@partition}:s3:::{}") for path in _STORES),
        encrypted_by("artifactStore.encryptionKey.id"),
        encrypted_by("artifactStores[].encryptionKey.id"),
    ),
    ordered=("stages",),
)

WEBHOOK = Resource(
    "AWS::CodePipeline::Webhook",
    items="webhooks[]",
    arn="{arn}",
    name="{definition.name}",
    tags="tags",
    relations=(Tie("targets", "definition.targetPipeline", arn("codepipeline", "{}")),),
    moving=(
        "lastTriggered",
        "errorCode",
        "errorMessage",
    ),
)

SERVICE = Service(
    client="codepipeline",
    lists=(
        Listing(operation="ListPipelines", page_size=1000, gives=(PIPELINE,)),
        Listing(
            operation="ListWebhooks",
            secrets=("webhooks[].definition.authenticationConfiguration.SecretToken", "webhooks[].url"),
            gives=(WEBHOOK,),
        ),
    ),
)

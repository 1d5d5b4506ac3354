"""CodeDeploy: applications, and the groups of instances and services that they are deployed to."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.discover.declare import Detail, Listing, Place, Resource, Service, Tie, arn
from sakimori.model.asset import Asset, Relation


def services(group: Asset, place: Place) -> Iterator[Relation]:
    """`targets`: the ECS services of a deployment group."""
    for service in group.config.get("ecsServices") or ():
        name = f"service/{service.get('clusterName')}/{service.get('serviceName')}"
        yield Relation(group.uid, "targets", f"arn:{place.partition}:ecs:{place.region}:{place.account}:{name}")


GROUP = Resource(
    "AWS::CodeDeploy::DeploymentGroup",
    items="deploymentGroups[]",
    scalar="deploymentGroupName",
    arn=arn("codedeploy", "deploymentgroup:{applicationName}/{deploymentGroupName}"),
    name="{deploymentGroupName}",
    inherit={"applicationName": "{applicationName}"},
    details=(
        Detail(
            operation="GetDeploymentGroup",
            parameters={
                "applicationName": "{applicationName}",
                "deploymentGroupName": "{deploymentGroupName}",
            },
            path="deploymentGroupInfo",
            # What was deployed last may be written out whole: it is the application's business.
            secrets=(
                "deploymentGroupInfo.targetRevision.string.content",
                "deploymentGroupInfo.targetRevision.appSpecContent.content",
            ),
        ),
    ),
    relations=(
        Tie("in", "applicationName", arn("codedeploy", "application:{}")),
        Tie("runs-as", "serviceRoleArn"),
        Tie("built-from", "targetRevision.s3Location.bucket", "arn:{@partition}:s3:::{}"),
        services,
    ),
    moving=(
        "lastSuccessfulDeployment",
        "lastAttemptedDeployment",
    ),
)

APPLICATION = Resource(
    "AWS::CodeDeploy::Application",
    items="applications[]",
    scalar="applicationName",
    arn=arn("codedeploy", "application:{applicationName}"),
    name="{applicationName}",
    details=(
        Detail(
            operation="BatchGetApplications",
            parameters={"applicationNames": "{applicationName}"},
            each="applicationNames",
            batch=100,
            path="applicationsInfo[]",
            key="applicationName",
            of="{applicationName}",
        ),
        Detail(
            operation="ListTagsForResource",
            parameters={"ResourceArn": arn("codedeploy", "application:{applicationName}")},
            path="Tags[]",
            under="Tags",
        ),
    ),
    lists=(
        Listing(operation="ListDeploymentGroups", parameters={"applicationName": "{applicationName}"}, gives=(GROUP,)),
    ),
)

SERVICE = Service(client="codedeploy", lists=(Listing(operation="ListApplications", gives=(APPLICATION,)),))

"""Image Builder: pipelines with the components of what they build, and the instances that builds run on, with their
profiles. Never their user data and Dockerfiles."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, Tie
from sakimori.discover.ties import in_subnets, uses_groups


def _of_image(pipeline: Item) -> bool:
    return bool(pipeline.get("imageRecipeArn"))


def _of_container(pipeline: Item) -> bool:
    return bool(pipeline.get("containerRecipeArn"))


PIPELINE = Resource(
    "AWS::ImageBuilder::ImagePipeline",
    items="imagePipelineList[]",
    arn="{arn}",
    name="{name}",
    tags="tags",
    details=(
        Detail(
            operation="GetImageRecipe",
            parameters={"imageRecipeArn": "{imageRecipeArn}"},
            path="imageRecipe",
            under="ImageRecipe",
            when=_of_image,
            secrets=(
                "imageRecipe.additionalInstanceConfiguration.userDataOverride",
                "imageRecipe.components[].parameters",
            ),
        ),
        Detail(
            operation="GetContainerRecipe",
            parameters={"containerRecipeArn": "{containerRecipeArn}"},
            path="containerRecipe",
            under="ContainerRecipe",
            when=_of_container,
            secrets=("containerRecipe.dockerfileTemplateData", "containerRecipe.components[].parameters"),
        ),
    ),
    relations=(
        Tie("runs-as", "executionRole"),
        Tie("uses", "infrastructureConfigurationArn"),
        Tie("built-from", "imageRecipeArn"),
        Tie("built-from", "containerRecipeArn"),
        Tie("built-from", "ImageRecipe.components[].componentArn"),
        Tie("built-from", "ContainerRecipe.components[].componentArn"),
    ),
    moving=("dateLastRun", "dateNextRun", "lastRunStatus", "consecutiveFailures"),
    ordered=("ImageRecipe.components", "ContainerRecipe.components", "workflows"),
)

INFRASTRUCTURE = Resource(
    "AWS::ImageBuilder::InfrastructureConfiguration",
    items="infrastructureConfigurationSummaryList[]",
    arn="{arn}",
    name="{name}",
    tags="tags",
    details=(
        Detail(
            operation="GetInfrastructureConfiguration",
            parameters={"infrastructureConfigurationArn": "{arn}"},
            path="infrastructureConfiguration",
        ),
    ),
    relations=(
        Tie("uses", "instanceProfileName", "arn:{@partition}:iam::{@account}:instance-profile/{}"),
        in_subnets("subnetId"),
        uses_groups("securityGroupIds[]"),
    ),
    ordered=("instanceTypes",),
)

SERVICE = Service(
    client="imagebuilder",
    lists=(
        Listing(operation="ListImagePipelines", gives=(PIPELINE,)),
        Listing(operation="ListInfrastructureConfigurations", gives=(INFRASTRUCTURE,)),
    ),
)

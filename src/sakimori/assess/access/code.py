"""Where the code comes from that runs under a role: objects, repositories, images and scripts, which others may
replace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.assess.access.values import values_at
from sakimori.model.asset import Asset

RECIPES = ("ImageRecipe", "ContainerRecipe")
"""Where the description of a pipeline of Image Builder keeps what it builds."""


def code_of(holder: Asset, action: str) -> Iterator[str]:
    """The ARNs of what the holder's code is in, of the kind that the action replaces."""
    if action == "s3:PutObject":
        yield from _objects(holder)
    elif action.startswith("codecommit:"):
        yield from _repositories(holder)
    elif action.startswith("ecr:"):
        yield from _image_repositories(holder)
    elif action == "imagebuilder:CreateComponent":
        yield from _components(holder)
    elif action == "sagemaker:UpdateNotebookInstanceLifecycleConfig":
        name = holder.config.get("NotebookInstanceLifecycleConfigName")
        if name:
            here = f"arn:{holder.uid.split(':')[1]}:sagemaker:{holder.region}:{holder.account}"
            yield f"{here}:notebook-instance-lifecycle-config/{name}"


def _objects(holder: Asset) -> Iterator[str]:
    partition = holder.uid.split(":")[1]
    config = holder.config
    if config.get("SourceBucketArn"):  # an environment of Airflow reads every workflow below a path
        yield f"{config['SourceBucketArn']}/{str(config.get('DagS3Path') or '').strip('/')}/*"
    script = str((config.get("Command") or {}).get("ScriptLocation") or "")
    if script.startswith("s3://"):  # a job of Glue
        yield f"arn:{partition}:s3:::{script.removeprefix('s3://')}"
    source = config.get("source") or {}
    if source.get("type") == "S3" and source.get("location"):  # a project of CodeBuild
        yield f"arn:{partition}:s3:::{str(source['location']).removeprefix(f'arn:{partition}:s3:::')}"
    for given in _sources(config, "S3"):
        if given.get("S3Bucket") and given.get("S3ObjectKey"):
            yield f"arn:{partition}:s3:::{given['S3Bucket']}/{given['S3ObjectKey']}"


def _repositories(holder: Asset) -> Iterator[str]:
    here = f"arn:{holder.uid.split(':')[1]}:codecommit:{holder.region}:{holder.account}"
    source = holder.config.get("source") or {}
    if source.get("type") == "CODECOMMIT":  # a project of CodeBuild, by the URL of its repository
        yield f"{here}:{str(source.get('location')).rpartition('/')[2]}"
    yield from (f"{here}:{each['RepositoryName']}" for each in _sources(holder.config, "CodeCommit"))


def _components(pipeline: Asset) -> Iterator[str]:
    """The components of which a pipeline of Image Builder takes the newest version (`x.x.x`, `1.x.x`), in any."""
    for recipe in RECIPES:
        for arn in values_at(pipeline.config, f"{recipe}.components[].componentArn"):
            component, _, version = arn.partition("/")[2].partition("/")
            if "x" in version.split("."):
                yield f"{arn.partition('/')[0]}/{component}/*"


def _sources(pipeline: Mapping[str, Any], provider: str) -> Iterator[Mapping[str, Any]]:
    """How the source actions of a pipeline with this provider are configured."""
    for action in actions_of(pipeline):
        kind = action.get("actionTypeId") or {}
        if (kind.get("category"), kind.get("provider")) == ("Source", provider):
            yield action.get("configuration") or {}


def actions_of(pipeline: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All actions of a pipeline of CodePipeline, stage by stage."""
    for stage in pipeline.get("stages") or ():
        yield from stage.get("actions") or ()


def _image_repositories(holder: Asset) -> Iterator[str]:
    """The ECR repositories of the images that are named by a tag: a digest means one image for ever."""
    partition = holder.uid.split(":")[1]
    for image in _images(holder.config):
        registry, _, rest = image.partition("/")
        parts = registry.split(".")
        if rest and "@" not in rest and parts[1:3] == ["dkr", "ecr"] and len(parts) > 4:
            yield f"arn:{partition}:ecr:{parts[3]}:{parts[0]}:repository/{rest.partition(':')[0]}"


_CONTAINERS = (
    "containerDefinitions[].image",  # of a task definition of ECS
    "containerProperties.image",  # of a job definition of Batch, as are the next two
    "nodeProperties.nodeRangeProperties[].container.image",
    "ecsProperties.taskProperties[].containers[].image",
    "environment.image",  # of a project of CodeBuild
)


def _images(config: Mapping[str, Any]) -> Iterator[str]:
    """The images that what is started next runs in."""
    for path in _CONTAINERS:
        yield from values_at(config, path)
    service = config.get("SourceConfiguration") or {}
    if service.get("AutoDeploymentsEnabled"):  # a service of App Runner, which else stays with the image it has
        yield from values_at(service, "ImageRepository.ImageIdentifier")

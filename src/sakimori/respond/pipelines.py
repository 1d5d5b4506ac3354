"""Pipelines of CodePipeline that deploy from a bucket: the stage that deploys, and the approval that comes before it.

Source: "CodePipeline pipeline structure reference" and "Manual approval action reference".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.model.partition import partition_of
from sakimori.model.said import joined, say
from sakimori.respond.errors import RespondError
from sakimori.respond.guard import PASSING
from sakimori.respond.world import World

IAM_ACTIONS = ("codepipeline:ListPipelines", "codepipeline:GetPipeline", "codepipeline:GetPipelineState")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A pipeline that deploys: its ARN, the stage that does, and the manual approval before that, if there is one."""

    arn: str
    stage: str
    approval: tuple[str, str] | None = None
    pending: bool = False

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


def named(setting: Any) -> list[tuple[str, str]]:
    """`ARN/STAGE`, or a list of those, as (ARN, stage). Raises RespondError."""
    found = []
    for each in setting if isinstance(setting, list) else [setting]:
        arn, _, stage = str(each).rpartition("/")
        if not stage or arn.count(":") != 5 or ":codepipeline:" not in arn:
            raise RespondError(
                say(
                    "{value} in [respond.s3-appspec] pipelines is not ARN/STAGE, such as "
                    "arn:aws:codepipeline:eu-west-1:111122223333:shop/Deploy",
                    value=repr(each),
                )
            )
        found.append((arn, stage))
    return found


def deploying(
    world: World, where: tuple[str, str], bucket: str, key: str, setting: Any, missing: list[str]
) -> list[Deployment]:
    """The pipelines that deploy this object: those that the setting names, else those of the account and region whose
    source it is."""
    try:
        if setting is not None:
            return [_looked_at(world, arn, stage) for arn, stage in named(setting)]
        return list(_found(world, where, bucket, key))
    except AwsError as error:
        if isinstance(error, PASSING):
            raise
        missing.append(say("which pipelines deploy from {bucket}: {error}", bucket=bucket, error=error))
        return []


def _found(world: World, where: tuple[str, str], bucket: str, key: str) -> Iterator[Deployment]:
    account, region = where
    api = world.aws("codepipeline", account, region)
    for each in api.pages("list_pipelines", "pipelines"):
        answer = api.get_pipeline(name=each["name"])
        stages = answer["pipeline"]["stages"]
        sources = [action.get("configuration", {}) for action in _of_kind(stages, "Source", "S3")]
        if any(one.get("S3Bucket") == bucket and one.get("S3ObjectKey") == key for one in sources):
            made = f"arn:{partition_of(region)}:codepipeline:{region}:{account}:{each['name']}"
            arn = answer.get("metadata", {}).get("pipelineArn") or made
            deploys = [stage["name"] for stage in stages if list(_of_kind([stage], "Deploy"))]
            yield _looked_at(world, arn, deploys[0] if deploys else stages[1]["name"])


def _looked_at(world: World, arn: str, stage: str) -> Deployment:
    plain = Deployment(arn, stage)
    api = world.aws("codepipeline", plain.account, plain.region)
    stages = api.get_pipeline(name=plain.name)["pipeline"]["stages"]
    approval = approval_before(stages, stage)
    if approval is None:
        return plain
    state = action_state(api.get_pipeline_state(name=plain.name), *approval)
    return Deployment(arn, stage, approval, bool(state.get("token")) and state.get("status") == "InProgress")


def approval_before(stages: Sequence[Json], stage: str) -> tuple[str, str] | None:
    """The last manual approval that comes before what the stage deploys. Raises RespondError if there is no stage."""
    names = [each["name"] for each in stages]
    if stage not in names:
        there = joined(", ", names)
        raise RespondError(say("the pipeline has no stage {stage}: there are {stages}", stage=stage, stages=there))
    found = None
    for each in stages[: names.index(stage) + 1]:
        deploys = min((action.get("runOrder", 1) for action in _of_kind([each], "Deploy")), default=10_000)
        for action in _of_kind([each], "Approval", "Manual"):
            if each["name"] != stage or action.get("runOrder", 1) < deploys:
                found = (str(each["name"]), str(action["name"]))
    return found


def action_state(state: Json, stage: str, action: str) -> Json:
    """The newest execution of an action, as GetPipelineState tells it; {} if it never ran."""
    for each in state.get("stageStates", ()):
        for one in each.get("actionStates", ()) if each["stageName"] == stage else ():
            if one["actionName"] == action:
                latest: Json = one.get("latestExecution", {})
                return latest
    return {}


def _of_kind(stages: Sequence[Json], category: str, provider: str = "") -> Iterator[Json]:
    for stage in stages:
        for action in stage.get("actions", ()):
            kind = action["actionTypeId"]
            if kind["category"] == category and provider in ("", kind["provider"]):
                yield action

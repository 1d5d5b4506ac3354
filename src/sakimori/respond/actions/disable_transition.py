"""Hold a stage of a pipeline: nothing enters it until a person enables its transition again.

Source: "Disable or enable a stage transition" (CodePipeline user guide). `stage` among the target's parameters names
the stage; the target is the pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.describing import tags_of
from sakimori.respond.errors import RespondError
from sakimori.respond.world import World

ASSET = "AWS::CodePipeline::Pipeline"
IAM_ACTIONS = (
    "codepipeline:ListTagsForResource",
    "codepipeline:GetPipelineState",
    "codepipeline:DisableStageTransition",
    "codepipeline:EnableStageTransition",
)


REASON = "Sakimori: what is to be deployed was changed by somebody unusual; look at it first"


def tags(world: World, target: Target) -> dict[str, str]:
    return tags_of(_api(world, target).list_tags_for_resource(resourceArn=target.uid)["tags"])


def before(world: World, target: Target) -> dict[str, Any]:
    stages = _api(world, target).get_pipeline_state(name=target.id)["stageStates"]
    stage = next((each for each in stages if each["stageName"] == target.parameters["stage"]), None)
    if stage is None:
        stage = target.parameters["stage"]
        raise RespondError(say("the pipeline {pipeline} has no stage {stage}", pipeline=target.id, stage=stage))
    transition = stage.get("inboundTransitionState", {})
    return {"enabled": transition.get("enabled", True), "reason": transition.get("disabledReason", "")}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"enabled": False, "reason": before["reason"] or REASON}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    if before["enabled"]:
        _api(world, target).disable_stage_transition(reason=f"{REASON} ({key})"[:300], **_stage(target))


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after = before(world, target)
    why = say("the transition is enabled") if after["enabled"] else say("the transition is disabled")
    return Proof(not after["enabled"], after, why)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    if before["enabled"]:
        _api(world, target).enable_stage_transition(**_stage(target))


def _stage(target: Target) -> dict[str, str]:
    stage = str(target.parameters["stage"])
    return {"pipelineName": target.id, "stageName": stage, "transitionType": "Inbound"}


def _api(world: World, target: Target) -> Any:
    return world.aws("codepipeline", target.account, target.region)

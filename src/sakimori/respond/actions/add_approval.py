"""Put a manual approval before a stage of a pipeline, so that nothing is deployed before a person has looked at it.

Source: "Add a manual approval action to a stage" (CodePipeline user guide). `stage` among the target's parameters names
the stage; the approval is a stage of its own before it. UpdatePipeline makes a new version of the pipeline: undo makes
another one, in which the stages are as they were.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import joined, say
from sakimori.respond.actions.disable_transition import tags
from sakimori.respond.errors import RespondError, Undone
from sakimori.respond.pipelines import approval_before
from sakimori.respond.world import World

__all__ = ["apply", "before", "tags", "undo", "verify", "would"]

ASSET = "AWS::CodePipeline::Pipeline"
IAM_ACTIONS = (
    "codepipeline:ListTagsForResource",
    "codepipeline:GetPipeline",
    "codepipeline:UpdatePipeline",
    "iam:PassRole",
)
"""UpdatePipeline passes the pipeline's own role on to it again."""

NAME = "SakimoriApproval"


def before(world: World, target: Target) -> dict[str, Any]:
    return {"stages": json.loads(json.dumps(_pipeline(world, target)["stages"], default=str))}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"stages": _with_approval(list(before["stages"]), str(target.parameters["stage"]))}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    pipeline = _pipeline(world, target)
    if approval_before(pipeline["stages"], str(target.parameters["stage"])) is None:
        stages = _with_approval(pipeline["stages"], str(target.parameters["stage"]))
        _api(world, target).update_pipeline(pipeline={**pipeline, "stages": stages})


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after, stage = before(world, target), str(target.parameters["stage"])
    found = approval_before(after["stages"], stage)
    if found is None:
        return Proof(False, after, say("no approval comes before {stage}", stage=stage))
    why = say("{approval} comes before {stage}", approval=f"{found[0]}/{found[1]}", stage=stage)
    return Proof(True, after, why)


def undo(world: World, target: Target, before_it: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    pipeline = _pipeline(world, target)
    if before(world, target)["stages"] != after["stages"]:
        raise Undone(f"the stages of {target.id} were changed by somebody else just now")
    _api(world, target).update_pipeline(pipeline={**pipeline, "stages": list(before_it["stages"])})


def approval_stage() -> dict[str, Any]:
    """The stage that is added."""
    kind = {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}
    action = {
        "name": NAME,
        "actionTypeId": kind,
        "runOrder": 1,
        "configuration": {"CustomData": "Look at who changed what is to be deployed, and at what was changed."},
        "outputArtifacts": [],
        "inputArtifacts": [],
    }
    return {"name": NAME, "actions": [action]}


def _with_approval(stages: list[dict[str, Any]], stage: str) -> list[dict[str, Any]]:
    names = [each["name"] for each in stages]
    if stage not in names or names.index(stage) == 0:
        there = joined(", ", names)
        raise RespondError(
            say("there is no stage {stage} behind a source: there are {stages}", stage=stage, stages=there)
        )
    at = names.index(stage)
    return [*copy.deepcopy(stages[:at]), approval_stage(), *copy.deepcopy(stages[at:])]


def _pipeline(world: World, target: Target) -> dict[str, Any]:
    found: dict[str, Any] = _api(world, target).get_pipeline(name=target.id)["pipeline"]
    return found


def _api(world: World, target: Target) -> Any:
    return world.aws("codepipeline", target.account, target.region)

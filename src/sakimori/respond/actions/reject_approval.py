"""Reject what waits for a manual approval in CodePipeline: it is not deployed, and people see why.

Source: PutApprovalResult (CodePipeline API reference). `stage` and `action` among the target's parameters name the
approval. It cannot be undone: retry the stage in CodePipeline, which asks for the approval again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.actions.disable_transition import tags
from sakimori.respond.errors import RespondError
from sakimori.respond.pipelines import action_state
from sakimori.respond.world import World

__all__ = ["apply", "before", "tags", "undo", "verify", "would"]

ASSET = "AWS::CodePipeline::Pipeline"
IAM_ACTIONS = (
    "codepipeline:ListTagsForResource",
    "codepipeline:GetPipelineState",
    "codepipeline:PutApprovalResult",
)
REASON = "what is to be deployed was changed by somebody unusual"
FINAL = "a rejection is not taken back: retry the stage in CodePipeline, which asks again"

LONGEST = 512
"""Characters of a summary."""


def before(world: World, target: Target) -> dict[str, Any]:
    return {"status": _latest(world, target).get("status", "never ran")}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": "Failed"}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    latest = _latest(world, target)
    if latest.get("status") == "Failed" and key in str(latest.get("summary", "")):
        return  # it was rejected before a crash
    if latest.get("status") != "InProgress" or not latest.get("token"):
        action = target.parameters["action"]
        raise RespondError(say("nothing waits for {action} in {pipeline} any more", action=action, pipeline=target.id))
    why = target.parameters.get("why", REASON)
    _api(world, target).put_approval_result(
        pipelineName=target.id,
        stageName=target.parameters["stage"],
        actionName=target.parameters["action"],
        result={"summary": f"{why} (Sakimori {key})"[-LONGEST:], "status": "Rejected"},
        token=latest["token"],
    )


def verify(world: World, target: Target, before_it: Mapping[str, Any]) -> Proof:
    after = before(world, target)
    rejected = after["status"] == "Failed"
    why = say("it is rejected")
    if not rejected:
        why = say("the approval is {status}, and not rejected", status=after["status"])
    return Proof(rejected, after, why)


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    raise RespondError(FINAL)


def _latest(world: World, target: Target) -> Mapping[str, Any]:
    state = _api(world, target).get_pipeline_state(name=target.id)
    return action_state(state, target.parameters["stage"], target.parameters["action"])


def _api(world: World, target: Target) -> Any:
    return world.aws("codepipeline", target.account, target.region)

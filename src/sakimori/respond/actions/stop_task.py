"""Stop an ECS task. Its service starts another from the same image; a task that was run by itself is gone.

It cannot be undone: prefer `isolate-task` where the task has an interface of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.actions.isolate_task import tags, task
from sakimori.respond.errors import RespondError
from sakimori.respond.world import World

__all__ = ["apply", "before", "tags", "undo", "verify", "would"]

ASSET = "AWS::ECS::Task"
IAM_ACTIONS = ("ecs:DescribeTasks", "ecs:StopTask")
FINAL = "a stopped task cannot be started again: its service has started another, or run it anew"


def before(world: World, target: Target) -> dict[str, Any]:
    return {"desiredStatus": task(world, target)["desiredStatus"]}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"desiredStatus": "STOPPED"}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    ecs = world.aws("ecs", target.account, target.region)
    ecs.stop_task(cluster=_cluster(target), task=target.uid, reason=f"Sakimori {key}")


def verify(world: World, target: Target, before: Mapping[str, Any]) -> Proof:
    ecs = world.aws("ecs", target.account, target.region)
    found = ecs.describe_tasks(cluster=_cluster(target), tasks=[target.uid])["tasks"]
    status = found[0]["desiredStatus"] if found else "STOPPED"
    return Proof(status == "STOPPED", {"desiredStatus": status}, say("the task is to be {status}", status=status))


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    raise RespondError(FINAL)


def _cluster(target: Target) -> str:
    return str(target.parameters.get("cluster") or target.uid.rpartition(":")[2].split("/")[1])

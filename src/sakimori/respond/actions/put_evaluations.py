"""Answer AWS Config about the instances that a custom rule asked about, at most 100 in a call.

Source: PutEvaluations (Config API reference). The target is the rule; `evaluations` and `result_token` among its
parameters are what to answer, and to which question. An answer is not undone: the next one replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.respond.errors import RespondError
from sakimori.respond.world import World

ASSET = "AWS::Config::ConfigRule"
IAM_ACTIONS = ("config:PutEvaluations",)
ANSWERS = True

MOST = 100
TEST = "TESTMODE"


def tags(world: World, target: Target) -> dict[str, str]:
    return {}  # an answer changes nothing that could be tagged


def before(world: World, target: Target) -> dict[str, Any]:
    return {"answered": 0}


def would(target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
    return {"answered": len(target.parameters["evaluations"]), "evaluations": list(target.parameters["evaluations"])}


def apply(world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
    config = world.aws("config", target.account, target.region)
    evaluations, token = list(target.parameters["evaluations"]), str(target.parameters["result_token"])
    for at in range(0, len(evaluations), MOST):
        some = evaluations[at : at + MOST]
        answer = config.put_evaluations(Evaluations=some, ResultToken=token, TestMode=token == TEST)
        if failed := answer.get("FailedEvaluations"):
            raise RespondError(f"AWS Config did not take {len(failed)} of the evaluations for {target.id}")


def verify(world: World, target: Target, before: Mapping[str, Any]) -> Proof:
    count = len(target.parameters["evaluations"])
    return Proof(True, {"answered": count}, f"AWS Config took {count} evaluations")


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    raise RespondError("an evaluation is not taken back: the rule's next one replaces it")

"""Answer AWS Config about the instances that a custom rule asked about, at most 100 in a call.

Source: PutEvaluations (Config API reference). The target is the rule; `evaluations` and `result_token` among its
parameters are what to answer, and to which question. An answer is not undone: the next one replaces it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import joined, say
from sakimori.respond.errors import RespondError
from sakimori.respond.world import World

ASSET = "AWS::Config::ConfigRule"
IAM_ACTIONS = ("config:PutEvaluations", "config:GetComplianceDetailsByConfigRule")
MOST_TOLD = 5
"""Evaluations that a failure names."""

FINAL = "an evaluation is not taken back: the rule's next one replaces it"
ANSWERS = True

MOST = 100
TEST = "TESTMODE"
LOOK_EVERY = 1.0


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
            count = len(failed)
            raise RespondError(
                say("AWS Config did not take {count} of the evaluations for {rule}", count=count, rule=target.id)
            )


def verify(world: World, target: Target, before: Mapping[str, Any]) -> Proof:
    """Waits until AWS Config tells the same of every resource, or something newer."""
    answered = {"answered": len(target.parameters["evaluations"])}
    if target.parameters["result_token"] == TEST:
        return Proof(True, answered, say("AWS Config took the evaluations, and keeps none of a test"))
    deadline = time.monotonic() + world.patience
    while missing := _not_kept(world, target):
        if time.monotonic() >= deadline:
            why = say("AWS Config does not tell: {missing}", missing=joined(", ", missing[:MOST_TOLD]))
            return Proof(False, {"answered": answered["answered"] - len(missing)}, why)
        threading.Event().wait(min(LOOK_EVERY, world.patience))
    return Proof(True, answered, say("AWS Config tells the {count} evaluations", count=answered["answered"]))


def _not_kept(world: World, target: Target) -> list[str]:
    """The evaluations that AWS Config does not tell (yet)."""
    config = world.aws("config", target.account, target.region)
    kept = {}
    for each in config.pages(
        "get_compliance_details_by_config_rule", "EvaluationResults", ConfigRuleName=target.parameters["rule"]
    ):
        about = each["EvaluationResultIdentifier"]
        named = about["EvaluationResultQualifier"]
        kept[named["ResourceType"], named["ResourceId"]] = (each["ComplianceType"], about["OrderingTimestamp"])
    return [
        say("{resource} is {verdict}", resource=each["ComplianceResourceId"], verdict=each["ComplianceType"])
        for each in target.parameters["evaluations"]
        if not _tells(kept.get((each["ComplianceResourceType"], each["ComplianceResourceId"])), each)
    ]


def _tells(kept: tuple[str, datetime] | None, wanted: Mapping[str, Any]) -> bool:
    if kept is None:
        return bool(wanted["ComplianceType"] == "NOT_APPLICABLE")  # of which nothing is listed
    asked = datetime.fromisoformat(str(wanted["OrderingTimestamp"]).replace("Z", "+00:00"))
    return kept[0] == wanted["ComplianceType"] or kept[1].astimezone(UTC) > asked


def undo(world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    raise RespondError(FINAL)

"""A custom AWS Config rule as a Lambda function: `sakimori.respond.config_rule.handler`.

Config waits for the rule's answer, and the rule was made to be answered, so there is no mode and no ledger here: each
invocation is answered with what the workflow `config` says, and nothing else is changed. A manager that does not answer
is an error, with which Lambda tries again, and never an evaluation. SAKIMORI_PROTECT_URL, SAKIMORI_PROTECT_KEY and, for
a certificate of one's own, SAKIMORI_PROTECT_CA say which manager is asked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sakimori.collect.events import heard
from sakimori.respond.actions import put_evaluations
from sakimori.respond.errors import RespondError
from sakimori.respond.workflows import config
from sakimori.respond.world import AccountClients, World

if TYPE_CHECKING:
    from sakimori.protect.client_transport import KeyStyle

IAM_ACTIONS = (*config.IAM_ACTIONS, "config:PutEvaluations")
"""What the function's role needs. The results are in the rule's account: a rule of the organisation runs in each."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """What Lambda calls. Gives the number of evaluations and what was not evaluated."""
    from sakimori.protect.client import Client, Settings

    url, key = os.environ.get("SAKIMORI_PROTECT_URL", ""), os.environ.get("SAKIMORI_PROTECT_KEY", "")
    if not url or not key:
        raise RespondError("set SAKIMORI_PROTECT_URL and SAKIMORI_PROTECT_KEY in the function's environment")
    ca, style = os.environ.get("SAKIMORI_PROTECT_CA", ""), os.environ.get("SAKIMORI_PROTECT_KEY_STYLE", "")
    header: KeyStyle = "authorization" if style == "authorization" else "api-secret-key"
    with Client(Settings(url, key, ca, header, patience=10)) as client:
        return answer(event, World(AccountClients(), manager=client))


def answer(document: Mapping[str, Any], world: World) -> dict[str, Any]:
    """Answers an invocation. Raises RespondError and AwsError where there is no answer."""
    found = heard(json.dumps(document), "invocation")
    if not found.events:
        raise RespondError(str(found.refusals[0]))
    plan = config.plan(found.events[0], world)
    for step in plan.steps:
        put_evaluations.apply(world, step.target, {}, "")
    if plan.not_evaluated and not plan.steps:
        raise RespondError(f"there is no answer: {'; '.join(plan.not_evaluated)}")
    count = sum(len(step.target.parameters["evaluations"]) for step in plan.steps)
    return {"evaluations": count, "not_evaluated": list(plan.not_evaluated)}

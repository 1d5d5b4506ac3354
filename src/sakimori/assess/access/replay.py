"""Evaluates a witness again: the request of a step, under the policies of an inventory as it is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.assess.access.callers import ANYBODY
from sakimori.assess.access.cases import context_values
from sakimori.assess.access.engine import Answer, Request, decide
from sakimori.assess.access.estate import Estate, asset_of
from sakimori.assess.access.questions import identity_of, policies_over


def replay(found: Estate, step: Mapping[str, Any]) -> Answer:
    """The answer to the request of a step as `step_json` wrote it."""
    asked = step["request"]
    identity = ANYBODY if asked["principal"] == ANYBODY.arn else identity_of(found, asked["principal"])
    resource, account = asked["resource"]["resource"], asked["resource"]["accountId"]
    policies, _ = policies_over(found, identity, asset_of(found, resource), account)
    context = {key: context_values(value) for key, value in asked["context"].items()}
    return decide(Request(identity.principal, asked["action"], resource, account, context), policies)


def steps_of(evidence: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every step in the evidence of a finding: of a chain of steps, or of a chain of methods."""
    for link in evidence.get("chain") or ():
        if "request" in link:
            yield link
        else:
            yield from link.get("steps") or ()

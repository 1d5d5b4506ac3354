"""Evaluates witnesses again: the requests of steps, under the policies of an inventory as it is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sakimori.assess.access.callers import ANYBODY
from sakimori.assess.access.cases import context_values
from sakimori.assess.access.engine import Answer, Request, decide
from sakimori.assess.access.estate import Estate, Identity, asset_of
from sakimori.assess.access.gains import gains
from sakimori.assess.access.methods import methods
from sakimori.assess.access.questions import identity_of, policies_over
from sakimori.model.asset import Asset


def replayed(found: Estate, evidence: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Answer]]:
    """Every step in the evidence of a finding, of a chain of steps or of a chain of methods, with what it is answered
    with now; steps after one that changes rights, with the rights that it leads to."""
    changed: dict[str, Identity] = {}
    chain = [link if "steps" in link else {"steps": [link]} for link in evidence.get("chain") or ()]
    for at, link in enumerate(chain):
        yield from ((step, replay(found, step, changed)) for step in link["steps"])
        following = chain[at + 1]["steps"] if at + 1 < len(chain) else ()
        changed |= _after(found, link, following, changed)


def replay(found: Estate, step: Mapping[str, Any], changed: Mapping[str, Identity] | None = None) -> Answer:
    """The answer to the request of a step as `step_json` wrote it; `changed` are identities with other rights."""
    asked = step["request"]
    name = asked["principal"]
    identity = (changed or {}).get(name) or (ANYBODY if name == ANYBODY.arn else identity_of(found, name))
    resource, account = asked["resource"]["resource"], asked["resource"]["accountId"]
    policies, _ = policies_over(found, identity, asset_of(found, resource), account, asked["action"])
    context = {key: context_values(value) for key, value in asked["context"].items()}
    return decide(Request(identity.principal, asked["action"], resource, account, context), policies)


def _after(
    found: Estate, link: Mapping[str, Any], following: Sequence[Mapping[str, Any]], changed: Mapping[str, Identity]
) -> dict[str, Identity]:
    """Whose rights a link of a chain of methods changes; of several ways that by which what follows is as it was."""
    method = next((each for each in methods() if each.id == link.get("method")), None)
    source = changed.get(str(link.get("source"))) or found.identities.get(str(link.get("source")))
    if method is None or source is None or not method.alone:
        return {}
    led = [gained for gained, target in gains(found, source, method) if link["target"] in (gained.arn, _uid(target))]
    for gained in led:
        after = {**changed, gained.arn: gained}
        if all(replay(found, step, after).response.value == step["response"] for step in following):
            return {gained.arn: gained}
    return {led[0].arn: led[0]} if led else {}


def _uid(target: Asset | None) -> str:
    return target.uid if target else ""

"""Requests with wildcards: asked of every string that they stand for, by one string of each way to match.

A request for `arn:aws:s3:::bucket/*` is allowed if one of the objects is; explicitly denied if every one is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sakimori.assess.access.arns import is_pattern, likely, resource_glob, universe
from sakimori.assess.access.engine import Answer, Policies, Request, Response, decide
from sakimori.assess.access.globs import Glob, TooManyAtoms, distinct
from sakimori.assess.access.policy import Policy
from sakimori.assess.access.reserved import acts_on_everything, beyond_root
from sakimori.assess.access.variables import filled_in, has_variables, unshielded


def answer(request: Request, policies: Policies, *, on_everything: bool = False) -> Answer:
    """The answer to a request whose action and resource may have wildcards.

    `on_everything`: the action has no resource of its own, so that `*` is not a pattern but the resource's name.
    """
    if is_pattern(request.action):
        return _any_action(request, policies, on_everything)
    action = request.action.lower()
    if not is_pattern(request.resource) or (request.resource == "*" and (on_everything or acts_on_everything(action))):
        found = decide(request, policies)
    else:
        found = _any_resource(request, policies)
    refused = beyond_root(action) if request.principal.kind == "root" else ""
    if refused and found.response is not Response.EXPLICITLY_DENIED:
        return Answer(Response.IMPLICITLY_DENIED, (), refused)
    return found


def _any_action(request: Request, policies: Policies, on_everything: bool) -> Answer:
    from sakimori.assess.access.catalogue import actions_like

    found = actions_like(request.action)
    if not found:
        return Answer(Response.UNKNOWN, (), f"no action that AWS has is like {request.action}")
    answers = (answer(replace(request, action=each), policies, on_everything=on_everything) for each in found)
    return _combined(answers, f"no action like {request.action}")


def _any_resource(request: Request, policies: Policies) -> Answer:
    try:
        witnesses = [*resource_witnesses(request, policies)]
    except TooManyAtoms as error:
        return Answer(Response.UNKNOWN, (), f"the patterns of resources below {request.resource} are too many: {error}")
    answers = (decide(replace(request, resource=resource), policies) for resource in witnesses)
    return _combined(answers, f"nothing that {request.resource} stands for")


def _combined(answers: Iterator[Answer], nothing: str) -> Answer:
    """Allowed if one is; unknown if one may be; explicitly denied if all are."""
    kept: list[Answer] = []
    for each in answers:
        if each.allowed:
            return each
        kept.append(each)
    order = (Response.UNKNOWN, Response.IMPLICITLY_DENIED, Response.EXPLICITLY_DENIED)
    for response in order:
        for each in kept:
            if each.response is response:
                return each
    return Answer(Response.IMPLICITLY_DENIED, (), f"{nothing} exists")


def resource_witnesses(request: Request, policies: Policies) -> Iterator[str]:
    """One resource for each way in which those that the request stands for can match the patterns of the policies."""
    globs = frozenset(_resource_globs(request, policies))
    patterns = universe(request.action, request.account) if request.resource == "*" else (request.resource,)
    for pattern in patterns:
        yield from map(likely, distinct(resource_glob(pattern), globs))


def _resource_globs(request: Request, policies: Policies) -> Iterator[Glob]:
    for policy in every_policy(policies):
        for statement in policy.statements:
            for pattern in statement.resources or ():
                text: str | None = pattern
                if has_variables(pattern) and statement.variables:
                    text = filled_in(pattern, request.context)
                if text is not None:
                    yield unshielded(resource_glob(text, complete=statement.principals is None))


def every_policy(policies: Policies) -> Iterator[Policy]:
    yield from policies.identity
    yield from policies.boundaries
    yield from policies.endpoints
    yield from policies.also
    for level in (*policies.scps, *policies.rcps):
        yield from level.policies
    for single in (policies.resource, policies.session):
        if single:
            yield single

"""Self-contained cases: a request with all its policies in one JSON object, as `sakimori access simulate` reads them.

    {"request": {"principal", "action", "resource": {"resource", "accountId"}, "context": {}}, "identityPolicies": [],
     "serviceControlPolicies": [{"orgIdentifier", "policies": []}], "resourceControlPolicies": [...],
     "permissionBoundaries": [], "sessionPolicy": {}, "resourcePolicy": {}, "endpointPolicies": []}

A policy is its document, or `{"name", "policy"}` to be cited by a name. The context is taken as it is: a key that it
lacks is a key that the request lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from sakimori.assess.access.engine import Answer, Level, Policies, Request
from sakimori.assess.access.policy import Kind, Policy, PolicyError, parse
from sakimori.assess.access.principals import BadPrincipal, principal_of
from sakimori.assess.access.requests import answer


class CaseError(Exception):
    """The case cannot be evaluated: what is wrong with it, and where."""


def simulate(case: Mapping[str, Any]) -> Answer:
    """What AWS would answer to the case. Raises CaseError; a malformed policy is named with its statement."""
    if not isinstance(case, dict):
        raise CaseError(f"a case is a JSON object with a request, not {type(case).__name__}")
    _misspelt(case)
    asked = case.get("request")
    if not isinstance(asked, dict):
        raise CaseError("the case has no request: it needs principal, action and resource")
    request = _request(asked)
    try:
        policies = _policies(case)
    except PolicyError as error:
        raise CaseError(str(error)) from error
    return answer(request, policies, on_everything=bool(asked.get("wildcardOnlyAction")))


_PARTS = (
    "request identityPolicies serviceControlPolicies resourceControlPolicies permissionBoundaries sessionPolicy"
    " resourcePolicy endpointPolicies".split()
)


_KNOWN = frozenset(_PARTS)
_LOWERED = {part.lower(): part for part in _PARTS}


def _misspelt(case: Mapping[str, Any]) -> None:
    """A part by another spelling would be left out of the answer: it is refused."""
    for name in case.keys() - _KNOWN:
        if str(name).lower() in _LOWERED:
            raise CaseError(f"{name} is no part of a case: it is written {_LOWERED[str(name).lower()]}")


def unheeded(case: Any) -> Iterator[str]:
    """Of the parts that no case has, those whose names are nearly a part's: they are left out of the answer."""
    places = [(case, _PARTS)]
    if isinstance(case, dict):
        places.append((case.get("request"), ["principal", "action", "resource", "context"]))
    for found, parts in places:
        for name in [each for each in found if each not in parts] if isinstance(found, dict) else ():
            near = get_close_matches(str(name), parts, n=1, cutoff=0.8)
            if near:
                yield f"{name} is no part of a case: is {near[0]} meant?"


def _request(asked: Mapping[str, Any]) -> Request:
    principal = asked.get("principal")
    if isinstance(principal, dict):
        principal = principal.get("type")
    action, resource = asked.get("action"), asked.get("resource")
    if isinstance(resource, str):
        resource = {"resource": resource}
    if not isinstance(resource, dict) or not isinstance(resource.get("resource"), str):
        raise CaseError('request.resource must be {"resource": ARN or "*", "accountId": ...}')
    if not isinstance(action, str) or not all(action.partition(":")):
        raise CaseError(f"request.action is {action!r}: it must be like s3:GetObject")
    if not isinstance(principal, str):
        raise CaseError("request.principal must be an ARN, a service's name, an account or anonymous")
    try:
        who = principal_of(principal)
    except BadPrincipal as error:
        raise CaseError(f"request.principal: {error}") from None
    account = str(resource.get("accountId") or "")
    if account and not (account.isdecimal() and len(account) == 12):
        raise CaseError(f"request.resource.accountId is {account!r}: an account has twelve digits")
    return Request(who, action, resource["resource"], account, _context(asked))


def _context(asked: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    context = {} if asked.get("context") is None else asked["context"]
    if not isinstance(context, dict):
        raise CaseError("request.context must be an object of keys and values")
    if len({str(key).lower() for key in context}) < len(context):
        raise CaseError("request.context has a key twice, in capitals and small letters: IAM takes both for one")
    for key, value in context.items():
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value)):
            raise CaseError(f"request.context: {key} is no value: it must be text, a number, a truth value or a list")
    return {str(key).lower(): context_values(value) for key, value in context.items()}


def context_values(value: Any) -> tuple[str, ...]:
    """The values of a key as text, as IAM compares them."""
    if isinstance(value, list):
        return tuple(text for each in value for text in context_values(each))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return () if value is None else (str(value),)


def _policies(case: Mapping[str, Any]) -> Policies:
    return Policies(
        identity=_listed(case, "identityPolicies", Kind.IDENTITY),
        resource=_single(case, "resourcePolicy", Kind.RESOURCE),
        scps=_levels(case, "serviceControlPolicies", Kind.SCP),
        rcps=_levels(case, "resourceControlPolicies", Kind.RCP),
        boundaries=_listed(case, "permissionBoundaries", Kind.BOUNDARY),
        session=_single(case, "sessionPolicy", Kind.SESSION),
        endpoints=_listed(case, "endpointPolicies", Kind.ENDPOINT),
    )


def _listed(case: Mapping[str, Any], key: str, kind: Kind) -> tuple[Policy, ...]:
    found = case.get(key)
    if not found:
        return ()
    if not isinstance(found, list):
        raise CaseError(f"{key} must be a list of policies")
    return tuple([_policy(each, kind, f"{kind} {at}") for at, each in enumerate(found, 1)])


def _single(case: Mapping[str, Any], key: str, kind: Kind) -> Policy | None:
    found = case.get(key)
    return _policy(found, kind, str(kind)) if found else None


def _levels(case: Mapping[str, Any], key: str, kind: Kind) -> tuple[Level, ...]:
    found = case.get(key)
    if not found:
        return ()
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise CaseError(f'{key} must be a list of {{"orgIdentifier", "policies"}}')
    levels = []
    for position, each in enumerate(found, 1):
        name = str(each.get("orgIdentifier") or f"level {position}")
        policies = each.get("policies") or []
        if not isinstance(policies, list):
            raise CaseError(f"{key}: policies of {name} must be a list")
        levels.append(
            Level(name, tuple(_policy(p, kind, f"{kind} {at} at {name}") for at, p in enumerate(policies, 1)))
        )
    return tuple(levels)


def _policy(found: Any, kind: Kind, name: str) -> Policy:
    if isinstance(found, dict) and "policy" in found and "Statement" not in found:
        return parse(found["policy"], kind, str(found.get("name") or name))
    return parse(found, kind, name)

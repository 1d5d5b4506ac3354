"""Policy documents, checked and taken apart once: what the engine reads.

`parse(document, kind, name)` gives a Policy or raises PolicyError with the policy, the statement and what is wrong
with it. It asks what IAM asks ("IAM JSON policy element reference"), and lets stand what IAM stores although it can
never match.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sakimori.assess.access.conditions import BadCondition, Test, parse_test
from sakimori.assess.access.globs import Glob, text_glob


class Kind(StrEnum):
    """What a policy is attached to, which says how its statements count."""

    IDENTITY = "identity policy"
    BOUNDARY = "permissions boundary"
    SCP = "service control policy"
    RCP = "resource control policy"
    RESOURCE = "resource policy"
    SESSION = "session policy"
    ENDPOINT = "endpoint policy"


class PolicyError(Exception):
    """A policy that IAM would not take: `policy` and `statement` name the place, the text the reason."""

    def __init__(self, policy: str, statement: str, reason: str) -> None:
        self.policy, self.statement, self.reason = policy, statement, reason
        place = f"{policy}, {statement}" if statement else policy
        super().__init__(f"{place}: {reason}")


class Statement(NamedTuple):
    """One statement. `not_actions`, `not_resources` and `not_principals` say that the list is what it is *not* about.

    `resources` is None where the element is absent: the resource that the policy is attached to. `principals` is None
    where the policy has none, else pairs such as ("AWS", "*").
    """

    policy: str
    sid: str
    allows: bool
    actions: tuple[Glob, ...]
    patterns: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...] | None
    not_resources: bool
    principals: tuple[tuple[str, str], ...] | None
    not_principals: bool
    tests: tuple[Test, ...]
    variables: bool

    def reference(self) -> dict[str, str]:
        """The statement as answers cite it."""
        return {"policy": self.policy, "sid": self.sid, "effect": "Allow" if self.allows else "Deny"}


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy of one kind under the name by which answers cite it."""

    name: str
    kind: Kind
    statements: tuple[Statement, ...]


_NEEDS_RESOURCE = frozenset((Kind.IDENTITY, Kind.BOUNDARY, Kind.SCP, Kind.SESSION))
_HAS_PRINCIPAL = frozenset((Kind.RESOURCE, Kind.RCP, Kind.ENDPOINT))
_PRINCIPAL_KINDS = {"aws": "AWS", "service": "Service", "federated": "Federated", "canonicaluser": "CanonicalUser"}
_VERSIONS = ("2012-10-17", "2008-10-17")


def parse(document: Any, kind: Kind, name: str) -> Policy:
    """The policy, or PolicyError. The document is a JSON object, or its text."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError as error:
            raise PolicyError(name, "", f"is not JSON: {error}") from None
        except RecursionError:
            raise PolicyError(name, "", "is nested too deeply to be a policy") from None
    if not isinstance(document, dict):
        raise PolicyError(name, "", f"is {_kind_of(document)}: a policy is a JSON object with a Statement")
    version = document.get("Version")
    if version is not None and version not in _VERSIONS:
        raise PolicyError(name, "", f"Version is {version!r}: IAM knows {' and '.join(_VERSIONS)}")
    found = document.get("Statement")
    if found is None:
        raise PolicyError(name, "", "has no Statement: without one it says nothing")
    listed = found if isinstance(found, list) else [found]
    variables = version == "2012-10-17"
    return Policy(name, kind, tuple([_statement(each, at, kind, name, variables) for at, each in enumerate(listed, 1)]))


def _statement(element: Any, position: int, kind: Kind, name: str, variables: bool) -> Statement:
    if not isinstance(element, dict):
        raise PolicyError(name, f"statement {position}", f"is {_kind_of(element)}: a statement is a JSON object")
    sid = element.get("Sid")
    place = f"statement {position} ({sid})" if sid else f"statement {position}"
    effect = element.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(name, place, f"Effect is {effect!r}: it must be Allow or Deny")
    actions, not_actions = _one_of(element, "Action", name, place)
    if actions is None:
        raise PolicyError(name, place, "has neither Action nor NotAction")
    resources, not_resources = _one_of(element, "Resource", name, place)
    if resources is None and kind in _NEEDS_RESOURCE:
        raise PolicyError(name, place, f"has neither Resource nor NotResource: a {kind} must have one")
    principals, not_principals = (None, False)
    if kind in _HAS_PRINCIPAL:
        principals, not_principals = _principals(element, name, place)
    return Statement(
        name,
        str(sid) if sid else f"#{position}",
        effect == "Allow",
        tuple(map(_action_glob, actions)),
        actions,
        not_actions,
        resources,
        not_resources,
        principals,
        not_principals,
        _tests(element.get("Condition"), name, place, variables) if element.get("Condition") else (),
        variables,
    )


@lru_cache(maxsize=16_384)
def _action_glob(pattern: str) -> Glob:
    return text_glob(pattern.lower())


def _one_of(element: Mapping[str, Any], key: str, name: str, place: str) -> tuple[tuple[str, ...] | None, bool]:
    """The values of `key` or of `Not` + `key`, and which of the two it was."""
    if key in element:
        if f"Not{key}" in element:
            raise PolicyError(name, place, f"has both {key} and Not{key}: it may have one of them")
        return _texts(element[key], key, name, place), False
    if f"Not{key}" in element:
        return _texts(element[f"Not{key}"], f"Not{key}", name, place), True
    return None, False


def _texts(value: Any, key: str, name: str, place: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise PolicyError(name, place, f"{key} is {_kind_of(value)}: it must be text or a list of texts")


def _principals(element: Mapping[str, Any], name: str, place: str) -> tuple[tuple[tuple[str, str], ...] | None, bool]:
    for key in ("Principal", "NotPrincipal"):
        if key in element:
            if key == "Principal" and "NotPrincipal" in element:
                raise PolicyError(name, place, "has both Principal and NotPrincipal: it may have one of them")
            return tuple(_pairs(element[key], key, name, place)), key == "NotPrincipal"
    return None, False


def _pairs(value: Any, key: str, name: str, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for kind, named in value.items():
            known = _PRINCIPAL_KINDS.get(str(kind).lower())
            if known is None:
                raise PolicyError(name, place, f"{key} has {kind!r}: IAM knows {', '.join(_PRINCIPAL_KINDS.values())}")
            for each in _texts(named, f"{key}.{kind}", name, place):
                yield known, each
    else:
        for each in _texts(value, key, name, place):
            yield "AWS", each


def _tests(value: Any, name: str, place: str, variables: bool) -> tuple[Test, ...]:
    if not isinstance(value, dict):
        raise PolicyError(name, place, f"Condition is {_kind_of(value)}: it must be a JSON object")
    found = []
    for operator, keys in value.items():
        if not isinstance(keys, dict):
            raise PolicyError(name, place, f"Condition {operator} is {_kind_of(keys)}: it maps keys to values")
        for key, values in keys.items():
            listed = tuple(values) if isinstance(values, list) else (values,)
            try:
                found.append(parse_test(str(operator), str(key), listed, variables))
            except BadCondition as error:
                raise PolicyError(name, place, f"Condition {operator} on {key}: {error}") from None
    return tuple(found)


def _kind_of(value: Any) -> str:
    names = {type(None): "null", bool: "a truth value", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "an object")

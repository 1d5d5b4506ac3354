"""What an apply would change: the template that is deployed and the one that would be, resource by resource."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that is added, changed or removed; `details` say what of it changes, from what to what."""

    what: str
    name: str
    kind: str
    details: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"what": self.what, "name": self.name, "kind": self.kind, "details": list(self.details)}


_NAMES = ("Sid", "PolicyName", "Key", "Id", "Name", "Resource", "AttributeName")

LONGEST = 400
"""Characters of a value that are shown."""


def changes(before: Mapping[str, Any], after: Mapping[str, Any], bundle: tuple[str, str] = ("", "")) -> list[Change]:
    """What makes `after` of `before`, {} for nothing. `bundle` is where the bundle was and will be."""
    old, new = before.get("Resources", {}), after.get("Resources", {})
    found = [Change("add", name, new[name]["Type"], tuple(_allowed(new[name]))) for name in new if name not in old]
    for name in new:
        if name in old:
            details = list(_details("", old[name], new[name]))
            if new[name]["Type"] == "AWS::Lambda::Function" and bundle[0] != bundle[1]:
                details.append(f"Code: {bundle[0]} -> {bundle[1]}")
            if details:
                found.append(Change("change", name, new[name]["Type"], tuple(details)))
    return found + [Change("remove", name, old[name]["Type"]) for name in old if name not in new]


def _allowed(resource: Mapping[str, Any]) -> Iterator[str]:
    """What a new role may do: nobody should have to look for that elsewhere before saying yes."""
    for policy in resource["Properties"].get("Policies", ()) if resource["Type"] == "AWS::IAM::Role" else ():
        for statement in policy["PolicyDocument"]["Statement"]:
            resources = ", ".join(_shown(each) for each in statement["Resource"])
            yield f"may {', '.join(statement['Action'])} on {resources}"


def _details(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from _details(f"{path}.{key}".lstrip("."), before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(path, before, after)
    elif before != after:
        yield f"{path}: {_shown(before)} -> {_shown(after)}"


def _of_lists(path: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    """Members of the same name are compared; of the others it is said which went and which came."""
    old, new = ({_name(each): each for each in side} for side in (before, after))
    for name in (each for each in new if each in old):
        yield from _details(f"{path}[{_shown(name)}]", old[name], new[name])
    yield from (f"{path}: -{_shown(old[name])}" for name in old if name not in new)
    yield from (f"{path}: +{_shown(new[name])}" for name in new if name not in old)


def _name(member: Any) -> str:
    """What a member of a list is known by: its name, a statement's resources, or all of it."""
    if isinstance(member, Mapping):
        for key in _NAMES:
            if key in member:
                return _shown(member[key])
    return json.dumps(member)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref":
            return str(argument)
        if function == "Fn::GetAtt":
            return ".".join(argument)
        if function == "Fn::Sub":
            return str(argument)
    text = "(none)" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

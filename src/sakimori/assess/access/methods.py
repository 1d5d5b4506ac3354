"""The methods of privilege escalation as `escalations.yml` declares them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DECLARATIONS = Path(__file__).with_name("escalations.yml")

CATEGORIES = ("self-escalation", "principal-access", "new-passrole", "existing-passrole")
PLACES = (
    "any self own-policy own-group own-instance own-profile target target-policy holder code provider new same"
    " script-document".split()
)
ALONE = "self group group-self unbounded undenied target-self new filled services owner".split()
GIVES = [*ALONE, "role", "user", "provider"]
PREPARE = ("filled", "services", "owner")
"""What is never everything by itself, but may lead on."""
REMOVES = ("", "inline", "attached", "group-inline", "group-attached", "group")


class MethodError(Exception):
    """A declaration is not one: the text names it and what is wrong."""


@dataclass(frozen=True, slots=True)
class Need:
    """An action and what it must be allowed on: one of PLACES, or a template of an ARN over the holder."""

    action: str
    place: str


@dataclass(frozen=True, slots=True)
class Method:
    """One way to more rights; the head of `escalations.yml` says what each field means."""

    id: str
    category: str
    how: str
    needs: tuple[Need, ...]
    gives: str
    who: str = ""
    target: str = ""
    passes: str = ""
    trusts: str = ""
    federated: bool = False
    holder: tuple[str, str] | None = None
    assumes: str = ""
    versions: bool = False
    password: bool | None = None
    inactive_key: bool = False
    removes: str = ""
    makes: str = ""
    below: tuple[str, ...] = ()
    profile: bool = False
    unpassed: bool = False
    source: str = ""
    within: tuple[str, ...] = ()

    @property
    def alone(self) -> bool:
        """Does it need nobody who is an administrator already?"""
        return self.gives in ALONE

    def may_have(self, arn: str) -> bool:
        """Is that an ARN of which the method can be?"""
        return not self.below or any(each in arn for each in self.below)

    @property
    def actions(self) -> tuple[str, ...]:
        """All actions that must be allowed, iam:PassRole among them."""
        named = tuple(dict.fromkeys(need.action for need in self.needs))
        return ("iam:PassRole", *named) if self.passes and not self.unpassed else named


@cache
def methods() -> tuple[Method, ...]:
    """All declared methods, in their order. Raises MethodError."""
    import yaml

    return tuple(map(_method, yaml.safe_load(DECLARATIONS.read_text(encoding="utf-8"))))


def holder_kinds() -> list[str]:
    """The types of assets that run under a role and by which somebody gets it, and of what their description names."""
    return sorted(
        {
            kind
            for method in methods()
            if method.holder
            for kind in (method.holder[0], *_THROUGH.get(method.holder[0], ()))
        }
    )


_THROUGH = {
    "AWS::ECS::Task": ("AWS::ECS::TaskDefinition",),
    "AWS::CodeDeploy::DeploymentGroup": ("AWS::EC2::Instance",),
    "AWS::CodePipeline::Pipeline": ("AWS::CodeBuild::Project", "AWS::CodeDeploy::DeploymentGroup"),
    "AWS::ImageBuilder::ImagePipeline": ("AWS::ImageBuilder::InfrastructureConfiguration",),
    "AWS::RolesAnywhere::TrustAnchor": ("AWS::RolesAnywhere::Profile",),
    "AWS::SSM::Association": ("AWS::EC2::Instance",),
}
"""What else is looked at on the way from a holder to its role."""


@cache
def looked_up() -> frozenset[tuple[str, str]]:
    """Kinds of assets with the first key of each path at which methods look in their description."""
    found: set[tuple[str, str]] = set()
    for method in methods():
        if method.holder is None:
            continue
        kind, paths = method.holder
        named = re.findall(r"\{([^@{}][^{}]*)\}", " ".join([method.source, *(need.place for need in method.needs)]))
        for first, _, rest in (path.partition(" -> ") for path in [*paths.split(", "), *named]):
            found.add((kind, _first_key(first)))
            found.update((each, _first_key(rest)) for each in (kind, *_THROUGH.get(kind, ())))
    return frozenset(found)


def _first_key(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _method(told: Mapping[str, Any]) -> Method:
    name = told.get("id")
    try:
        needs = tuple(_need(each) for each in told["needs"])
        gives = told["gives"]
        lists = {each: tuple(told[each]) for each in ("holder", "within", "below") if told.get(each)}
        method = Method(**{**told, **lists, "needs": needs, "target": _target(told, gives)})
    except (KeyError, TypeError) as error:
        raise MethodError(f"{DECLARATIONS.name}: {name}: {error}") from error
    wrong = [need.place for need in needs if need.place not in PLACES and not (method.holder and "{" in need.place)]
    if method.category not in CATEGORIES or gives not in GIVES or wrong or method.removes not in REMOVES:
        raise MethodError(f"{DECLARATIONS.name}: {name}: unknown category, gain, removal or place: {wrong or gives}")
    return method


def _need(text: str) -> Need:
    action, _, place = text.partition(" ")
    return Need(action, place or "any")


def _target(told: Mapping[str, Any], gives: str) -> str:
    """What kind of principal the gain is: told, or plain from `gives`."""
    if gives in ("self", "unbounded", "undenied", "owner"):
        return ""
    usual = {"group": "group", "group-self": "group", "user": "user", "new": ""}
    return str(told.get("target") or usual.get(gives, "role"))

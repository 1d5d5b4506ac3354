"""What policies and computers have in common: rules are assigned to both, and both override rules and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sakimori.protect import computers, inheritance, policies, recommendations, storage
from sakimori.protect.calls import Call
from sakimori.protect.computer_filter import valued
from sakimori.protect.declare import Resource
from sakimori.protect.inheritance import Effective
from sakimori.protect.policies import View
from sakimori.protect.recommendations import Scan
from sakimori.protect.resources import all_resources
from sakimori.protect.storage import Body
from sakimori.protect.work import MODULES

EDIT = {
    "policies": "platformRights/policyRights/canEditPolicyProperties",
    "computers": "platformRights/computerRights/canEditComputerProperties",
}


@dataclass(frozen=True, slots=True)
class Holder:
    """A policy or a computer of a call, with what it sets itself and what it inherits."""

    resource: Resource
    id: int
    body: Body
    view: View

    @property
    def settings_field(self) -> str:
        return "policySettings" if self.resource.id == "policies" else "computerSettings"

    def above(self) -> Effective:
        """What it inherits."""
        key = "parentID" if self.resource.id == "policies" else "policyID"
        return self.view.effective(self.body.get(key) or 0)

    def effective(self) -> Effective:
        return inheritance.over(self.above(), self.body, self.settings_field)

    def own_rules(self, module: str) -> list[int]:
        """The rules that are assigned here."""
        return list((self.body.get(module) or {}).get("ruleIDs") or ())

    def own_overrides(self, resource: str) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = (self.body.get(inheritance.RULE_OVERRIDES) or {}).get(resource, {})
        return found

    def store(self, call: Call, body: Body) -> Holder:
        """Keeps what it has become, and has the computers that it is in force on fetch it."""
        if body != self.body:
            storage.replace(call.connection, call.tenant, self.resource, self.id, body)
            if self.resource.id == "policies":
                policies.changed(call, self.id, body)
            else:
                computers.changed(call, self.id)
        return of(call, self.resource)

    def scans(self, call: Call, resource: str) -> dict[int, Scan]:
        """The newest scans of the computer, or of all computers that have the policy."""
        ids = [self.id] if self.resource.id == "computers" else self._computers(call)
        return recommendations.scans(call.connection, call.tenant, ids, resource)

    def _computers(self, call: Call) -> list[int]:
        return valued(call.connection, call.tenant, "policyID", policies.below(call.connection, call.tenant, self.id))


def of(call: Call, resource: Resource) -> Holder:
    """The policy or computer in a call's path. Raises NotFound."""
    id = call.id(resource.key)
    body = storage.get(call.connection, call.tenant, resource, id)
    return Holder(resource, id, body, call.manager.policies.view(call.connection, call.tenant))


def both() -> tuple[Resource, Resource]:
    return all_resources()["policies"], all_resources()["computers"]


def module_of(resource: str) -> str:
    """The module whose rules a resource holds."""
    return next(module for module, rules in MODULES.items() if rules == resource)

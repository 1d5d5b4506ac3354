"""Policies: what is inherited, what is shown, and what a change means for the computers that have them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from sakimori.protect import inheritance, modes, setting_values, storage, tables
from sakimori.protect.calls import Call
from sakimori.protect.declare import flag
from sakimori.protect.errors import Forbidden, Invalid
from sakimori.protect.inheritance import STATES, Effective
from sakimori.protect.objects import Behaviour, Shown, plain
from sakimori.protect.recommendations import closed
from sakimori.protect.resources import all_resources
from sakimori.protect.storage import Body
from sakimori.protect.work import MODULES

OVERRIDES = flag("overrides", says="Show only what is set here, and not what is inherited.")
SEEN_SECONDS = 0.25
DEEPEST = 50
"""Levels of policies under each other, at most."""


class Policies:
    """What is in force on each policy, remembered until a policy changes. One a process."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, int, tuple[int, ...]], Effective] = {}
        self.generation = 0
        self.seen: dict[int, tuple[float, tuple[int, ...]]] = {}
        """Tenant -> when the ledger was last asked whether policies changed, and what it said."""

    def changed(self) -> None:
        """After a transaction that may have changed policies, the ledger is asked anew."""
        self.generation += 1
        self.seen = {}

    def view(self, connection: Connection, tenant: int) -> View:
        """The policies as this transaction sees them."""
        if len(self.known) > 5_000:
            self.known = {}
        return View(self, connection, tenant)


class View:
    """The policies of a tenant within one transaction."""

    def __init__(self, policies: Policies, connection: Connection, tenant: int) -> None:
        self._policies = policies
        self._connection = connection
        self._tenant = tenant
        self._at = self._revisions()

    def effective(self, id: int) -> Effective:
        """What is in force on the policy; on none, for ID 0."""
        key = (self._tenant, id, self._at)
        found = self._policies.known.get(key)
        if found is None:
            found = self._resolve(id)
            if self._connection.get_execution_options().get("reads"):  # what a writer sees may yet be rolled back
                self._policies.known[key] = found
        return found

    def _revisions(self) -> tuple[int, ...]:
        """For readers good for a moment: another process's change is seen within SEEN_SECONDS, our own at once."""
        reads = self._connection.get_execution_options().get("reads", False)
        seen = self._policies.seen.get(self._tenant) if reads else None
        if seen is not None and time.monotonic() - seen[0] < SEEN_SECONDS:
            return seen[1]
        asked, generation = time.monotonic(), self._policies.generation
        found = storage.revisions(self._connection, self._tenant, "policies", setting_values.DEFAULTS.id, modes.SCANS)
        if reads and generation == self._policies.generation:
            self._policies.seen[self._tenant] = (asked, found)
        return found

    def _resolve(self, id: int) -> Effective:
        connection, tenant = self._connection, self._tenant
        levels: list[Body] = []
        seen: set[int] = set()
        while id and id not in seen:
            seen.add(id)
            body = storage.get_or_none(connection, tenant, "policies", id)
            if body is None:
                break
            levels.append(body)
            id = body.get("parentID", 0)
        defaults = setting_values.effective(connection, tenant, setting_values.DEFAULTS)
        scans = modes.bodies(connection, tenant, modes.SCANS).items()
        ground = inheritance.ground(
            {n: v for n, v in defaults.items() if n not in setting_values.STATE_SETTINGS},
            frozenset(id for id, body in scans if modes.stops(body)),
        )
        states = {
            module: {"state": setting_values.state_of(module, defaults[name])}
            for name, module in setting_values.STATE_SETTINGS.items()
            if defaults.get(name)
        }
        effective = inheritance.over(ground, states, "policySettings") if levels else ground
        for body in reversed(levels):
            effective = inheritance.over(effective, body, "policySettings")
        return effective


def application_types(connection: Connection, tenant: int, rules: tuple[int, ...]) -> list[int]:
    """The application types that intrusion prevention rules belong to."""
    if not rules:
        return []
    shown = tables.values
    found: set[int] = set()
    for start in range(0, len(rules), 500):
        numbers = connection.execute(
            select(shown.c.number)
            .distinct()
            .where(
                shown.c.tenant == tenant,
                shown.c.resource == "intrusionpreventionrules",
                shown.c.id.in_(rules[start : start + 500]),
                shown.c.field == "applicationTypeID",
            )
        ).scalars()
        found |= {int(number) for number in numbers}
    return sorted(found - {0})


def status_message(module: str, state: str, rules: tuple[int, ...] | None) -> str:
    """How the console says a module's state: `On, Prevent, 12 rules`."""
    if state == "off":
        return "Off"
    words = {"prevent": "On, Prevent", "detect": "On, Detect", "real-time": "On, Real Time"}.get(state, "On")
    if module == "antiMalware":
        words = "On, Real Time"
    if rules is None:
        return words
    return f"{words}, {len(rules) or 'no'} rule{'s' if len(rules) != 1 else ''}"


def _shown(call: Call, found: list[tuple[int, Body]]) -> list[Shown]:
    if call.flag("overrides"):
        return [_overridden(id, body) for id, body in found]
    view = call.manager.policies.view(call.connection, call.tenant)
    return [_in_force(call, view, id, body) for id, body in found]


def _overridden(id: int, body: Body) -> Shown:
    return plain(all_resources()["policies"], id, without_inherited(body))


def without_inherited(body: Mapping[str, Any]) -> Body:
    """Only what is really set: "inherited" is a word to send and never shown, and what was emptied was never there."""
    own = {name: value for name, value in body.items() if not (value == {} and name.endswith("Settings"))}
    for module in STATES:
        if isinstance(own.get(module), dict):
            own[module] = {
                name: value
                for name, value in own[module].items()
                if (name, value) != ("state", "inherited") and not (name == "ruleIDs" and not value)
            }
            if not own[module]:
                del own[module]
    return own


def _in_force(call: Call, view: View, id: int, body: Body) -> Shown:
    effective = view.effective(id)
    shown = plain(all_resources()["policies"], id, {n: v for n, v in body.items() if n not in STATES})
    shown["policySettings"] = {name: {"value": value} for name, value in effective.settings.items()}
    for module, values in effective.modules.items():
        rules = effective.rules[MODULES[module]] if module in MODULES else None
        state = values["state"]
        shown[module] = {
            **values,
            "moduleStatus": {
                "status": "inactive" if state == "off" else "active",
                "statusMessage": status_message(module, state, rules),
            },
        }
        if rules is not None:
            shown[module]["ruleIDs"] = list(rules)
    types = application_types(call.connection, call.tenant, effective.rules["intrusionpreventionrules"])
    shown["intrusionPrevention"]["applicationTypeIDs"] = types
    return shown


def _create(call: Call, body: Body) -> Body:
    if call.holder.role.policies is not None:
        raise Forbidden("the role of this key reaches only certain policies, so it can make none")
    return _checked(call, 0, body)


def _modify(call: Call, id: int, _before: Body, after: Body) -> Body:
    return _checked(call, id, after)


def _checked(call: Call, id: int, body: Body) -> Body:
    setting_values.refuse_unknown(body.get("policySettings"), setting_values.policy_names())
    call.warnings += setting_values.doubts(body.get("policySettings"))
    above, depth = body.get("parentID", 0), 0
    while above:
        depth += 1
        if above == id or depth > DEEPEST:
            raise Invalid(f"policy {body['parentID']} cannot be the parent: it inherits from policy {id} itself")
        above = (storage.get_or_none(call.connection, call.tenant, "policies", above) or {}).get("parentID", 0)
    return with_dependencies(call, body)


def with_dependencies(call: Call, body: Body) -> Body:
    """The rules that the body assigns, with those that they depend on."""
    for module, resource in MODULES.items():
        ids = (body.get(module) or {}).get("ruleIDs")
        if ids:
            body = {**body, module: {**body[module], "ruleIDs": closed(call.connection, call.tenant, resource, ids)}}
    return body


def _modified(call: Call, id: int, _before: Body, after: Body) -> Shown:
    changed(call, id, after)
    return {}


def changed(call: Call, id: int, body: Mapping[str, Any]) -> None:
    """A policy is not what it was: the computers get it anew."""
    if body.get("autoRequiresUpdate", "on") == "on":
        call.manager.tasks.send_policy_to(call.connection, call.tenant, below(call.connection, call.tenant, id))


def below(connection: Connection, tenant: int, id: int) -> set[int]:
    """A policy and all that inherit from it."""
    shown = tables.values
    found, level = {id}, {id}
    while level:
        children = connection.execute(
            select(shown.c.id).where(
                shown.c.tenant == tenant,
                shown.c.resource == "policies",
                shown.c.field == "parentID",
                shown.c.number.in_(sorted(level)),
            )
        ).scalars()
        level = set(children) - found
        found |= level
    return found


BEHAVIOUR = Behaviour(create=_create, modify=_modify, modified=_modified, show=_shown, query=(OVERRIDES,))

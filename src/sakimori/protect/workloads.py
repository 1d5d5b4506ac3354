"""Smaller resources with a behaviour of their own: groups, connectors, application control, reports and scripts."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.protect import storage
from sakimori.protect.calls import Call, Operation, Shape
from sakimori.protect.clock import now
from sakimori.protect.declare import texts
from sakimori.protect.errors import Invalid
from sakimori.protect.objects import Behaviour, Shown
from sakimori.protect.storage import Body

_DEEPEST = 50


def _create_group(call: Call, body: Body) -> Body:
    return _group(call, 0, body)


def _modify_group(call: Call, id: int, _before: Body, after: Body) -> Body:
    return _group(call, id, after)


def _group(call: Call, id: int, body: Body) -> Body:
    above, depth = body.get("parentGroupID", 0), 0
    while above:
        depth += 1
        if above == id or depth > _DEEPEST:
            raise Invalid(f"group {body['parentGroupID']} cannot be the parent: it is within group {id} itself")
        above = (storage.get_or_none(call.connection, call.tenant, "computergroups", above) or {}).get(
            "parentGroupID", 0
        )
    return body


def _stamped(_call: Call, body: Body) -> Body:
    return body | {"lastUpdated": now()}


def _stamped_again(_call: Call, _id: int, _before: Body, after: Body) -> Body:
    return after | {"lastUpdated": now()}


def _by_key(call: Call, body: Body) -> Body:
    return body | {"lastUpdated": now(), "lastUpdatedAdministrator": call.holder.key}


def _by_key_again(call: Call, _id: int, _before: Body, after: Body) -> Body:
    return _by_key(call, after)


def _ruleset(_call: Call, body: Body) -> Body:
    return body | {"created": now(), "lastUpdated": now(), "version": 1, "type": "shared-hash"}


def _inventory(call: Call, body: Body) -> Body:
    return body | {"startDate": now(), "initiatorID": call.holder.key}


def operations() -> Iterator[Operation]:
    yield Operation(
        "GET",
        "/scripts",
        "list_scripts",
        "scripts",
        "Lists the scripts that a scheduled task can run; this manager runs none.",
        _scripts,
        gives=Shape("Scripts", (texts("scripts"),)),
    )


def _scripts(_call: Call) -> Shown:
    return {"scripts": []}


_RULES = Behaviour(create=_stamped, modify=_stamped_again)

BEHAVIOURS = {
    "computergroups": Behaviour(create=_create_group, modify=_modify_group),
    "intrusionpreventionrules": _RULES,
    "integritymonitoringrules": _RULES,
    "loginspectionrules": _RULES,
    "applicationcontrolglobalrules": Behaviour(create=_by_key, modify=_by_key_again),
    "rulesets": Behaviour(create=_ruleset),
    "softwareinventories": Behaviour(create=_inventory),
}

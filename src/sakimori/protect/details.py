"""Rules as they are on a policy or a computer, which may override what the catalogue says of them.

The same goes for the application types of the intrusion prevention rules in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from sakimori.protect import accept, holders, inheritance, storage
from sakimori.protect.calls import NOTHING, Call, Operation, Shape
from sakimori.protect.declare import Resource
from sakimori.protect.holders import Holder
from sakimori.protect.objects import Shown, plain
from sakimori.protect.policies import OVERRIDES, application_types
from sakimori.protect.resources import all_resources
from sakimori.protect.work import MODULES


def operations() -> Iterator[Operation]:
    """For policies and computers, for each module that has rules, and for application types."""
    for resource in holders.both():
        for module, rules in MODULES.items():
            yield from _of(resource, module.lower(), "rules", all_resources()[rules])
        yield from _of(resource, "intrusionprevention", "applicationtypes", all_resources()["applicationtypes"])


def _of(resource: Resource, module: str, path: str, rules: Resource) -> Iterator[Operation]:
    one = {"policies": "policy", "computers": "computer"}[resource.id]
    base = f"/{resource.id}/{{{resource.key}}}/{module}/{path}"
    single = Shape(rules.model, rules.fields)
    name = f"{module}_{path}_on_{one}"
    table = (
        ("GET", base, f"list_{name}", "Lists those in force.", _list, NOTHING, replace(single, many=rules.many)),
        ("GET", f"{base}/{{{rules.key}}}", f"describe_{name}", "Shows one as it is here.", _describe, NOTHING, single),
        ("POST", f"{base}/{{{rules.key}}}", f"modify_{name}", "Overrides what is sent, here.", _modify, single, single),
        ("DELETE", f"{base}/{{{rules.key}}}", f"reset_{name}", "Takes back all overrides.", _reset, NOTHING, single),
    )
    for method, place, operation, says, run, takes, gives in table:
        yield Operation(
            method,
            place,
            operation,
            f"{resource.id}/{module}",
            says,
            partial(run, resource, rules),
            right=holders.EDIT[resource.id] if run in (_modify, _reset) else "",
            writes=run in (_modify, _reset),
            takes=takes,
            gives=gives,
            query=(OVERRIDES,),
            reach=one,
        )


def _list(resource: Resource, rules: Resource, call: Call) -> Shown:
    holder = holders.of(call, resource)
    if call.flag("overrides"):
        ids = [int(id) for id in holder.own_overrides(rules.id)]
    elif rules.id == "applicationtypes":
        in_force = holder.effective().rules["intrusionpreventionrules"]
        ids = application_types(call.connection, call.tenant, in_force)
    else:
        ids = list(holder.effective().rules[rules.id])
    bodies = storage.get_many(call.connection, call.tenant, rules.id, ids)
    return {rules.many: [_as_here(call, holder, rules, id, bodies[id]) for id in ids if id in bodies]}


def _describe(resource: Resource, rules: Resource, call: Call) -> Shown:
    id = call.id(rules.key)
    holder = holders.of(call, resource)
    return _as_here(call, holder, rules, id, storage.get(call.connection, call.tenant, rules, id))


def _modify(resource: Resource, rules: Resource, call: Call) -> Shown:
    id = call.id(rules.key)
    holder = holders.of(call, resource)
    rule = storage.get(call.connection, call.tenant, rules, id)
    own = dict(holder.own_overrides(rules.id).get(str(id), {}))
    above = {**rule, **holder.above().overrides.get(rules.id, {}).get(str(id), {})}
    sent = accept.modified(rules, call.body, {})
    for name in call.body:
        if name in sent and (sent[name] != above.get(name) or sent[name] != rule.get(name)):
            own[name] = sent[name]
        elif name in own:
            del own[name]
    return _store(call, holder, rules, id, own)


def _reset(resource: Resource, rules: Resource, call: Call) -> Shown:
    id = call.id(rules.key)
    storage.get(call.connection, call.tenant, rules, id)
    return _store(call, holders.of(call, resource), rules, id, {})


def _store(call: Call, holder: Holder, rules: Resource, id: int, own: dict[str, Any]) -> Shown:
    all_overrides = dict(holder.body.get(inheritance.RULE_OVERRIDES) or {})
    of_kind = {key: fields for key, fields in all_overrides.get(rules.id, {}).items() if key != str(id)}
    if own:
        of_kind[str(id)] = own
    all_overrides[rules.id] = of_kind
    stored = holder.store(call, {**holder.body, inheritance.RULE_OVERRIDES: all_overrides})
    return _as_here(call, stored, rules, id, storage.get(call.connection, call.tenant, rules, id))


def _as_here(call: Call, holder: Holder, rules: Resource, id: int, body: dict[str, Any]) -> Shown:
    if call.flag("overrides"):
        return plain(rules, id, holder.own_overrides(rules.id).get(str(id), {}))
    return plain(rules, id, {**body, **holder.effective().overrides.get(rules.id, {}).get(str(id), {})})

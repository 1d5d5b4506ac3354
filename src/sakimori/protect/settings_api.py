"""Settings one by one: of a policy, of a computer, of all policies, and of the manager."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from sakimori.protect import accept, holders, setting_values
from sakimori.protect.calls import NOTHING, SETTING, Call, Operation, Shape
from sakimori.protect.declare import Resource, settings
from sakimori.protect.errors import Invalid
from sakimori.protect.holders import Holder
from sakimori.protect.objects import Shown
from sakimori.protect.policies import OVERRIDES
from sakimori.protect.setting_values import DEFAULTS, STATE_SETTINGS, SYSTEM


def operations() -> Iterator[Operation]:
    for resource in holders.both():
        one = {"policies": "policy", "computers": "computer"}[resource.id]
        path = f"/{resource.id}/{{{resource.key}}}/settings/{{name}}"
        for method, word, run in (
            ("GET", "describe", _describe),
            ("POST", "modify", _modify),
            ("DELETE", "reset", _reset),
        ):
            yield Operation(
                method,
                path,
                f"{word}_{one}_setting",
                resource.id,
                _SAYS[method],
                partial(run, resource),
                right=holders.EDIT[resource.id] if method != "GET" else "",
                writes=method != "GET",
                takes=SETTING if method == "POST" else NOTHING,
                gives=SETTING,
                query=(OVERRIDES,),
                reach=one,
            )
    yield from _collection(DEFAULTS, "/policies/default", "/policies/default/settings/{name}", "default")
    yield from _collection(SYSTEM, "/systemsettings", "/systemsettings/{name}", "system")


_SAYS = {"GET": "Shows one setting.", "POST": "Changes one setting.", "DELETE": "Takes a setting back to its default."}


def _collection(resource: Resource, path: str, one: str, word: str) -> Iterator[Operation]:
    whole = Shape(resource.model, (settings("", resource.model),))
    table = (
        ("GET", path, f"list_{word}_settings", "Lists all settings.", _list_all, NOTHING, whole),
        ("POST", path, f"modify_{word}_settings", "Changes the settings that are sent.", _modify_all, whole, whole),
        ("GET", one, f"describe_{word}_setting", _SAYS["GET"], _describe_own, NOTHING, SETTING),
        ("POST", one, f"modify_{word}_setting", _SAYS["POST"], _modify_own, SETTING, SETTING),
        ("DELETE", one, f"reset_{word}_setting", _SAYS["DELETE"], _reset_own, NOTHING, SETTING),
    )
    for method, place, name, says, run, takes, gives in table:
        yield Operation(
            method,
            place,
            name,
            resource.id.partition("/")[0],
            says,
            partial(run, resource),
            right=resource.rights.view if method == "GET" else resource.rights.edit,
            writes=method != "GET",
            takes=takes,
            gives=gives,
        )


# ---- of a policy or a computer


def _name(call: Call) -> str:
    name: str = call.ids["name"]
    if name not in STATE_SETTINGS:
        setting_values.must_be_known(name, setting_values.policy_names())
    return name


def _describe(resource: Resource, call: Call) -> Shown:
    return _value(call, holders.of(call, resource), _name(call))


def _value(call: Call, holder: Holder, name: str) -> Shown:
    if name in STATE_SETTINGS:
        module = STATE_SETTINGS[name]
        own = (holder.body.get(module) or {}).get("state")
        state = own if call.flag("overrides") else holder.effective().modules[module]["state"]
        return {"value": setting_values.spelt(state or "")}
    if call.flag("overrides"):
        return {"value": (holder.body.get(holder.settings_field) or {}).get(name, "")}
    return {"value": holder.effective().settings[name]}


def _modify(resource: Resource, call: Call) -> Shown:
    name, holder = _name(call), holders.of(call, resource)
    value = _sent(call)
    if name in STATE_SETTINGS:
        module = STATE_SETTINGS[name]
        state = setting_values.state_of(module, value)
        body = {**holder.body, module: {**(holder.body.get(module) or {}), "state": state}}
    else:
        call.warnings += setting_values.doubts({name: value})
        own = {**(holder.body.get(holder.settings_field) or {}), name: value}
        body = {**holder.body, holder.settings_field: own}
    return _value(call, holder.store(call, body), name)


def _reset(resource: Resource, call: Call) -> Shown:
    name, holder = _name(call), holders.of(call, resource)
    field = STATE_SETTINGS.get(name, holder.settings_field)
    key = "state" if name in STATE_SETTINGS else name
    own = {each: value for each, value in (holder.body.get(field) or {}).items() if each != key}
    return _value(call, holder.store(call, {**holder.body, field: own}), name)


def _sent(call: Call) -> str:
    if not isinstance(call.body, dict) or "value" not in call.body:
        raise Invalid('the body must be {"value": "..."}')
    return accept.setting_value(call.body, "value")


# ---- of all policies, of the manager


def _list_all(resource: Resource, call: Call) -> Shown:
    values = setting_values.effective(call.connection, call.tenant, resource)
    return {name: {"value": value} for name, value in values.items()}


def _modify_all(resource: Resource, call: Call) -> Shown:
    if not isinstance(call.body, dict):
        raise Invalid('the body must be an object of settings, each {"value": "..."}')
    sent = {name: accept.setting_value(value, name) for name, value in call.body.items() if value is not None}
    setting_values.refuse_unknown(sent, setting_values.built_in(resource.id))
    call.warnings += setting_values.doubts(sent)
    _keep(resource, call, {**setting_values.own(call.connection, call.tenant, resource), **sent})
    return _list_all(resource, call)


def _describe_own(resource: Resource, call: Call) -> Shown:
    name = call.ids["name"]
    setting_values.must_be_known(name, setting_values.built_in(resource.id))
    return {"value": setting_values.effective(call.connection, call.tenant, resource)[name]}


def _modify_own(resource: Resource, call: Call) -> Shown:
    name = call.ids["name"]
    setting_values.must_be_known(name, setting_values.built_in(resource.id))
    own = setting_values.own(call.connection, call.tenant, resource)
    _keep(resource, call, {**own, name: _sent(call)})
    return _describe_own(resource, call)


def _reset_own(resource: Resource, call: Call) -> Shown:
    name = call.ids["name"]
    setting_values.must_be_known(name, setting_values.built_in(resource.id))
    own = setting_values.own(call.connection, call.tenant, resource)
    _keep(resource, call, {each: value for each, value in own.items() if each != name})
    return _describe_own(resource, call)


def _keep(resource: Resource, call: Call, values: dict[str, Any]) -> None:
    for name, module in STATE_SETTINGS.items():
        if resource is DEFAULTS and name in values:
            setting_values.state_of(module, values[name])
    setting_values.keep(call.connection, call.tenant, resource, values)

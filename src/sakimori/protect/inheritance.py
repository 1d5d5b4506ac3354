"""What is in force on a policy or a computer: its own values over those of every policy above it.

A policy inherits from its parent, a computer from its policy. A module's state and its scan configurations come from
the nearest level that sets them; rules add up from the top down; settings and what is overridden in a rule come from
the nearest level, name by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sakimori.protect.work import MODULES

STATES: Mapping[str, tuple[str, ...]] = {
    "antiMalware": ("on", "off"),
    "webReputation": ("on", "off"),
    "activityMonitoring": ("on", "off"),
    "firewall": ("on", "off"),
    "intrusionPrevention": ("prevent", "detect", "off"),
    "integrityMonitoring": ("real-time", "on", "off"),
    "logInspection": ("on", "off"),
    "applicationControl": ("on", "off"),
    "SAP": ("on", "off"),
}
"""The protection modules with the states that each can be in, beside "inherited", which is only ever sent."""

RULE_OVERRIDES = "_overrides"
"""The key under which an object keeps what it overrides in rules: resource -> ID as text -> fields."""


@dataclass(frozen=True, slots=True)
class Effective:
    """What is in force. `modules` is module -> values with `state`; `rules` is resource -> IDs, in order.

    `stopping_scans` are the malware scan configurations, by ID, that do something to what they find.
    """

    modules: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, tuple[int, ...]]
    settings: Mapping[str, str]
    overrides: Mapping[str, Mapping[str, Mapping[str, Any]]]
    stopping_scans: frozenset[int] = frozenset()


def ground(settings: Mapping[str, str], stopping_scans: frozenset[int] = frozenset()) -> Effective:
    """What holds where no policy says anything: every module off."""
    modules = {module: {"state": "off"} for module in STATES}
    return Effective(modules, {resource: () for resource in MODULES.values()}, settings, {}, stopping_scans)


def over(above: Effective, own: Mapping[str, Any], settings_field: str) -> Effective:
    """`own` (a policy's or a computer's values) over what it inherits."""
    if own.keys().isdisjoint((*STATES, settings_field, RULE_OVERRIDES)):
        return above
    modules = {module: {**above.modules[module], **_set(own.get(module))} for module in STATES}
    rules = {
        resource: tuple(dict.fromkeys((*above.rules[resource], *((own.get(module) or {}).get("ruleIDs") or ()))))
        for module, resource in MODULES.items()
    }
    settings = own.get(settings_field)
    return Effective(
        modules,
        rules,
        {**above.settings, **settings} if settings else above.settings,
        _merged(above.overrides, own.get(RULE_OVERRIDES)),
        above.stopping_scans,
    )


def _set(module: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a level really sets: not "inherited", not a configuration's ID 0, and not rules, which add up."""
    return {
        name: value
        for name, value in (module or {}).items()
        if value is not None and name != "ruleIDs" and value != "inherited" and not (name.endswith("ID") and value == 0)
    }


def _merged(
    above: Mapping[str, Mapping[str, Mapping[str, Any]]], own: Mapping[str, Mapping[str, Mapping[str, Any]]] | None
) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    if not own:
        return above
    merged = {resource: dict(rules) for resource, rules in above.items()}
    for resource, rules in own.items():
        level = merged.setdefault(resource, {})
        for id, fields in rules.items():
            level[id] = {**level.get(id, {}), **fields}
    return merged

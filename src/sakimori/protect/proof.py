"""What a promotion is about, and what was seen of it: a rule or module on a policy, its mode, and the evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select

from sakimori.protect import enforcement, modes, policies, setting_values, storage, tables
from sakimori.protect.agent_states import MISSED_BEATS
from sakimori.protect.catalogue import reading
from sakimori.protect.clock import now
from sakimori.protect.computer_filter import valued
from sakimori.protect.errors import Invalid, NotFound
from sakimori.protect.inheritance import RULE_OVERRIDES
from sakimori.protect.storage import Body

DAY_MS = 86_400_000
IPS = "intrusionPrevention"
WATCHING = ("detect", "prevent")

MODULES: Mapping[str, tuple[str, Any, Any]] = {
    IPS: (f"{IPS}/state", "detect", "prevent"),
    "firewall": (modes.ENGINE, enforcement.DETECT, enforcement.INLINE),
    "antiMalware": (modes.SCAN, None, None),
    "applicationControl": (modes.BLOCK, False, True),
    "webReputation": (modes.LEVEL, enforcement.DETECT, "Medium"),
}
"""The modules that know both modes: the subject, and its value in detect and in prevent.

Anti-malware's are the IDs of scan configurations: one that only tells of what it finds, and one that acts.
"""

WITHOUT_MODES: Mapping[str, str] = {
    "integrityMonitoring": "it watches files and stops nothing",
    "logInspection": "it reads logs and stops nothing",
    "activityMonitoring": "it records what happens and stops nothing",
    "SAP": "it answers what an application asks it, which decides by itself",
}
"""Modules that cannot be promoted, and why."""

RULES: Mapping[str, tuple[str, str, str]] = {
    modes.RULES: (IPS, "log-only", "drop"),
    modes.FIREWALL_RULES: ("firewall", "log-only", "deny"),
}
"""Rules that know both modes: their module, and their action in detect and in prevent."""

RULES_WITHOUT_MODES = {"integritymonitoringrules": "integrityMonitoring", "loginspectionrules": "logInspection"}


@dataclass(frozen=True, slots=True)
class Target:
    """What is promoted. `rule` is 0 for a module; else `resource` is its kind."""

    label: str
    rule: int
    module: str
    subject: str
    detects: Any
    prevents: Any
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen. Times are milliseconds since 1970; `since` is None if it is not known.

    `computers` are those that the promotion would be in force on, `watching` those whose agent runs the module now.
    """

    since: int | None
    looked_from: int
    looked_to: int
    computers: int
    watching: int
    events: int
    true_positives: int
    false_positives: int
    unjudged: int

    @property
    def days(self) -> float:
        return 0.0 if self.since is None else (self.looked_to - self.since) / DAY_MS


def target_of(connection: Connection, tenant: int, wanted: str) -> Target:
    """A module by name, or a rule by ID, identifier, the catalogue's name or its own; `firewallrules/7` says its kind.

    Raises NotFound for what is not there, and Invalid for what stops nothing.
    """
    for module in (*MODULES, *WITHOUT_MODES):
        if re.sub(r"[-_ ]", "", wanted).lower() == module.lower():
            return module_target(connection, tenant, module)
    kind, _, word = wanted.strip().rpartition("/")
    for resource in (*RULES, *RULES_WITHOUT_MODES):
        found = _named(modes.bodies(connection, tenant, resource), word) if kind in ("", resource) else None
        if found is None:
            continue
        id, body = found
        label = f"{body.get('identifier') or id} {body.get('name', '')}".strip()
        if resource in RULES_WITHOUT_MODES:
            raise Invalid(_without(label, RULES_WITHOUT_MODES[resource]))
        module, detects, prevents = RULES[resource]
        return Target(label, id, module, f"{modes.RULE_WORDS[resource]}/{id}/action", detects, prevents, resource)
    raise NotFound(
        f"there is no intrusion prevention or firewall rule and no module {wanted!r}: "
        f"give a rule's ID or name, or {', '.join(MODULES)}"
    )


def _named(rules: Mapping[int, Body], word: str) -> tuple[int, Body] | None:
    number = int(word) if word.isascii() and word.isdigit() else 0
    known = reading.load().rule(word)
    if known is not None and known.id in rules and rules[known.id].get("_builtin"):
        number = known.id
    for id, body in rules.items():
        if id == number or word.lower() in (str(body.get("identifier", "")).lower(), str(body.get("name", "")).lower()):
            return id, body
    return None


def _without(label: str, module: str) -> str:
    return f"{label} cannot be promoted or demoted: {WITHOUT_MODES[module]}"


def module_target(connection: Connection, tenant: int, module: str) -> Target:
    """A module as what is promoted. Raises Invalid if it has no two modes."""
    if module in WITHOUT_MODES:
        raise Invalid(_without(module, module))
    subject, detects, prevents = MODULES[module]
    if module == "antiMalware":
        scans = sorted(modes.bodies(connection, tenant, modes.SCANS).items())
        real_time = [(id, modes.stops(body)) for id, body in scans if body.get("scanType") == "real-time"]
        detects = next((id for id, stops in real_time if not stops), None)
        prevents = next((id for id, stops in real_time if stops), None)
    return Target(module, 0, module, subject, detects, prevents)


def policy_of(connection: Connection, tenant: int, wanted: str) -> tuple[int, Body]:
    """A policy by ID or name."""
    known = modes.bodies(connection, tenant, modes.POLICIES)
    for id, body in known.items():
        if wanted.strip() == str(id) or wanted.strip().lower() == str(body.get("name", "")).lower():
            return id, body
    names = ", ".join(sorted(str(body.get("name")) for body in known.values())[:10])
    raise NotFound(f"there is no policy {wanted!r}; there are {names}")


def mode_of(connection: Connection, tenant: int, target: Target, policy: int) -> tuple[str, str]:
    """(detect, prevent or off; where that comes from) of the target on a policy."""
    value, source = value_of(connection, tenant, target, policy)
    return _word(connection, tenant, target, value), source


def value_of(connection: Connection, tenant: int, target: Target, policy: int) -> tuple[Any, str]:
    """(what the target's subject is on a policy; where that comes from)."""
    known = modes.bodies(connection, tenant, modes.POLICIES)
    for id in modes.chain(known, policy):
        own = modes.values(modes.POLICIES, id, known[id])
        if target.subject in own:
            return own[target.subject], "set here" if id == policy else f"inherited from {known[id].get('name')}"
    if target.rule:
        body = storage.get_or_none(connection, tenant, target.resource, target.rule) or {}
        return body.get("action") or target.detects, "as the rule itself is"
    defaults = setting_values.effective(connection, tenant, setting_values.DEFAULTS)
    if target.subject in modes.BY_SETTING:
        return defaults[modes.BY_SETTING[target.subject]], "the default of all policies"
    if target.subject.endswith("/state"):
        state = setting_values.state_of(target.module, defaults[f"{target.module}SettingState"])
        return state, "the default of all policies"
    return target.detects, "nothing is set"


def is_off(connection: Connection, tenant: int, module: str, policy: int) -> tuple[bool, str]:
    """Whether a module is off on a policy, and where that comes from."""
    state, source = mode_of(connection, tenant, Target(module, 0, module, f"{module}/state", "on", None), policy)
    return state == "off", source


def _word(connection: Connection, tenant: int, target: Target, value: Any) -> str:
    if target.subject == modes.SCAN:
        scan = storage.get_or_none(connection, tenant, modes.SCANS, value) or {}
        return "prevent" if scan and modes.stops(scan) else "detect"
    if target.subject in (modes.ENGINE, modes.LEVEL):
        stops = enforcement.engine_stops if target.subject == modes.ENGINE else enforcement.level_stops
        return "prevent" if stops(value) else "detect"
    if isinstance(value, str) and isinstance(target.prevents, str):
        value = next((each for each in (target.detects, target.prevents) if each.lower() == value.lower()), value)
    if value == target.prevents:
        return "prevent"
    return "detect" if value == target.detects else str(value)


# ---- evidence


def evidence(
    connection: Connection, tenant: int, target: Target, policy: int, *, after_days: float, heartbeat_seconds: int
) -> Evidence:
    """What is known of a rule or module in detect on a policy and on all that inherit from it."""
    to = now()
    looked_from = to - int(after_days * DAY_MS)
    found = _computers(connection, tenant, target, policy)
    counts = _judged(connection, tenant, target, policy, found, looked_from)
    return Evidence(
        _since(connection, tenant, target, policy),
        looked_from,
        to,
        len(found),
        _watching(connection, tenant, target, found, heartbeat_seconds),
        sum(counts.values()),
        counts.get("true-positive", 0),
        counts.get("false-positive", 0),
        counts.get("", 0),
    )


def _computers(connection: Connection, tenant: int, target: Target, policy: int) -> set[int]:
    """The computers that a promotion would be in force on: for a rule, those that have it."""
    below = policies.below(connection, tenant, policy)
    all_of_them = set(valued(connection, tenant, "policyID", below))
    if not target.rule:
        return all_of_them
    known = modes.bodies(connection, tenant, modes.POLICIES)
    by_policy = {each: any(_has(known[above], target) for above in modes.chain(known, each)) for each in below}
    bodies = storage.get_many(connection, tenant, modes.COMPUTERS, all_of_them)
    return {id for id, body in bodies.items() if by_policy.get(body.get("policyID", 0)) or _has(body, target)}


def _has(body: Mapping[str, Any], target: Target) -> bool:
    return target.rule in ((body.get(target.module) or {}).get("ruleIDs") or ())


def _since(connection: Connection, tenant: int, target: Target, policy: int) -> int | None:
    """Since when it is as it is: in this mode, and, if it is a rule, assigned."""
    known = modes.bodies(connection, tenant, modes.POLICIES)
    scopes = [f"policies/{each}" for each in modes.chain(known, policy)]
    moments: list[int | None] = []
    made = modes.last(connection, tenant, scopes[:1], modes.MADE)
    moments.append(made.at if made is not None else None)
    elsewhere = [f"{target.resource}/{target.rule}"] if target.rule else [modes.DEFAULTS]
    changed = modes.last(connection, tenant, [*scopes, *elsewhere], target.subject)
    if changed is not None:
        moments.append(changed.at)
    if target.subject == modes.SCAN:
        scan = modes.inherited(known, policy, modes.SCAN)
        acts = modes.last(connection, tenant, [f"{modes.SCANS}/{scan}"], f"scan/{scan}/action")
        moments.append(acts.at if acts is not None else None)
    state = modes.last(connection, tenant, scopes, f"{target.module}/state")
    if state is not None and state.before in (None, "off"):
        moments.append(state.at)  # the module has been on only since then
    if target.rule:
        places = [
            scope for scope, each in zip(scopes, modes.chain(known, policy), strict=True) if _has(known[each], target)
        ]
        if not places:
            found = _computers(connection, tenant, target, policy)
            places = [f"computers/{each}" for each in sorted(found)]
        since = [modes.assigned_since(connection, tenant, place, target.module, target.rule) for place in places]
        moments.append(min((each for each in since if each is not None), default=None))
    return None if None in moments else max(each for each in moments if each is not None)


def _watching(connection: Connection, tenant: int, target: Target, computers: set[int], interval: int) -> int:
    """How many of the computers have a live agent that runs the module."""
    agents, oldest = tables.agents, now() - MISSED_BEATS * interval * 1_000
    rows = connection.execute(
        select(agents.c.computer, agents.c.status).where(agents.c.tenant == tenant, agents.c.last_seen >= oldest)
    )
    count = 0
    for row in rows:
        if row.computer in computers:
            said = orjson.loads(row.status or "{}").get("modules", {}).get(target.module) or {}
            count += said.get("state") in (*WATCHING, "on")
    return count


def _judged(
    connection: Connection, tenant: int, target: Target, policy: int, computers: set[int], looked_from: int
) -> dict[str, int]:
    """Verdict -> how many events that would have been stopped."""
    events = tables.events
    wanted = select(events.c.computer, events.c.rule, events.c.verdict).where(
        events.c.tenant == tenant, events.c.module == target.module, events.c.at >= looked_from
    )
    if target.rule:
        wanted = wanted.where(events.c.rule == target.rule)
    stopping = None
    if not target.rule and target.module in (IPS, "firewall"):
        stopping = dropping(connection, tenant, policy, modes.RULES if target.module == IPS else modes.FIREWALL_RULES)
    counts: dict[str, int] = {}
    for row in connection.execute(wanted):
        if row.computer in computers and (stopping is None or row.rule in stopping):
            counts[row.verdict] = counts.get(row.verdict, 0) + 1
    return counts


def dropping(connection: Connection, tenant: int, policy: int, resource: str = modes.RULES) -> set[int]:
    """The rules that would stop packets on a policy if the module did; 0 is what the firewall denies by no rule."""
    known = modes.bodies(connection, tenant, modes.POLICIES)
    stops = RULES[resource][2]
    found = {id for id, body in modes.bodies(connection, tenant, resource).items() if body.get("action") == stops}
    for each in reversed(modes.chain(known, policy)):
        overrides = (known[each].get(RULE_OVERRIDES) or {}).get(resource) or {}
        for id, fields in overrides.items():
            if "action" in fields:
                (found.add if fields["action"] == stops else found.discard)(int(id))
    return found | {0} if resource == modes.FIREWALL_RULES else found

"""What a promotion is about, and what was seen of it: a rule or module on a policy, its mode, and the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select

from sakimori.protect import modes, policies, storage, tables
from sakimori.protect.agent_states import MISSED_BEATS
from sakimori.protect.catalogue import reading
from sakimori.protect.clock import now
from sakimori.protect.errors import NotFound
from sakimori.protect.inheritance import RULE_OVERRIDES
from sakimori.protect.storage import Body
from sakimori.protect.tasks import valued

DAY_MS = 86_400_000
IPS = "intrusionPrevention"
WATCHING = ("detect", "prevent")

MODULES: Mapping[str, tuple[str, Any, Any]] = {
    IPS: (f"{IPS}/state", "detect", "prevent"),
    "applicationControl": (modes.BLOCK, None, True),
}
"""The modules that know both modes: the subject, and its value in detect and in prevent."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is promoted. `rule` is 0 for a module."""

    label: str
    rule: int
    module: str
    subject: str
    detects: Any
    prevents: Any


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
    """A module by name, or an intrusion prevention rule by ID, identifier, the catalogue's name or its own."""
    word = wanted.strip()
    for module in MODULES:
        if word.lower().replace("-", "").replace("_", "").replace(" ", "") == module.lower():
            return module_target(module)
    number = int(word) if word.isascii() and word.isdigit() else 0
    known = reading.load().rule(word)
    if known is not None:
        number = known.id
    rules = modes.bodies(connection, tenant, modes.RULES)
    for id, body in rules.items():
        if id == number or word.lower() in (str(body.get("identifier", "")).lower(), str(body.get("name", "")).lower()):
            label = f"{body.get('identifier') or id} {body.get('name', '')}".strip()
            return Target(label, id, IPS, f"rule/{id}/action", "log-only", "drop")
    names = ", ".join(MODULES)
    raise NotFound(
        f"there is no intrusion prevention rule and no module {wanted!r}: give a rule's ID or name, or {names}"
    )


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
    known = modes.bodies(connection, tenant, modes.POLICIES)
    for id in modes.chain(known, policy):
        own = modes.values(modes.POLICIES, id, known[id])
        if target.subject in own:
            source = "set here" if id == policy else f"inherited from {known[id].get('name')}"
            return _word(target, own[target.subject]), source
    if target.rule:
        body = storage.get_or_none(connection, tenant, modes.RULES, target.rule) or {}
        return _word(target, body.get("action") or target.detects), "as the rule itself is"
    return ("detect" if target.detects is None else "off"), "nothing is set"


def _word(target: Target, value: Any) -> str:
    if value == target.prevents:
        return "prevent"
    return "detect" if value == target.detects else str(value)


def module_target(module: str) -> Target:
    """A module as what is promoted."""
    return Target(module, 0, module, *MODULES[module])


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
    by_policy = {each: _assigns(known, each, target.rule) for each in below}
    bodies = storage.get_many(connection, tenant, modes.COMPUTERS, all_of_them)
    return {id for id, body in bodies.items() if by_policy.get(body.get("policyID", 0)) or _has(body, target.rule)}


def _assigns(known: Mapping[int, Body], policy: int, rule: int) -> bool:
    return any(_has(known[each], rule) for each in modes.chain(known, policy))


def _has(body: Mapping[str, Any], rule: int) -> bool:
    return rule in ((body.get(IPS) or {}).get("ruleIDs") or ())


def _since(connection: Connection, tenant: int, target: Target, policy: int) -> int | None:
    """Since when it is as it is: in this mode, and, if it is a rule, assigned."""
    known = modes.bodies(connection, tenant, modes.POLICIES)
    scopes = [f"policies/{each}" for each in modes.chain(known, policy)]
    moments: list[int | None] = []
    made = modes.last(connection, tenant, scopes[:1], modes.MADE)
    moments.append(made.at if made is not None else None)
    changed = modes.last(connection, tenant, [*scopes, f"{modes.RULES}/{target.rule}"], target.subject)
    if changed is not None:
        moments.append(changed.at)
    if target.rule:
        places = [
            scope
            for scope, each in zip(scopes, modes.chain(known, policy), strict=True)
            if _has(known[each], target.rule)
        ]
        if not places:
            found = _computers(connection, tenant, target, policy)
            places = [f"computers/{each}" for each in sorted(found)]
        since = [modes.assigned_since(connection, tenant, place, IPS, target.rule) for place in places]
        moments.append(min((each for each in since if each is not None), default=None))
        state = modes.last(connection, tenant, scopes, f"{IPS}/state")
        if state is not None and state.before in (None, "off"):
            moments.append(state.at)  # the module has been on only since then
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
    stopping = None if target.rule or target.module != IPS else dropping(connection, tenant, policy)
    counts: dict[str, int] = {}
    for row in connection.execute(wanted):
        if row.computer in computers and (stopping is None or row.rule in stopping):
            counts[row.verdict] = counts.get(row.verdict, 0) + 1
    return counts


def dropping(connection: Connection, tenant: int, policy: int) -> set[int]:
    """The rules that would stop packets on a policy if the module did."""
    known = modes.bodies(connection, tenant, modes.POLICIES)
    found = {id for id, body in modes.bodies(connection, tenant, modes.RULES).items() if body.get("action") == "drop"}
    for each in reversed(modes.chain(known, policy)):
        overrides = (known[each].get(RULE_OVERRIDES) or {}).get(modes.RULES) or {}
        for id, fields in overrides.items():
            if "action" in fields:
                (found.add if fields["action"] == "drop" else found.discard)(int(id))
    return found

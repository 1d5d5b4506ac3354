"""Detect first, prevent when proven: rules and modules are promoted on what was seen while they only detected.

A promotion is for one policy, and for what inherits from it. It needs evidence: that the rule or module has been in
detect there for long enough, that agents were watching, and what people said of the events that it would have stopped.
An event that nobody has judged counts as if it were a false positive. Going back needs no evidence. Both are noted with
who and why (`modes.py`) and can be undone, unless somebody has changed the mode since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from sakimori.protect import modes, policies, storage
from sakimori.protect.enforcement import ENGINE_SETTING, EXECUTION_SETTING, blocks, engine_taps
from sakimori.protect.errors import Invalid, NotFound
from sakimori.protect.inheritance import RULE_OVERRIDES
from sakimori.protect.proof import (
    IPS,
    Evidence,
    Target,
    dropping,
    evidence,
    is_off,
    mode_of,
    module_target,
    policy_of,
    target_of,
    value_of,
)
from sakimori.protect.resources import all_resources
from sakimori.protect.storage import Body
from sakimori.protect.tasks import Tasks

NAMES = {
    IPS: "intrusion prevention",
    "firewall": "the firewall",
    "antiMalware": "anti-malware",
    "applicationControl": "application control",
    "webReputation": "web reputation",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of it. `change` is the ID to undo it by, 0 if nothing was changed; `refused` says why not."""

    target: str
    policy: int
    policy_name: str
    before: str
    after: str
    evidence: Evidence | None
    refused: tuple[str, ...]
    notes: tuple[str, ...] = ()
    change: int = 0

    def to_json(self) -> dict[str, Any]:
        shown = asdict(self)
        if self.evidence is not None:
            shown["evidence"]["days"] = round(self.evidence.days, 2)
        return {**shown, "decision": "refused" if self.refused else "changed" if self.change else "would be changed"}


@dataclass(frozen=True, slots=True)
class Asked:
    """How much evidence is enough, and who asks. `dry` changes nothing."""

    after_days: float
    max_false_positives: int
    who: str
    why: str = ""
    dry: bool = False
    heartbeat_seconds: int = 60


def promote(connection: Connection, tenant: int, wanted: str, policy: str, asked: Asked) -> Decision:
    """Has a rule or module prevent on a policy, if it is proven. Raises NotFound or Invalid for what is not there."""
    target, (id, body) = target_of(connection, tenant, wanted), policy_of(connection, tenant, policy)
    mode, source = mode_of(connection, tenant, target, id)
    if mode == "prevent":
        return Decision(target.label, id, body["name"], mode, mode, None, (f"it prevents already ({source})",))
    found = evidence(
        connection, tenant, target, id, after_days=asked.after_days, heartbeat_seconds=asked.heartbeat_seconds
    )
    refused = [*_not_ready(connection, tenant, target, id, mode), *_not_proven(found, asked)]
    notes = _notes(connection, tenant, target, id, found)
    change = 0
    if not refused and not asked.dry:
        shown = {**asdict(found), "afterDays": asked.after_days, "maxFalsePositives": asked.max_false_positives}
        with modes.acting(asked.who, asked.why or "promoted on evidence", shown):
            change = _set(connection, tenant, target, id, target.prevents, "stops what it finds")
    return Decision(target.label, id, body["name"], mode, "prevent", found, tuple(refused), notes, change)


def demote(connection: Connection, tenant: int, wanted: str, policy: str, asked: Asked) -> Decision:
    """Has a rule or module only detect on a policy again."""
    target, (id, body) = target_of(connection, tenant, wanted), policy_of(connection, tenant, policy)
    mode, source = mode_of(connection, tenant, target, id)
    refused: tuple[str, ...] = () if mode == "prevent" else (f"it does not prevent: it is in {mode} ({source})",)
    if target.subject == modes.BLOCK and not refused:
        refused = _blocked_by_setting(connection, tenant, id)
    change = 0
    if not refused and not asked.dry:
        with modes.acting(asked.who, asked.why or "demoted"):
            change = _set(connection, tenant, target, id, target.detects, "only tells of what it finds")
    return Decision(target.label, id, body["name"], mode, "detect", None, refused, (), change)


def undo(connection: Connection, tenant: int, change_id: int, who: str, why: str = "") -> modes.ModeChange:
    """Gives a place back the mode that it had before a change. Raises NotFound or Invalid, saying why it cannot."""
    made = modes.change(connection, tenant, change_id)
    if made is None:
        raise NotFound(f"there is no change of modes with ID {change_id}")
    resource, _, number = made.scope.rpartition("/")
    if made.is_inherited:
        raise Invalid(f"change {change_id} came by inheritance: {made.why}; undo the change that it came from")
    has_modes = resource in (modes.POLICIES, modes.COMPUTERS, *modes.RULE_WORDS)
    if not has_modes or not number.isdigit() or not made.subject.endswith(modes.CHANGEABLE):
        raise Invalid(f"change {change_id} is not of a mode but of {made.subject}: change that where it was made")
    body = storage.get(connection, tenant, all_resources()[resource], int(number))
    current = modes.values(resource, int(number), body).get(made.subject)
    if current != made.after:
        newer = modes.last(connection, tenant, [made.scope], made.subject)
        by = f" by {newer.who} (change {newer.id})" if newer is not None else ""
        raise Invalid(f"it was changed again since{by}: it is {current!r} now and not {made.after!r} any more")
    with modes.acting(who, f"undo of change {change_id}{f': {why}' if why else ''}"):
        _write(connection, tenant, resource, int(number), made.subject, made.before, body)
    undone = modes.last(connection, tenant, [made.scope], made.subject)
    assert undone is not None
    return undone


def _not_ready(connection: Connection, tenant: int, target: Target, policy: int, mode: str) -> list[str]:
    if target.rule and (storage.get_or_none(connection, tenant, target.resource, target.rule) or {}).get("detectOnly"):
        return ["the rule is one that only detects"]
    off, source = is_off(connection, tenant, target.module, policy)
    if off:
        return [f"{NAMES[target.module]} is off on the policy ({source}): have it detect first"]
    engine, source = value_of(connection, tenant, module_target(connection, tenant, "firewall"), policy)
    if target.label == IPS and engine_taps({ENGINE_SETTING: engine}):
        advice = f"promote firewall first, or take {ENGINE_SETTING} back"
        return [f"the network engine only taps ({source}), so that nothing would be stopped: {advice}"]
    return [] if mode == "detect" else [f"it is {mode} and not in detect"]


def _not_proven(found: Evidence, asked: Asked) -> list[str]:
    reasons = []
    if not found.computers:
        reasons.append("it is not in force on any computer that has the policy")
    elif not found.watching:
        reasons.append(f"no agent on its {found.computers} computers runs the module now, so nothing is being watched")
    if found.since is None:
        reasons.append("it is not known since when it is in force: the record of modes does not go back that far")
    elif found.days < asked.after_days:
        reasons.append(f"it has been in detect for {found.days:.1f} days, and {asked.after_days:g} are asked for")
    bad = found.false_positives + found.unjudged
    if bad > asked.max_false_positives:
        said = f"{found.false_positives} false positives" if found.false_positives else ""
        open_ones = f"{found.unjudged} events that nobody has judged" if found.unjudged else ""
        both = " and ".join(each for each in (said, open_ones) if each)
        advice = "; judge them with `sakimori protect verdict`" if found.unjudged else ""
        reasons.append(f"{both} in {asked.after_days:g} days, and {asked.max_false_positives} are allowed{advice}")
    return reasons


def _notes(connection: Connection, tenant: int, target: Target, policy: int, found: Evidence) -> tuple[str, ...]:
    notes = []
    if 0 < found.watching < found.computers:
        notes.append(f"{found.watching} of {found.computers} computers are watching")
    if not found.events:
        notes.append("no event was seen: that nothing is stopped wrongly is known, that anything is stopped is not")
    below = policies.below(connection, tenant, policy) - {policy}
    if below:
        notes.append(f"{len(below)} policies inherit from it and change with it")
    if target.rule:
        state, _ = mode_of(connection, tenant, module_target(connection, tenant, target.module), policy)
        if state == "detect":
            notes.append(f"the rule stops nothing until {NAMES[target.module]} is promoted on the policy too")
    elif target.module == IPS and not dropping(connection, tenant, policy):
        notes.append("no rule of the policy is promoted: the module stops nothing until one is")
    elif target.module == "firewall":
        engine, _ = value_of(connection, tenant, target, policy)
        state, _ = mode_of(connection, tenant, module_target(connection, tenant, IPS), policy)
        if engine_taps({ENGINE_SETTING: engine}) and state == "prevent":
            notes.append(
                "intrusion prevention is in prevent behind the same engine, and stops packets too from then on"
            )
    return tuple(notes)


def _blocked_by_setting(connection: Connection, tenant: int, policy: int) -> tuple[str, ...]:
    """Why application control goes on to block although the policy would not say so any more."""
    own = Target("", 0, "applicationControl", modes.EXECUTION, None, None)
    value, source = value_of(connection, tenant, own, policy)
    return (f"{EXECUTION_SETTING} is {value!r} ({source}): take that back",) if blocks(value) else ()


# ---- the change


def _set(connection: Connection, tenant: int, target: Target, policy: int, value: Any, does: str) -> int:
    """Sets the mode on a policy, and returns the ID of the change. Raises Invalid."""
    if target.subject == modes.SCAN and value is None:
        raise Invalid(f"there is no real-time scan configuration that {does}: make one, and name it on the policy")
    body = storage.get(connection, tenant, all_resources()[modes.POLICIES], policy)
    _write(connection, tenant, modes.POLICIES, policy, target.subject, value, body)
    made = modes.last(connection, tenant, [f"policies/{policy}"], target.subject)
    return made.id if made is not None else 0


def _write(connection: Connection, tenant: int, resource: str, id: int, subject: str, value: Any, body: Body) -> None:
    """Gives an object its own value of a subject, None for none of its own, and has agents fetch it."""
    owner, name = subject.rsplit("/", 1)
    word, _, rule = owner.partition("/")
    after = dict(body)
    if resource in modes.RULE_WORDS:
        after[name] = value if value is not None else "log-only"
    elif rule:
        kind = next(each for each, its in modes.RULE_WORDS.items() if its == word)
        overrides = body.get(RULE_OVERRIDES) or {}
        rules = dict(overrides.get(kind) or {})
        fields = _with(rules.pop(rule, None), name, value)
        after[RULE_OVERRIDES] = {**overrides, kind: {**rules, rule: fields} if fields else rules}
    elif subject in modes.BY_SETTING:
        settings = modes.SETTINGS[resource]
        after[settings] = _with(body.get(settings), modes.BY_SETTING[subject], value)
    else:
        after[owner] = _with(body.get(owner), name, value)
    storage.replace(connection, tenant, all_resources()[resource], id, after)
    if resource == modes.POLICIES:
        Tasks().send_policy_to(connection, tenant, policies.below(connection, tenant, id))
    elif resource == modes.COMPUTERS:
        Tasks().send_policy(connection, tenant, [id])


def _with(values: Mapping[str, Any] | None, name: str, value: Any) -> dict[str, Any]:
    """The values with this one, or without it if it is None."""
    rest = {key: each for key, each in (values or {}).items() if key != name}
    return rest if value is None else {**rest, name: value}

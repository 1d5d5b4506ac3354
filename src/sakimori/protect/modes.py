"""Who set which mode when, and why: every change of what is enforced is a row that stays, however it was made.

A mode is a module's state, whether a rule or a scan stops what it finds or only tells of it, whether the network engine
stands in the way of packets, which rules are assigned, and which policy a computer or policy follows. `storage` calls
`note` for every object that has modes, so nothing that changes one can leave it out. What a policy hands down to others
is noted there as well: nothing changes silently by inheritance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select

from sakimori.protect import tables
from sakimori.protect.clock import now
from sakimori.protect.enforcement import ENGINE_SETTING, EXECUTION_SETTING, LEVEL_SETTING
from sakimori.protect.inheritance import RULE_OVERRIDES, STATES
from sakimori.protect.work import MODULES

RULES, FIREWALL_RULES, SCANS = "intrusionpreventionrules", "firewallrules", "antimalwareconfigurations"
RULE_WORDS = {RULES: "rule", FIREWALL_RULES: "firewallrule"}
"""The rules that stop something, with the word that their subjects begin with: `firewallrule/8005/action`."""

DEFAULTS = "policies/default"
POLICIES, COMPUTERS = "policies", "computers"
SETTINGS = {POLICIES: "policySettings", COMPUTERS: "computerSettings"}

BLOCK = "applicationControl/blockUnrecognized"
SCAN = "antiMalware/realTimeScanConfigurationID"
OTHER_SCANS = ("antiMalware/manualScanConfigurationID", "antiMalware/scheduledScanConfigurationID")
ENGINE, LEVEL = "firewall/networkEngineMode", "webReputation/securityLevel"
EXECUTION = "applicationControl/executionEnforcementLevel"
BY_SETTING: Mapping[str, str] = {
    ENGINE: ENGINE_SETTING,
    LEVEL: LEVEL_SETTING,
    EXECUTION: EXECUTION_SETTING,
}
"""Subjects that are kept as a setting."""

SCAN_ACTIONS = tuple(
    f"scanActionFor{what}"
    for what in "Virus Trojans Packer Spyware OtherThreats Cookies CVE Heuristics PossibleMalware BehaviorMonitoring "
    "MachineLearning Amsi".split()
)
"""The fields of a scan configuration that say what is done to what is found."""

MADE = "made"
INHERITED = "inherits from "
"""What the `why` of a change begins with that came by inheritance."""

CHANGEABLE = tuple(
    f"/{name}"
    for name in ("state", "action", *(each.partition("/")[2] for each in (BLOCK, SCAN, *OTHER_SCANS, *BY_SETTING)))
)
"""What the subjects end with that a promotion may set."""

_HANDED_DOWN = (*CHANGEABLE, "/detectOnly")

_modes = tables.modes


@dataclass(frozen=True, slots=True)
class Acting:
    """Who changes something now, and why; `evidence` is what a promotion went by."""

    who: str
    why: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


_MANAGER = Acting("the manager", "")
_ACTING: ContextVar[Acting | None] = ContextVar("acting", default=None)


@contextmanager
def acting(who: str, why: str, evidence: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Everything that is changed within is noted under this name."""
    token = _ACTING.set(Acting(who, why, evidence or {}))
    try:
        yield
    finally:
        _ACTING.reset(token)


@dataclass(frozen=True, slots=True)
class ModeChange:
    """One change. `scope` is where (`policies/3`, `computers/7`, `intrusionpreventionrules/1001`, `policies/default`),
    `subject` what: `intrusionPrevention/state`, `rule/1001/action`, `intrusionPrevention/ruleIDs`, `policyID`.

    `before` and `after` are that place's own values, None for what is inherited or left to the default.
    """

    id: int
    tenant: int
    at: int
    scope: str
    subject: str
    before: Any
    after: Any
    who: str
    why: str
    evidence: Mapping[str, Any]

    @property
    def is_inherited(self) -> bool:
        return self.why.startswith(INHERITED)

    def to_json(self) -> dict[str, Any]:
        return {
            "ID": self.id,
            "time": self.at,
            "scope": self.scope,
            "subject": self.subject,
            "before": self.before,
            "after": self.after,
            "who": self.who,
            "why": self.why,
            "evidence": dict(self.evidence),
        }


ModeRow = tuple[str, str, Any, Any, str]
"""(scope, subject, before, after, what it was inherited from)."""


def note(
    connection: Connection,
    tenant: int,
    resource: str,
    id: int,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Notes what changes between two states of an object, in the transaction that changes it."""
    old, new = values(resource, id, before or {}), values(resource, id, after or {})
    scope = resource if resource == DEFAULTS else f"{resource}/{id}"
    rows = [(scope, subject, old.get(subject), new.get(subject), "") for subject in _differing(old, new)]
    if resource == POLICIES and before is None:
        rows.insert(0, (scope, MADE, None, (after or {}).get("name", ""), ""))
    if resource == POLICIES and before is not None and after is not None:
        rows += _handed_down(connection, tenant, id, before, after)
    if rows and resource not in (POLICIES, COMPUTERS) and (before is not None or resource == DEFAULTS):
        rows += _shared(bodies(connection, tenant, POLICIES), resource, id, scope, rows)
    _insert(connection, tenant, rows)


def is_watched(resource: str) -> bool:
    """Whether objects of a resource have modes."""
    return resource in (POLICIES, COMPUTERS, *RULE_WORDS, SCANS, DEFAULTS)


def values(resource: str, id: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """The modes that an object sets itself, by subject; what it leaves to others is not there."""
    found = _values(resource, id, body)
    return {subject: value for subject, value in found if value is False or value not in (None, [], 0)}


def _values(resource: str, id: int, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if resource in RULE_WORDS:
        yield from _of_rule(resource, id, body)
    elif resource == SCANS:
        yield f"scan/{id}/action", ("prevent" if stops(body) else "detect") if body else None
    elif resource == DEFAULTS:
        settings = body.get("settings") or {}
        for name, value in settings.items():
            if name.endswith("SettingState"):
                module = name.removesuffix("SettingState")
                yield f"{'SAP' if module == 'sap' else module}/state", value or None
        yield from ((subject, settings.get(name)) for subject, name in BY_SETTING.items())
    else:
        yield from _of_holder(resource, body)


def _of_rule(resource: str, id: int | str, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield f"{RULE_WORDS[resource]}/{id}/action", body.get("action") or None
    yield f"{RULE_WORDS[resource]}/{id}/detectOnly", body.get("detectOnly") or None


def _of_holder(resource: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((f"{name}ID", body.get(f"{name}ID")) for name in ("policy", "parent"))
    for module in STATES:
        own = body.get(module) or {}
        state = own.get("state")
        yield f"{module}/state", None if state in ("inherited", "") else state
        if module in MODULES:
            yield f"{module}/ruleIDs", sorted(own.get("ruleIDs") or ())
    for subject in (BLOCK, SCAN, *OTHER_SCANS):
        module, name = subject.split("/")
        yield subject, (body.get(module) or {}).get(name)
    settings = body.get(SETTINGS[resource]) or {}
    yield from ((subject, settings.get(name)) for subject, name in BY_SETTING.items())
    for kind in RULE_WORDS:
        for rule, fields in ((body.get(RULE_OVERRIDES) or {}).get(kind) or {}).items():
            yield from _of_rule(kind, rule, fields)


def stops(scan: Mapping[str, Any]) -> bool:
    """Whether a scan configuration does anything to what it finds: it does unless every action is set to pass."""
    passes = scan.get("customRemediationActionsEnabled") and all(scan.get(each) == "pass" for each in SCAN_ACTIONS)
    return not passes


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(subject for subject in old.keys() | new.keys() if old.get(subject) != new.get(subject))


def _handed_down(
    connection: Connection, tenant: int, id: int, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[ModeRow]:
    """What changes by that on the policies below, which do not set it themselves."""
    policies = bodies(connection, tenant, POLICIES)
    old, new = {**policies, id: dict(before)}, {**policies, id: dict(after)}
    rows = []
    subjects = {
        subject for body in (before, after) for subject in values(POLICIES, id, body) if subject.endswith(_HANDED_DOWN)
    }
    if before.get("parentID") != after.get("parentID"):
        for each in chain(old, id)[1:] + chain(new, id)[1:]:
            subjects |= {s for s in values(POLICIES, each, policies.get(each, {})) if s.endswith(_HANDED_DOWN)}
    for subject in sorted(subjects):
        was, becomes = (inherited(where, id, subject) for where in (old, new))
        if was != becomes:
            rows += [
                (f"{POLICIES}/{child}", subject, was, becomes, f"{INHERITED}{POLICIES}/{id}")
                for child in _following(policies, id, subject)
            ]
    return rows


def _shared(
    policies: Mapping[int, Mapping[str, Any]], resource: str, id: int, scope: str, rows: list[ModeRow]
) -> list[ModeRow]:
    """What changes on the policies by that, of what they all share: a rule, a scan configuration, the defaults."""

    def follows(policy: int, subject: str) -> bool:
        if resource == SCANS:
            return any(inherited(policies, policy, each) == id for each in (SCAN, *OTHER_SCANS))
        if inherited(policies, policy, subject) is not None:
            return False
        return resource == DEFAULTS or any(
            id in ((policies[each].get(module) or {}).get("ruleIDs") or ())
            for each in chain(policies, policy)
            for module, rules in MODULES.items()
            if rules == resource
        )

    return [
        (f"{POLICIES}/{policy}", subject, old, new, f"{INHERITED}{scope}")
        for _, subject, old, new, _ in rows
        for policy in sorted(policies)
        if follows(policy, subject)
    ]


def _following(policies: Mapping[int, Mapping[str, Any]], id: int, subject: str) -> list[int]:
    """The policies below that have from this one what the subject is."""
    found: list[int] = []
    level = [id]
    while level:
        level = [
            child
            for child, body in policies.items()
            if (body.get("parentID") or 0) in level
            and child not in found
            and child != id
            and subject not in values(POLICIES, child, body)
        ]
        found += level
    return sorted(found)


def chain(policies: Mapping[int, Mapping[str, Any]], id: int) -> list[int]:
    """A policy and those above it, the nearest first."""
    found: list[int] = []
    while id and id in policies and id not in found:
        found.append(id)
        id = policies[id].get("parentID") or 0
    return found


def inherited(policies: Mapping[int, Mapping[str, Any]], id: int, subject: str) -> Any:
    """What a policy has for a subject, its own or from above; None if no policy says."""
    for each in chain(policies, id):
        own = values(POLICIES, each, policies[each])
        if subject in own:
            return own[subject]
    return None


def bodies(connection: Connection, tenant: int, resource: str) -> dict[int, dict[str, Any]]:
    """All objects of a resource by ID."""
    objects = tables.objects
    rows = connection.execute(
        select(objects.c.id, objects.c.body).where(objects.c.tenant == tenant, objects.c.resource == resource)
    )
    return {row.id: orjson.loads(row.body) for row in rows}


def _insert(connection: Connection, tenant: int, rows: Iterable[ModeRow]) -> None:
    actor, at = _ACTING.get() or _MANAGER, now()
    found = [
        {
            "tenant": tenant,
            "at": at,
            "scope": scope,
            "subject": subject,
            "before": orjson.dumps(old).decode(),
            "after": orjson.dumps(new).decode(),
            "who": actor.who[:200],
            "why": (f"{by}: {actor.why}" if by and actor.why else by or actor.why)[:2_000],
            "evidence": "{}" if by else orjson.dumps(actor.evidence).decode(),
        }
        for scope, subject, old, new, by in rows
    ]
    if found:
        connection.execute(insert(_modes), found)


# ---- looking back


def changes(
    connection: Connection,
    tenant: int,
    *,
    scopes: Iterable[str] = (),
    subject: str = "",
    after: int = 0,
    limit: int = 1_000,
) -> list[ModeChange]:
    """The changes in these scopes ("" or none: everywhere) of a subject, the oldest first, behind an ID."""
    wanted = select(_modes).where(_modes.c.tenant == tenant, _modes.c.id > after)
    places = sorted(set(scopes))
    if places:
        wanted = wanted.where(_modes.c.scope.in_(places))
    if subject:
        wanted = wanted.where(_modes.c.subject == subject)
    return [_change(row) for row in connection.execute(wanted.order_by(_modes.c.id).limit(limit))]


def change(connection: Connection, tenant: int, id: int) -> ModeChange | None:
    row = connection.execute(select(_modes).where(_modes.c.tenant == tenant, _modes.c.id == id)).first()
    return _change(row) if row is not None else None


def last(connection: Connection, tenant: int, scopes: Iterable[str], subject: str) -> ModeChange | None:
    """The newest change of a subject in any of the scopes."""
    wanted = select(_modes).where(
        _modes.c.tenant == tenant, _modes.c.scope.in_(sorted(set(scopes))), _modes.c.subject == subject
    )
    row = connection.execute(wanted.order_by(_modes.c.id.desc()).limit(1)).first()
    return _change(row) if row is not None else None


def assigned_since(connection: Connection, tenant: int, scope: str, module: str, rule: int) -> int | None:
    """Since when a rule is assigned in a scope, as far back as it has been without a break; None if it is not known."""
    since: int | None = None
    for each in changes(connection, tenant, scopes=[scope], subject=f"{module}/ruleIDs", limit=100_000):
        if rule not in (each.after or ()):
            since = None
        elif since is None:
            since = each.at
    return since


def _change(row: Row[Any]) -> ModeChange:
    found = row._asdict()
    return ModeChange(**{**found, **{name: orjson.loads(found[name]) for name in ("before", "after", "evidence")}})

"""What a manager's answers mean: its computers, rules and assignments as typed values.

Fields that are not there, or that a newer manager spells in a new way, are "" or unknown and never an error; what this
room depends on is checked, and refused as UnexpectedAnswer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sakimori.model.said import joined, say
from sakimori.protect.client_errors import UnexpectedAnswer

Json = Mapping[str, Any]

MODULE_NAMES = {
    "antiMalware": say("anti-malware"),
    "webReputation": say("web reputation"),
    "firewall": say("firewall"),
    "intrusionPrevention": say("intrusion prevention"),
    "integrityMonitoring": say("integrity monitoring"),
    "logInspection": say("log inspection"),
    "applicationControl": say("application control"),
}
"""The protection modules, as the API spells them and as people do."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module on a computer: `state` is what it is set to, `status` what the agent says of it."""

    name: str
    state: str
    status: str
    message: str
    rules: frozenset[int] = frozenset()

    @property
    def is_on(self) -> bool:
        """Set to something other than off."""
        return self.state not in ("", "off")

    @property
    def enforces(self) -> bool:
        """On, and the agent says so."""
        return self.is_on and self.status == "active"


@dataclass(frozen=True, slots=True)
class Computer:
    """A computer that a manager knows. Times are milliseconds since 1970, 0 for never."""

    id: int
    host_name: str
    display_name: str
    instance_id: str
    account: str
    policy: int
    has_agent: bool
    agent_status: str
    agent_messages: tuple[str, ...]
    agent_seen: int
    modules: Mapping[str, Module]
    last_integrity_scan: int = 0
    last_malware_scan: int = 0
    last_policy_sent: int = 0
    answer: Json = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.display_name or self.host_name or f"computer {self.id}"


@dataclass(frozen=True, slots=True)
class Protection:
    """Whether a computer is protected, and every reason why not."""

    computer: Computer
    reasons: tuple[str, ...]

    @property
    def is_protected(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Rule:
    """An intrusion prevention rule."""

    id: int
    identifier: str
    name: str
    severity: str
    cves: frozenset[str]
    application_type: int
    depends_on: tuple[int, ...]
    assigned_alone: bool
    action: str
    answer: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Assignments:
    """The rules of one kind in force on a policy or computer, and what its newest recommendation scan says."""

    assigned: frozenset[int]
    application_types: frozenset[int]
    scan_status: str
    last_scan: int
    to_assign: frozenset[int]
    to_unassign: frozenset[int]


@dataclass(frozen=True, slots=True)
class Change:
    """A modification that was made: what was there before is enough to undo it. `after` is what the manager answered.

    `what` is the path of what was changed, such as `/policies/3/intrusionprevention/assignments`.
    """

    what: str
    before: Any
    after: Any


def computer(answer: Json) -> Computer:
    """A computer of any `expand`."""
    machine = answer.get("ec2VirtualMachineSummary") or answer.get("noConnectorVirtualMachineSummary") or {}
    status = answer.get("computerStatus") or {}
    return Computer(
        id=number(answer, "ID"),
        host_name=_text(answer, "hostName"),
        display_name=_text(answer, "displayName"),
        instance_id=_text(machine, "instanceID"),
        account=_text(machine, "accountID"),
        policy=number(answer, "policyID", default=0),
        has_agent=bool(answer.get("agentFingerPrint")),
        agent_status=_text(status, "agentStatus"),
        agent_messages=tuple(str(each) for each in status.get("agentStatusMessages") or ()),
        agent_seen=number(answer, "lastAgentCommunication", default=0),
        modules={name: _module(name, answer.get(name) or {}) for name in MODULE_NAMES if name in answer},
        last_integrity_scan=number(answer.get("integrityMonitoring") or {}, "lastIntegrityScan", default=0),
        last_malware_scan=number(answer.get("antiMalware") or {}, "lastManualScan", default=0),
        last_policy_sent=number(answer, "lastSendPolicySuccess", default=0),
        answer=answer,
    )


def _module(name: str, answer: Json) -> Module:
    status = answer.get("moduleStatus") or {}
    return Module(
        name,
        _text(answer, "state"),
        _text(status, "agentStatus"),
        _text(status, "agentStatusMessage"),
        ids(answer, "ruleIDs"),
    )


def rule(answer: Json) -> Rule:
    return Rule(
        id=number(answer, "ID"),
        identifier=_text(answer, "identifier"),
        name=_text(answer, "name"),
        severity=_text(answer, "severity"),
        cves=frozenset(str(each).strip().upper() for each in answer.get("CVE") or ()),
        application_type=number(answer, "applicationTypeID", default=0),
        depends_on=tuple(sorted(ids(answer, "dependsOnRuleIDs"))),
        assigned_alone=answer.get("canBeAssignedAlone") is not False,
        action=_text(answer, "action"),
        answer=answer,
    )


def assignments(answer: Any) -> Assignments:
    if not isinstance(answer, Mapping):
        raise UnexpectedAnswer(say("the manager answered with something else than assignments"))
    return Assignments(
        ids(answer, "assignedRuleIDs"),
        ids(answer, "assignedApplicationTypeIDs"),
        _text(answer, "recommendationScanStatus") or "unknown",
        number(answer, "lastRecommendationScanDate", default=0),
        ids(answer, "recommendedToAssignRuleIDs"),
        ids(answer, "recommendedToUnassignRuleIDs"),
    )


def protection(found: Computer, need: tuple[str, ...] = ()) -> Protection:
    """Whether the agent is active, a policy is assigned, and modules really enforce what they are set to.

    Modules in `need` must be on; without any, at least one must be, and all that are on must enforce.
    """
    reasons: list[str] = []
    if not found.has_agent:
        reasons.append(say("no agent is installed and activated"))
    elif found.agent_status != "active":
        said = joined(", ", found.agent_messages) or say("no reason given")
        status = found.agent_status or say("of unknown status")
        reasons.append(say("its agent is {status} ({why})", status=status, why=said))
    if found.policy <= 0:
        reasons.append(say("no policy is assigned"))
    on = [module for module in found.modules.values() if module.is_on]
    if not on and not need:
        reasons.append(say("every protection module is off"))
    for name in need:
        module = found.modules.get(name)
        if module is None or not module.is_on:
            reasons.append(say("{module} is off", module=MODULE_NAMES.get(name, name)))
    if found.agent_status == "active":
        wanted = [found.modules[name] for name in need if name in found.modules] if need else on
        reasons += [
            say(
                "{module} is set to {state} and does not run: {why}",
                module=MODULE_NAMES.get(module.name, module.name),
                state=module.state,
                why=module.message or module.status or say("no reason given"),
            )
            for module in wanted
            if module.is_on and not module.enforces
        ]
    return Protection(found, tuple(reasons))


def number(answer: Json, name: str, *, default: int | None = None) -> int:
    """An integer field; without a default it must be there. Raises UnexpectedAnswer."""
    value = answer.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if default is None or value is not None:
        shown = repr(str(value)[:60])
        raise UnexpectedAnswer(
            say("the manager answered with {name} = {value}, which should be a number", name=name, value=shown)
        )
    return default


def ids(answer: Json, name: str) -> frozenset[int]:
    values = answer.get(name) or ()
    if not isinstance(values, list | tuple) or not all(isinstance(each, int) for each in values):
        shown = repr(str(values)[:60])
        raise UnexpectedAnswer(
            say("the manager answered with {name} = {value}, which should be a list of IDs", name=name, value=shown)
        )
    return frozenset(values)


def _text(answer: Json, name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""

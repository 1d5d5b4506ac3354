"""Computers as the API shows them: what is in force, what their agents say, and the parts that were asked for."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sakimori.protect import accept, agent_states, enforcement, inheritance, jobs, setting_values, storage, tables
from sakimori.protect.agent_states import AgentState
from sakimori.protect.calls import Call
from sakimori.protect.declare import Field, choices
from sakimori.protect.errors import Forbidden
from sakimori.protect.inheritance import STATES, Effective
from sakimori.protect.machines import SUMMARIES
from sakimori.protect.objects import Behaviour, Shown, shown_fields
from sakimori.protect.policies import (
    OVERRIDES,
    View,
    application_types,
    status_message,
    with_dependencies,
    without_inherited,
)
from sakimori.protect.resources import all_resources
from sakimori.protect.storage import Body
from sakimori.protect.work import MODULES

MACHINES = tuple(field.name for field in SUMMARIES)
PARTS = ("computerStatus", "tasks", "securityUpdates", "computerSettings", *STATES, "interfaces", *MACHINES)
EXPAND = choices(
    "expand",
    " ".join(("none", "all", *PARTS, "allSecurityModules", "allVirtualMachineSummaries")),
    says="Which parts to show beside the computer's own values; all of them if it is left out. May be repeated.",
)
_GROUPS = {
    "none": (),
    "all": PARTS,
    "allSecurityModules": tuple(STATES),
    "allVirtualMachineSummaries": MACHINES,
}

TASK_WORDS = {
    "scan-for-recommendations": "Recommendation Scan",
    "scan-for-integrity-changes": "Integrity Scan",
    "scan-for-malware": "Malware Scan",
    "scan-for-open-ports": "Open Port Scan",
    "send-policy": "Sending Policy",
    "check-for-security-updates": "Security Update",
    "check-for-software-updates": "Software Update",
}


def parts(call: Call) -> frozenset[str]:
    """The parts that a call asks for. Raises Invalid."""
    return _parts(tuple(call.query.get("expand") or ("all",)))


@functools.lru_cache(maxsize=1_000)
def _parts(asked: tuple[str, ...]) -> frozenset[str]:
    chosen: set[str] = set()
    for each in asked:
        for word in each.split(","):
            name = accept.one_of(EXPAND.values, word.strip(), "expand")
            chosen.update(_GROUPS.get(name, (name,)))
    return frozenset(chosen)


def _shown(call: Call, found: list[tuple[int, Body]]) -> list[Shown]:
    wanted = parts(call)
    overrides = call.flag("overrides")
    ids = [id for id, _ in found]
    agents = agent_states.states(call.connection, call.tenant, ids, call.manager.beats)
    waiting = jobs.open_types(call.connection, call.tenant, ids) if "tasks" in wanted else {}
    view = call.manager.policies.view(call.connection, call.tenant)
    return [
        _one(call, view, id, body, wanted, agents.get(id), waiting.get(id, ()), overrides=overrides)
        for id, body in found
    ]


def _one(
    call: Call,
    view: View,
    id: int,
    body: Body,
    wanted: frozenset[str],
    agent: AgentState | None,
    waiting: Iterable[str],
    *,
    overrides: bool,
) -> Shown:
    shown = shown_fields(_fields(wanted), body)
    shown["ID"] = id
    _add_agent(shown, agent)
    interval = call.manager.heartbeat_seconds
    if "computerStatus" in wanted:
        shown["computerStatus"] = status(agent, interval)
    if "tasks" in wanted:
        shown["tasks"] = {"agentTasks": [TASK_WORDS.get(each, each) for each in waiting], "applianceTasks": []}
    asked = [module for module in STATES if module in wanted]
    if overrides:
        own = without_inherited(body)
        extensions = tuple(field for field in all_resources()["computers"].fields if field.name in asked)
        return shown | shown_fields(extensions, own)
    if asked or "computerSettings" in wanted:
        effective = effective_on(view, body)
        if "computerSettings" in wanted:
            shown["computerSettings"] = {name: {"value": value} for name, value in effective.settings.items()}
        for module in asked:
            shown[module] = _module(call, module, effective, agent, interval)
    return shown


@functools.lru_cache(maxsize=1_000)
def _fields(wanted: frozenset[str]) -> tuple[Field, ...]:
    """The fields that are shown as they are kept."""
    return tuple(
        field
        for field in all_resources()["computers"].fields
        if field.name not in PARTS or (field.name in wanted and field.name not in STATES)
    )


def _add_agent(shown: Shown, agent: AgentState | None) -> None:
    if agent is None:
        return
    shown["lastAgentCommunication"] = agent.last_seen
    if agent.address:
        shown["lastIPUsed"] = agent.address
    if agent.policy_requested:
        shown["lastSendPolicyRequest"] = agent.policy_requested
    if agent.policy_sent:
        shown["lastSendPolicySuccess"] = agent.policy_sent


def effective_on(view: View, body: Mapping[str, Any]) -> Effective:
    """What is in force on a computer."""
    return inheritance.over(view.effective(body.get("policyID") or 0), body, "computerSettings")


def status(agent: AgentState | None, interval: int) -> Shown:
    """The computer's own status, from its agent's heart-beats."""
    if agent is None:
        return {
            "agentStatus": "inactive",
            "agentStatusMessages": ["Unmanaged (No Agent)"],
            "applianceStatus": "inactive",
            "applianceStatusMessages": [],
        }
    if agent.is_alive(interval):
        state, message = "active", "Managed (Online)"
    elif agent.last_seen:
        state, message = "error", "Managed (Offline)"
    else:
        state, message = "inactive", "Activated, not heard of yet"
    messages = [message, *(["Isolated"] if agent.isolated else [])]
    return {
        "agentStatus": state,
        "agentStatusMessages": messages,
        "applianceStatus": "inactive",
        "applianceStatusMessages": [],
    }


def module_status(
    module: str, state: str, rules: tuple[int, ...] | None, agent: AgentState | None, interval: int
) -> tuple[str, str]:
    """(status, message) of a module: what should be, held against what the agent says is."""
    wanted = status_message(module, state, rules)
    said = agent.status.get("modules", {}).get(module) if agent is not None else None
    runs = said.get("state") if isinstance(said, dict) else None
    if state == "off":
        if runs not in (None, "off"):
            return "warning", f"Off by policy; the agent still runs it in {runs}"
        return "inactive", "Off"
    if agent is None:
        return "inactive", f"{wanted}; no agent"
    if not agent.is_alive(interval):
        return "error", f"{wanted}; agent offline"
    if runs is None:
        return "warning", f"{wanted}; the agent has not reported it yet"
    if runs != state:
        reason = said.get("message") if isinstance(said, dict) else ""
        does = "does not run it" if runs == "off" else f"runs it in {runs}"
        return "error", f"{wanted}; the agent {does}{f': {reason}' if reason else ''}"
    return "active", wanted


def health(module: str, effective: Effective, agent: AgentState | None, interval: int) -> tuple[str, str]:
    """(status, message) of a module as it is in force on a computer."""
    state = effective.modules[module]["state"]
    rules = effective.rules[MODULES[module]] if module in MODULES else None
    found, message = module_status(module, state, rules, agent, interval)
    if found != "active":
        return found, message
    if state == "prevent" and enforcement.engine_taps(effective.settings):
        return "warning", f"{message}; the network engine only taps, so that nothing is stopped"
    if module in enforcement.SPLIT and agent is not None:
        does = agent.status["modules"][module].get("mode", "")
        return _as_meant(message, enforcement.mode(module, effective), does)
    return found, message


def _as_meant(message: str, wanted: str, does: str) -> tuple[str, str]:
    """(status, message) of a module that runs: the mode that is wanted, held against the one its agent says."""
    if wanted == "prevent" and does == "detect":
        return "error", f"{message}; it is to prevent, and the agent only detects"
    if wanted == "prevent" and does != "prevent":
        return "warning", f"{message}; it is to prevent, and the agent does not say that it does"
    if wanted == "detect" and does == "prevent":
        return "error", f"{message}; it is only to detect, and the agent prevents"
    return "active", message


def _module(call: Call, module: str, effective: Effective, agent: AgentState | None, interval: int) -> Shown:
    rules = effective.rules[MODULES[module]] if module in MODULES else None
    values = effective.modules[module]
    agent_status, message = health(module, effective, agent, interval)
    shown: Shown = {
        **values,
        "moduleStatus": {
            "agentStatus": agent_status,
            "agentStatusMessage": message,
            "applianceStatus": "inactive",
            "applianceStatusMessage": "",
        },
    }
    if rules is not None:
        shown["ruleIDs"] = list(rules)
    if module == "intrusionPrevention" and rules is not None:
        shown["applicationTypeIDs"] = application_types(call.connection, call.tenant, rules)
    return shown


# ---- changes


def _create(call: Call, body: Body) -> Body:
    if call.holder.role.computers is not None and not call.holder.role.reaches_computer(0, body):
        raise Forbidden("the role of this key reaches only certain computers, so it can make none elsewhere")
    body.setdefault("displayName", "")
    body.setdefault("hostGUID", str(uuid.uuid4()).upper())
    for name in ("groupID", "policyID"):
        body.setdefault(name, 0)
    return _checked(call, body)


def _modify(call: Call, id: int, _before: Body, after: Body) -> Body:
    if not call.holder.role.reaches_computer(id, after):
        raise Forbidden("the role of this key would not reach the computer any more")
    return _checked(call, after)


def _checked(call: Call, body: Body) -> Body:
    setting_values.refuse_unknown(body.get("computerSettings"), setting_values.policy_names())
    call.warnings += setting_values.doubts(body.get("computerSettings"))
    return with_dependencies(call, body)


def _created(call: Call, id: int, body: Body) -> Shown:
    call.manager.tasks.happened(call.connection, call.tenant, "computer-created-by-system", id, body)
    return {}


def _modified(call: Call, id: int, before: Body, after: Body) -> Shown:
    if before != after:
        changed(call, id)
    if before.get("groupID") != after.get("groupID"):
        call.manager.tasks.happened(call.connection, call.tenant, "computer-moved-by-system", id, after)
    return {}


def changed(call: Call, id: int) -> None:
    """What is in force on a computer may have changed: its agent gets it."""
    call.manager.tasks.send_policy(call.connection, call.tenant, [id])


def _deleted(call: Call, id: int, _body: Body) -> None:
    forget(call.connection, call.tenant, id)
    call.manager.agents.forget(call.tenant, id)


def forget(connection: Any, tenant: int, id: int) -> None:
    """Removes what hangs on a computer: agent, description, recommendations, jobs that nobody will do."""
    for table in (tables.agents, tables.hosts, tables.recommendations):
        connection.execute(table.delete().where(table.c.tenant == tenant, table.c.computer == id))
    jobs.fail_open(connection, tenant, id, "the computer was deleted")


def reached(call: Call, id: int) -> Body:
    """A computer that the caller's role reaches. Raises NotFound."""
    return storage.get(call.connection, call.tenant, all_resources()["computers"], id)


BEHAVIOUR = Behaviour(
    create=_create,
    created=_created,
    modify=_modify,
    modified=_modified,
    delete=_deleted,
    show=_shown,
    query=(EXPAND, OVERRIDES),
)

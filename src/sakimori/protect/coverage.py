"""Proof of coverage: what each computer should enforce, what its agent says it does, and every gap between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from sakimori.protect import agent_states, computers, enforcement, recommendations
from sakimori.protect.agent_states import AgentState, Beats
from sakimori.protect.inheritance import STATES
from sakimori.protect.objects import Shown
from sakimori.protect.policies import View
from sakimori.protect.storage import Body
from sakimori.protect.work import RULE_RESOURCES


def covered(
    connection: Connection, tenant: int, found: Sequence[tuple[int, Body]], view: View, beats: Beats, interval: int
) -> list[Shown]:
    """What is known of each of the computers."""
    ids = [id for id, _ in found]
    agents = agent_states.states(connection, tenant, ids, beats)
    scans = recommendations.scans(connection, tenant, ids, RULE_RESOURCES[0])
    return [_covered(id, body, view, agents.get(id), scans.get(id), interval) for id, body in found]


def _covered(
    id: int, body: Body, view: View, agent: AgentState | None, scan: recommendations.Scan | None, interval: int
) -> Shown:
    state = computers.status(agent, interval)
    modules = _modules(body, view, agent, interval)
    gaps = _gaps(body, state, modules, scan)
    machine = body.get("ec2VirtualMachineSummary") or body.get("noConnectorVirtualMachineSummary") or {}
    return {
        "computerID": id,
        "hostName": body.get("hostName", ""),
        "instanceID": machine.get("instanceID", ""),
        "policyID": body.get("policyID") or 0,
        "protected": not gaps,
        "agentStatus": state["agentStatus"],
        "lastAgentCommunication": agent.last_seen if agent else 0,
        "policySent": agent.policy_sent if agent else 0,
        "isolated": bool(agent and agent.isolated),
        "modules": modules,
        "lastRecommendationScan": scan.scanned_at if scan else 0,
        "gaps": gaps,
    }


def _modules(body: Body, view: View, agent: AgentState | None, interval: int) -> list[Shown]:
    effective = computers.effective_on(view, body)
    found = []
    for module in STATES:
        wanted = effective.modules[module]["state"]
        status, message = computers.health(module, effective, agent, interval)
        said = agent.status.get("modules", {}).get(module, {}) if agent is not None else {}
        runs = str(said.get("state") or "unknown")
        found.append(
            {
                "module": module,
                "wanted": wanted,
                "mode": enforcement.mode(module, effective),
                "runs": runs,
                "status": status,
                "message": message,
            }
        )
    return found


def _gaps(
    body: Mapping[str, Any], state: Shown, modules: list[Shown], scan: recommendations.Scan | None
) -> list[Shown]:
    """Everything that keeps a computer from being protected as its policy says, each with its reason."""
    gaps = []
    if state["agentStatus"] != "active":
        gaps.append({"what": "agent", "why": ", ".join(state["agentStatusMessages"])})
    if not body.get("policyID"):
        gaps.append({"what": "policy", "why": "none is assigned"})
    elif all(module["wanted"] == "off" for module in modules):
        gaps.append({"what": "policy", "why": "it has every module off"})
    gaps += [
        {"what": module["module"], "why": module["message"]}
        for module in modules
        if module["status"] not in ("active", "inactive")
        or (module["wanted"] != "off" and module["status"] != "active")
    ]
    if scan is None:
        gaps.append({"what": "recommendationScan", "why": "there was none"})
    elif scan.status != "valid":
        gaps.append({"what": "recommendationScan", "why": "it is older than 30 days"})
    return gaps

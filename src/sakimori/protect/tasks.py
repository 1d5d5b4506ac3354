"""Tasks: scheduled, event-based, or asked for now; each becomes a job for every computer that it is for."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import re2
from sqlalchemy import ColumnElement, Connection, select, update

from sakimori.protect import accept, computer_filter, jobs, modes, reports, schedule, search, storage, tables
from sakimori.protect.calls import Call
from sakimori.protect.clock import now
from sakimori.protect.computer_filter import chosen, valued
from sakimori.protect.declare import Resource
from sakimori.protect.errors import Invalid
from sakimori.protect.objects import Behaviour, Shown, plain
from sakimori.protect.resources import all_resources
from sakimori.protect.storage import Body

PARAMETERS: Mapping[str, str] = {
    "scan-for-open-ports": "scanForOpenPortsTaskParameters",
    "send-alert-summary": "sendAlertSummaryTaskParameters",
    "discover-computers": "discoverComputersTaskParameters",
    "run-script": "runScriptTaskParameters",
    "send-policy": "sendPolicyTaskParameters",
    "generate-report": "generateReportTaskParameters",
    "synchronize-directory": "synchronizeDirectoryTaskParameters",
    "scan-for-recommendations": "scanForRecommendationsTaskParameters",
    "synchronize-vcenter": "synchronizeVCenterTaskParameters",
    "scan-for-integrity-changes": "scanForIntegrityChangesTaskParameters",
    "scan-for-malware": "scanForMalwareTaskParameters",
    "check-for-security-updates": "checkForSecurityUpdatesTaskParameters",
    "synchronize-cloud-account": "synchronizeCloudAccountTaskParameters",
    "update-suspicious-objects-list": "updateSuspiciousObjectsListTaskParameters",
}
"""Which field of a scheduled task holds the parameters of its type."""

ON_COMPUTERS = frozenset(
    (
        "scan-for-open-ports",
        "send-policy",
        "scan-for-recommendations",
        "scan-for-integrity-changes",
        "scan-for-malware",
        "check-for-security-updates",
        "check-for-software-updates",
        "update-suspicious-objects-list",
    )
)
"""Types that are done on every computer of the task's filter; others are one job of the manager's."""

NOT_DONE: Mapping[str, str] = {
    "run-script": "this manager runs no scripts; run them with AWS Systems Manager",
    "send-alert-summary": "this manager sends no mail; `sakimori notify` tells people what is new",
    "discover-computers": "this manager scans no networks; computers come from `sakimori discover` and from agents",
    "synchronize-directory": "this manager is joined to no directory",
    "synchronize-users": "this manager is joined to no directory",
    "synchronize-vcenter": "this manager is joined to no vCenter",
    "update-suspicious-objects-list": "this manager keeps no list of suspicious objects",
}
"""Types that the API knows and this manager does not do, with the reason."""

_TIMEOUTS = {
    "one-hour": 1,
    "two-hours": 2,
    "four-hours": 4,
    "eight-hours": 8,
    "twelve-hours": 12,
    "one-day": 24,
    "one-and-a-half-days": 36,
    "two-days": 48,
}


def _scheduled() -> Resource:
    return all_resources()["scheduledtasks"]


class Tasks:
    """Starts tasks. `wake` is set when there is something to do."""

    def __init__(self) -> None:
        self.wake = threading.Event()
        self.over: set[tuple[int, int]] = set()

    def run(self, connection: Connection, tenant: int, id: int, task: Mapping[str, Any]) -> int:
        """Queues the jobs of a scheduled task and returns how many. Raises Invalid."""
        parameters = task.get(PARAMETERS.get(task["type"], ""), {})
        patience = _TIMEOUTS.get(parameters.get("timeout", ""), 24) * jobs.HOUR
        computers = (
            chosen(connection, tenant, parameters.get("computerFilter")) if task["type"] in ON_COMPUTERS else [0]
        )
        count = jobs.queue(
            connection, tenant, computers, task["type"], task=id, parameters=parameters, patience=patience
        )
        self.wake.set()
        return count

    def send_policy(self, connection: Connection, tenant: int, computers: Iterable[int]) -> None:
        """Has the computers' agents fetch what is in force; those that are about to anyway are left out."""
        agents = tables.agents
        wanted = sorted(set(computers))
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            with_agent = connection.execute(
                select(agents.c.computer).where(agents.c.tenant == tenant, agents.c.computer.in_(some))
            ).scalars()
            open_types = jobs.open_types(connection, tenant, some)
            due = [each for each in with_agent if "send-policy" not in open_types.get(each, ())]
            if due:
                jobs.queue(connection, tenant, due, "send-policy", patience=365 * 24 * jobs.HOUR)
                connection.execute(
                    update(agents)
                    .where(agents.c.tenant == tenant, agents.c.computer.in_(due))
                    .values(policy_requested=now())
                )
        self.wake.set()

    def send_policy_to(self, connection: Connection, tenant: int, policies: Iterable[int]) -> None:
        """Has the agents of all computers with these policies fetch them."""
        self.send_policy(connection, tenant, valued(connection, tenant, "policyID", policies))

    def happened(self, connection: Connection, tenant: int, event: str, computer: int, body: Body) -> None:
        """Does what event-based tasks say about this computer."""
        resource = all_resources()["eventbasedtasks"]
        query = search.parse(
            resource, {"searchCriteria": {"fieldName": "type", "choiceTest": "equal", "choiceValue": event}}
        )
        for id, task in storage.find(connection, tenant, resource, query):
            if task.get("enabled", True) and all(_holds(each, body) for each in task.get("conditions") or ()):
                with modes.acting("the manager", f"event-based task {id} ({task.get('name', '')}): {event}"):
                    _act(connection, tenant, computer, task.get("actions") or ())
                storage.replace(connection, tenant, resource, id, task | {"lastRunTime": now()})
                self.send_policy(connection, tenant, [computer])

    def due(self, connection: Connection) -> list[tuple[int, int]]:
        """(tenant, ID) of the scheduled tasks whose time has come."""
        return _with_moment(connection, "nextRunTime", tables.values.c.number <= now())

    def fire(self, connection: Connection, due: Iterable[tuple[int, int]]) -> None:
        """Runs tasks whose time has come."""
        for tenant, id in due:
            task = storage.get_or_none(connection, tenant, "scheduledtasks", id)
            if task is None or not task.get("enabled", True):
                continue
            self.start(connection, tenant, id, task, counted=True)

    def start(self, connection: Connection, tenant: int, id: int, task: Body, *, counted: bool) -> None:
        """Runs a scheduled task; `counted` if the run is one of its recurrences."""
        after = task | {"lastRunTime": now()}
        details = dict(task.get("scheduleDetails") or {})
        left = details.get("recurrenceCount") or 0
        if left > 0 and counted:
            details["recurrenceCount"] = left - 1
            if left == 1:
                after["_over"] = True  # deleted as soon as its jobs have ended
                self.over.add((tenant, id))
            else:
                after["scheduleDetails"] = details
        after = timed(after) if not after.get("_over") else {k: v for k, v in after.items() if k != "nextRunTime"}
        try:
            self.run(connection, tenant, id, task)
        except Invalid as error:
            after["_failed"] = error.message
        storage.replace(connection, tenant, _scheduled(), id, after)

    def find_over(self, connection: Connection) -> None:
        """Notes the tasks that have run as often as they should: at the start, from the ledger."""
        for tenant, id in _with_moment(connection, "lastRunTime", tables.values.c.number > 0):
            if (storage.get_or_none(connection, tenant, "scheduledtasks", id) or {}).get("_over"):
                self.over.add((tenant, id))

    def delete_over(self, connection: Connection) -> None:
        """Removes tasks that have run as often as they should, once all their jobs have ended."""
        for tenant, id in sorted(self.over):
            if jobs.open_of_task(connection, tenant, id):
                continue
            task = storage.get_or_none(connection, tenant, "scheduledtasks", id)
            if task is not None and task.get("_over"):
                storage.remove(connection, tenant, _scheduled(), id)
            self.over.discard((tenant, id))


def _with_moment(connection: Connection, field: str, holds: ColumnElement[bool]) -> list[tuple[int, int]]:
    """(tenant, ID) of the scheduled tasks of all tenants that have such a moment; asked every second, by the index."""
    shown, counters = tables.values, tables.counters
    tenants = select(counters.c.tenant).where(counters.c.resource == "scheduledtasks")
    rows = connection.execute(
        select(shown.c.tenant, shown.c.id).where(
            shown.c.tenant.in_(tenants), shown.c.resource == "scheduledtasks", shown.c.field == field, holds
        )
    )
    return [(row.tenant, row.id) for row in rows]


# ---- the resource


def _create(call: Call, body: Body) -> Body:
    return _prepared(call, body)


def _created(call: Call, id: int, _body: Body) -> Shown:
    return _now_if_asked(call, id)


def _modify(call: Call, _id: int, _before: Body, after: Body) -> Body:
    return _prepared(call, after)


def _modified(call: Call, id: int, _before: Body, _after: Body) -> Shown:
    return _now_if_asked(call, id)


def _prepared(call: Call, body: Body) -> Body:
    """The task as it is kept. One that can only fail is kept for whoever wrote it, told of, and never run."""
    _check(body)
    kept = {name: value for name, value in body.items() if name not in ("runNow", "_never")}
    never = _never(call, body)
    if never:
        kept["_never"] = never
        call.warnings.append(f"{never}; the task is kept, and never run")
    zone = (body.get("scheduleDetails") or {}).get("timeZone")
    if not schedule.is_zone(zone):
        call.warnings.append(f"there is no time zone {str(zone)[:80]!r}: times are in UTC")
    return timed(kept)


def _now_if_asked(call: Call, id: int) -> Shown:
    asked = isinstance(call.body, Mapping) and call.body.get("runNow") is not None
    if not asked or not accept.boolean(call.body["runNow"], "runNow"):
        return {}
    call.holder.role.must("platformRights/scheduledTaskRights/canExecuteScheduledTasks")
    task = storage.get(call.connection, call.tenant, _scheduled(), id)
    if task.get("_never"):
        raise Invalid(task["_never"])
    call.manager.tasks.start(call.connection, call.tenant, id, task, counted=_is_once(task))
    started = storage.get(call.connection, call.tenant, _scheduled(), id)
    return plain(_scheduled(), id, started) | {"runNow": True}


def _check(body: Mapping[str, Any]) -> None:
    """Raises Invalid for what no task is."""
    kind, details = body["type"], body.get("scheduleDetails") or {}
    if (details.get("recurrenceCount") or 0) < 0:
        raise Invalid("scheduleDetails/recurrenceCount must not be negative")
    field = PARAMETERS.get(kind, "")
    if kind in ON_COMPUTERS and field and not ((body.get(field) or {}).get("computerFilter") or {}).get("type"):
        raise Invalid(f"a task of type {kind} needs {field}/computerFilter/type: which computers it is for")


def _never(call: Call, body: Mapping[str, Any]) -> str:
    """Why a task can only fail; "" if it can be done."""
    kind = body["type"]
    if kind in NOT_DONE:
        return f"a task of type {kind} cannot be done here: {NOT_DONE[kind]}"
    parameters = body.get(PARAMETERS.get(kind, "")) or {}
    try:
        computer_filter.check(parameters.get("computerFilter"))
        if kind == "generate-report":
            reports.check(call.connection, call.tenant, parameters)
    except Invalid as error:
        return error.message
    return ""


def _is_once(task: Mapping[str, Any]) -> bool:
    return ((task.get("scheduleDetails") or {}).get("recurrenceType") or "none") == "none"


def timed(task: Body) -> Body:
    """The task with the time of its next run."""
    runs = task.get("enabled", True) and not task.get("_never")
    following = schedule.next_run(task.get("scheduleDetails") or {}, now()) if runs else None
    rest = {name: value for name, value in task.items() if name != "nextRunTime"}
    return rest if following is None else rest | {"nextRunTime": following}


# ---- event-based tasks


def _holds(condition: Mapping[str, Any], computer: Mapping[str, Any]) -> bool:
    """Whether a computer fits a condition, whose value is a regular expression."""
    pattern = str(condition.get("value") or "")
    key = condition.get("key")
    try:
        return any(re2.search(pattern, text) for text in _texts(str(condition.get("field")), key, computer))
    except re2.error:
        return False


def _texts(field: str, key: Any, computer: Mapping[str, Any]) -> list[str]:
    machine = computer.get("ec2VirtualMachineSummary") or {}
    tags = machine.get("metadata") or []
    match field:
        case "hostname":
            return [computer.get("hostName", "")]
        case "platform":
            return [computer.get("platform", "")]
        case "lastUsedIP":
            return [computer.get("lastIPUsed") or machine.get("privateIPAddress") or ""]
        case "tag":
            return [str(tag.get("value", "")) for tag in tags if key in (None, "", tag.get("name"))]
        case "securityGroup":
            return [str(group.get("name") or group.get("ID")) for group in machine.get("securityGroups") or []]
        case "imageId":
            return [machine.get("amiID", "")]
        case "cloudProvider" | "cloudVendor":
            return [machine.get("cloudProvider", "")] if machine else []
        case _:
            return []


def _act(connection: Connection, tenant: int, computer: int, actions: Iterable[Mapping[str, Any]]) -> None:
    body = storage.get_or_none(connection, tenant, "computers", computer)
    if body is None:
        return
    fields = {"assign-policy": ("policyID", "policies"), "assign-group": ("groupID", "computergroups")}
    for action in actions:
        field, resource = fields.get(action.get("type", ""), ("", ""))
        value = action.get("parameterValue") or 0
        if field and (not value or storage.existing(connection, tenant, resource, [value])):
            body[field] = value
    storage.replace(connection, tenant, all_resources()["computers"], computer, body)


BEHAVIOUR = Behaviour(create=_create, created=_created, modify=_modify, modified=_modified)

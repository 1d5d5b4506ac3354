"""What the manager offers beyond the API that it shares with others: everything under `/api/sakimori`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import select, update

from sakimori.protect import accept, agents_api, coverage, jobs, storage, tables
from sakimori.protect.calls import NOTHING, Call, Operation, Shape
from sakimori.protect.clock import now
from sakimori.protect.declare import choice, flag, moment, number, struct, structs, text
from sakimori.protect.errors import Invalid, NotFound
from sakimori.protect.objects import Shown
from sakimori.protect.resources import all_resources
from sakimori.protect.search import Query
from sakimori.protect.tasks import NOT_DONE, ON_COMPUTERS

STARTABLE = tuple(sorted(ON_COMPUTERS - NOT_DONE.keys()))
"""What can be started on a computer."""

EDIT = "platformRights/computerRights/canEditComputerProperties"
TAG = "sakimori"

ENROLLED = Shape("EnrolledAgent", (number("computerID"), text("agentGUID"), text("secretKey")))
JOB = (
    number("ID"),
    number("computerID"),
    text("type"),
    number("scheduledTaskID"),
    choice("state", "queued running done failed"),
    text("message"),
    number("attempts"),
    moment("created"),
    moment("finished"),
)
EVENT = (
    number("ID"),
    text("module"),
    number("computerID"),
    number("ruleID"),
    moment("time"),
    text("severity"),
    text("action"),
    text("message"),
    choice("verdict", "true-positive false-positive none"),
    text("note"),
    struct("details", "EventDetails"),
)
COVERED = (
    number("computerID"),
    text("hostName"),
    text("instanceID"),
    number("policyID"),
    flag("protected"),
    choice("agentStatus", "inactive active warning error not-supported"),
    moment("lastAgentCommunication"),
    moment("policySent"),
    flag("isolated"),
    structs(
        "modules",
        "CoveredModule",
        text("module"),
        text("wanted", says="The state that is in force."),
        choice("mode", "off detect prevent"),
        *(text(name) for name in ("runs", "status", "message")),
    ),
    moment("lastRecommendationScan"),
    structs("gaps", "Gap", text("what"), text("why")),
)
PAGE = (number("after", says="Only what comes behind this ID."), number("limit", says="How many at most."))


def operations() -> Iterator[Operation]:
    def one(
        method: str, path: str, name: str, says: str, run: Any, gives: Shape, *, takes: Shape = NOTHING, **more: Any
    ) -> Operation:
        return Operation(
            method, f"/sakimori{path}", name, TAG, says, run, takes=takes, gives=gives, writes=method == "POST", **more
        )

    yield one(
        "POST",
        "/agents",
        "enrol_agent",
        "Enrols the agent of a machine and gives it a secret, which is shown this once.",
        agents_api.enrol,
        ENROLLED,
        takes=Shape("AgentEnrolment", agents_api.ENROLMENT),
        right="platformRights/computerRights/canCreateNewComputers",
    )
    many = Shape("ComputerTask", JOB, "tasks")
    filters = (*PAGE, number("computerID"))
    yield one("GET", "/tasks", "list_computer_tasks", "Lists tasks on computers.", _jobs, many, query=filters)
    yield one("GET", "/tasks/{taskID}", "describe_computer_task", "Shows one.", _job, Shape("ComputerTask", JOB))
    yield one(
        "POST",
        "/computers/{computerID}/tasks",
        "start_computer_task",
        "Does something on a computer now.",
        _start,
        Shape("ComputerTask", JOB),
        takes=Shape("NewComputerTask", (choice("type", " ".join(STARTABLE), required=True),)),
        right="platformRights/scheduledTaskRights/canExecuteScheduledTasks",
        reach="computer",
    )
    for word, says in (("isolate", "Cuts a computer off, but for the manager."), ("release", "Lets it back.")):
        isolated = Shape("Isolation", (number("computerID"), flag("isolated")))
        run = _isolate if word == "isolate" else _release
        path = f"/computers/{{computerID}}/{word}"
        yield one("POST", path, f"{word}_computer", says, run, isolated, right=EDIT, reach="computer")
    events = Shape("Event", EVENT, "events")
    of_events = (*PAGE, text("module"), number("computerID"), number("ruleID"), moment("since"))
    yield one("GET", "/events", "list_events", "Lists what modules saw.", _events, events, query=of_events)
    verdict = Shape("Verdict", (choice("verdict", "true-positive false-positive none", required=True), text("note")))
    says = "Says what an event really was; promotion to prevention goes by it."
    path = "/events/{eventID}/verdict"
    yield one("POST", path, "judge_event", says, _judge, Shape("Event", EVENT), takes=verdict, right=EDIT)
    covered = Shape("CoveredComputer", COVERED, "computers")
    says = "Proves what protects each computer, and names each gap with its reason."
    yield one("GET", "/coverage", "list_coverage", says, _coverage, covered, query=PAGE)


def _number(call: Call, name: str, default: int = 0) -> int:
    sent = call.query.get(name)
    return accept.integer(sent[-1], name) if sent else default


def _limit(call: Call) -> int:
    limit = _number(call, "limit", 1_000)
    if not 1 <= limit <= 5_000:
        raise Invalid("limit must be from 1 to 5000")
    return limit


# ---- tasks


def _jobs(call: Call) -> Shown:
    after, computer, limit = _number(call, "after"), _number(call, "computerID"), _limit(call)
    found = jobs.of_tenant(call.connection, call.tenant, computer=computer, after=after, limit=limit)
    return {"tasks": [_shown_job(entry) for entry in found if _reaches(call, entry.computer)]}


def _job(call: Call) -> Shown:
    id = call.id("taskID")
    entry = jobs.get(call.connection, id)
    if entry is None or entry.tenant != call.tenant or not _reaches(call, entry.computer):
        raise NotFound(f"there is no task with ID {id}")
    return _shown_job(entry)


def _reaches(call: Call, computer: int) -> bool:
    if call.holder.role.computers is None:
        return True
    body = storage.get_or_none(call.connection, call.tenant, "computers", computer)
    return body is not None and call.holder.role.reaches_computer(computer, body)


def _shown_job(entry: jobs.Entry) -> Shown:
    return {
        "ID": entry.id,
        "computerID": entry.computer,
        "type": entry.type,
        "scheduledTaskID": entry.task,
        "state": entry.state,
        "message": entry.message,
        "attempts": entry.attempts,
        "created": entry.created_at,
        "finished": entry.finished_at,
    }


def _start(call: Call) -> Shown:
    sent = call.body if isinstance(call.body, Mapping) else {}
    type = accept.one_of(STARTABLE, sent.get("type"), "type")
    computer = call.id("computerID")
    storage.get(call.connection, call.tenant, all_resources()["computers"], computer)
    jobs.queue(call.connection, call.tenant, [computer], type)
    call.manager.tasks.wake.set()
    newest = call.connection.execute(
        select(tables.jobs.c.id)
        .where(tables.jobs.c.tenant == call.tenant, tables.jobs.c.computer == computer)
        .order_by(tables.jobs.c.id.desc())
        .limit(1)
    ).scalar_one()
    entry = jobs.get(call.connection, newest)
    assert entry is not None
    return _shown_job(entry)


def _isolate(call: Call) -> Shown:
    return _set_isolated(call, isolated=True)


def _release(call: Call) -> Shown:
    return _set_isolated(call, isolated=False)


def _set_isolated(call: Call, *, isolated: bool) -> Shown:
    computer = call.id("computerID")
    storage.get(call.connection, call.tenant, all_resources()["computers"], computer)
    agents_api.set_isolated(call.connection, call.tenant, computer, isolated)
    call.manager.tasks.wake.set()
    return {"computerID": computer, "isolated": isolated}


# ---- events


def _events(call: Call) -> Shown:
    events = tables.events
    wanted = select(events).where(events.c.tenant == call.tenant, events.c.id > _number(call, "after"))
    if call.query.get("module"):
        wanted = wanted.where(events.c.module == accept.text(call.query["module"][-1], "module"))
    for name, column in (("computerID", events.c.computer), ("ruleID", events.c.rule)):
        if call.query.get(name):
            wanted = wanted.where(column == _number(call, name))
    if call.query.get("since"):
        wanted = wanted.where(events.c.at >= _number(call, "since"))
    rows = call.connection.execute(wanted.order_by(events.c.id).limit(_limit(call))).all()
    return {"events": [_shown_event(row) for row in rows if _reaches(call, row.computer)]}


def _shown_event(row: Any) -> Shown:
    body = orjson.loads(row.body)
    details = body.get("details")
    return {
        "ID": row.id,
        "module": row.module,
        "computerID": row.computer,
        "ruleID": row.rule,
        "time": row.at,
        "severity": str(body.get("severity", "")),
        "action": str(body.get("action", "")),
        "message": str(body.get("message", "")),
        "verdict": row.verdict or "none",
        "note": row.note,
        "details": details if isinstance(details, dict) else {},
    }


def _judge(call: Call) -> Shown:
    sent = call.body if isinstance(call.body, Mapping) else {}
    verdict = accept.one_of(("true-positive", "false-positive", "none"), sent.get("verdict"), "verdict")
    note = accept.text(sent.get("note") or "", "note")
    events, id = tables.events, call.id("eventID")
    here = (events.c.tenant == call.tenant) & (events.c.id == id)
    row = call.connection.execute(select(events).where(here)).first()
    if row is None or not _reaches(call, row.computer):
        raise NotFound(f"there is no event with ID {id}")
    call.connection.execute(
        update(events).where(here).values(verdict="" if verdict == "none" else verdict, note=note[:4_000])
    )
    return _shown_event(call.connection.execute(select(events).where(here)).one())


# ---- coverage


def _coverage(call: Call) -> Shown:
    query = Query(limit=_limit(call))
    query.conditions.append(f"o.id > {query.bind(_number(call, 'after'))}")
    only = call.holder.role.computers_sql()
    found = storage.find(call.connection, call.tenant, all_resources()["computers"], query, only=only)
    view = call.manager.policies.view(call.connection, call.tenant)
    covered = coverage.covered(
        call.connection, call.tenant, found, view, call.manager.beats, call.manager.heartbeat_seconds
    )
    return {"computers": covered, "asOf": now()}

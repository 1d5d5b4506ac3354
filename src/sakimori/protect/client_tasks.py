"""Tasks on a computer through any manager: started now, and their effect seen before they count as done.

A task is a scheduled task that runs once, at once, and deletes itself. Trend's API does not say when it has ended; what
tells is the date of the scan, which must have moved on from where it was. Our manager says so, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sakimori.model.said import say
from sakimori.protect import client_answers as answers
from sakimori.protect import client_errors as errors
from sakimori.protect.client import Client, host

FIRST_LOOK = 0.5
LONGEST_BETWEEN = 15.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task: the field of its parameters, further parameters, and where its date is read."""

    type: str
    parameters: str
    more: Mapping[str, Any]
    date: Callable[[Client, int], int]
    says: str


def _recommendation_date(client: Client, computer: int) -> int:
    return client.assignments(host(computer)).last_scan


def _integrity_date(client: Client, computer: int) -> int:
    return client.computer(computer).last_integrity_scan


def _malware_date(client: Client, computer: int) -> int:
    return client.computer(computer).last_malware_scan


def _policy_date(client: Client, computer: int) -> int:
    return client.computer(computer).last_policy_sent


RECOMMENDATION_SCAN = Kind(
    "scan-for-recommendations",
    "scanForRecommendationsTaskParameters",
    {},
    _recommendation_date,
    say("recommendation scan"),
)
INTEGRITY_SCAN = Kind(
    "scan-for-integrity-changes",
    "scanForIntegrityChangesTaskParameters",
    {"trustedComputers": "all-computers"},
    _integrity_date,
    say("integrity scan"),
)
MALWARE_SCAN = Kind(
    "scan-for-malware", "scanForMalwareTaskParameters", {"timeout": "four-hours"}, _malware_date, say("malware scan")
)
SEND_POLICY = Kind("send-policy", "sendPolicyTaskParameters", {}, _policy_date, say("sending of the policy"))


@dataclass(frozen=True, slots=True)
class Started:
    """A task that a manager has accepted. `before` is the date of the last such scan until then, 0 for none."""

    kind: Kind
    computer: int
    task: int
    before: int
    newest_job: int


def start(client: Client, kind: Kind, computer: int, *, name: str = "") -> Started:
    """Has a task run on a computer now."""
    before = kind.date(client, computer)
    newest = _newest_job(client, computer) if client.is_ours else 0
    body = {
        "name": name or f"Sakimori: {kind.says} of computer {computer}",
        "type": kind.type,
        "enabled": True,
        "runNow": True,
        "scheduleDetails": {
            "recurrenceType": "none",
            "recurrenceCount": 1,
            "onceOnlyScheduleParameters": {"startTime": 0},
        },
        kind.parameters: {"computerFilter": {"type": "computer", "computerID": computer}, **kind.more},
    }
    task = client.call("POST", "/scheduledtasks", body=body, repeatable=False)
    return Started(kind, computer, answers.number(task if isinstance(task, Mapping) else {}, "ID"), before, newest)


def wait(client: Client, started: Started, *, seconds: float = 900.0) -> int:
    """The date of the scan once it has moved on, in milliseconds since 1970. Raises NotVerified, or TaskFailed."""
    kind, deadline, pause = started.kind, client.clock() + seconds, FIRST_LOOK
    while True:
        ended = not client.is_ours or _has_ended(client, started)
        date = kind.date(client, started.computer)
        if ended and date > started.before:
            return date
        if client.clock() >= deadline:
            raise errors.NotVerified(
                say(
                    "the {scan} of computer {computer} was accepted (scheduled task {task}), and its date has not "
                    "moved within {seconds} seconds: look whether its agent is on-line",
                    scan=kind.says,
                    computer=started.computer,
                    task=started.task,
                    seconds=f"{seconds:.0f}",
                )
            )
        client.sleep(min(pause, max(0.0, deadline - client.clock())))
        pause = min(pause * 1.5, LONGEST_BETWEEN)


def run(client: Client, kind: Kind, computer: int, *, seconds: float = 900.0) -> int:
    """Starts a task and waits for its effect; see `wait`."""
    return wait(client, start(client, kind, computer), seconds=seconds)


def _newest_job(client: Client, computer: int) -> int:
    """The ID of the last job that our manager knows of a computer."""
    last = 0
    while True:
        query = {"computerID": computer, "after": last, "limit": 1_000}
        jobs = (client.call("GET", "/sakimori/tasks", query=query) or {}).get("tasks") or []
        if not jobs:
            return last
        last = max(answers.number(job, "ID") for job in jobs)


def _has_ended(client: Client, started: Started) -> bool:
    """Whether our manager says that it is done: the date may be of another scan. Raises TaskFailed, with the reason."""
    query = {"computerID": started.computer, "after": started.newest_job, "limit": 1_000}
    for job in (client.call("GET", "/sakimori/tasks", query=query) or {}).get("tasks") or []:
        if job.get("scheduledTaskID") == started.task and job.get("state") == "failed":
            reason = job.get("message") or say("no reason given")
            about = {"scan": started.kind.says, "computer": started.computer}
            raise errors.TaskFailed(say("the {scan} of computer {computer} failed: {reason}", reason=reason, **about))
        if job.get("scheduledTaskID") == started.task and job.get("state") == "done":
            return True
    return False

"""What tasks do on one computer: a job goes in, an outcome comes out.

A job is done by the computer's agent, if it has one that is alive, or here by a performer. Performers are plain
functions, registered by the task's type in `performers.py`; so are what turns an agent's answer into an outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

RULE_RESOURCES = ("intrusionpreventionrules", "integritymonitoringrules", "loginspectionrules")
"""The rules that a recommendation scan looks at."""

MODULES = {
    "intrusionPrevention": "intrusionpreventionrules",
    "integrityMonitoring": "integritymonitoringrules",
    "logInspection": "loginspectionrules",
    "firewall": "firewallrules",
}
"""The modules that have rules, with their rules' resource."""


@dataclass(frozen=True, slots=True)
class Job:
    """One task on one computer.

    `host` is the newest description of the machine ({} if there is none): what it holds is between the agent and the
    performers. `computer` is the computer as the API shows it, `assigned` the rules in force on it by resource, each
    with its ID under `ID` and with what policy and computer override in it. `parameters` are the task's own.
    """

    id: int
    tenant: int
    type: str
    computer: Mapping[str, Any]
    host: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    assigned: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job.

    `recommended` is, for each resource of RULE_RESOURCES, the IDs of all rules that fit the host, assigned or not.
    `events` are each {"module", "key", "ruleID", "time", ...}. `host` is a newer description of the machine. `computer`
    are values to set on the computer, such as {"integrityMonitoring": {"lastBaselineCreated": ...}}.
    """

    recommended: Mapping[str, frozenset[int]] | None = None
    events: tuple[Mapping[str, Any], ...] = ()
    host: Mapping[str, Any] | None = None
    computer: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


class JobFailed(Exception):
    """A job cannot be done; the message says why and is shown with the job."""


Rules = Mapping[str, Mapping[int, Mapping[str, Any]]]
"""Resource id -> ID -> rule: all rules of the tenant, with application types and port lists."""

Performer = Callable[[Job, Rules], Outcome]
"""Does a job here, from the host's description. Raises JobFailed."""

Reader = Callable[[Job, Mapping[str, Any], Rules], Outcome]
"""Makes the outcome of what an agent answered. Raises JobFailed."""

"""What scans on a computer come to: from the description of its host, or from what its agent answered.

A recommendation scan is worked out here, with the tenant's rules; an agent only describes its host for it. Everything
else needs an agent, and what an agent could not evaluate is kept as such.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.protect.catalogue import reading
from sakimori.protect.host import Host, described
from sakimori.protect.recommend import fitting
from sakimori.protect.work import RULE_RESOURCES, Job, JobFailed, Outcome, Rules


def recommended_here(job: Job, rules: Rules) -> Outcome:
    """A recommendation scan from the newest description of the host."""
    if not job.host:
        raise JobFailed(
            f"nothing is known of what runs on {job.computer.get('hostName') or 'the computer'}: "
            "install an agent, or send a description of the host"
        )
    return _recommended(job, job.host, rules)


def recommended_by_agent(job: Job, answer: Mapping[str, Any], rules: Rules) -> Outcome:
    """The same from the description that an agent made just now."""
    host = answer.get("host")
    if not isinstance(host, Mapping) or not host:
        raise JobFailed("the agent's answer has no description of its host")
    return _recommended(job, host, rules)


def integrity_by_agent(job: Job, answer: Mapping[str, Any], rules: Rules) -> Outcome:
    """An integrity scan: the changes that the agent found, and what it could not look at."""
    values: dict[str, Any] = {}
    if isinstance(answer.get("baseline"), int):
        values = {"integrityMonitoring": {"lastBaselineCreated": answer["baseline"]}}
    return _found(job, answer, "integrityMonitoring", values)


def malware_by_agent(job: Job, answer: Mapping[str, Any], rules: Rules) -> Outcome:
    """A malware scan: what the agent's scanner knows, and what it could not look at."""
    return _found(job, answer, "antiMalware", {})


def _found(job: Job, answer: Mapping[str, Any], module: str, values: Mapping[str, Any]) -> Outcome:
    events = tuple(each for each in answer.get("events") or () if isinstance(each, Mapping))
    unseen = tuple(_not_evaluated(job, answer, module))
    return Outcome(events=events + unseen, computer=values, message=str(answer.get("message") or ""))


def _recommended(job: Job, description: Mapping[str, Any], rules: Rules) -> Outcome:
    host = described(description)
    catalogue = reading.load()
    fits = fitting(host, catalogue)
    found = {
        "intrusionpreventionrules": fits.rules & catalogue.patches.keys(),
        "integritymonitoringrules": fits.rules & catalogue.integrity.keys(),
        "loginspectionrules": fits.rules & catalogue.logs.keys(),
    }
    own = frozenset(_of_users(host, rules))
    found["intrusionpreventionrules"] |= own
    if fits.not_evaluated:  # what was not looked at is not taken for absent: everything that is assigned stays
        for resource in RULE_RESOURCES:
            found[resource] |= {rule["ID"] for rule in job.assigned.get(resource, ())}
    parts = ", ".join(f"{part}: {reason}" for part, reason in sorted(fits.not_evaluated.items()))
    message = f"not evaluated, so that nothing is unassigned: {parts}" if parts else ""
    kept = {resource: frozenset(ids & rules[resource].keys()) for resource, ids in found.items()}
    return Outcome(recommended=kept, host=description, message=message)


def _of_users(host: Host, rules: Rules) -> Iterator[int]:
    """Intrusion prevention rules of the users' own that name a CVE which a scanner found on the host."""
    for rule_id, rule in rules.get("intrusionpreventionrules", {}).items():
        if not rule.get("_builtin") and host.vulnerabilities.intersection(rule.get("CVE") or ()):
            yield rule_id


def _not_evaluated(job: Job, answer: Mapping[str, Any], module: str) -> Iterator[Mapping[str, Any]]:
    """An event for each rule that the agent could not evaluate, or could only in part."""
    at = int(time.time() * 1000)
    for entry in answer.get("notEvaluated") or ():
        if isinstance(entry, Mapping):
            rule, what, why = entry.get("ruleID") or 0, str(entry.get("what") or ""), str(entry.get("reason") or "")
            yield {
                "module": module,
                "key": f"not-evaluated/{job.id}/{rule}/{what}",
                "time": at,
                "ruleID": rule if isinstance(rule, int) else 0,
                "action": "not-evaluated",
                "message": f"not evaluated: {what}: {why}"[:2_000],
            }

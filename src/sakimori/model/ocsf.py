"""A finding as others read it: in OCSF 1.7, which Security Hub and Security Lake speak.

Source: OCSF schema 1.7.0 with the profile `cloud`: `detection_finding` (2004) for what logs show; `compliance_finding`
(2003) for what assets show, such as reachability (a `vulnerability_finding` must name a CVE, a CWE or an advisory, and
there is none); `iam_analysis_finding` (2008) for who can do what. The result is plain dicts and lists, so that it
costs nothing to make; the tests hold it against the published schema.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sakimori import __version__
from sakimori.model import attack
from sakimori.model.finding import COMPLIANCE, DETECTION, IAM_ANALYSIS, Finding

OCSF_VERSION = "1.7.0"
CLASSES = {
    DETECTION: "Detection Finding",
    COMPLIANCE: "Compliance Finding",
    IAM_ANALYSIS: "IAM Analysis Finding",
}
CREATE, UPDATE = 1, 2
_ACTIVITY_NAMES = {CREATE: "Create", UPDATE: "Update"}

MAX_EVIDENCES = 100
"""Evidences in one exported finding: Security Hub refuses one over 240 kB. `count` still tells how many there are."""

_FAIL = 3
"""OCSF `compliance.status_id`."""

_HOSTNAME, _IP_ADDRESS, _RESOURCE_UID = 1, 2, 10
_OBSERVABLE_TYPES = {_HOSTNAME: "Hostname", _IP_ADDRESS: "IP Address", _RESOURCE_UID: "Resource UID"}


def to_ocsf(finding: Finding, *, activity_id: int = CREATE) -> dict[str, Any]:
    """The finding as its class has it; `activity_id` is CREATE, or UPDATE for one that was exported before.

    Times are milliseconds since 1970 in UTC. What is unknown is left out, except `time`, which OCSF requires: 0 there.
    """
    first, last = epoch_ms(finding.first_seen), epoch_ms(finding.last_seen)
    name = CLASSES[finding.class_uid]
    event: dict[str, Any] = {
        "activity_id": activity_id,
        "activity_name": _ACTIVITY_NAMES[activity_id],
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": finding.class_uid,
        "class_name": name,
        "type_uid": finding.class_uid * 100 + activity_id,
        "type_name": f"{name}: {_ACTIVITY_NAMES[activity_id]}",
        "severity_id": int(finding.severity),
        "severity": finding.severity.label,
        "status_id": 1,
        "status": "New",
        "time": last if last is not None else first or 0,
        "start_time": first,
        "end_time": last,
        "count": finding.count,
        "message": _message(finding),
        "metadata": _metadata(finding),
        "cloud": _cloud(finding),
        "finding_info": _finding_info(finding, first, last),
        "resources": _resources(finding),
        "observables": _observables(finding),
        **_OWN[finding.class_uid](finding),
    }
    return _known(event)


def _detection(finding: Finding) -> dict[str, Any]:
    return {
        "is_alert": True,
        "api": _api(finding.matched),
        "evidences": _evidences(finding),
        "unmapped": dict(finding.matched),
    }


def _assessment(finding: Finding) -> dict[str, Any]:
    """What of an asset's finding is its own: the control that failed, what shows it, and the remedy."""
    remedy = {"desc": finding.remediation} if finding.remediation else {}
    control = _known({"control": finding.rule, "status_id": _FAIL, "status": "Fail", "desc": finding.title})
    evidence = {"uid": finding.uid, "data": dict(finding.evidence)}
    return {"compliance": control, "remediation": remedy, "evidences": [evidence] if finding.evidence else []}


def _iam_analysis(finding: Finding) -> dict[str, Any]:
    """Who it is about and what they may do; the witness, for which the class has no place, is unmapped."""
    privileges = [str(each) for each in finding.evidence.get("actions") or finding.evidence.get("methods") or ()]
    accessor = _actor(finding).get("user")
    return {
        "permission_analysis_results": [{"granted_privileges": privileges}],
        "access_analysis_result": {"accessors": [accessor], "granted_privileges": privileges} if accessor else {},
        "remediation": {"desc": finding.remediation} if finding.remediation else {},
        "unmapped": {"rule": finding.rule, "evidence": dict(finding.evidence)} if finding.evidence else {},
    }


_OWN: dict[int, Callable[[Finding], dict[str, Any]]] = {
    DETECTION: _detection,
    COMPLIANCE: _assessment,
    IAM_ANALYSIS: _iam_analysis,
}
"""What each class has of its own."""


def epoch_ms(time: str) -> int | None:
    """`2026-11-21T08:00:00Z` in milliseconds since 1970; None where `time` is no ISO 8601 time. No zone means UTC."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is unknown: None, "", and empty lists and objects. A zero and a False are known."""
    return {key: value for key, value in values.items() if value is not None and value not in ("", [], {})}


def _message(finding: Finding) -> str:
    actor = f" by {finding.actor}" if finding.actor else ""
    asset = f" on {finding.asset}" if finding.asset else ""
    return f"{finding.title}{actor}{asset}"


def _metadata(finding: Finding) -> dict[str, Any]:
    product = {"uid": "sakimori", "name": "Sakimori", "vendor_name": "Sakimori", "version": __version__}
    return _known(
        {
            "version": OCSF_VERSION,
            "product": product,
            "profiles": ["cloud"],
            "event_code": finding.rule,
            "uid": finding.uid,
        }
    )


def _cloud(finding: Finding) -> dict[str, Any]:
    return _known({"provider": "AWS", "region": finding.region, "account": _account(finding.account)})


def _account(account: str) -> dict[str, Any]:
    return {"uid": account, "type_id": 10, "type": "AWS Account"} if account else {}


def _api(matched: Mapping[str, Any]) -> dict[str, Any]:
    """The call that made the rule match, as far as the rule looked at its name and service."""
    operation, service = matched.get("eventName"), matched.get("eventSource")
    if not isinstance(operation, str) or not operation:
        return {}
    return _known(
        {"operation": operation, "service": {"name": service} if service and isinstance(service, str) else {}}
    )


def _finding_info(finding: Finding, first: int | None, last: int | None) -> dict[str, Any]:
    analytic = {"type_id": 1, "type": "Rule", "uid": finding.rule, "name": finding.title, "state_id": 0}
    return {
        "uid": finding.uid,
        **_known(
            {
                "title": finding.title,
                "desc": finding.description,
                "analytic": analytic if finding.rule or finding.title else {},
                "attacks": _attacks(finding.tactics, finding.techniques),
                "created_time": first,
                "first_seen_time": first,
                "last_seen_time": last,
                "related_events_count": len(finding.records) or None,
            }
        ),
    }


def _attacks(tactics: tuple[str, ...], techniques: tuple[str, ...]) -> list[dict[str, Any]]:
    """One entry a technique, with the finding's tactic that it serves; a tactic that none serves stands alone."""
    attacks: list[dict[str, Any]] = []
    unserved = list(dict.fromkeys(filter(None, tactics)))
    for uid in filter(None, techniques):
        served = attack.tactics_served(uid)
        tactic = next((known for known in tactics if known in served), tactics[0] if len(tactics) == 1 else "")
        attacks.append(_known({"tactic": _tactic(tactic), **_technique(uid)}))
        unserved = [known for known in unserved if known != tactic]
    return attacks + [{"tactic": _tactic(tactic)} for tactic in unserved]


def _tactic(tactic: str) -> dict[str, str]:
    uid, name = attack.TACTICS.get(tactic, (tactic, ""))
    return _known({"uid": uid, "name": name})


def _technique(uid: str) -> dict[str, Any]:
    parent, _, child = uid.partition(".")
    technique = _known({"uid": parent or uid, "name": attack.TECHNIQUES.get(parent, ("", ""))[0]})
    if not child or not parent:
        return {"technique": technique}
    return {
        "technique": technique,
        "sub_technique": _known({"uid": uid, "name": attack.SUB_TECHNIQUES.get(uid, "")}),
    }


def _actor(finding: Finding) -> dict[str, Any]:
    """A user; or an application, where an AWS service acted by itself."""
    if not finding.actor:
        return {}
    if finding.actor.endswith(".amazonaws.com"):
        return {"app_name": finding.actor}
    name = finding.actor.rpartition("/")[2] or finding.actor
    uid = finding.actor if finding.actor.startswith("arn:") else ""
    return {"user": _known({"uid": uid, "name": name, "account": _account(finding.account)})}


def _source(source_ip: str) -> dict[str, Any]:
    """CloudTrail's `sourceIPAddress` is an address, the host name of a service, or words such as `AWS Internal`."""
    if not source_ip:
        return {}
    if _is_address(source_ip):
        return {"ip": source_ip}
    return {"svc_name": source_ip} if " " in source_ip else {"hostname": source_ip, "svc_name": source_ip}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _resources(finding: Finding) -> list[dict[str, Any]]:
    if not finding.asset:
        return []
    resource: dict[str, Any] = {"uid": finding.asset, "region": finding.region, "role_id": 1, "role": "Target"}
    if finding.asset.startswith("arn:"):
        partition, _, rest = finding.asset.removeprefix("arn:").partition(":")
        resource |= {"cloud_partition": partition, "name": rest.rpartition("/")[2].rpartition(":")[2]}
    return [_known(resource)]


def _evidences(finding: Finding) -> list[dict[str, Any]]:
    """One a record, by its id; the first says all that the finding knows of it."""
    known = _known({"api": _api(finding.matched), "actor": _actor(finding), "src_endpoint": _source(finding.source_ip)})
    records = [record for record in finding.records if record][:MAX_EVIDENCES]
    if not records:
        return [known] if known else []
    first = {"uid": records[0], **known, "data": {"record": records[0], "matched": dict(finding.matched)}}
    return [first, *({"uid": record, "data": {"record": record}} for record in records[1:])]


def _observables(finding: Finding) -> list[dict[str, Any]]:
    """The values that an analyst pivots on, each with the path in this event where it stands."""
    address = _is_address(finding.source_ip)
    host = bool(finding.source_ip) and not address and " " not in finding.source_ip
    found = [
        (_IP_ADDRESS, "evidences[].src_endpoint.ip", finding.source_ip if address else ""),
        (_HOSTNAME, "evidences[].src_endpoint.hostname", finding.source_ip if host else ""),
        (_RESOURCE_UID, "resources[].uid", finding.asset),
    ]
    return [
        {"type_id": kind, "type": _OBSERVABLE_TYPES[kind], "name": path, "value": value}
        for kind, path, value in found
        if value
    ]

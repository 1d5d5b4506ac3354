"""The catalogue as the manager's API shows it: resource -> ID -> the rule's values.

Rules start in detect: a virtual patch, and a firewall rule that denies, only logs until it is promoted (see
`sakimori.protect.promotion`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sakimori.protect.catalogue.reading import Catalogue
from sakimori.protect.catalogue.rules import (
    ApplicationType,
    FirewallTemplate,
    IntegrityRule,
    LogRule,
    VirtualPatch,
    WebCategory,
)

MINIMUM_AGENT = "0.1.0"

_PRIORITY = {"low": "low", "medium": "normal", "high": "high", "critical": "highest"}
_STOPPED_AT = {
    "dangerous": ("low", "medium", "high"),
    "highly-suspicious": ("medium", "high"),
    "suspicious": ("high",),
}
"""Pages that nobody has looked at are stopped by webReputationSettingSecurityBlockUntestedPagesEnabled alone."""

_LOG_FORMATS = {
    "syslog": "syslog",
    "apache": "apache",
    "nginx": "apache",
    "json": "single-line-text-log",
    "lines": "single-line-text-log",
    "windows-event": "eventlog",
}


def as_api(catalogue: Catalogue) -> dict[str, dict[int, dict[str, Any]]]:
    """What `builtin.load` brings into a tenant."""
    return {
        "applicationtypes": {each.id: _application(each) for each in catalogue.applications.values()},
        "intrusionpreventionrules": {each.id: _patch(each, catalogue) for each in catalogue.patches.values()},
        "integritymonitoringrules": {each.id: _integrity(each) for each in catalogue.integrity.values()},
        "loginspectionrules": {each.id: _log(each) for each in catalogue.logs.values()},
        "firewallrules": {each.id: _firewall(each) for each in catalogue.firewall.values()},
        "webcategories": {each.id: _category(each) for each in catalogue.web.values()},
    }


def identifier(rule_id: int) -> str:
    """How people name a rule: `SKM-1001`."""
    return f"SKM-{rule_id}"


def _common(rule: VirtualPatch | IntegrityRule | LogRule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "description": rule.description.strip(),
        "minimumAgentVersion": MINIMUM_AGENT,
        "identifier": identifier(rule.id),
        "originalIssue": _milliseconds(rule.issued),
        "lastUpdated": _milliseconds(rule.issued),
        "alertEnabled": False,
        "recommendationsMode": "enabled",
    }


def _patch(rule: VirtualPatch, catalogue: Catalogue) -> dict[str, Any]:
    return _common(rule) | {
        "applicationTypeID": catalogue.applications[rule.application].id,
        "priority": _PRIORITY[rule.severity],
        "severity": rule.severity,
        "type": "exploit",
        "template": "signature",
        "signature": "\n".join(" ".join(text.split("\n")) for text in rule.signatures),
        "action": "log-only",
        "detectOnly": False,
        "eventLoggingDisabled": False,
        "generateEventOnPacketDrop": True,
        "alwaysIncludePacketData": False,
        "debugModeEnabled": False,
        "canBeAssignedAlone": True,
        "dependsOnRuleIDs": list(rule.requires),
        "CVSSScore": f"{rule.cvss:.1f}",
        "CVE": list(rule.cves),
    }


def _integrity(rule: IntegrityRule) -> dict[str, Any]:
    attributes = [attribute.upper() for attribute in rule.attributes]
    shared = _common(rule) | {
        "severity": rule.severity,
        "type": ", ".join(rule.techniques),
        "minimumManagerVersion": MINIMUM_AGENT,
        "realTimeMonitoringEnabled": True,
    }
    if rule.registry:
        return shared | {
            "template": "registry",
            "registryKeyRoot": rule.base.partition("\\")[0],
            "registryKeyValue": rule.base.partition("\\")[2],
            "registryIncludeSubKeys": rule.subfolders,
            "registryIncludedValues": list(rule.include),
            "registryExcludedValues": list(rule.exclude),
            "registryAttributes": attributes,
        }
    return shared | {
        "template": "file",
        "fileBaseDirectory": rule.base,
        "fileIncludeSubDirectories": rule.subfolders,
        "fileIncludedValues": list(rule.include),
        "fileExcludedValues": list(rule.exclude),
        "fileAttributes": attributes,
    }


def _log(rule: LogRule) -> dict[str, Any]:
    counted = {"frequency": rule.frequency, "timeFrame": rule.timeframe} if rule.frequency else {}
    depends = {"dependency": "rule", "dependencyRuleID": rule.requires[0]} if rule.requires else {"dependency": "none"}
    return (
        _common(rule)
        | {
            "minimumManagerVersion": MINIMUM_AGENT,
            "type": ", ".join(rule.techniques),
            "template": "basic-rule",
            "ruleID": rule.id,
            "level": rule.level,
            "groups": list(rule.groups),
            "ruleDescription": rule.name,
            "pattern": rule.pattern,
            "patternType": "regex",
            "logFiles": {
                "logFiles": [{"location": log.location, "format": _LOG_FORMATS[log.format]} for log in rule.logs]
            },
            "alertMinimumSeverity": 8,
            "sortOrder": 0,
            "canBeAssignedAlone": True,
            "dependsOnRuleIDs": list(rule.requires),
        }
        | counted
        | depends
    )


def _application(kind: ApplicationType) -> dict[str, Any]:
    return {
        "name": kind.name,
        "description": kind.description,
        "minimumAgentVersion": MINIMUM_AGENT,
        "direction": kind.direction,
        "protocol": kind.protocol,
        "portType": "multiple",
        "portMultiple": [str(port) for port in kind.ports],
        "recommendationsMode": "enabled",
    }


def _firewall(rule: FirewallTemplate) -> dict[str, Any]:
    return {
        "name": rule.name,
        "description": rule.description.strip(),
        "action": "log-only" if rule.action == "deny" else rule.action,
        "priority": rule.priority,
        "direction": rule.direction,
        "frameType": "any" if rule.protocol == "any" else "ip",
        "protocol": rule.protocol,
        **_ends("source", rule.sources, ()),
        **_ends("destination", rule.destinations, rule.ports),
        "anyFlags": True,
        "logDisabled": False,
        "alertEnabled": False,
    }


def _category(kind: WebCategory) -> dict[str, Any]:
    return {
        "name": kind.name,
        "description": kind.description,
        "risk": kind.risk,
        "stoppedAt": list(_STOPPED_AT.get(kind.risk, ())),
    }


def _ends(end: str, addresses: tuple[str, ...], ports: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"{end}IPType": "multiple" if addresses else "any",
        f"{end}MACType": "any",
        f"{end}PortType": "multiple" if ports else "any",
    }
    if addresses:
        found[f"{end}IPMultiple"] = list(addresses)
    if ports:
        found[f"{end}PortMultiple"] = list(ports)
    return found


def _milliseconds(date: str) -> int:
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp() * 1000)


def built_in() -> Mapping[str, Mapping[int, Mapping[str, Any]]]:
    """The catalogue that Sakimori brings along."""
    from sakimori.protect.catalogue.reading import load

    return as_api(load())

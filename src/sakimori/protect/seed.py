"""What a new tenant begins with: roles, the base policy, scan configurations, schedules and lists, and all rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from sakimori.protect import builtin, modes, rights, storage
from sakimori.protect.builtin import Catalogue
from sakimori.protect.resources import all_resources

FULL_ACCESS, AUDITOR = 1, 2
"""The roles that every tenant has."""

PRIMARY = 0
"""The tenant that the manager itself belongs to: it alone makes others."""

_URN = "urn:sakimori:identity"

_ACTIONS = {
    "scanActionForVirus": "clean",
    "scanActionForTrojans": "quarantine",
    "scanActionForPacker": "quarantine",
    "scanActionForSpyware": "quarantine",
    "scanActionForOtherThreats": "clean",
    "scanActionForCookies": "delete",
    "scanActionForPossibleMalware": "active-action",
}
_PASSES = dict.fromkeys(modes.SCAN_ACTIONS, "pass") | {"customRemediationActionsEnabled": True}


def _scan(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "scanType": kind,
        "directoriesToScan": "all-directories",
        "filesToScan": "all-files",
        "scanCompressedEnabled": True,
        "scanCompressedMaximumSize": 60,
        "scanCompressedMaximumLevels": 3,
        "scanCompressedMaximumFiles": 1000,
        "spywareEnabled": True,
        "alertEnabled": True,
        "customRemediationActionsEnabled": False,
        **_ACTIONS,
        **more,
    }


def _first(tenant: int) -> Mapping[str, list[dict[str, Any]]]:
    return {
        "roles": [
            {
                "name": "Full Access",
                "description": "May see and do everything in this tenant.",
                "urn": f"{_URN}:{tenant}:role/Full Access",
                "rights": rights.tree(lambda right: True),
                **_EVERYWHERE,
            },
            {
                "name": "Auditor",
                "description": "May see everything in this tenant and change nothing.",
                "urn": f"{_URN}:{tenant}:role/Auditor",
                "rights": rights.tree(rights.is_view),
                **_EVERYWHERE,
            },
        ],
        "schedules": [
            {"name": "Every Day All Day", "hoursOfWeek": [True] * 168},
            {"name": "Nights and Weekends", "hoursOfWeek": [not _working(hour) for hour in range(168)]},
        ],
        "contexts": [
            {
                "name": "Anywhere",
                "localConnectionsEnabled": True,
                "remoteConnectionsEnabled": True,
                "noConnectionEnabled": True,
                "noInternetEnabled": True,
                "restrictedInterfacesEnabled": False,
            }
        ],
        "statefulconfigurations": [
            {
                "name": "Enable Stateful Inspection",
                "tcpstatefulInspectionEnabled": True,
                "udpstatefulInspectionEnabled": True,
                "icmpstatefulInspectionEnabled": True,
                "denyFragmentedPacketsEnabled": False,
                "denyPacketsContainingCwrOrEceEnabled": True,
            }
        ],
        "antimalwareconfigurations": [
            _scan("Default Real-Time Scan", "real-time", realTimeScan="read-write", machineLearningEnabled=True),
            _scan("Default Manual Scan", "on-demand", cpuUsage="medium"),
            _scan("Default Scheduled Scan", "on-demand", cpuUsage="low"),
            _scan("Detect Only Real-Time Scan", "real-time", realTimeScan="read-write", **_PASSES),
            _scan("Detect Only Scan", "on-demand", cpuUsage="medium", **_PASSES),
        ],
        "portlists": [
            {"name": "Web servers", "items": ["80", "443", "8000", "8080", "8443"]},
            {"name": "Remote administration", "items": ["22", "3389", "5985-5986"]},
        ],
        "iplists": [{"name": "Private networks", "items": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]}],
        "maclists": [{"name": "Broadcast", "items": ["FF:FF:FF:FF:FF:FF"]}],
        "directorylists": [{"name": "Temporary folders", "items": ["/tmp/", "/var/tmp/", "/dev/shm/"]}],  # noqa: S108
        "filelists": [{"name": "Swap files", "items": ["/swapfile"]}],
        "fileextensionlists": [{"name": "Disk images", "items": ["iso", "img", "qcow2", "vmdk"]}],
        "computergroups": [{"name": "Computers", "type": "root"}],
        "reporttemplates": [
            {
                "name": name,
                "timeFilterSupported": timed,
                "computerFilterSupported": True,
                "tagFilterSupported": False,
                "supportedFormats": ["csv", "html"],
            }
            for name, timed in (("Coverage", False), ("Events by module", True), ("Recommendations", False))
        ],
        "policies": [
            {
                "name": "Base Policy",
                "description": "What all other policies inherit unless they say otherwise.",
                "parentID": 0,
                "recommendationScanMode": "off",
                "autoRequiresUpdate": "on",
                "antiMalware": {
                    "state": "off",
                    "realTimeScanConfigurationID": 4,  # it begins in detect
                    "realTimeScanScheduleID": 1,
                    "manualScanConfigurationID": 5,
                    "scheduledScanConfigurationID": 5,
                },
                "firewall": {"state": "off", "globalStatefulConfigurationID": 1},
            }
        ],
    }


_EVERYWHERE = {
    "immutable": True,
    "canOnlyManipulateUsersWithEqualOrLesserRights": True,
    "allComputers": True,
    "allPolicies": True,
    "allowUserInterface": True,
    "allowWebService": True,
}


def _working(hour: int) -> bool:
    """Monday to Friday, 8 to 18; hours count from Sunday midnight."""
    return 1 <= hour // 24 <= 5 and 8 <= hour % 24 < 18


def seed(connection: Connection, tenant: int, catalogue: Catalogue) -> None:
    """Fills a new tenant, or brings the rules of an old one up to date."""
    resources = all_resources()
    if storage.get_or_none(connection, tenant, "roles", FULL_ACCESS) is None:
        for id, bodies in _first(tenant).items():
            for body in bodies:
                storage.make(connection, tenant, resources[id], body)
    builtin.load(connection, tenant, catalogue)


def tenant_guid(connection: Connection, tenant: int) -> str:
    """A tenant's GUID; the primary one's has only zeros."""
    body = storage.get_or_none(connection, PRIMARY, "tenants", tenant) if tenant != PRIMARY else None
    return str(body.get("guid", "")) if body else "00000000-0000-0000-0000-000000000000"

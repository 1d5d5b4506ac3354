"""The protection modules, as computers and policies carry them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sakimori.protect.declare import Field, choice, flag, moment, number, numbers, reference, struct, structs, text
from sakimori.protect.inheritance import STATES

_HEALTH = "inactive active warning error not-supported"


@dataclass(frozen=True, slots=True)
class _Module:
    """What is set of a module besides its state, and what only a computer has of it."""

    shared: tuple[Field, ...] = ()
    of_computers: tuple[Field, ...] = ()


def _scan(name: str) -> Field:
    return reference(f"{name}ScanConfigurationID", "antimalwareconfigurations", search=False)


_MODULES = {
    "antiMalware": _Module(
        (
            _scan("realTime"),
            reference("realTimeScanScheduleID", "schedules", search=False),
            _scan("manual"),
            _scan("scheduled"),
        ),
        (moment("lastManualScan", read_only=True), moment("lastScheduledScan", read_only=True)),
    ),
    "webReputation": _Module(),
    "activityMonitoring": _Module(),
    "firewall": _Module(
        (
            reference("globalStatefulConfigurationID", "statefulconfigurations", search=False),
            struct(
                "statefulConfigurationAssignments",
                "StatefulConfigurationAssignments",
                structs(
                    "statefulConfigurationAssignments",
                    "StatefulConfigurationAssignment",
                    number("interfaceID"),
                    number("interfaceTypeID"),
                    reference("statefulConfigurationID", "statefulconfigurations", search=False),
                ),
            ),
            numbers("ruleIDs", refers="firewallrules"),
        )
    ),
    "intrusionPrevention": _Module(
        (numbers("ruleIDs", refers="intrusionpreventionrules"), numbers("applicationTypeIDs", read_only=True))
    ),
    "integrityMonitoring": _Module(
        (numbers("ruleIDs", refers="integritymonitoringrules"),),
        (moment("lastIntegrityScan", read_only=True), moment("lastBaselineCreated", read_only=True)),
    ),
    "logInspection": _Module((numbers("ruleIDs", refers="loginspectionrules"),)),
    "applicationControl": _Module(
        (flag("blockUnrecognized"), reference("rulesetID", "rulesets", search=False)),
        (
            choice("maintenanceModeStatus", "off start-requested on stop-requested reset-duration-requested"),
            number("maintenanceModeDuration"),
            moment("maintenanceModeStartTime"),
            moment("maintenanceModeEndTime", read_only=True),
        ),
    ),
    "SAP": _Module(),
}


def _on(holder: str, *status: Field) -> Iterator[Field]:
    """Every module as computers or policies have it."""
    for name, module in _MODULES.items():
        yield struct(
            name,
            f"{name[:1].upper()}{name[1:]}{holder}Extension",
            choice("state", " ".join(("inherited", *STATES[name]))),
            struct("moduleStatus", f"{holder}ModuleStatus", *status, read_only=True),
            *module.shared,
            *(module.of_computers if holder == "Computer" else ()),
        )


OF_COMPUTERS = tuple(
    _on(
        "Computer",
        choice("agentStatus", _HEALTH),
        text("agentStatusMessage"),
        choice("applianceStatus", _HEALTH),
        text("applianceStatusMessage"),
    )
)
OF_POLICIES = tuple(_on("Policy", choice("status", _HEALTH), text("statusMessage")))

"""The protection modules, as computers and policies carry them."""

from sakimori.protect.declare import choice, flag, moment, number, numbers, reference, struct, structs, text

COMPUTER_STATUS = struct(
    "moduleStatus",
    "ComputerModuleStatus",
    choice("agentStatus", "inactive active warning error not-supported"),
    text("agentStatusMessage"),
    choice("applianceStatus", "inactive active warning error not-supported"),
    text("applianceStatusMessage"),
    read_only=True,
)
POLICY_STATUS = struct(
    "moduleStatus",
    "PolicyModuleStatus",
    choice("status", "inactive active warning error not-supported"),
    text("statusMessage"),
    read_only=True,
)

OF_COMPUTERS = (
    struct(
        "antiMalware",
        "AntiMalwareComputerExtension",
        choice("state", "inherited on off"),
        COMPUTER_STATUS,
        reference("realTimeScanConfigurationID", "antimalwareconfigurations", search=False),
        reference("realTimeScanScheduleID", "schedules", search=False),
        reference("manualScanConfigurationID", "antimalwareconfigurations", search=False),
        reference("scheduledScanConfigurationID", "antimalwareconfigurations", search=False),
        moment("lastManualScan", read_only=True),
        moment("lastScheduledScan", read_only=True),
    ),
    struct("webReputation", "WebReputationComputerExtension", choice("state", "inherited on off"), COMPUTER_STATUS),
    struct(
        "activityMonitoring",
        "ActivityMonitoringComputerExtension",
        choice("state", "inherited on off"),
        COMPUTER_STATUS,
    ),
    struct(
        "firewall",
        "FirewallComputerExtension",
        choice("state", "inherited on off"),
        COMPUTER_STATUS,
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
    ),
    struct(
        "intrusionPrevention",
        "IntrusionPreventionComputerExtension",
        choice("state", "inherited prevent detect off"),
        COMPUTER_STATUS,
        numbers("ruleIDs", refers="intrusionpreventionrules"),
        numbers("applicationTypeIDs", read_only=True),
    ),
    struct(
        "integrityMonitoring",
        "IntegrityMonitoringComputerExtension",
        choice("state", "inherited real-time on off"),
        COMPUTER_STATUS,
        moment("lastIntegrityScan", read_only=True),
        moment("lastBaselineCreated", read_only=True),
        numbers("ruleIDs", refers="integritymonitoringrules"),
    ),
    struct(
        "logInspection",
        "LogInspectionComputerExtension",
        choice("state", "inherited on off"),
        COMPUTER_STATUS,
        numbers("ruleIDs", refers="loginspectionrules"),
    ),
    struct(
        "applicationControl",
        "ApplicationControlComputerExtension",
        choice("state", "inherited on off"),
        COMPUTER_STATUS,
        flag("blockUnrecognized"),
        reference("rulesetID", "rulesets", search=False),
        choice("maintenanceModeStatus", "off start-requested on stop-requested reset-duration-requested"),
        number("maintenanceModeDuration"),
        moment("maintenanceModeStartTime"),
        moment("maintenanceModeEndTime", read_only=True),
    ),
    struct("SAP", "SAPComputerExtension", choice("state", "inherited on off"), COMPUTER_STATUS),
)

OF_POLICIES = (
    struct(
        "antiMalware",
        "AntiMalwarePolicyExtension",
        choice("state", "inherited on off"),
        POLICY_STATUS,
        reference("realTimeScanConfigurationID", "antimalwareconfigurations", search=False),
        reference("realTimeScanScheduleID", "schedules", search=False),
        reference("manualScanConfigurationID", "antimalwareconfigurations", search=False),
        reference("scheduledScanConfigurationID", "antimalwareconfigurations", search=False),
    ),
    struct("webReputation", "WebReputationPolicyExtension", choice("state", "inherited on off"), POLICY_STATUS),
    struct(
        "activityMonitoring", "ActivityMonitoringPolicyExtension", choice("state", "inherited on off"), POLICY_STATUS
    ),
    struct(
        "firewall",
        "FirewallPolicyExtension",
        choice("state", "inherited on off"),
        POLICY_STATUS,
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
    ),
    struct(
        "intrusionPrevention",
        "IntrusionPreventionPolicyExtension",
        choice("state", "inherited prevent detect off"),
        POLICY_STATUS,
        numbers("ruleIDs", refers="intrusionpreventionrules"),
        numbers("applicationTypeIDs", read_only=True),
    ),
    struct(
        "integrityMonitoring",
        "IntegrityMonitoringPolicyExtension",
        choice("state", "inherited real-time on off"),
        POLICY_STATUS,
        numbers("ruleIDs", refers="integritymonitoringrules"),
    ),
    struct(
        "logInspection",
        "LogInspectionPolicyExtension",
        choice("state", "inherited on off"),
        POLICY_STATUS,
        numbers("ruleIDs", refers="loginspectionrules"),
    ),
    struct(
        "applicationControl",
        "ApplicationControlPolicyExtension",
        choice("state", "inherited on off"),
        POLICY_STATUS,
        flag("blockUnrecognized"),
        reference("rulesetID", "rulesets", search=False),
    ),
    struct("SAP", "SAPPolicyExtension", choice("state", "inherited on off"), POLICY_STATUS),
)

"""What is done on a schedule, or now."""

from sakimori.protect.declare import (
    Resource,
    choice,
    choices,
    editing,
    flag,
    moment,
    number,
    numbers,
    reference,
    struct,
    text,
    texts,
)

COMPUTER_FILTER = struct(
    "computerFilter",
    "ComputerFilter",
    choice(
        "type",
        "computer all-computers computers-in-group computers-in-group-or-subgroup computers-using-policy "
        "computers-using-policy-or-subpolicy computers-in-smart-folder",
    ),
    reference("computerID", "computers", search=False),
    reference("computerGroupID", "computergroups", search=False),
    reference("policyID", "policies", search=False),
    number("smartFolderID"),
)
RECIPIENTS = struct(
    "recipients", "Recipients", flag("allAdministratorsAndContacts"), numbers("administratorIDs"), numbers("contactIDs")
)

RESOURCE = Resource(
    id="scheduledtasks",
    model="ScheduledTask",
    many="scheduledTasks",
    key="scheduledTaskID",
    title="What is done on a schedule, or now.",
    rights=editing("platformRights/scheduledTaskRights", "ScheduledTasks", view=True),
    fields=(
        text("name", search=True, required=True),
        choice(
            "type",
            "scan-for-open-ports send-alert-summary discover-computers run-script send-policy "
            "generate-report synchronize-directory synchronize-users scan-for-recommendations "
            "synchronize-vcenter scan-for-integrity-changes scan-for-malware check-for-security-updates "
            "synchronize-cloud-account check-for-software-updates update-suspicious-objects-list",
            search=True,
            required=True,
        ),
        struct(
            "scheduleDetails",
            "ScheduleDetails",
            text("timeZone"),
            choice("recurrenceType", "none hourly daily weekly monthly"),
            number("recurrenceCount"),
            struct(
                "hourlyScheduleParameters",
                "HourlyScheduleParameters",
                choice("minutesPastTheHour", "0 5 10 15 20 25 30 35 40 45 50 55"),
            ),
            struct(
                "dailyScheduleParameters",
                "DailyScheduleParameters",
                number("startTime"),
                choice("frequencyType", "everyday weekdays custom"),
                number("customInterval"),
            ),
            struct(
                "weeklyScheduleParameters",
                "WeeklyScheduleParameters",
                number("startTime"),
                number("interval"),
                choices("days", "sunday monday tuesday wednesday thursday friday saturday"),
            ),
            struct(
                "monthlyScheduleParameters",
                "MonthlyScheduleParameters",
                number("startTime"),
                choice("frequencyType", "day-of-month last-day-of-month custom"),
                number("dayOfMonth"),
                choice("weekOfMonth", "first second third fourth last"),
                choice("dayOfWeek", "sunday monday tuesday wednesday thursday friday saturday"),
                choices(
                    "months", "january feburary march april may june july august september october november december"
                ),
            ),
            struct("onceOnlyScheduleParameters", "OnceOnlyScheduleParameters", number("startTime")),
        ),
        flag("enabled", search=True, default=True),
        moment("lastRunTime", search=True, read_only=True),
        moment("nextRunTime", search=True, read_only=True),
        flag("runNow"),
        struct(
            "scanForOpenPortsTaskParameters",
            "ScanForOpenPortsTaskParameters",
            struct(
                "computerFilter",
                "ComputerFilter",
                choice(
                    "type",
                    "computer all-computers computers-in-group computers-in-group-or-subgroup computers-using-policy "
                    "computers-using-policy-or-subpolicy computers-in-smart-folder",
                    required=True,
                ),
                reference("computerID", "computers", search=False),
                reference("computerGroupID", "computergroups", search=False),
                reference("policyID", "policies", search=False),
                number("smartFolderID"),
            ),
        ),
        struct("sendAlertSummaryTaskParameters", "SendAlertSummaryTaskParameters", RECIPIENTS),
        struct(
            "discoverComputersTaskParameters",
            "DiscoverComputersTaskParameters",
            choice("discoveryType", "range masked-ip"),
            text("ip"),
            flag("scanDiscoveredComputers"),
            flag("resolveIPs"),
            reference("computerGroupID", "computergroups", search=False),
            text("ipmask"),
            text("iprangeLow"),
            text("iprangeHigh"),
        ),
        struct("runScriptTaskParameters", "RunScriptTaskParameters", text("filename")),
        struct(
            "sendPolicyTaskParameters",
            "SendPolicyTaskParameters",
            struct(
                "computerFilter",
                "ComputerFilter",
                choice(
                    "type",
                    "computer all-computers computers-in-group computers-in-group-or-subgroup computers-using-policy "
                    "computers-using-policy-or-subpolicy computers-in-smart-folder",
                    required=True,
                ),
                reference("computerID", "computers", search=False),
                reference("computerGroupID", "computergroups", search=False),
                reference("policyID", "policies", search=False),
                number("smartFolderID"),
            ),
        ),
        struct(
            "generateReportTaskParameters",
            "GenerateReportTaskParameters",
            number("reportTemplateID"),
            choice("format", "pdf csv html plaintext rtf xls xml"),
            choice("classification", "blank topsecret secret confidential official les limited unclassified internal"),
            RECIPIENTS,
            struct("timeRange", "TimeRange", choice("units", "hour day week month"), number("value")),
            struct(
                "tagFilter", "TagFilter", choice("type", "all untagged specific-tags", required=True), texts("tags")
            ),
            struct(
                "computerFilter",
                "ComputerFilter",
                choice(
                    "type",
                    "computer all-computers computers-in-group computers-in-group-or-subgroup computers-using-policy "
                    "computers-using-policy-or-subpolicy computers-in-smart-folder",
                    required=True,
                ),
                reference("computerID", "computers", search=False),
                reference("computerGroupID", "computergroups", search=False),
                reference("policyID", "policies", search=False),
                number("smartFolderID"),
            ),
        ),
        struct(
            "synchronizeDirectoryTaskParameters",
            "SynchronizeDirectoryTaskParameters",
            reference("computerGroupID", "computergroups", search=False),
        ),
        struct(
            "scanForRecommendationsTaskParameters",
            "ScanForRecommendationsTaskParameters",
            struct(
                "computerFilter",
                "ComputerFilter",
                choice(
                    "type",
                    "computer all-computers computers-in-group computers-in-group-or-subgroup computers-using-policy "
                    "computers-using-policy-or-subpolicy computers-in-smart-folder",
                    required=True,
                ),
                reference("computerID", "computers", search=False),
                reference("computerGroupID", "computergroups", search=False),
                reference("policyID", "policies", search=False),
                number("smartFolderID"),
            ),
        ),
        struct(
            "synchronizeVCenterTaskParameters",
            "SynchronizeVCenterTaskParameters",
            reference("computerGroupID", "computergroups", search=False),
        ),
        struct(
            "scanForIntegrityChangesTaskParameters",
            "ScanForIntegrityChangesTaskParameters",
            struct(
                "computerFilter",
                "ComputerFilter",
                choice(
                    "type",
                    "computer all-computers computers-in-group computers-in-group-or-subgroup computers-using-policy "
                    "computers-using-policy-or-subpolicy computers-in-smart-folder",
                    required=True,
                ),
                reference("computerID", "computers", search=False),
                reference("computerGroupID", "computergroups", search=False),
                reference("policyID", "policies", search=False),
                number("smartFolderID"),
            ),
            choice("trustedComputers", "all-computers trusted-computers-only exclude-trusted-computers"),
        ),
        struct(
            "scanForMalwareTaskParameters",
            "ScanForMalwareTaskParameters",
            struct(
                "computerFilter",
                "ComputerFilter",
                choice(
                    "type",
                    "computer all-computers computers-in-group computers-in-group-or-subgroup computers-using-policy "
                    "computers-using-policy-or-subpolicy computers-in-smart-folder",
                    required=True,
                ),
                reference("computerID", "computers", search=False),
                reference("computerGroupID", "computergroups", search=False),
                reference("policyID", "policies", search=False),
                number("smartFolderID"),
            ),
            choice(
                "timeout",
                "never one-hour two-hours four-hours eight-hours twelve-hours one-day one-and-a-half-days two-days",
            ),
        ),
        struct(
            "checkForSecurityUpdatesTaskParameters",
            "CheckForSecurityUpdatesTaskParameters",
            struct(
                "computerFilter",
                "ComputerFilter",
                choice(
                    "type",
                    "computer all-computers computers-in-group computers-in-group-or-subgroup computers-using-policy "
                    "computers-using-policy-or-subpolicy computers-in-smart-folder",
                    required=True,
                ),
                reference("computerID", "computers", search=False),
                reference("computerGroupID", "computergroups", search=False),
                reference("policyID", "policies", search=False),
                number("smartFolderID"),
            ),
            choice("timeout", "never one-hour two-hours four-hours eight-hours"),
        ),
        struct(
            "synchronizeCloudAccountTaskParameters",
            "SynchronizeCloudAccountTaskParameters",
            reference("computerGroupID", "computergroups", search=False),
        ),
        struct(
            "updateSuspiciousObjectsListTaskParameters",
            "UpdateSuspiciousObjectsListTaskParameters",
            struct(
                "computerFilter",
                "ComputerFilter",
                choice(
                    "type",
                    "computer all-computers computers-in-group computers-in-group-or-subgroup computers-using-policy "
                    "computers-using-policy-or-subpolicy computers-in-smart-folder",
                    required=True,
                ),
                reference("computerID", "computers", search=False),
                reference("computerGroupID", "computergroups", search=False),
                reference("policyID", "policies", search=False),
                number("smartFolderID"),
            ),
        ),
    ),
)

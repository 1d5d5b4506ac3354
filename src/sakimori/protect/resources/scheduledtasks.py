"""What is done on a schedule, or now."""

from sakimori.protect.declare import (
    Field,
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

_DAYS = "sunday monday tuesday wednesday thursday friday saturday"

_COMPUTERS = struct(
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
)
_GROUP = reference("computerGroupID", "computergroups", search=False)
_RECIPIENTS = struct(
    "recipients", "Recipients", flag("allAdministratorsAndContacts"), numbers("administratorIDs"), numbers("contactIDs")
)


def _parameters(task: str, *fields: Field) -> Field:
    """The field with the parameters of one type of task."""
    return struct(f"{task[:1].lower()}{task[1:]}TaskParameters", f"{task}TaskParameters", *fields)


def _schedule(kind: str, *fields: Field) -> Field:
    """The field that says when a task of one recurrence runs."""
    return struct(f"{kind[:1].lower()}{kind[1:]}ScheduleParameters", f"{kind}ScheduleParameters", *fields)


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
            _schedule("Hourly", choice("minutesPastTheHour", "0 5 10 15 20 25 30 35 40 45 50 55")),
            _schedule(
                "Daily",
                number("startTime"),
                choice("frequencyType", "everyday weekdays custom"),
                number("customInterval"),
            ),
            _schedule("Weekly", number("startTime"), number("interval"), choices("days", _DAYS)),
            _schedule(
                "Monthly",
                number("startTime"),
                choice("frequencyType", "day-of-month last-day-of-month custom"),
                number("dayOfMonth"),
                choice("weekOfMonth", "first second third fourth last"),
                choice("dayOfWeek", _DAYS),
                choices(
                    "months", "january feburary march april may june july august september october november december"
                ),
            ),
            _schedule("OnceOnly", number("startTime")),
        ),
        flag("enabled", search=True, default=True),
        moment("lastRunTime", search=True, read_only=True),
        moment("nextRunTime", search=True, read_only=True),
        flag("runNow"),
        _parameters("ScanForOpenPorts", _COMPUTERS),
        _parameters("SendAlertSummary", _RECIPIENTS),
        _parameters(
            "DiscoverComputers",
            choice("discoveryType", "range masked-ip"),
            text("ip"),
            flag("scanDiscoveredComputers"),
            flag("resolveIPs"),
            _GROUP,
            text("ipmask"),
            text("iprangeLow"),
            text("iprangeHigh"),
        ),
        _parameters("RunScript", text("filename")),
        _parameters("SendPolicy", _COMPUTERS),
        _parameters(
            "GenerateReport",
            number("reportTemplateID"),
            choice("format", "pdf csv html plaintext rtf xls xml"),
            choice("classification", "blank topsecret secret confidential official les limited unclassified internal"),
            _RECIPIENTS,
            struct("timeRange", "TimeRange", choice("units", "hour day week month"), number("value")),
            struct(
                "tagFilter", "TagFilter", choice("type", "all untagged specific-tags", required=True), texts("tags")
            ),
            _COMPUTERS,
        ),
        _parameters("SynchronizeDirectory", _GROUP),
        _parameters("ScanForRecommendations", _COMPUTERS),
        _parameters("SynchronizeVCenter", _GROUP),
        _parameters(
            "ScanForIntegrityChanges",
            _COMPUTERS,
            choice("trustedComputers", "all-computers trusted-computers-only exclude-trusted-computers"),
        ),
        _parameters(
            "ScanForMalware",
            _COMPUTERS,
            choice(
                "timeout",
                "never one-hour two-hours four-hours eight-hours twelve-hours one-day one-and-a-half-days two-days",
            ),
        ),
        _parameters(
            "CheckForSecurityUpdates",
            _COMPUTERS,
            choice("timeout", "never one-hour two-hours four-hours eight-hours"),
        ),
        _parameters("SynchronizeCloudAccount", _GROUP),
        _parameters("UpdateSuspiciousObjectsList", _COMPUTERS),
    ),
)

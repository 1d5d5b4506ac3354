"""What is done when a computer appears, moves or changes."""

from sakimori.protect.declare import Resource, choice, editing, flag, moment, number, structs, text

RESOURCE = Resource(
    id="eventbasedtasks",
    model="EventBasedTask",
    many="eventBasedTasks",
    key="eventBasedTaskID",
    title="What is done when a computer appears, moves or changes.",
    rights=editing("platformRights/scheduledTaskRights", "ScheduledTasks", view=True),
    fields=(
        text("name", search=True, required=True, unique=True),
        choice(
            "type",
            "computer-created-by-system computer-moved-by-system agent-initiated-activation agent-ip-changed "
            "nsx-protection-changed computer-powered-on-by-system",
            search=True,
            required=True,
        ),
        flag("enabled", search=True, default=True),
        moment("lastRunTime", search=True, read_only=True),
        structs(
            "actions",
            "EventBasedTaskAction",
            choice("type", "activate assign-policy assign-relay assign-group deactivate", required=True),
            number("parameterValue"),
        ),
        structs(
            "conditions",
            "EventBasedTaskCondition",
            choice(
                "field",
                "hostname vcenter cloudProvider securityGroup imageId esx folder platform "
                "applianceProtectionAvailable applianceProtectionActivated lastUsedIP tag nsxSecurityGroup "
                "cloudVendor gcpNetworkTag",
            ),
            text("key"),
            text("value"),
        ),
    ),
)

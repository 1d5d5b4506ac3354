"""The hours of the week in which a rule or a scan is in force."""

from sakimori.protect.declare import Resource, editing, flags, text

RESOURCE = Resource(
    id="schedules",
    model="Schedule",
    many="schedules",
    key="scheduleID",
    title="The hours of the week in which a rule or a scan is in force.",
    rights=editing("platformRights/scheduleRights", "Schedules"),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        flags("hoursOfWeek"),
    ),
)

"""Reports that scheduled tasks have written."""

from sakimori.protect.declare import DELETE, READ, Resource, Rights, choice, moment, number, reference, text

RESOURCE = Resource(
    id="reports",
    model="Report",
    many="reports",
    key="reportID",
    title="Reports that scheduled tasks have written.",
    rights=Rights(
        view="platformRights/scheduledTaskRights/canViewScheduledTasks",
        delete="platformRights/scheduledTaskRights/canDeleteScheduledTasks",
    ),
    operations=(*READ, DELETE),
    prefix="/sakimori",
    fields=(
        text("name", search=True),
        reference("reportTemplateID", "reporttemplates"),
        choice("format", "csv html", search=True),
        moment("created", search=True),
        number("rows"),
        number("taskID", search=True, says="The task that wrote it, one of `/sakimori/tasks`."),
    ),
)

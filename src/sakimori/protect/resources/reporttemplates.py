"""The reports that a scheduled task can write."""

from sakimori.protect.declare import READ, Resource, Rights, choices, flag, text

RESOURCE = Resource(
    id="reporttemplates",
    model="ReportTemplate",
    many="reportTemplates",
    key="reportTemplateID",
    title="The reports that a scheduled task can write.",
    rights=Rights(),
    operations=READ,
    fields=(
        text("name"),
        text("description"),
        flag("timeFilterSupported", search=True),
        flag("computerFilterSupported", search=True),
        flag("tagFilterSupported", search=True),
        choices("supportedFormats", "pdf csv html plaintext rtf xls xml"),
    ),
)

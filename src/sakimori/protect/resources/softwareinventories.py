"""The executables that a computer holds."""

from sakimori.protect.declare import (
    CREATE,
    DELETE,
    DESCRIBE,
    LIST,
    SEARCH,
    Resource,
    Rights,
    choice,
    moment,
    number,
    reference,
    text,
)

RESOURCE = Resource(
    id="softwareinventories",
    model="SoftwareInventory",
    many="softwareInventories",
    key="softwareInventoryID",
    title="The executables that a computer holds.",
    rights=Rights(
        view="applicationControlRights/softwareInventoryRights/canViewSoftwareInventory",
        create="applicationControlRights/softwareInventoryRights/canCreateNewSoftwareInventory",
        delete="applicationControlRights/softwareInventoryRights/canDeleteSoftwareInventory",
    ),
    operations=(LIST, CREATE, SEARCH, DESCRIBE, DELETE),
    fields=(
        reference("computerID", "computers", required=True),
        text("name", search=True),
        text("description", search=True),
        choice("state", "unknown building complete failed requested", search=True, read_only=True, default="requested"),
        moment("startDate", search=True, read_only=True),
        moment("completedDate", search=True, read_only=True),
        number("initiatorID", search=True, read_only=True),
    ),
)

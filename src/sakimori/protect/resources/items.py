"""The executables of a software inventory."""

from sakimori.protect.declare import READ, Resource, Rights, number, text

RESOURCE = Resource(
    id="items",
    model="InventoryItem",
    many="inventoryItems",
    key="inventoryItemID",
    title="The executables of a software inventory.",
    rights=Rights(view="applicationControlRights/softwareInventoryRights/canViewSoftwareInventory"),
    operations=READ,
    parent="softwareinventories",
    fields=(
        text("vendorName", search=True),
        text("productName", search=True),
        text("productVersion", search=True),
        text("fileVersion", search=True),
        text("fileDescription", search=True),
        text("category", search=True),
        text("sha256", search=True),
        text("sha1", search=True),
        text("md5", search=True),
        text("fileName", search=True),
        text("path", search=True),
        number("size", search=True),
    ),
)

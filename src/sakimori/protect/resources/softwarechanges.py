"""Executables that appeared or changed on a computer and were not decided on yet."""

from sakimori.protect.declare import READ, Resource, Rights, moment, number, reference, text

RESOURCE = Resource(
    id="softwarechanges",
    model="SoftwareChange",
    many="softwareChanges",
    key="softwareChangeID",
    title="Executables that appeared or changed on a computer and were not decided on yet.",
    rights=Rights(view="applicationControlRights/driftRights/canViewDrift"),
    operations=READ,
    fields=(
        reference("computerID", "computers"),
        reference("computerGroupID", "computergroups"),
        text("vendorName", search=True),
        text("productName", search=True),
        text("productVersion", search=True),
        text("fileVersion", search=True),
        text("fileDescription", search=True),
        text("sha1", search=True),
        text("sha256", search=True),
        text("md5", search=True),
        text("fileName", search=True),
        text("installPath", search=True),
        number("fileSize", search=True),
        moment("changeEventTime", search=True),
        text("changeByUser", search=True),
        text("changeByUserID", search=True),
        text("changeByProcess", search=True),
        text("changeByProcessID", search=True),
    ),
)

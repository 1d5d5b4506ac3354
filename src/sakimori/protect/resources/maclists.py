"""Lists of MAC addresses, for firewall rules."""

from sakimori.protect.declare import Resource, editing, text, texts

RESOURCE = Resource(
    id="maclists",
    model="MacList",
    many="macLists",
    key="macListID",
    title="Lists of MAC addresses, for firewall rules.",
    rights=editing("firewallRights/macListRights", "MACLists"),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        texts("items"),
    ),
)

"""Lists of ports, for firewall rules and application types."""

from sakimori.protect.declare import Resource, editing, text, texts

RESOURCE = Resource(
    id="portlists",
    model="PortList",
    many="portLists",
    key="portListID",
    title="Lists of ports, for firewall rules and application types.",
    rights=editing("platformRights/portListRights", "PortLists"),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        texts("items"),
    ),
)

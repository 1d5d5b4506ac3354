"""Lists of addresses, for firewall rules."""

from sakimori.protect.declare import Resource, editing, text, texts

RESOURCE = Resource(
    id="iplists",
    model="IpList",
    many="ipLists",
    key="ipListID",
    title="Lists of addresses, for firewall rules.",
    rights=editing("platformRights/iplistRights", "IPLists"),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        texts("items"),
    ),
)

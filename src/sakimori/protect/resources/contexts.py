"""The surroundings in which a rule applies, such as on or off the company network."""

from sakimori.protect.declare import Resource, editing, flag, text

RESOURCE = Resource(
    id="contexts",
    model="Context",
    many="contexts",
    key="contextID",
    title="The surroundings in which a rule applies, such as on or off the company network.",
    rights=editing("firewallRights/contextRights", "Contexts"),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        text("minimumAgentVersion"),
        flag("localConnectionsEnabled"),
        flag("remoteConnectionsEnabled"),
        flag("noConnectionEnabled"),
        flag("noInternetEnabled"),
        flag("restrictedInterfacesEnabled", search=True),
    ),
)

"""How the firewall follows connections."""

from sakimori.protect.declare import Resource, editing, flag, number, text

RESOURCE = Resource(
    id="statefulconfigurations",
    model="StatefulConfiguration",
    many="statefulConfigurations",
    key="statefulConfigurationID",
    title="How the firewall follows connections.",
    rights=editing("firewallRights/statefulConfigurationRights", "StatefulConfigurations"),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        flag("denyFragmentedPacketsEnabled", search=True),
        flag("denyPacketsContainingCwrOrEceEnabled", search=True),
        number("maxIncomingConnections", search=True),
        number("maxOutgoingConnections", search=True),
        number("maxHalfOpenConnections", search=True),
        flag("tcpstatefulLoggingEnabled"),
        flag("udpstatefulInspectionEnabled"),
        flag("udpstatefulLoggingEnabled"),
        flag("icmpstatefulInspectionEnabled"),
        flag("icmpstatefulLoggingEnabled"),
        flag("tcpstatefulInspectionEnabled"),
    ),
)

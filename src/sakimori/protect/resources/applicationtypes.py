"""Kinds of application by direction, protocol and port, to which intrusion prevention rules belong."""

from sakimori.protect.declare import Resource, choice, editing, reference, text, texts

RESOURCE = Resource(
    id="applicationtypes",
    model="ApplicationType",
    many="applicationTypes",
    key="applicationTypeID",
    title="Kinds of application by direction, protocol and port, to which intrusion prevention rules belong.",
    rights=editing("intrusionPreventionRights/applicationTypeRights", "ApplicationTypes"),
    reserved=10_000,
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        text("minimumAgentVersion", search=True),
        choice("direction", "incoming outgoing", search=True),
        choice("protocol", "icmp tcp udp tcp-udp", search=True),
        choice("portType", "any multiple port-list", search=True),
        texts("portMultiple", search=True),
        reference("portListID", "portlists"),
        choice("recommendationsMode", "enabled ignored unknown disabled", search=True, default="enabled"),
    ),
)

"""Kinds of network interface that a policy tells apart by name."""

from sakimori.protect.declare import Resource, Rights, text, texts

RESOURCE = Resource(
    id="interfacetypes",
    model="InterfaceType",
    many="interfaceTypes",
    key="interfaceTypeID",
    title="Kinds of network interface that a policy tells apart by name.",
    rights=Rights(
        create="platformRights/policyRights/canEditPolicyProperties",
        edit="platformRights/policyRights/canEditPolicyProperties",
        delete="platformRights/policyRights/canEditPolicyProperties",
    ),
    parent="policies",
    fields=(
        text("name", search=True, required=True),
        text("description", search=True),
        texts("matches", search=True),
    ),
)

"""Policies: what protects the computers that have them, inherited down a tree."""

from sakimori.protect.declare import Resource, Rights, choice, number, settings, struct, structs, text, texts
from sakimori.protect.modules import OF_POLICIES

RESOURCE = Resource(
    id="policies",
    model="Policy",
    many="policies",
    key="policyID",
    title="Policies: what protects the computers that have them, inherited down a tree.",
    rights=Rights(
        create="platformRights/policyRights/canCreateNewPolicies",
        edit="platformRights/policyRights/canEditPolicyProperties",
        delete="platformRights/policyRights/canDeletePolicies",
    ),
    fields=(
        number("parentID", search=True, refers="policies"),
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        choice("recommendationScanMode", "off ongoing", search=True, default="off"),
        choice("autoRequiresUpdate", "off on", search=True, default="on"),
        struct(
            "interfaceTypes",
            "InterfaceTypes",
            structs(
                "interfaceTypes",
                "InterfaceType",
                text("name", search=True, required=True, unique=True),
                text("description", search=True),
                texts("matches", search=True),
                number("ID", search=True),
                read_only=True,
            ),
            read_only=True,
        ),
        settings("policySettings", "PolicySettings"),
        *OF_POLICIES,
    ),
)

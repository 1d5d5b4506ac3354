"""Computers, and how they are protected."""

from sakimori.protect.declare import (
    Resource,
    Rights,
    choice,
    flag,
    moment,
    number,
    reference,
    settings,
    struct,
    structs,
    text,
    texts,
)
from sakimori.protect.machines import SUMMARIES
from sakimori.protect.modules import OF_COMPUTERS

COMPONENTS = ("rules", "antiMalware", "webReputationService", "manifests", "other")
COMPONENT = (text("name"), text("forUseBy"), text("platform"), text("version"), flag("latest"))

RESOURCE = Resource(
    id="computers",
    model="Computer",
    many="computers",
    key="computerID",
    title="Computers, and how they are protected.",
    rights=Rights(
        create="platformRights/computerRights/canCreateNewComputers",
        edit="platformRights/computerRights/canEditComputerProperties",
        delete="platformRights/computerRights/canDeleteComputers",
    ),
    fields=(
        text("hostName", search=True, required=True),
        text("displayName", search=True),
        text("description", search=True),
        text("lastIPUsed", search=True, read_only=True),
        text("platform", search=True),
        reference("groupID", "computergroups"),
        reference("policyID", "policies"),
        number("assetImportanceID", search=True),
        number("relayListID", search=True),
        text("agentFingerPrint", search=True, read_only=True),
        text("applianceFingerPrint", read_only=True),
        moment("lastAgentCommunication", search=True, read_only=True, kept=("protect_agents", "last_seen")),
        moment("lastApplianceCommunication", read_only=True),
        moment("lastSendPolicyRequest", search=True, read_only=True, kept=("protect_agents", "policy_requested")),
        moment("lastSendPolicySuccess", search=True, read_only=True, kept=("protect_agents", "policy_sent")),
        text("agentVersion", search=True, read_only=True),
        struct(
            "computerStatus",
            "ComputerStatus",
            choice("agentStatus", "inactive active warning error not-supported"),
            texts("agentStatusMessages"),
            choice("applianceStatus", "inactive active warning error not-supported"),
            texts("applianceStatusMessages"),
            read_only=True,
        ),
        struct(
            "tasks",
            "ComputerTasks",
            texts("agentTasks", search=True),
            texts("applianceTasks", search=True),
            read_only=True,
        ),
        struct(
            "securityUpdates",
            "SecurityUpdates",
            struct(
                "updateStatus",
                "UpdateStatus",
                choice("status", "inactive active warning error not-supported"),
                text("statusMessage"),
            ),
            moment("lastChanged"),
            *(structs(name, "Component", *COMPONENT) for name in COMPONENTS),
            read_only=True,
        ),
        struct(
            "interfaces",
            "Interfaces",
            structs(
                "interfaces",
                "Interface",
                number("interfaceTypeID", search=True),
                text("name", search=True),
                text("displayName", search=True),
                flag("detected", search=True),
                number("ID"),
                text("MAC", search=True),
                flag("DHCP", search=True),
                texts("IPs"),
                read_only=True,
            ),
            read_only=True,
        ),
        text("biosUUID"),
        text("hostGUID", search=True, read_only=True),
        settings("computerSettings", "ComputerSettings"),
        *SUMMARIES,
        *OF_COMPUTERS,
    ),
)

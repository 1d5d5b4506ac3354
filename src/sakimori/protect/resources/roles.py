"""What a key or a person may see and do."""

from sakimori.protect.declare import Resource, editing, flag, numbers, text
from sakimori.protect.rights import field

RESOURCE = Resource(
    id="roles",
    model="Role",
    many="roles",
    key="roleID",
    title="What a key or a person may see and do.",
    rights=editing("platformRights/administratorRoleRights", "AdministratorRoles", view=True),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        text("urn", read_only=True),
        flag("immutable", read_only=True, default=False),
        flag("canOnlyManipulateUsersWithEqualOrLesserRights", search=True),
        flag("allComputers", search=True, default=True),
        flag("allPolicies", search=True, default=True),
        flag("allowUserInterface", search=True),
        flag("allowWebService", search=True, default=True),
        flag("allowManageWorkloadSecurityLink", search=True),
        flag("allowMigration", search=True),
        numbers("computerIDs"),
        numbers("computerGroupIDs"),
        numbers("policyIDs"),
        field(),
    ),
)

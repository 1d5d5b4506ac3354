"""Files that may run nowhere, by their hash."""

from sakimori.protect.declare import (
    DELETE,
    DESCRIBE,
    LIST,
    MODIFY,
    SEARCH,
    Resource,
    Rights,
    choice,
    moment,
    number,
    text,
)

RESOURCE = Resource(
    id="applicationcontrolglobalrules",
    model="ApplicationControlGlobalRule",
    many="applicationControlGlobalRules",
    key="ruleID",
    title="Files that may run nowhere, by their hash.",
    rights=Rights(
        view="applicationControlRights/ruleRights/canViewAppControlRules",
        create="applicationControlRights/ruleRights/canCreateNewAppControlRules",
        edit="applicationControlRights/ruleRights/canEditAppControlRulesProperties",
        delete="applicationControlRights/ruleRights/canDeleteAppControlRules",
    ),
    operations=(LIST, SEARCH, DESCRIBE, MODIFY, DELETE),
    fields=(
        text("sha256", search=True, required=True, unique=True),
        text("description", search=True),
        choice("action", "block", search=True, default="block"),
        number("lastUpdatedAdministrator", search=True, read_only=True),
        moment("lastUpdated", search=True, read_only=True),
    ),
)

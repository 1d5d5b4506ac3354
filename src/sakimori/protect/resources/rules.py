"""Rules of a ruleset: which file may run, by its hash."""

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
    id="rules",
    model="ApplicationControlRule",
    many="applicationControlRules",
    key="ruleID",
    title="Rules of a ruleset: which file may run, by its hash.",
    rights=Rights(
        view="applicationControlRights/ruleRights/canViewAppControlRules",
        edit="applicationControlRights/ruleRights/canEditAppControlRulesProperties",
        delete="applicationControlRights/ruleRights/canDeleteAppControlRules",
    ),
    operations=(LIST, SEARCH, DESCRIBE, MODIFY, DELETE),
    parent="rulesets",
    fields=(
        text("sha256", search=True, read_only=True),
        number("size", search=True, read_only=True),
        choice("action", "allow block", search=True),
        text("path", search=True, read_only=True),
        text("fileName", read_only=True),
        number("lastUpdatedAdministrator", search=True, read_only=True),
        moment("lastUpdated", search=True, read_only=True),
    ),
)

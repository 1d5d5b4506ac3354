"""Rulesets of application control: which files may run."""

from sakimori.protect.declare import (
    CREATE,
    DELETE,
    DESCRIBE,
    LIST,
    SEARCH,
    Resource,
    choice,
    editing,
    moment,
    number,
    text,
)

RESOURCE = Resource(
    id="rulesets",
    model="Ruleset",
    many="rulesets",
    key="rulesetID",
    title="Rulesets of application control: which files may run.",
    rights=editing("applicationControlRights/rulesetRights", "Rulesets", view=True),
    operations=(LIST, CREATE, SEARCH, DESCRIBE, DELETE),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        number("version", search=True, read_only=True),
        choice("type", "local-file local-hash shared-file shared-hash", search=True, read_only=True),
        moment("created", search=True, read_only=True),
        moment("lastUpdated", search=True, read_only=True),
    ),
)

"""What kinds of pages web reputation tells apart: how risky each is, and which security levels stop it."""

from sakimori.protect.declare import READ, Resource, Rights, choice, choices, text

RESOURCE = Resource(
    id="webcategories",
    model="WebCategory",
    many="webCategories",
    key="webCategoryID",
    title="What kinds of pages web reputation tells apart: how risky each is, and which security levels stop it.",
    rights=Rights(),
    operations=READ,
    prefix="/sakimori",
    fields=(
        text("name", search=True, unique=True),
        text("description", search=True),
        choice("risk", "dangerous highly-suspicious suspicious untested safe", search=True),
        choices("stoppedAt", "low medium high", says="The values of webReputationSettingSecurityLevel that stop it."),
    ),
    reserved=999,
)

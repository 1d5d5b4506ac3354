"""People who receive reports and alerts and cannot sign in."""

from sakimori.protect.declare import Resource, choice, editing, flag, reference, text

RESOURCE = Resource(
    id="contacts",
    model="Contact",
    many="contacts",
    key="contactID",
    title="People who receive reports and alerts and cannot sign in.",
    rights=editing("platformRights/contactRights", "Contacts", view=True),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        text("phoneNumber", search=True),
        text("mobileNumber", search=True),
        text("pagerNumber", search=True),
        text("emailAddress", search=True),
        choice("locale", "en-US ja-JP"),
        reference("roleID", "roles"),
        flag("reportPDFPasswordEnabled", search=True, default=False),
        text("reportPDFPassword", secret=True),
    ),
)

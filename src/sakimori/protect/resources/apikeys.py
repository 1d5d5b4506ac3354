"""Keys of programs; the secret is shown once."""

from sakimori.protect.declare import Resource, choice, editing, flag, moment, number, reference, text

RESOURCE = Resource(
    id="apikeys",
    model="ApiKey",
    many="apiKeys",
    key="apiKeyID",
    title="Keys of programs; the secret is shown once.",
    rights=editing("platformRights/apikeyRights", "ApiKeys", view=True),
    fields=(
        text("keyName", search=True, required=True, unique=True),
        text("description", search=True),
        choice("locale", "en-US ja-JP"),
        reference("roleID", "roles", required=True),
        text("timeZone", search=True),
        flag("active", search=True, default=True),
        moment("created", search=True, read_only=True),
        moment("lastSignIn", search=True, read_only=True),
        moment("unlockTime", search=True, read_only=True),
        number("unsuccessfulSignInAttempts", search=True, read_only=True),
        moment("expiryDate", search=True),
        text("secretKey", read_only=True),
        flag("serviceAccount", search=True, read_only=True, default=False),
    ),
)

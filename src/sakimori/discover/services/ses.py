"""SES: the addresses and domains that mail is sent from, and who may send from them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, arn, document


def _with_documents(identity: Item) -> Item:
    """The policies, which SES tells as JSON text by their names, as objects."""
    policies = identity.get("Policies")
    if not policies:
        return identity
    return {**identity, "Policies": {name: document(text) for name, text in policies.items()}}


IDENTITY = Resource(
    "AWS::SES::EmailIdentity",
    items="EmailIdentities[]",
    arn=arn("ses", "identity/{IdentityName}"),
    name="{IdentityName}",
    details=(Detail(operation="GetEmailIdentity", parameters={"EmailIdentity": "{IdentityName}"}),),
    shape=_with_documents,
    moving=("VerificationInfo", "DkimAttributes.LastKeyGenerationTimestamp"),
)

SERVICE = Service(client="sesv2", prefix="ses", lists=(Listing(operation="ListEmailIdentities", gives=(IDENTITY,)),))

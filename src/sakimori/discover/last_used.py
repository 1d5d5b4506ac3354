"""Which services and actions each user and role has used, by IAM's own book ("Refine permissions using last accessed
information", IAM user guide): asked where it is wanted, for it is a job and some calls for every one of them."""

from __future__ import annotations

from dataclasses import replace

from sakimori.discover.declare import Detail, Item, Service

IAM_ACTIONS = ("iam:GenerateServiceLastAccessedDetails", "iam:GetServiceLastAccessedDetails")


def _is_ours(identity: Item) -> bool:
    """What a service does with a role of its own cannot be taken away from it."""
    return ":role/aws-service-role/" not in identity["Arn"]


UNDER = "ServicesLastAccessed"
LAST_USED = Detail(
    operation="GetServiceLastAccessedDetails",
    prepare="GenerateServiceLastAccessedDetails",
    job=True,
    parameters={"Arn": "{Arn}", "Granularity": "ACTION_LEVEL"},
    path=f"{UNDER}[]",
    under=UNDER,
    when=_is_ours,
)


def asking(iam: Service) -> Service:
    """IAM's service file, which then also asks what its users and roles have used."""
    listings = []
    for listing in iam.lists:
        given = (
            replace(each, details=(*each.details, LAST_USED), moving=(*each.moving, UNDER))
            if each.type in ("AWS::IAM::User", "AWS::IAM::Role")
            else each
            for each in listing.gives
        )
        listings.append(replace(listing, gives=tuple(given)))
    return replace(iam, lists=tuple(listings))

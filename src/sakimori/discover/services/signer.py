"""Signer: profiles by which code is signed, and which other accounts may sign with them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service

PROFILE = Resource(
    "AWS::Signer::SigningProfile",
    items="profiles[]",
    arn="{arn}",
    name="{profileName}",
    tags="tags",
    details=(
        Detail(
            operation="ListProfilePermissions",
            parameters={"profileName": "{profileName}"},
            path="permissions[]",
            under="Permissions",
            absent=("ResourceNotFoundException",),
        ),
    ),
)

SERVICE = Service(client="signer", lists=(Listing(operation="ListSigningProfiles", page_size=25, gives=(PROFILE,)),))

"""Roles Anywhere: authorities whose certificates are good for keys of roles, and the profiles that name the roles."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Resource, Service, Tie

ANCHOR = Resource(
    "AWS::RolesAnywhere::TrustAnchor",
    items="trustAnchors[]",
    arn="{trustAnchorArn}",
    name="{name}",
    relations=(Tie("trusts", "source.sourceData.acmPcaArn"),),
)

PROFILE = Resource(
    "AWS::RolesAnywhere::Profile",
    items="profiles[]",
    arn="{profileArn}",
    name="{name}",
    documents=("sessionPolicy",),
    relations=(Tie("runs-as", "roleArns[]"), Tie("uses", "managedPolicyArns[]")),
)

SERVICE = Service(
    client="rolesanywhere",
    lists=(
        Listing(operation="ListTrustAnchors", gives=(ANCHOR,)),
        Listing(operation="ListProfiles", gives=(PROFILE,)),
    ),
)

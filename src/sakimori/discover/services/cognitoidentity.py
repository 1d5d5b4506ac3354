"""Cognito identity pools: who is let in, signed in or not, and the roles whose keys they are given."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn

_GIVEN = {"IdentityPoolId": "{IdentityPoolId}"}

POOL = Resource(
    "AWS::Cognito::IdentityPool",
    items="IdentityPools[]",
    arn=arn("cognito-identity", "identitypool/{IdentityPoolId}"),
    name="{IdentityPoolName}",
    tags="IdentityPoolTags",
    ordered=("RoleMappings[].RulesConfiguration.Rules",),
    details=(
        Detail(operation="DescribeIdentityPool", parameters=_GIVEN),
        Detail(operation="GetIdentityPoolRoles", parameters=_GIVEN, path="Roles", under="Roles"),
        Detail(operation="GetIdentityPoolRoles", parameters=_GIVEN, path="RoleMappings", under="RoleMappings"),
    ),
    relations=(
        Tie("runs-as", "Roles[]"),
        Tie("trusts", "OpenIdConnectProviderARNs[]"),
        Tie("trusts", "SamlProviderARNs[]"),
    ),
)

SERVICE = Service(
    client="cognito-identity",
    lists=(Listing(operation="ListIdentityPools", parameters={"MaxResults": 60}, gives=(POOL,)),),
)

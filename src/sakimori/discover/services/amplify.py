"""Amplify: apps, where their code is, and the roles that build and serve them. Of their variables only the names."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Resource, Service, Tie

APP = Resource(
    "AWS::Amplify::App",
    items="apps[]",
    arn="{appArn}",
    name="{name}",
    tags="tags",
    relations=(Tie("runs-as", "iamServiceRoleArn"), Tie("runs-as", "computeRoleArn")),
    moving=(
        "productionBranch.lastDeployTime",
        "productionBranch.status",
        "productionBranch.thumbnailUrl",
    ),
)

SERVICE = Service(
    client="amplify",
    lists=(
        Listing(
            operation="ListApps",
            page_size=100,
            secrets=(
                "apps[].environmentVariables",
                "apps[].basicAuthCredentials",
                "apps[].autoBranchCreationConfig.environmentVariables",
                "apps[].autoBranchCreationConfig.basicAuthCredentials",
                "apps[].buildSpec",
                "apps[].autoBranchCreationConfig.buildSpec",
            ),
            gives=(APP,),
        ),
    ),
)

"""Serverless Application Repository: our applications, and who may deploy them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service

APPLICATION = Resource(
    "AWS::ServerlessRepo::Application",
    items="Applications[]",
    arn="{ApplicationId}",
    name="{Name}",
    details=(
        Detail(
            operation="GetApplicationPolicy",
            parameters={"ApplicationId": "{ApplicationId}"},
            path="Statements[]",
            under="Statements",
            absent=("NotFoundException",),
        ),
    ),
)

SERVICE = Service(
    client="serverlessrepo", lists=(Listing(operation="ListApplications", page_size=100, gives=(APPLICATION,)),)
)

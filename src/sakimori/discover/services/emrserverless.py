"""EMR Serverless: applications, the roles of their latest jobs, and the sessions that are open in them. Never what
applications are configured to."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, Tie
from sakimori.discover.source import Answer
from sakimori.discover.ties import in_subnets, uses_groups

_OVER = ("FAILED", "TERMINATING", "TERMINATED")


def _roles(answer: Answer) -> list[str]:
    return sorted({each["executionRole"] for each in answer.get("jobRuns") or () if each.get("executionRole")})


def _is_open(session: Item) -> bool:
    return session.get("state") not in _OVER


SESSION = Resource(
    "AWS::EMRServerless::Session",
    items="sessions[]",
    arn="{arn}",
    name="{name}",
    where=_is_open,
    inherit={"applicationArn": "{arn}"},
    relations=(Tie("in", "applicationArn"), Tie("runs-as", "executionRoleArn")),
    moving=("state", "stateDetails", "updatedAt"),
)

APPLICATION = Resource(
    "AWS::EMRServerless::Application",
    items="applications[]",
    arn="{arn}",
    name="{name}",
    tags="tags",
    details=(
        Detail(
            operation="GetApplication",
            parameters={"applicationId": "{id}"},
            path="application",
            secrets=("application.runtimeConfiguration",),
        ),
        Detail(
            operation="ListJobRuns",
            parameters={"applicationId": "{id}", "maxResults": 50},
            first_page=True,
            parse=_roles,
            under="JobRunRoles",
        ),
    ),
    lists=(Listing(operation="ListSessions", parameters={"applicationId": "{id}"}, gives=(SESSION,)),),
    relations=(
        Tie("runs-as", "JobRunRoles[]"),
        in_subnets("networkConfiguration.subnetIds[]"),
        uses_groups("networkConfiguration.securityGroupIds[]"),
    ),
    moving=("JobRunRoles", "state", "stateDetails"),
)

SERVICE = Service(client="emr-serverless", lists=(Listing(operation="ListApplications", gives=(APPLICATION,)),))

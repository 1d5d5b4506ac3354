"""Macie: whether it is on in the region, and whether it looks through buckets by itself."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, Tie, arn

NOT_ENABLED = ("AccessDeniedException: Macie is not enabled", "ResourceNotFoundException")
"""Macie refuses to tell anything of itself while it is off; who may not ask is refused in other words."""


def _enabled(session: Item) -> bool:
    return session.get("status") != "DISABLED"


STATUS = Resource("AWS::Macie::Status", items="", arn=arn("macie2", "status"))
"""The session, that there is even if Macie was never turned on: then its status is DISABLED."""

SESSION = Resource(
    "AWS::Macie::Session",
    items="",
    arn=arn("macie2", "session"),
    where=_enabled,
    details=(
        Detail(operation="GetAutomatedDiscoveryConfiguration", under="AutomatedDiscoveryConfiguration"),
        Detail(
            operation="GetClassificationExportConfiguration",
            path="configuration",
            under="ClassificationExportConfiguration",
        ),
    ),
    relations=(
        Tie("logs-to", "ClassificationExportConfiguration.s3Destination.bucketName", "arn:{@partition}:s3:::{}"),
        Tie("runs-as", "serviceRole"),
    ),
)

SERVICE = Service(
    client="macie2",
    lists=(
        Listing(
            operation="GetMacieSession",
            absent=NOT_ENABLED,
            otherwise={"status": "DISABLED"},
            gives=(STATUS, SESSION),
        ),
    ),
)

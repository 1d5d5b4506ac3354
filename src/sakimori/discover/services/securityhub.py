"""Security Hub: whether the account is subscribed in the region, and to which standards."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Resource, Service, Tie, arn

NOT_SUBSCRIBED = ("InvalidAccessException: not subscribed", "ResourceNotFoundException")
"""What Security Hub says to an account that has not enabled it; one that may not ask gets the same code."""

STATUS = Resource("AWS::SecurityHub::Status", items="", arn=arn("securityhub", "status"))
"""The hub's description, that there is even if there is no hub: then HubArn is None."""

HUB = Resource("AWS::SecurityHub::Hub", items="", arn="{HubArn}", where=lambda answer: bool(answer.get("HubArn")))

STANDARD = Resource(
    "AWS::SecurityHub::Standard",
    items="StandardsSubscriptions[]",
    arn="{StandardsSubscriptionArn}",
    relations=(Tie("built-from", "StandardsArn"),),
)

SERVICE = Service(
    client="securityhub",
    lists=(
        Listing(operation="DescribeHub", absent=NOT_SUBSCRIBED, otherwise={"HubArn": None}, gives=(STATUS, HUB)),
        Listing(operation="GetEnabledStandards", absent=NOT_SUBSCRIBED, page_size=100, gives=(STANDARD,)),
    ),
)

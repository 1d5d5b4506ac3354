"""CloudTrail Lake: event data stores and channels, and who else may query them or put events into them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service


def _policy(of: str) -> Detail:
    return Detail(
        operation="GetResourcePolicy",
        parameters={"ResourceArn": of},
        path="ResourcePolicy",
        under="Policy",
        absent=("ResourcePolicyNotFoundException",),
    )


STORE = Resource(
    "AWS::CloudTrail::EventDataStore",
    items="EventDataStores[]",
    arn="{EventDataStoreArn}",
    name="{Name}",
    details=(_policy("{EventDataStoreArn}"),),
    documents=("Policy",),
)

CHANNEL = Resource(
    "AWS::CloudTrail::Channel",
    items="Channels[]",
    arn="{ChannelArn}",
    name="{Name}",
    details=(_policy("{ChannelArn}"),),
    documents=("Policy",),
)

SERVICE = Service(
    client="cloudtrail",
    lists=(
        Listing(operation="ListEventDataStores", gives=(STORE,)),
        Listing(operation="ListChannels", gives=(CHANNEL,)),
    ),
)

"""Kinesis: data streams and their consumers, each with the policy that lets others read or write."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie


def _policy(arn: str) -> Detail:
    return Detail(
        operation="GetResourcePolicy",
        parameters={"ResourceARN": arn},
        path="Policy",
        under="Policy",
        absent=("ResourceNotFoundException",),
    )


CONSUMER = Resource(
    "AWS::Kinesis::StreamConsumer",
    items="Consumers[]",
    arn="{ConsumerARN}",
    name="{ConsumerName}",
    inherit={"StreamARN": "{StreamARN}"},
    details=(_policy("{ConsumerARN}"),),
    documents=("Policy",),
    relations=(Tie("subscribed-to", "StreamARN"),),
)

STREAM = Resource(
    "AWS::Kinesis::Stream",
    items="StreamSummaries[]",
    arn="{StreamARN}",
    name="{StreamName}",
    details=(_policy("{StreamARN}"),),
    documents=("Policy",),
    lists=(Listing(operation="ListStreamConsumers", parameters={"StreamARN": "{StreamARN}"}, gives=(CONSUMER,)),),
)

SERVICE = Service(client="kinesis", lists=(Listing(operation="ListStreams", gives=(STREAM,)),))

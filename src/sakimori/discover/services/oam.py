"""CloudWatch Observability Access Manager: sinks, and which accounts may link their logs and metrics to them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service

SINK = Resource(
    "AWS::Oam::Sink",
    items="Items[]",
    arn="{Arn}",
    name="{Name}",
    details=(
        Detail(
            operation="GetSinkPolicy",
            parameters={"SinkIdentifier": "{Arn}"},
            path="Policy",
            under="Policy",
            absent=("ResourceNotFoundException",),
        ),
    ),
    documents=("Policy",),
)

SERVICE = Service(client="oam", lists=(Listing(operation="ListSinks", page_size=100, gives=(SINK,)),))

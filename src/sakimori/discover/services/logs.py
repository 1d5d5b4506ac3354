"""CloudWatch Logs: destinations, to which the logs of other accounts are sent, and which accounts may do so."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie

DESTINATION = Resource(
    "AWS::Logs::Destination",
    items="destinations[]",
    arn="{arn}",
    name="{destinationName}",
    documents=("accessPolicy",),
    relations=(Tie("targets", "targetArn"), Tie("runs-as", "roleArn")),
)

DELIVERY = Resource(
    "AWS::Logs::DeliveryDestination",
    items="deliveryDestinations[]",
    arn="{arn}",
    name="{name}",
    details=(
        Detail(
            operation="GetDeliveryDestinationPolicy",
            parameters={"deliveryDestinationName": "{name}"},
            path="policy.deliveryDestinationPolicy",
            under="Policy",
            absent=("ResourceNotFoundException",),
        ),
    ),
    documents=("Policy",),
    relations=(Tie("targets", "deliveryDestinationConfiguration.destinationResourceArn"), Tie("runs-as", "roleArn")),
)

SERVICE = Service(
    client="logs",
    lists=(
        Listing(operation="DescribeDestinations", gives=(DESTINATION,)),
        Listing(operation="DescribeDeliveryDestinations", gives=(DELIVERY,)),
    ),
)

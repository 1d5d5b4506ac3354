"""SNS: topics with their policies, and who is subscribed to them."""

from __future__ import annotations

from urllib.parse import urlsplit

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, Tie
from sakimori.discover.ties import arns, encrypted_by

_GIVEN = {"TopicArn": "{TopicArn}"}

TOPIC = Resource(
    "AWS::SNS::Topic",
    items="Topics[]",
    arn="{TopicArn}",
    details=(
        Detail(operation="GetTopicAttributes", parameters=_GIVEN, path="Attributes", under="Attributes"),
        Detail(operation="ListTagsForResource", parameters={"ResourceArn": "{TopicArn}"}, path="Tags[]", under="Tags"),
    ),
    documents=("Attributes.Policy", "Attributes.EffectiveDeliveryPolicy", "Attributes.DeliveryPolicy"),
    relations=(encrypted_by("Attributes.KmsMasterKeyId"),),
    moving=(
        "Attributes.SubscriptionsConfirmed",
        "Attributes.SubscriptionsPending",
        "Attributes.SubscriptionsDeleted",
    ),
)


def _bare(subscription: Item) -> Item:
    """Web addresses carry passwords and tokens: of them only the host stays."""
    endpoint = subscription.get("Endpoint") or ""
    if not endpoint.lower().startswith(("http://", "https://")):
        return subscription
    split = urlsplit(endpoint)
    return {**subscription, "Endpoint": f"{split.scheme}://{split.hostname or ''}"}


SUBSCRIPTION = Resource(
    "AWS::SNS::Subscription",
    items="Subscriptions[]",
    arn="{SubscriptionArn}",
    # What nobody has confirmed yet has no ARN, and gets nothing.
    where=lambda subscription: subscription["SubscriptionArn"].startswith("arn:"),
    shape=_bare,
    relations=(Tie("subscribed-to", "TopicArn"), arns("targets", "Endpoint")),
)

SERVICE = Service(
    client="sns",
    lists=(
        Listing(operation="ListTopics", gives=(TOPIC,)),
        Listing(operation="ListSubscriptions", gives=(SUBSCRIPTION,)),
    ),
)

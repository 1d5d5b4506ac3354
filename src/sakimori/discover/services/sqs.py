"""SQS: queues with their policies, encryption and dead-letter queues."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by

QUEUE = Resource(
    "AWS::SQS::Queue",
    items="QueueUrls[]",
    scalar="QueueUrl",
    arn=arn("sqs", "{/QueueUrl}"),
    name="{/QueueUrl}",
    details=(
        Detail(
            operation="GetQueueAttributes",
            parameters={"QueueUrl": "{QueueUrl}", "AttributeNames": ["All"]},
            path="Attributes",
            under="Attributes",
        ),
        Detail(operation="ListQueueTags", parameters={"QueueUrl": "{QueueUrl}"}, path="Tags", under="Tags"),
    ),
    documents=("Attributes.Policy", "Attributes.RedrivePolicy", "Attributes.RedriveAllowPolicy"),
    relations=(
        encrypted_by("Attributes.KmsMasterKeyId"),
        Tie("targets", "Attributes.RedrivePolicy.deadLetterTargetArn"),
    ),
    moving=(
        "Attributes.ApproximateNumberOfMessages",
        "Attributes.ApproximateNumberOfMessagesNotVisible",
        "Attributes.ApproximateNumberOfMessagesDelayed",
    ),
)

SERVICE = Service(client="sqs", lists=(Listing(operation="ListQueues", page_size=1000, gives=(QUEUE,)),))

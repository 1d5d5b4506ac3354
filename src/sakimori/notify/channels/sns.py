"""An SNS topic, which e-mail, text messages and programs subscribe to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from sakimori.aws.errors import asking
from sakimori.aws.session import client
from sakimori.notify.message import Message, Worded

SETTINGS = {"topic": True}
PEOPLE = True
IAM_ACTIONS = ("sns:Publish",)

LONGEST_SUBJECT = 99


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Publishes the message. A subject is one line of UTF-8, shorter than 100 characters (SNS API, Publish)."""
    topic = str(settings["topic"])
    subject = said.title[:LONGEST_SUBJECT]
    attributes = {"severity": {"DataType": "String", "StringValue": message.severity.label}}
    region = topic.split(":")[3] if topic.count(":") >= 5 else None
    with asking("sns:Publish", topic):
        sns = client("sns", region=region)
        sns.publish(
            TopicArn=topic, Subject=subject, Message=said.text(), MessageAttributes=attributes, **_once(topic, message)
        )


def _once(topic: str, message: Message) -> dict[str, str]:
    """A FIFO topic takes a message once in five minutes, and keeps the order of what is about the same thing."""
    if not topic.endswith(".fifo"):
        return {}
    group, own = (hashlib.sha256(each.encode()).hexdigest() for each in (message.about or message.key, message.key))
    return {"MessageGroupId": group, "MessageDeduplicationId": own}

"""CloudTrail: one call or sign-in as EventBridge delivers it, or as a record by itself.

Source: "AWS service events delivered via AWS CloudTrail" (EventBridge user guide). Attacks in calls are found by
`sakimori detect` over the logs; as events, calls start workflows (a changed appspec, a launched instance).
"""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.collect import told
from sakimori.collect.told import Telling, obj, objects, text, when
from sakimori.model.event import Event, Resource, event_uid

PRODUCT = "cloudtrail"


def read_call(telling: Telling) -> Iterator[Event]:
    """A call, with the resources that the record names. `kind` is `service:Operation`; an insight is about one, too."""
    record = telling.detail
    about = obj(record, "insightDetails") or record
    operation = told.identity(text(about, "eventName"), "eventName")
    service = told.identity(text(about, "eventSource"), "eventSource").removesuffix(".amazonaws.com")
    account = text(record, "recipientAccountId") or text(record, "userIdentity", "accountId") or telling.account
    region, time = text(record, "awsRegion") or telling.region, when(record.get("eventTime")) or telling.time
    event_id = text(record, "eventID") or telling.id or f"{service}:{operation}:{time}:{text(record, 'requestID')}"
    named = objects(record, "resources")
    resources = [
        Resource(text(each, "type"), uid, text(each, "accountId") or account, region)
        for each in named
        if (uid := text(each, "ARN") or text(each, "arn"))
    ]
    yield Event(
        PRODUCT,
        PRODUCT,
        f"{service}:{operation}",
        event_uid(PRODUCT, event_id),
        event_id,
        account,
        region,
        time,
        resources=tuple(resources),
        detail=record,
    )


EVENTS = {
    ("*", "AWS API Call via CloudTrail"): read_call,
    ("*", "AWS Console Sign In via CloudTrail"): read_call,
    ("*", "AWS Console Action via CloudTrail"): read_call,
    ("*", "AWS Service Event via CloudTrail"): read_call,
    ("*", "AWS Insight via CloudTrail"): read_call,
}
OBJECTS = (
    (("eventVersion", "eventName", "eventSource"), read_call),
    (("eventVersion", "insightDetails"), read_call),
)

"""AWS Health: what AWS itself says is or will be wrong with resources, such as an exposed key or a host that retires.

Source: "Reference: AWS Health events Amazon EventBridge schema". The event about a leaked access key is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.collect import told
from sakimori.collect.told import Telling, objects, text, when
from sakimori.model.event import Event, Resource, State, event_uid
from sakimori.model.severity import Severity

PRODUCT = "health"

EXPOSED = ("AWS_RISK_CREDENTIALS_EXPOSED", "AWS_RISK_CREDENTIALS_EXPOSURE_SUSPECTED", "AWS_RISK_IAM_QUARANTINE")
"""Codes that tell of an access key which others have seen ("AWS_RISK_..." of the service RISK)."""


def read_event(telling: Telling) -> Iterator[Event]:
    """`AWS Health Event`; of an exposed key, a finding whose first resource is the key."""
    found = telling.detail
    account, code = text(found, "affectedAccount") or telling.account, text(found, "eventTypeCode")
    key = f"{told.identity(text(found, 'eventArn'), 'eventArn')}/{account}"  # one event is told to every account
    exposed = code in EXPOSED
    resources = tuple(
        Resource("AWS::IAM::AccessKey", uid, account, telling.region, {"access_key_id": uid})
        if exposed and uid.startswith(("AKIA", "ASIA"))
        else Resource("", uid, account, telling.region)
        for each in objects(found, "affectedEntities")
        if (uid := text(each, "entityValue"))
    )
    started = when(found.get("startTime")) or telling.time
    updated = when(found.get("lastUpdatedTime")) or telling.time
    closed = text(found, "statusCode") == "closed"
    state = (State.CLOSED if closed else State.OPEN) if exposed else State.NONE
    revision = told.state_revision(updated, state)
    yield Event(
        PRODUCT,
        PRODUCT,
        code or "AWS Health Event",
        event_uid(PRODUCT, key),
        revision,
        account,
        telling.region,
        updated,
        state,
        resources,
        detail=found,
        finding=told.finding(
            PRODUCT,
            key,
            kind=code,
            title="An access key is exposed",
            description=text(next(iter(objects(found, "eventDescription")), {}), "latestDescription"),
            severity=Severity.CRITICAL,
            account=account,
            region=telling.region,
            resources=resources,
            first=started,
            last=updated,
            revision=revision,
            facts={"code": code},
        )
        if exposed
        else None,
    )


EVENTS = {("aws.health", "AWS Health Event"): read_event}

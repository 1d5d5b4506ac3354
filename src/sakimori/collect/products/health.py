"""AWS Health: what AWS itself says is or will be wrong with resources, such as an exposed key or a host that retires.

Source: "Reference: AWS Health events Amazon EventBridge schema". Events about a leaked access key are findings, and so
are reports of abuse. An event with many resources comes in several pages; one of the organisation names the account.
"""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.collect import told
from sakimori.collect.told import Telling, objects, text, when
from sakimori.model.event import Event, Resource, State, event_uid
from sakimori.model.said import say
from sakimori.model.severity import Severity

PRODUCT = "health"

EXPOSED = ("AWS_RISK_CREDENTIALS_EXPOSED", "AWS_RISK_CREDENTIALS_EXPOSURE_SUSPECTED", "AWS_RISK_IAM_QUARANTINE")
"""Codes that tell of an access key which others have seen ("AWS_RISK_..." of the service RISK)."""


ABUSE = "ABUSE"
"""The service of events that tell what others have complained about: attacks that come from the account's resources."""


def read_event(telling: Telling) -> Iterator[Event]:
    """`AWS Health Event` or `AWS Health Abuse Event`; of an exposed key, a finding whose first resource is the key."""
    found = telling.detail
    account, code = text(found, "affectedAccount") or telling.account, text(found, "eventTypeCode")
    key = f"{told.identity(text(found, 'eventArn'), 'eventArn')}/{account}"  # one event is told to every account
    exposed, abused = code in EXPOSED, text(found, "service") == ABUSE
    region = text(found, "eventRegion") or telling.region
    resources = tuple(
        Resource("AWS::IAM::AccessKey", uid, account, region, {"access_key_id": uid})
        if exposed and uid.startswith(("AKIA", "ASIA"))
        else Resource("", uid, account, region)
        for each in objects(found, "affectedEntities")
        if (uid := text(each, "entityValue"))
    )
    started = when(found.get("startTime")) or telling.time
    updated = when(found.get("lastUpdatedTime")) or telling.time
    closed = text(found, "statusCode") == "closed"
    state = (State.CLOSED if closed else State.OPEN) if exposed or abused else State.NONE
    page = text(found, "page")
    revision = told.state_revision(updated, state) + (f"/page-{page}" if page not in ("", "1") else "")
    yield Event(
        PRODUCT,
        PRODUCT,
        code or "AWS Health Event",
        event_uid(PRODUCT, key),
        revision,
        account,
        region,
        updated,
        state,
        resources,
        detail=found,
        finding=told.finding(
            PRODUCT,
            key,
            kind=code,
            title=say("An access key is exposed")
            if exposed
            else say("Abuse of AWS is reported that comes from the account"),
            description=text(next(iter(objects(found, "eventDescription")), {}), "latestDescription"),
            severity=Severity.CRITICAL if exposed else Severity.HIGH,
            account=account,
            region=region,
            resources=resources,
            first=started,
            last=updated,
            revision=revision,
            facts={"code": code},
        )
        if exposed or abused
        else None,
    )


EVENTS = {
    ("aws.health", "AWS Health Event"): read_event,
    ("aws.health", "AWS Health Abuse Event"): read_event,
}

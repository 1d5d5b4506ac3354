"""Macie: findings about sensitive data in S3 and about buckets' policies, from EventBridge and `GetFindings`.

Source: "Amazon EventBridge event schema for Macie findings" (Macie user guide).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.collect import told
from sakimori.collect.told import Telling, number, obj, objects, text, when
from sakimori.model.event import Event, Resource, State, event_uid
from sakimori.model.severity import Severity

PRODUCT = "macie"

SEVERITIES = {"Low": Severity.LOW, "Medium": Severity.MEDIUM, "High": Severity.HIGH}


def read_event(telling: Telling) -> Iterator[Event]:
    """An EventBridge event."""
    yield read_finding(telling.detail)


def read_object(telling: Telling) -> Iterator[Event]:
    """A finding of the answer of macie2:GetFindings."""
    yield read_finding(telling.detail)


def read_finding(found: Mapping[str, Any]) -> Event:
    """One finding. Raises NotRead."""
    key = told.identity(text(found, "id"), "finding id")
    kind = told.identity(text(found, "type"), "finding type")
    account, region = text(found, "accountId"), text(found, "region")
    updated, count = when(found.get("updatedAt")), number(found, "count")
    state = State.SUPPRESSED if found.get("archived") is True else State.OPEN
    revision = told.state_revision(updated, state, f"count-{count:g}" if count else "")
    resources = tuple(_resources(obj(found, "resourcesAffected"), account, region))
    return Event(
        product=PRODUCT,
        feed=PRODUCT,
        kind=kind,
        uid=event_uid(PRODUCT, key),
        revision=revision,
        account=account,
        region=region,
        time=updated,
        state=state,
        resources=resources,
        detail=found,
        finding=told.finding(
            PRODUCT,
            key,
            kind=kind,
            title=text(found, "title"),
            description=text(found, "description"),
            severity=_severity(obj(found, "severity")),
            account=account,
            region=region,
            resources=resources,
            first=when(found.get("createdAt")),
            last=updated,
            revision=revision,
            facts={"type": kind, "category": text(found, "category"), "data": _kinds_of_data(found)},
            count=count,
        ),
    )


def _severity(told_severity: Mapping[str, Any]) -> Severity:
    by_score = {1.0: Severity.LOW, 2.0: Severity.MEDIUM, 3.0: Severity.HIGH}
    known = SEVERITIES.get(text(told_severity, "description"))
    return known or by_score.get(number(told_severity, "score") or 0.0, Severity.MEDIUM)


def _resources(affected: Mapping[str, Any], account: str, region: str) -> Iterator[Resource]:
    bucket, item = obj(affected, "s3Bucket"), obj(affected, "s3Object")
    uid = text(bucket, "arn") or text(item, "bucketArn")
    if uid:
        public = text(bucket, "publicAccess", "effectivePermission")
        known = {"effective_permission": public} if public else {}
        yield Resource("AWS::S3::Bucket", uid, account, region, known, told.tags(bucket, "tags"))
    if uid and text(item, "key"):
        details = {"bucket": uid.rpartition(":")[2], "key": text(item, "key"), "version_id": text(item, "versionId")}
        yield Resource("AWS::S3::Object", f"{uid}/{text(item, 'key')}", account, region, details)


def _kinds_of_data(found: Mapping[str, Any]) -> list[str]:
    """What kinds of data were found, never the data."""
    result = obj(found, "classificationDetails", "result")
    sensitive = objects(result, "sensitiveData")
    kinds = {text(each, "type") for group in sensitive for each in objects(group, "detections")}
    custom = {text(each, "name") for each in objects(result, "customDataIdentifiers", "detections")}
    return sorted(filter(None, kinds | custom))


EVENTS = {("aws.macie", "Macie Finding"): read_event, ("aws.macie2", "Macie Finding"): read_event}
OBJECTS = ((("id", "type", "category", "resourcesAffected"), read_object),)

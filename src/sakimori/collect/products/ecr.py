"""ECR: the result of a basic image scan (a finding if it counts any vulnerability), pushes and deletions of images.

Source: "Sample events from Amazon ECR" (ECR user guide).
"""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.collect import told
from sakimori.collect.told import Telling, number, obj, text, texts
from sakimori.model.event import Event, Resource, State, event_uid
from sakimori.model.said import joined, say
from sakimori.model.severity import Severity

PRODUCT = "ecr"


def _image(telling: Telling) -> Resource:
    repository = told.identity(text(telling.detail, "repository-name"), "repository-name")
    digest = text(telling.detail, "image-digest")
    uid = told.arn("ecr", telling.region, telling.account, f"repository/{repository}/{digest}".rstrip("/"))
    tags = texts(telling.detail, "image-tags") or [text(telling.detail, "image-tag")]
    details = {"repository": repository, "digest": digest, "tags": [tag for tag in tags if tag]}
    return Resource("AWS::ECR::Image", uid, telling.account, telling.region, details)


LEVELS = {
    "CRITICAL": say("critical"),
    "HIGH": say("high"),
    "MEDIUM": say("medium"),
    "LOW": say("low"),
    "INFORMATIONAL": say("informational"),
    "UNDEFINED": say("undefined"),
}
"""Severities, as ECR spells them and as people do."""


def _counted(level: str, many: int) -> str:
    return say("{count} {level}", count=many, level=LEVELS.get(level, level.lower()))


def read_scan(telling: Telling) -> Iterator[Event]:
    """`ECR Image Scan`. A scan that failed is an event of its own kind, and no finding."""
    image = _image(telling)
    status = text(telling.detail, "scan-status")
    counts = obj(telling.detail, "finding-severity-counts")
    found = {name: int(many) for name in counts if (many := number(counts, name))}
    worst = max((Severity[name] for name in found if name in Severity.__members__), default=Severity.LOW)
    state = State.OPEN if found else State.NONE
    identity = f"scan/{image.uid}"
    revision = f"{told.state_revision(telling.time, state)}/{status}"
    yield Event(
        PRODUCT,
        PRODUCT,
        "ECR Image Scan",
        event_uid(PRODUCT, identity),
        revision,
        telling.account,
        telling.region,
        telling.time,
        state,
        (image,),
        detail=telling.detail,
        finding=told.finding(
            PRODUCT,
            identity,
            kind="image-scan",
            title=say(
                "{count} vulnerabilities in an image of {repository}",
                count=sum(found.values()),
                repository=image.details["repository"],
            ),
            description=joined(", ", [_counted(name, many) for name, many in found.items()]),
            severity=worst,
            account=telling.account,
            region=telling.region,
            resources=(image,),
            first=telling.time,
            last=telling.time,
            revision=revision,
            facts={"counts": found, "tags": image.details["tags"]},
        )
        if found
        else None,
    )


def read_action(telling: Telling) -> Iterator[Event]:
    """`ECR Image Action`: an image was pushed or deleted."""
    image = _image(telling)
    act = told.identity(text(telling.detail, "action-type"), "action-type")
    yield Event(
        PRODUCT,
        PRODUCT,
        f"ECR Image Action: {act}",
        event_uid(PRODUCT, "action", image.uid),
        telling.id or f"{telling.time}/{act}",
        telling.account,
        telling.region,
        telling.time,
        resources=(image,),
        detail=telling.detail,
    )


EVENTS = {("aws.ecr", "ECR Image Scan"): read_scan, ("aws.ecr", "ECR Image Action"): read_action}

"""What other products tell us: findings and events of AWS services, in every shape in which they are delivered.

    for told in read_events(body, "sqs message 1f0c"):
        ...     # an Event, or a Refusal that names the place and the reason

Wrappings are taken off (`unwrap.py`), then the product's plug-in reads what is inside (`products/`). Nothing that comes
in can make this raise: what is not understood is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sakimori.collect.products import reader_of_event, reader_of_object
from sakimori.collect.told import NotRead, Telling, obj, text, texts, when
from sakimori.collect.unwrap import MAX_BODY, documents, json_object
from sakimori.model.event import Event
from sakimori.model.refusal import Refusal

MOST_REFUSALS = 100
"""Refusals of a body that are told one by one: it takes two bytes to make one."""


def read_events(body: bytes | str, place: str) -> Iterator[Event | Refusal]:
    """Everything that a body tells, in its order. `place` names it in refusals, which count documents from 0."""
    if len(body) > MAX_BODY:
        yield Refusal(place, 0, f"{len(body):,} bytes, more than the {MAX_BODY:,} that are read: split it")
        return
    at, refused = -1, 0
    try:
        for at, document in enumerate(documents(body)):
            for told in _told(document):
                if not isinstance(told, NotRead):
                    yield told
                    continue
                refused += 1
                if refused <= MOST_REFUSALS:
                    yield Refusal(place, at, str(told))
        if at < 0:
            yield Refusal(place, 0, "an empty list: it tells of nothing")
    except NotRead as broken:
        yield Refusal(place, max(at, 0), str(broken))
    if refused > MOST_REFUSALS:
        yield Refusal(
            place, at, f"{refused - MOST_REFUSALS:,} more of it cannot be read, which are not told one by one"
        )


def _told(document: Mapping[str, Any] | NotRead) -> Iterable[Event | NotRead]:
    if isinstance(document, NotRead):
        return [document]
    try:
        return list(_read(document))
    except NotRead as refused:
        return [refused]
    except RecursionError:
        return [NotRead("nested too deeply to be an event")]


def _read(document: Mapping[str, Any]) -> Iterable[Event | NotRead]:
    if "detail-type" in document or "DetailType" in document:
        telling = _enveloped(document)
        reader = reader_of_event(telling.source, telling.detail_type)
        if reader is None:
            why = _KNOWN_EVENTS.get(telling.detail_type, "no plug-in reads it")
            raise NotRead(f"EventBridge event {telling.detail_type!r} of {telling.source!r}: {why}")
        return reader(telling)
    for found in (*(document.get(name) for name in _LISTS), obj(document, "imageScanFindings").get("enhancedFindings")):
        if isinstance(found, list):
            return _listed(found)
    known = _KNOWN_OTHERWISE.get(next((key for key in _KNOWN_OTHERWISE if key in document), ""))
    reader = reader_of_object(document)
    if reader is None:
        keys = ", ".join(sorted(map(repr, document))[:6])
        raise NotRead(known or f"no plug-in knows an object with the keys {keys or '(none)'}")
    return reader(Telling(document))


def _enveloped(document: Mapping[str, Any]) -> Telling:
    """EventBridge's envelope, or an entry of PutEvents. EventBridge Scheduler and PutEvents have the detail as JSON in
    a text."""
    if "detail-type" not in document:
        names = {"Source": "source", "DetailType": "detail-type", "Detail": "detail", "Time": "time"}
        document = {names.get(name, name.lower()): value for name, value in document.items()}
    detail = json_object(document.get("detail"))
    if detail is None:
        raise NotRead(f"EventBridge event {text(document, 'detail-type')!r} without an object in its detail")
    return Telling(
        detail,
        source=text(document, "source"),
        detail_type=text(document, "detail-type"),
        account=text(document, "account"),
        region=text(document, "region"),
        time=when(document.get("time")),
        id=text(document, "id"),
        resources=tuple(texts(document, "resources")),
    )


def _listed(found: list[Any]) -> Iterator[Event | NotRead]:
    """The findings of an answer, each by the plug-in that knows it: the services' lists have the same names."""
    if not found:
        yield NotRead("a list of findings that is empty")
    for one in found:
        yield from _told(one if isinstance(one, Mapping) else NotRead("one of its findings is no object"))


_LISTS = ("Findings", "findings")
"""What the answers of GetFindings (GuardDuty, Security Hub, Macie) and ListFindings (Inspector) call their lists. That
of DescribeImageScanFindings (ECR) holds Inspector's, where a repository is scanned by it."""

_KNOWN_EVENTS = {
    "Inspector2 Scan": "it tells that a scan ended; each finding comes as an event of its own",
    "Inspector2 Coverage": "it tells what is scanned, and no finding",
    "GuardDuty Malware Protection Post Scan Action Failed": "it tells that a tag was not set, and no finding",
    **dict.fromkeys(
        (
            "GuardDuty Runtime Protection Healthy",
            "GuardDuty Runtime Protection Unhealthy",
            "GuardDuty Malware Protection Resource Status Active",
            "GuardDuty Malware Protection Resource Status Warning",
            "GuardDuty Malware Protection Resource Status Error",
        ),
        "it tells what GuardDuty covers, and no finding",
    ),
    **dict.fromkeys(
        ("Config Configuration Item Change", "Config Rules Re-evaluation Status"),
        "it tells of a configuration, and no finding",
    ),
    **dict.fromkeys(
        ("Config Configuration Snapshot Delivery Status", "Config Configuration History Delivery Status"),
        "it tells what was delivered to a bucket, and no finding",
    ),
}
"""EventBridge events of the products here that are nothing for us -> what they are."""

_KNOWN_OTHERWISE = {
    "awslogs": "a CloudWatch Logs subscription: logs are collected, with `sakimori collect`",
    "alarmData": "a CloudWatch alarm: it tells of a metric, and no finding",
    "AlarmName": "a CloudWatch alarm: it tells of a metric, and no finding",
    "Event": "S3's test of a new notification: it tells of no object",
    "Results": "an answer of config:SelectResourceConfig: configurations, and no finding",
    "ConfigRules": "an answer of config:DescribeConfigRules: rules, and no finding",
    "imageScanFindings": "an answer of ecr:DescribeImageScanFindings of a basic scan: ECR tells of it by an event",
    "InsightResults": "an answer of securityhub:GetInsightResults: counts, and no finding",
    "imageDetails": "an answer of ecr:DescribeImages: images, and no finding",
    "repositories": "an answer of ecr:DescribeRepositories: repositories, and no finding",
    "auditID": "a Kubernetes audit record: a log, and no finding",
    "Error": "an answer that tells of an error, and of no finding",
    "query_name": "a Route 53 resolver log record: a log, and no finding",
    "webaclId": "a WAF log record: a log, and no finding",
}
"""What is told apart by one key and is nothing for us -> what it is."""


@dataclass(slots=True)
class Heard:
    """Events and refusals, apart."""

    events: list[Event]
    refusals: list[Refusal]


def heard(body: bytes | str, place: str) -> Heard:
    """`read_events` in two lists."""
    told = list(read_events(body, place))
    return Heard(
        [each for each in told if isinstance(each, Event)], [each for each in told if isinstance(each, Refusal)]
    )

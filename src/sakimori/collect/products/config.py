"""AWS Config: invocations of custom rules (as Lambda gets them), changes of compliance, and answers about compliance.

Source: "Example events for AWS Config Rules" (Config developer guide). `invokingEvent` and `ruleParameters` are JSON in
strings. The rules themselves are answered in `respond/workflows/config.py`; here they are only read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from sakimori.collect import told
from sakimori.collect.told import NotRead, Telling, obj, text, when
from sakimori.model.event import Event, Resource, State, event_uid
from sakimori.model.partition import partition_of
from sakimori.model.said import say
from sakimori.model.severity import Severity

PRODUCT = "config"

MESSAGES = (
    "ConfigurationItemChangeNotification",
    "OversizedConfigurationItemChangeNotification",
    "ScheduledNotification",
    "ConfigurationSnapshotDeliveryCompleted",
)
"""What can trigger a custom rule (`MessageType` of SourceDetail, Config API reference)."""


def read_invocation(telling: Telling) -> Iterator[Event]:
    """A custom rule is asked. `detail` holds the invocation with its JSON strings parsed."""
    found = telling.detail
    rule = told.identity(text(found, "configRuleArn") or text(found, "configRuleName"), "configRuleName")
    invoking = _parsed(found, "invokingEvent")
    message = text(invoking, "messageType")
    if message not in MESSAGES:
        raise NotRead(f"a Config rule invocation of the message type {message!r}, which no rule is asked with")
    item = obj(invoking, "configurationItem") or obj(invoking, "configurationItemSummary")
    account = text(item, "awsAccountId") or text(invoking, "awsAccountId") or text(found, "accountId")
    captured = text(item, "configurationItemCaptureTime") or text(invoking, "notificationCreationTime")
    resource = _resource(item, account) if item else ()
    yield Event(
        PRODUCT,
        PRODUCT,
        f"Config Rule Invocation: {message}",
        event_uid(PRODUCT, "invocation", rule, *(each.uid for each in resource)),
        _revision(captured, text(found, "resultToken")),
        account,
        text(item, "awsRegion") or rule.split(":")[3] if rule.count(":") > 4 else text(item, "awsRegion"),
        when(captured),
        resources=resource,
        detail={**found, "invokingEvent": invoking, "ruleParameters": _parsed(found, "ruleParameters")},
    )


def _revision(captured: str, token: str) -> str:
    """Asked anew about what has not changed, the rule answers anew: each invocation has a token of its own."""
    asked = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{captured or 'at some time'}/{asked}"


def _parsed(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    if value in (None, ""):
        return {}
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise NotRead(f"a Config rule invocation whose {name} is not JSON ({error})") from None
    if not isinstance(value, Mapping):
        raise NotRead(f"a Config rule invocation whose {name} is no object")
    return value


def _resource(item: Mapping[str, Any], account: str) -> tuple[Resource, ...]:
    kind, own_id, region = text(item, "resourceType"), text(item, "resourceId"), text(item, "awsRegion")
    uid = text(item, "ARN") or text(item, "arn") or _uid(kind, own_id, account, region)
    status = {"status": text(item, "configurationItemStatus")}
    return (Resource(kind, uid, account, region, status, told.tags(item, "tags")),) if uid else ()


def _uid(kind: str, own_id: str, account: str, region: str) -> str:
    if kind == "AWS::EC2::Instance" and own_id:
        return told.arn("ec2", region, account, f"instance/{own_id}")
    return f"arn:{partition_of(region)}:s3:::{own_id}" if kind == "AWS::S3::Bucket" and own_id else own_id


def read_compliance_change(telling: Telling) -> Iterator[Event]:
    """`Config Rules Compliance Change`: a finding, open while the resource does not comply."""
    found = telling.detail
    result = obj(found, "newEvaluationResult")
    rule, verdict = text(found, "configRuleARN") or text(found, "configRuleName"), text(result, "complianceType")
    account = text(found, "awsAccountId") or telling.account
    region = text(found, "awsRegion") or telling.region
    yield _compliance(
        told.identity(rule, "configRuleName"),
        text(found, "configRuleName") or rule,
        (text(found, "resourceType"), told.identity(text(found, "resourceId"), "resourceId")),
        verdict or "NOT_APPLICABLE",
        (account, region),
        when(result.get("resultRecordedTime")) or when(found.get("notificationCreationTime")) or telling.time,
        text(result, "annotation"),
        found,
    )


def read_message(telling: Telling) -> Iterator[Event]:
    """What Config sends to the SNS topic of its delivery channel; of that, changes of compliance are read
    ("Notifications that AWS Config sends to an Amazon SNS topic")."""
    message = text(telling.detail, "messageType")
    if message != "ComplianceChangeNotification":
        raise NotRead(f"a message of Config of the type {message!r}: it tells of no finding")
    yield from read_compliance_change(telling)


def read_answer(telling: Telling) -> Iterator[Event | NotRead]:
    """The answer of config:GetComplianceDetailsByConfigRule (or ...ByResource)."""
    yield from told.each_of(telling, "EvaluationResults", _evaluation, "a list of evaluations that is empty")


def _evaluation(found: Mapping[str, Any]) -> Event:
    about = obj(found, "EvaluationResultIdentifier", "EvaluationResultQualifier")
    rule = told.identity(text(about, "ConfigRuleName"), "ConfigRuleName")
    resource = (text(about, "ResourceType"), told.identity(text(about, "ResourceId"), "ResourceId"))
    time, verdict = when(found.get("ResultRecordedTime")), text(found, "ComplianceType")
    return _compliance(rule, rule, resource, verdict, ("", ""), time, text(found, "Annotation"), found)


def _compliance(
    key: str,
    rule: str,
    resource: tuple[str, str],
    verdict: str,
    where: tuple[str, str],
    time: str,
    annotation: str,
    detail: Mapping[str, Any],
) -> Event:
    (kind, own_id), (account, region) = resource, where
    about = Resource(kind, _uid(kind, own_id, account, region), account, region)
    state = State.OPEN if verdict == "NON_COMPLIANT" else State.CLOSED
    identity = f"{key}/{kind}/{own_id}"
    revision = told.state_revision(time, state)
    return Event(
        PRODUCT,
        PRODUCT,
        rule,
        event_uid(PRODUCT, identity),
        revision,
        account,
        region,
        time,
        state,
        (about,),
        detail=detail,
        finding=told.finding(
            PRODUCT,
            identity,
            kind=rule,
            title=_title(own_id, rule, verdict),
            description=annotation,
            severity=Severity.MEDIUM,
            account=account,
            region=region,
            resources=(about,),
            first=time,
            last=time,
            revision=revision,
            facts={"compliance": verdict, "rule": rule},
        ),
    )


def _title(resource: str, rule: str, verdict: str) -> str:
    about = {"what": resource, "rule": rule}
    if verdict == "INSUFFICIENT_DATA":
        return say("{what}: AWS Config has too little data to judge it by {rule}", **about)
    if not verdict:
        return say("{what} is of unknown compliance with {rule}", **about)
    return say("{what} is {verdict} with {rule}", verdict=verdict, **about)


EVENTS = {("aws.config", "Config Rules Compliance Change"): read_compliance_change}
OBJECTS = (
    (("invokingEvent", "configRuleName"), read_invocation),
    (("EvaluationResults",), read_answer),
    (("messageType", "recordVersion"), read_message),
)

"""Inspector: findings about packages, reachable ports and code, from EventBridge and `ListFindings`.

Source: "Amazon EventBridge event schema for Amazon Inspector events" (Inspector user guide). EventBridge's dates are
not ISO 8601. A finding that closes comes as its own event, with the status CLOSED.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.collect import told
from sakimori.collect.told import Telling, arn, number, obj, objects, text, texts, when
from sakimori.model.event import Event, Resource, State, event_uid
from sakimori.model.severity import Severity

PRODUCT = "inspector2"

STATES = {"ACTIVE": State.OPEN, "SUPPRESSED": State.SUPPRESSED, "CLOSED": State.CLOSED}
SEVERITIES = {level.name: level for level in Severity}
TYPES = {
    "AWS_EC2_INSTANCE": "AWS::EC2::Instance",
    "AWS_ECR_CONTAINER_IMAGE": "AWS::ECR::Image",
    "AWS_ECR_REPOSITORY": "AWS::ECR::Repository",
    "AWS_LAMBDA_FUNCTION": "AWS::Lambda::Function",
    "CODE_REPOSITORY": "CodeRepository",
}


def read_event(telling: Telling) -> Iterator[Event]:
    """An EventBridge event."""
    yield read_finding(telling.detail)


def read_object(telling: Telling) -> Iterator[Event]:
    """One finding of the answer of inspector2:ListFindings."""
    yield read_finding(telling.detail)


def read_finding(found: Mapping[str, Any]) -> Event:
    """One finding. Raises NotRead."""
    key = told.identity(text(found, "findingArn"), "findingArn")
    account = text(found, "awsAccountId")
    state = STATES.get(text(found, "status"), State.OPEN)
    updated = when(found.get("updatedAt")) or when(found.get("lastObservedAt"))
    revision = told.state_revision(updated, state)
    resources = tuple(_resource(each, account) for each in objects(found, "resources") if text(each, "id"))
    region = next((each.region for each in resources if each.region), "") or ":".join(key.split(":")[3:4])
    vulnerability = obj(found, "packageVulnerabilityDetails")
    kind = text(vulnerability, "vulnerabilityId") or text(found, "type") or "finding"
    return Event(
        product=PRODUCT,
        feed=PRODUCT,
        kind=text(found, "type") or "finding",
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
            severity=severity(text(found, "severity"), number(found, "inspectorScore")),
            account=account,
            region=region,
            resources=resources,
            first=when(found.get("firstObservedAt")),
            last=when(found.get("lastObservedAt")) or updated,
            revision=revision,
            facts={
                "vulnerabilities": vulnerabilities(vulnerability),
                "packages": [text(each, "name") for each in objects(vulnerability, "vulnerablePackages")],
                "fix": text(found, "fixAvailable"),
                "exploit": text(found, "exploitAvailable"),
                "ports": _ports(obj(found, "networkReachabilityDetails")),
            },
        ),
    )


def vulnerabilities(details: Mapping[str, Any]) -> list[str]:
    """The advisory's id first, then those that it is related to; of these only CVEs name one vulnerability."""
    related = [each for each in texts(details, "relatedVulnerabilities") if each.startswith("CVE-")]
    return list(dict.fromkeys(filter(None, [text(details, "vulnerabilityId"), *related])))


def severity(label: str, score: float | None) -> Severity:
    """UNTRIAGED (no vendor has given a score yet) goes by Inspector's own score, and is Medium without one."""
    known = SEVERITIES.get(label)
    if known is not None:
        return known
    levels = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((level for least, level in levels if score is not None and score >= least), Severity.MEDIUM)


def _resource(each: Mapping[str, Any], account: str) -> Resource:
    kind, uid, region = text(each, "type"), text(each, "id"), text(each, "region")
    if kind == "AWS_EC2_INSTANCE" and not uid.startswith("arn:"):
        uid = arn("ec2", region, account, f"instance/{uid}", text(each, "partition"))
    return Resource(TYPES.get(kind, kind), uid, account, region, {}, told.tags(each, "tags"))


def _ports(reach: Mapping[str, Any]) -> str:
    opened = obj(reach, "openPortRange")
    if not opened:
        return ""
    return f"{text(reach, 'protocol')} {text(opened, 'begin')}-{text(opened, 'end')}"


EVENTS = {("aws.inspector2", "Inspector2 Finding"): read_event}
OBJECTS = ((("findingArn", "awsAccountId"), read_object),)

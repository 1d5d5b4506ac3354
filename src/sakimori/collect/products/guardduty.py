"""GuardDuty: findings as EventBridge and `GetFindings` spell them, and the results of its malware scans of S3 objects.

Source: "Amazon GuardDuty finding format" and "Monitoring S3 object scans with EventBridge" (GuardDuty user guide).
EventBridge writes camelCase, the API PascalCase; the two are read as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sakimori.collect import attack_sequence, told
from sakimori.collect.told import Telling, arn, number, obj, objects, text, when
from sakimori.model.event import Event, Resource, State, event_uid
from sakimori.model.partition import partition_of
from sakimori.model.said import joined, say
from sakimori.model.severity import Severity

PRODUCT = "guardduty"

TACTICS = {
    "Backdoor": "command-and-control",
    "CredentialAccess": "credential-access",
    "CryptoCurrency": "impact",
    "DefenseEvasion": "defense-evasion",
    "Discovery": "discovery",
    "Execution": "execution",
    "Exfiltration": "exfiltration",
    "Impact": "impact",
    "InitialAccess": "initial-access",
    "Persistence": "persistence",
    "PrivilegeEscalation": "privilege-escalation",
    "Recon": "discovery",
    "Stealth": "defense-evasion",
    "UnauthorizedAccess": "initial-access",
}
"""The threat purpose that a finding type begins with -> tactic; the others (Trojan, Policy) name none."""


def severity(score: float | None) -> Severity:
    """ "Severity levels for GuardDuty findings": Low from 1.0, Medium from 4.0, High from 7.0, Critical from 9.0."""
    score = score or 0.0
    levels = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (1.0, Severity.LOW))
    return next((level for least, level in levels if score >= least), Severity.INFORMATIONAL)


def tactics(kind: str) -> tuple[str, ...]:
    """`Recon:EC2/Portscan` -> ("discovery",)"""
    found = TACTICS.get(kind.partition(":")[0])
    return (found,) if found else ()


def camel(value: Any) -> Any:
    """The API's spelling of keys as EventBridge's: `InstanceDetails` is `instanceDetails`."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: camel(each) for key, each in value.items()}
    return [camel(each) for each in value] if isinstance(value, list) else value


def read_event(telling: Telling) -> Iterator[Event]:
    """An EventBridge event."""
    yield read_finding(telling.detail, telling)


def read_object(telling: Telling) -> Iterator[Event]:
    """One finding, as guardduty:GetFindings gives it or as it stands in an event."""
    yield read_finding(telling.detail)


def read_finding(spelt: Mapping[str, Any], telling: Telling | None = None) -> Event:
    """One finding. Raises NotRead."""
    found = camel(spelt)
    kind = told.identity(text(found, "type"), "finding type")
    account = text(found, "accountId") or (telling.account if telling else "")
    region = text(found, "region") or (telling.region if telling else "")
    key = text(found, "arn") or _made_arn(found, account, region)
    service = obj(found, "service")
    archived = found.get("archived") is True or service.get("archived") is True
    state = State.SUPPRESSED if archived else State.OPEN
    updated, count = when(found.get("updatedAt")), number(service, "count")
    revision = told.state_revision(updated, state, f"count-{count:g}" if count else "")
    sequence = attack_sequence.sequence_of(found)
    resources = (
        *resources_of(obj(found, "resource"), account, region, text(found, "partition")),
        *attack_sequence.resources_of(sequence, kind, account, region),
    )
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
        detail=spelt,
        finding=told.finding(
            PRODUCT,
            key,
            kind=kind,
            title=text(found, "title"),
            description=text(found, "description"),
            severity=severity(number(found, "severity")),
            account=account,
            region=region,
            resources=resources,
            first=when(service.get("eventFirstSeen")) or when(found.get("createdAt")),
            last=when(service.get("eventLastSeen")) or updated,
            revision=revision,
            facts={"type": kind, "role": text(service, "resourceRole"), "action": _action(service)},
            actor=_actor(resources),
            source_ip=_remote_address(service) or attack_sequence.address_of(sequence),
            tactics=tactics(kind) or attack_sequence.tactics_of(sequence),
            count=count,
        ),
    )


def _made_arn(found: Mapping[str, Any], account: str, region: str) -> str:
    finding_id = told.identity(text(found, "id"), "finding id")
    detector = text(found, "service", "detectorId") or text(found, "detectorId")
    if not detector:
        return finding_id
    return arn("guardduty", region, account, f"detector/{detector}/finding/{finding_id}", text(found, "partition"))


def _action(service: Mapping[str, Any]) -> str:
    return text(service, "action", "awsApiCallAction", "api") or text(service, "action", "actionType")


def _actor(resources: Iterable[Resource]) -> str:
    keys = (each for each in resources if each.type == "AWS::IAM::AccessKey")
    return next((str(each.details.get("user_name", "")) for each in keys), "")


def _remote_address(service: Mapping[str, Any]) -> str:
    """The other side's address, of whichever action the finding is about."""
    action = obj(service, "action")
    for each in action.values():
        found = text(each, "remoteIpDetails", "ipAddressV4") or text(each, "remoteIpDetails", "ipAddressV6")
        probes = objects(each, "portProbeDetails") if isinstance(each, Mapping) else []
        found = found or next((text(probe, "remoteIpDetails", "ipAddressV4") for probe in probes), "")
        if found:
            return found
    return ""


def resources_of(resource: Mapping[str, Any], account: str, region: str, partition: str) -> Iterator[Resource]:
    """What a finding's `resource` names, the one that it is about first."""

    def named(kind: str, uid: str, about: Mapping[str, Any] | None = None, **details: Any) -> Iterator[Resource]:
        """A resource; `about` is what the finding says of it, with its tags."""
        if uid:
            known = {name: value for name, value in details.items() if value not in ("", None)}
            yield Resource(kind, uid, account, region, known, told.tags(about, "tags") if about else {})

    host = obj(resource, "instanceDetails")
    instance = text(host, "instanceId")
    uid = instance and arn("ec2", region, account, f"instance/{instance}", partition)
    yield from named("AWS::EC2::Instance", uid, host)
    for bucket in objects(resource, "s3BucketDetails"):
        name = text(bucket, "name")
        uid = text(bucket, "arn") or (name and f"arn:{partition or partition_of(region)}:s3:::{name}")
        yield from named("AWS::S3::Bucket", uid, bucket)
        for item in objects(bucket, "s3ObjectDetails"):
            which = {"key": text(item, "key"), "version_id": text(item, "versionId")}
            yield from named("AWS::S3::Object", text(item, "objectArn"), None, bucket=name, **which)
    eks, ecs, function = (obj(resource, f"{name}Details") for name in ("eksCluster", "ecsCluster", "lambda"))
    yield from named("AWS::EKS::Cluster", text(eks, "arn"), eks)
    task = obj(ecs, "taskDetails")
    yield from named("AWS::ECS::Task", text(task, "arn"), task, cluster=text(ecs, "arn"))
    yield from named("AWS::ECS::Cluster", text(ecs, "arn"), ecs)
    yield from named("AWS::Lambda::Function", text(function, "functionArn"), function, role=text(function, "role"))
    database, limitless = obj(resource, "rdsDbInstanceDetails"), obj(resource, "rdsLimitlessDbDetails")
    yield from named("AWS::RDS::DBInstance", text(database, "dbInstanceArn"), database)
    yield from named("AWS::RDS::DBShardGroup", text(limitless, "dbShardGroupArn"), limitless)
    for volume in objects(resource, "ebsVolumeDetails", "scannedVolumeDetails"):
        yield from named("AWS::EC2::Volume", text(volume, "volumeArn"))
    for kind, path in _BACKUPS.items():
        yield from named(kind, text(resource, *path))
    key = obj(resource, "accessKeyDetails")
    yield from named(
        "AWS::IAM::AccessKey",
        text(key, "accessKeyId") or text(key, "principalId"),
        access_key_id=text(key, "accessKeyId"),
        user_name=text(key, "userName"),
        user_type=text(key, "userType"),
        principal_id=text(key, "principalId"),
    )
    container = obj(resource, "containerDetails")
    yield from named("Container", text(container, "id"), image=text(container, "image"), name=text(container, "name"))


_BACKUPS = {
    "AWS::EC2::Snapshot": ("ebsSnapshotDetails", "snapshotArn"),
    "AWS::EC2::Image": ("ec2ImageDetails", "imageArn"),
    "AWS::Backup::RecoveryPoint": ("recoveryPointDetails", "recoveryPointArn"),
    "AWS::Bedrock::Guardrail": ("bedrockGuardrailDetails", "guardrailArn"),
}
"""What is named by an ARN alone: a type -> where it is in a finding's `resource`."""


def read_object_scan(telling: Telling) -> Iterator[Event]:
    """What Malware Protection for S3 found in an object: a finding if that is a threat."""
    found, scan = telling.detail, obj(telling.detail, "scanResultDetails")
    where = obj(found, "s3ObjectDetails")
    bucket, key = told.identity(text(where, "bucketName"), "bucket"), told.identity(text(where, "objectKey"), "key")
    version, etag = text(where, "versionId"), text(where, "eTag")
    threats = tuple(filter(None, (text(each, "name") for each in objects(scan, "threats"))))
    status = text(scan, "scanResultStatus") or text(found, "scanStatus")
    arn_of_bucket = f"arn:{partition_of(telling.region)}:s3:::{bucket}"
    uid = f"{arn_of_bucket}/{key}"
    resources = (
        Resource(
            "AWS::S3::Object",
            uid,
            telling.account,
            telling.region,
            {"bucket": bucket, "key": key, "version_id": version},
        ),
        Resource("AWS::S3::Bucket", arn_of_bucket, telling.account, telling.region),
    )
    infected = status == "THREATS_FOUND"
    kind = "GuardDuty Malware Protection Object Scan Result"
    identity = f"object-scan:{uid}:{version or etag}"
    revision = f"{version or etag or 'unversioned'}/{status}"
    yield Event(
        PRODUCT,
        PRODUCT,
        kind,
        event_uid(PRODUCT, identity),
        revision,
        telling.account,
        telling.region,
        telling.time,
        State.OPEN if infected else State.NONE,
        resources,
        detail=found,
        finding=told.finding(
            PRODUCT,
            identity,
            kind="Object:S3/MaliciousFile",
            title=say("Malware in s3://{bucket}/{key}", bucket=bucket, key=key),
            description=say(
                "GuardDuty found {threats} in the object.", threats=joined(", ", threats) or say("a threat")
            ),
            severity=Severity.HIGH,
            account=telling.account,
            region=telling.region,
            resources=resources,
            first=telling.time,
            last=telling.time,
            revision=revision,
            facts={"threats": list(threats), "etag": etag, "version": version},
        )
        if infected
        else None,
    )


_DASHED = re.compile(r"^([A-Za-z]+:[A-Za-z0-9]+)-")


def type_in_asff(types: Iterable[str]) -> str:
    """`TTPs/Defense Evasion/Stealth:IAMUser-CloudTrailLoggingDisabled` -> `Stealth:IAMUser/CloudTrailLoggingDisabled`.

    ASFF's types have slashes of their own, so Security Hub writes the one in GuardDuty's as a dash; but for attack
    sequences: `TTPs/AttackSequence:IAM/CompromisedCredentials`.
    """
    whole = next((each for each in types if ":" in each), "")
    name, _, rest = whole.partition(":")
    return _DASHED.sub(r"\1/", f"{name.rpartition('/')[2]}:{rest}") if rest else ""


EVENTS = {
    ("aws.guardduty", "GuardDuty Finding"): read_event,
    ("aws.guardduty", "GuardDuty Malware Protection Object Scan Result"): read_object_scan,
}
OBJECTS = (
    (("Id", "Type", "Resource", "Service"), read_object),
    (("type", "arn", "accountId"), read_object),
    (("type", "resource", "service", "severity"), read_object),
)

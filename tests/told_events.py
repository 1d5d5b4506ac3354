"""Events as AWS delivers them, made here: each finding in the spelling of every feed that tells of it."""

from __future__ import annotations

import json
from typing import Any

ACCOUNT, REGION, DETECTOR = "123456789012", "us-east-1", "12abc34d56e78f901234567890abcdef"
INSTANCE = "i-0123456789abcdef0"
UPDATED = "2026-11-25T08:30:00.123Z"


def envelope(source: str, detail_type: str, detail: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """EventBridge's."""
    return {
        "version": "0",
        "id": "11112222-3333-4444-5555-666677778888",
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": "2026-11-25T08:30:05Z",
        "region": REGION,
        "resources": [],
        "detail": detail,
        **fields,
    }


def finding_arn(number: int = 1) -> str:
    return f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{DETECTOR}/finding/{number:032x}"


def guardduty(
    kind: str = "Recon:EC2/Portscan",
    number: int = 1,
    *,
    resource: dict[str, Any] | None = None,
    updated: str = UPDATED,
    count: int = 1,
    severity: float = 5,
    archived: bool = False,
) -> dict[str, Any]:
    """A GuardDuty finding as EventBridge delivers it."""
    detail = {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "id": f"{number:032x}",
        "arn": finding_arn(number),
        "type": kind,
        "severity": severity,
        "createdAt": "2026-11-25T08:00:00.000Z",
        "updatedAt": updated,
        "title": f"Something about {kind}",
        "description": "A description.",
        "resource": resource or instance_resource(),
        "service": {
            "serviceName": "guardduty",
            "detectorId": DETECTOR,
            "count": count,
            "archived": archived,
            "resourceRole": "TARGET",
            "eventFirstSeen": "2026-11-25T07:58:00Z",
            "eventLastSeen": "2026-11-25T08:29:00Z",
            "action": {
                "actionType": "NETWORK_CONNECTION",
                "networkConnectionAction": {"remoteIpDetails": {"ipAddressV4": "203.0.113.9"}},
            },
        },
    }
    return envelope("aws.guardduty", "GuardDuty Finding", detail)


def instance_resource(instance: str = INSTANCE) -> dict[str, Any]:
    return {"resourceType": "Instance", "instanceDetails": {"instanceId": instance}}


def bucket_resource(name: str) -> dict[str, Any]:
    return {"resourceType": "S3Bucket", "s3BucketDetails": [{"name": name, "arn": f"arn:aws:s3:::{name}"}]}


def key_resource(key: str, user: str, user_type: str = "IAMUser") -> dict[str, Any]:
    details = {"accessKeyId": key, "userName": user, "userType": user_type, "principalId": "AIDAEXAMPLE"}
    return {"resourceType": "AccessKey", "accessKeyDetails": details}


def asff(number: int = 1, *, updated: str = UPDATED, **fields: Any) -> dict[str, Any]:
    """The same finding as Security Hub has it."""
    return {
        "SchemaVersion": "2018-10-08",
        "Id": finding_arn(number),
        "ProductArn": f"arn:aws:securityhub:{REGION}::product/aws/guardduty",
        "ProductName": "GuardDuty",
        "CompanyName": "Amazon",
        "Region": REGION,
        "GeneratorId": f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{DETECTOR}",
        "AwsAccountId": ACCOUNT,
        "Types": ["TTPs/Discovery/Recon:EC2-Portscan"],
        "CreatedAt": "2026-11-25T08:00:00.000Z",
        "UpdatedAt": updated,
        "Severity": {"Product": 5, "Label": "MEDIUM", "Normalized": 50},
        "Title": "Something",
        "Description": "A description.",
        "ProductFields": {"aws/guardduty/service/count": "1"},
        "Resources": [
            {
                "Type": "AwsEc2Instance",
                "Id": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{INSTANCE}",
                "Partition": "aws",
                "Region": REGION,
            }
        ],
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
        **fields,
    }


def imported(*findings: dict[str, Any]) -> dict[str, Any]:
    return envelope("aws.securityhub", "Security Hub Findings - Imported", {"findings": list(findings)})


def custom_action(action: str, *findings: dict[str, Any], **fields: Any) -> dict[str, Any]:
    arn = f"arn:aws:securityhub:{REGION}:{ACCOUNT}:action/custom/{action}"
    detail = {"actionName": action, "actionDescription": "", "findings": list(findings)}
    return envelope("aws.securityhub", "Security Hub Findings - Custom Action", detail, resources=[arn], **fields)


def imported_v2(number: int = 1) -> dict[str, Any]:
    """The same finding as the newer Security Hub has it, in OCSF."""
    finding = {
        "activity_id": 1,
        "category_uid": 2,
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "cloud": {"account": {"uid": ACCOUNT}, "provider": "AWS", "region": REGION},
        "finding_info": {
            "uid": finding_arn(number),
            "title": "Something",
            "types": ["Recon:EC2/Portscan"],
            "modified_time": 1795595400123,
            "modified_time_dt": UPDATED,
        },
        "metadata": {
            "product": {"name": "GuardDuty", "uid": f"arn:aws:securityhub:{REGION}::productv2/aws/guardduty"},
            "version": "1.5.0",
        },
        "resources": [{"type": "AWS::EC2::Instance", "uid": INSTANCE, "region": REGION, "cloud_partition": "aws"}],
        "severity_id": 3,
        "status_id": 1,
        "time": 1795595400123,
    }
    return envelope("aws.securityhub", "Findings Imported V2", {"findings": [finding]})


def inspector(
    cve: str = "CVE-2021-44228", *, status: str = "ACTIVE", updated: str = "Wed Nov 25 08:30:00.951 UTC 2026"
) -> dict[str, Any]:
    detail = {
        "awsAccountId": ACCOUNT,
        "findingArn": f"arn:aws:inspector2:{REGION}:{ACCOUNT}:finding/{cve.lower()}",
        "firstObservedAt": "Wed Nov 25 07:00:00.356 UTC 2026",
        "lastObservedAt": "Wed Nov 25 08:00:00.476 UTC 2026",
        "updatedAt": updated,
        "description": "A vulnerability.",
        "inspectorScore": 10.0,
        "severity": "CRITICAL",
        "status": status,
        "title": f"{cve} - log4j",
        "type": "PACKAGE_VULNERABILITY",
        "fixAvailable": "YES",
        "exploitAvailable": "YES",
        "packageVulnerabilityDetails": {
            "vulnerabilityId": cve,
            "relatedVulnerabilities": ["USN-1-1"],
            "vulnerablePackages": [{"name": "log4j", "version": "2.14"}],
        },
        "resources": [{"id": INSTANCE, "type": "AWS_EC2_INSTANCE", "region": REGION, "partition": "aws"}],
    }
    return envelope("aws.inspector2", "Inspector2 Finding", detail, resources=[INSTANCE])


def macie(bucket: str = "data", kind: str = "SensitiveData:S3Object/Personal") -> dict[str, Any]:
    detail = {
        "schemaVersion": "1.0",
        "id": "64b917aa3843014c91d8937ffexample",
        "accountId": ACCOUNT,
        "partition": "aws",
        "region": REGION,
        "type": kind,
        "title": "The S3 object contains personal information.",
        "description": "d",
        "severity": {"score": 3, "description": "High"},
        "category": "CLASSIFICATION",
        "createdAt": "2026-11-25T08:00:00Z",
        "updatedAt": "2026-11-25T08:30:00Z",
        "count": 1,
        "archived": False,
        "resourcesAffected": {
            "s3Bucket": {
                "arn": f"arn:aws:s3:::{bucket}",
                "name": bucket,
                "publicAccess": {"effectivePermission": "PUBLIC"},
            },
            "s3Object": {"bucketArn": f"arn:aws:s3:::{bucket}", "key": "customers.csv"},
        },
        "classificationDetails": {
            "result": {"sensitiveData": [{"category": "PERSONAL_INFORMATION", "detections": [{"type": "NAME"}]}]}
        },
        "policyDetails": None,
    }
    return envelope("aws.macie", "Macie Finding", detail)


def wrapped_in_sns(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:findings",
        "Message": json.dumps(document),
        "Timestamp": "2026-11-25T08:30:06.000Z",
    }


def wrapped_in_sqs(document: dict[str, Any]) -> dict[str, Any]:
    """A batch as Lambda gets it."""
    return {"Records": [{"messageId": "1", "body": json.dumps(document), "eventSource": "aws:sqs"}]}


def config_invocation(
    message: str, item: dict[str, Any] | None, rule: str = "ds-rule", **fields: Any
) -> dict[str, Any]:
    """A custom Config rule being asked, as Lambda gets it."""
    key = "configurationItem" if message == "ConfigurationItemChangeNotification" else "configurationItemSummary"
    invoking: dict[str, Any] = {"messageType": message, "notificationCreationTime": "2026-11-25T08:31:00.000Z"}
    if item is None:
        invoking["awsAccountId"] = ACCOUNT
    else:
        invoking[key] = item
    parameters = fields.pop("parameters", {})
    return {
        "version": "1.0",
        "invokingEvent": json.dumps(invoking),
        "ruleParameters": json.dumps(parameters),
        "resultToken": "TESTMODE",
        "eventLeftScope": False,
        "configRuleName": rule,
        "configRuleArn": f"arn:aws:config:{REGION}:{ACCOUNT}:config-rule/config-rule-1",
        "configRuleId": "config-rule-1",
        "accountId": ACCOUNT,
        **fields,
    }


def configuration_item(**fields: Any) -> dict[str, Any]:
    return {
        "configurationItemCaptureTime": "2026-11-25T08:29:30.000Z",
        "configurationItemStatus": "OK",
        "resourceType": "AWS::EC2::Instance",
        "resourceId": INSTANCE,
        "awsAccountId": ACCOUNT,
        "awsRegion": REGION,
        "ARN": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{INSTANCE}",
        "configuration": {"instanceId": INSTANCE},
        **fields,
    }

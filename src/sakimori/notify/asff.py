"""Our findings in the AWS Security Finding Format.

Source: "AWS Security Finding Format (ASFF)", "Required attributes" and "BatchImportFindings": the account is that which
imports; what is updated has a later `UpdatedAt`; what a provider says of severity and types stands in
`FindingProviderFields`, too, and people's `Workflow` is not ours to set; at most 240 kB a finding and 6 MB a
call, which the lengths of the fields keep far below.
"""

from __future__ import annotations

from typing import Any

from sakimori.model.finding import COMPLIANCE, IAM_ANALYSIS, Finding
from sakimori.model.partition import partition_of
from sakimori.notify.message import plain

PRODUCT = "Sakimori"

_TYPES = {
    COMPLIANCE: "Software and Configuration Checks/AWS Security Best Practices",
    IAM_ANALYSIS: "Software and Configuration Checks/AWS Security Best Practices",
}
_TTPS = "TTPs"

_RESOURCES = {
    ("ec2", "instance"): "AwsEc2Instance",
    ("ec2", "security-group"): "AwsEc2SecurityGroup",
    ("ec2", "vpc"): "AwsEc2Vpc",
    ("ec2", "subnet"): "AwsEc2Subnet",
    ("ec2", "volume"): "AwsEc2Volume",
    ("ec2", "network-interface"): "AwsEc2NetworkInterface",
    ("iam", "role"): "AwsIamRole",
    ("iam", "user"): "AwsIamUser",
    ("iam", "policy"): "AwsIamPolicy",
    ("iam", "group"): "AwsIamGroup",
    ("s3", ""): "AwsS3Bucket",
    ("lambda", "function"): "AwsLambdaFunction",
    ("kms", "key"): "AwsKmsKey",
    ("rds", "db"): "AwsRdsDbInstance",
    ("rds", "cluster"): "AwsRdsDbCluster",
    ("sqs", ""): "AwsSqsQueue",
    ("sns", ""): "AwsSnsTopic",
    ("eks", "cluster"): "AwsEksCluster",
    ("ecs", "cluster"): "AwsEcsCluster",
    ("ecr", "repository"): "AwsEcrRepository",
    ("dynamodb", "table"): "AwsDynamoDbTable",
    ("secretsmanager", "secret"): "AwsSecretsManagerSecret",
    ("cloudtrail", "trail"): "AwsCloudTrailTrail",
    ("cloudfront", "distribution"): "AwsCloudFrontDistribution",
}


def asff(finding: Finding, account: str, region: str, *, updated: str, resolved: bool) -> dict[str, Any]:
    """The finding as the product of `account` in `region`; `updated` is when there was news of it."""
    severity = "CRITICAL" if finding.severity.name == "FATAL" else finding.severity.name
    types = [_TYPES.get(finding.class_uid, _TTPS)]
    first = _time(finding.first_seen) or _time(finding.last_seen) or _time(updated)
    document: dict[str, Any] = {
        "SchemaVersion": "2018-10-08",
        "Id": finding.uid,
        "ProductArn": product_arn(account, region),
        "ProductName": PRODUCT,
        "CompanyName": PRODUCT,
        "GeneratorId": _text(f"sakimori/{finding.rule}", 512),
        "AwsAccountId": account,
        "Types": types,
        "FirstObservedAt": first,
        "LastObservedAt": _time(finding.last_seen) or first,
        "CreatedAt": first,
        "UpdatedAt": max(_time(updated), _time(finding.last_seen), first),
        "Severity": {"Label": severity},
        "FindingProviderFields": {"Severity": {"Label": severity}, "Types": types},
        "Title": _text(finding.title, 256),
        "Description": _text(finding.description or finding.title, 1024),
        "ProductFields": {"sakimori/uid": finding.uid, "sakimori/account": finding.account or account},
        "Resources": [_resource(finding, account, region)],
        "RecordState": "ARCHIVED" if resolved else "ACTIVE",
    }
    if finding.class_uid in _TYPES:
        document["Compliance"] = {"Status": "PASSED" if resolved else "FAILED"}
    if finding.remediation.strip():
        document["Remediation"] = {"Recommendation": {"Text": _text(finding.remediation, 512)}}
    return document


def product_arn(account: str, region: str) -> str:
    """The default product of an account: findings that it imports itself."""
    return f"arn:{partition_of(region)}:securityhub:{region}:{account}:product/{account}/default"


def _resource(finding: Finding, account: str, region: str) -> dict[str, Any]:
    owner = finding.account or account
    uid = _text(finding.asset, 512) if finding.asset.strip() else f"AWS::::Account:{owner}"
    kind = "Other" if finding.asset.strip() else "AwsAccount"
    parts = finding.asset.split(":", 5)
    if len(parts) == 6 and parts[0] == "arn":
        name = parts[5].replace(":", "/").partition("/")
        kind = _RESOURCES.get((parts[2], name[0] if name[1] else ""), "Other")
    own_region = {"Region": finding.region} if finding.region and finding.region != "global" else {"Region": region}
    return {"Type": kind, "Id": uid, "Partition": partition_of(region), **own_region}


def _text(text: str, most: int) -> str:
    """Not empty, and no longer than Security Hub takes; what was cut says so."""
    kept = plain(text).strip()
    return (kept if len(kept) <= most else kept[: most - 1].rstrip() + "…") or "-"


def _time(text: str) -> str:
    """To the millisecond, which is as far as ASFF goes, so that what is later sorts later."""
    whole, _, rest = text.removesuffix("Z").partition(".")
    return f"{whole}.{rest[:3].ljust(3, '0')}Z" if whole else ""

"""Security Hub: our findings go there with BatchImportFindings, and are archived there when they are resolved here.

Source: "AWS Security Finding Format (ASFF)". Messages about runs are not findings, and are not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakimori.aws.errors import asking
from sakimori.aws.session import client
from sakimori.model.finding import COMPLIANCE, Finding
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message, Worded, plain

SETTINGS = {"region": False}
IAM_ACTIONS = ("securityhub:BatchImportFindings", "sts:GetCallerIdentity")


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Imports the finding that the message is about."""
    finding = message.subject
    if not isinstance(finding, Finding):
        return
    region = settings.get("region") or finding.region or None
    with asking("securityhub:BatchImportFindings", finding.uid):
        account = str(client("sts", region=region).get_caller_identity()["Account"])
        hub = client("securityhub", region=region)
        document = asff(finding, account, hub.meta.region_name, resolved=message.kind == "finding-resolved")
        answer = hub.batch_import_findings(Findings=[document])
    if answer["FailedCount"]:
        raise NotifyError(f"Security Hub did not take {finding.uid}: {answer['FailedFindings'][0].get('ErrorMessage')}")


def asff(finding: Finding, account: str, region: str, *, resolved: bool) -> dict[str, Any]:
    """The finding in ASFF, as of the account's own product."""
    kind = "Software and Configuration Checks" if finding.class_uid == COMPLIANCE else "TTPs"
    resource = {
        "Type": "Other",
        "Id": finding.asset or f"AWS::::Account:{finding.account or account}",
        "Region": region,
    }
    return {
        "SchemaVersion": "2018-10-08",
        "Id": finding.uid,
        "ProductArn": f"arn:aws:securityhub:{region}:{account}:product/{account}/default",
        "GeneratorId": f"sakimori/{finding.rule}"[:512],
        "AwsAccountId": finding.account or account,
        "Types": [kind],
        "CreatedAt": finding.first_seen or finding.last_seen,
        "UpdatedAt": finding.last_seen or finding.first_seen,
        "Severity": {"Label": "CRITICAL" if finding.severity.name == "FATAL" else finding.severity.name},
        "Title": plain(finding.title)[:256],
        "Description": plain(finding.description or finding.title)[:1024],
        "ProductFields": {"sakimori/uid": finding.uid, "ProviderName": "Sakimori"},
        "Resources": [resource],
        "RecordState": "ARCHIVED" if resolved else "ACTIVE",
        **(
            {"Remediation": {"Recommendation": {"Text": plain(finding.remediation)[:512]}}}
            if finding.remediation
            else {}
        ),
    }

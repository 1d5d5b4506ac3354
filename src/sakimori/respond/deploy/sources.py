"""Which events go to the queue: a rule of EventBridge for each source, and the schedules.

Source: "Amazon EventBridge event patterns"; the detail types are those that `collect/products/` reads. S3 and
CloudTrail tell of every object: of these only what deployments are made from is let through.
"""

from __future__ import annotations

from typing import Any

from sakimori.respond.workflows.s3_appspec import BUNDLES, NAMES

DEPLOYED = [{"suffix": ending} for ending in (*NAMES, *BUNDLES)]
WRITES = ["PutObject", "CopyObject", "CompleteMultipartUpload"]

SOURCES: dict[str, dict[str, Any]] = {
    "guardduty": {
        "source": ["aws.guardduty"],
        "detail-type": ["GuardDuty Finding", "GuardDuty Malware Protection Object Scan Result"],
    },
    "macie": {"source": ["aws.macie", "aws.macie2"], "detail-type": ["Macie Finding"]},
    "inspector2": {"source": ["aws.inspector2"], "detail-type": ["Inspector2 Finding"]},
    "securityhub": {
        "source": ["aws.securityhub"],
        "detail-type": [
            "Security Hub Findings - Imported",
            "Security Hub Findings - Custom Action",
            "Security Hub Insight Results",
            "Findings Imported V2",
        ],
    },
    "config": {"source": ["aws.config"], "detail-type": ["Config Rules Compliance Change"]},
    "s3": {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"object": {"key": DEPLOYED}},
    },
    "ecr": {"source": ["aws.ecr"], "detail-type": ["ECR Image Scan"]},
    "cloudtrail": {
        "source": ["aws.s3"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventName": WRITES, "requestParameters": {"key": DEPLOYED}},
    },
    "health": {"source": ["aws.health"], "detail-type": ["AWS Health Event", "AWS Health Abuse Event"]},
}
"""Source -> the pattern of its rule."""

HEARTBEAT = "rate(5 minutes)"
SCHEDULES = {"waf": "rate(1 day)"}
"""Workflow that runs on a schedule -> when, unless the user says otherwise."""

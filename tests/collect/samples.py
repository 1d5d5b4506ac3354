"""Small CloudTrail records of our own, in the shapes that they travel in."""

from __future__ import annotations

import json
from typing import Any


def record(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A plausible record; `number` makes it different from others."""
    return {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROAEXAMPLE{number}:session",
            "arn": "arn:aws:sts::123456789012:assumed-role/deploy/session",
            "accountId": "123456789012",
            "sessionContext": {"attributes": {"creationDate": "2026-11-21T08:00:00Z", "mfaAuthenticated": "false"}},
        },
        "eventTime": "2026-11-21T08:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutBucketPolicy",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": 'aws-cli/2.17 ["quoted\\\\ text"] <é>',
        "requestParameters": {"bucketName": f"bucket-{number}", "policy": {"Statement": [{"Effect": "Allow"}]}},
        "responseElements": None,
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "readOnly": False,
        "resources": [{"accountId": "123456789012", "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::bucket-{number}"}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "123456789012",
        "eventCategory": "Management",
        **changes,
    }


def raw(number: int = 0, **changes: Any) -> bytes:
    """The record as CloudTrail writes it: compact, UTF-8."""
    return json.dumps(record(number, **changes), separators=(",", ":"), ensure_ascii=False).encode()


def document(*records: bytes) -> bytes:
    """Records in a log file's text."""
    return b'{"Records":[' + b",".join(records) + b"]}"

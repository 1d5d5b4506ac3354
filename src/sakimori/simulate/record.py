"""One CloudTrail record of an invented call, in the shape of CloudTrail's record format 1.11.

Source: AWS CloudTrail User Guide, "CloudTrail record contents" and "CloudTrail userIdentity element".
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

SESSION = timedelta(hours=6)
"""How long invented temporary credentials last; instance roles' are renewed about that often."""


def role_identity(
    account: str, role: str, session: str, at: datetime, *, invoked_by: str = "", mfa: bool = False
) -> dict[str, Any]:
    """The `userIdentity` of a role's session; its access key changes every SESSION."""
    started = at.replace(hour=at.hour - at.hour % 6, minute=0, second=0, microsecond=0)
    unique = _unique("AROA", role)
    identity: dict[str, Any] = {
        "type": "AssumedRole",
        "principalId": f"{unique}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        "accountId": account,
        "accessKeyId": _unique("ASIA", f"{role}/{session}/{started:%Y%m%d%H}"),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": unique,
                "arn": f"arn:aws:iam::{account}:role/{role}",
                "accountId": account,
                "userName": role,
            },
            "attributes": {"creationDate": timestamp(started), "mfaAuthenticated": str(mfa).lower()},
        },
    }
    if session.startswith("i-"):
        identity["sessionContext"]["ec2RoleDelivery"] = "2.0"
    if invoked_by:
        identity["invokedBy"] = invoked_by
        del identity["accessKeyId"]
    return identity


def user_identity(account: str, user: str) -> dict[str, Any]:
    """The `userIdentity` of an IAM user with a long-term key."""
    return {
        "type": "IAMUser",
        "principalId": _unique("AIDA", user),
        "arn": f"arn:aws:iam::{account}:user/{user}",
        "accountId": account,
        "accessKeyId": _unique("AKIA", user),
        "userName": user,
    }


def service_identity(service: str) -> dict[str, Any]:
    """The `userIdentity` of an AWS service that acts for itself."""
    return {"type": "AWSService", "invokedBy": service}


def api_call(
    rng: Random,
    at: datetime,
    name: str,
    identity: dict[str, Any],
    *,
    account: str,
    region: str,
    source: str,
    agent: str,
    request: dict[str, Any] | None = None,
    response: dict[str, Any] | None = None,
    read_only: bool = True,
    data: bool = False,
    error: str = "",
) -> dict[str, Any]:
    """The record of the call `name`, such as `s3:GetObject`; `error` is an error code, such as `AccessDenied`."""
    service, _, operation = name.partition(":")
    record: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": timestamp(at),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": operation,
        "awsRegion": region,
        "sourceIPAddress": source,
        "userAgent": agent,
        "requestParameters": request,
        "responseElements": response,
        "requestID": _uuid(rng),
        "eventID": _uuid(rng),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "managementEvent": not data,
        "recipientAccountId": account,
        "eventCategory": "Data" if data else "Management",
    }
    if error:
        who = identity.get("arn", identity.get("invokedBy", ""))
        record["errorCode"] = error
        record["errorMessage"] = f"User: {who} is not authorized to perform: {name}"
    if source.startswith("10."):
        record["vpcEndpointId"] = "vpce-0e4a7c1d2b3f50001"
    if data and request and "bucketName" in request:
        bucket = f"arn:aws:s3:::{request['bucketName']}"
        record["resources"] = [
            {"type": "AWS::S3::Object", "ARN": f"{bucket}/{request.get('key', '')}"},
            {"type": "AWS::S3::Bucket", "ARN": bucket, "accountId": account},
        ]
    return record


def timestamp(at: datetime) -> str:
    """`at` as CloudTrail writes it: `2026-11-20T10:00:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _unique(prefix: str, name: str) -> str:
    """An id in IAM's shape that says what it is: `AROA`, nine letters, `EXAMPLE`."""
    digest = hashlib.sha256(name.encode()).digest()
    return prefix + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[byte % 32] for byte in digest[:9]) + "EXAMPLE"

"""The nine-step attack, as far as CloudTrail sees it.

A public web server is exploited and its role's credentials are used from the attacker's own machine; the bucket that
deployments come from is found, its `appspec.yml` is rewritten, and the pipeline itself carries the malware to every
server. Steps 1 to 3 (the exploit, the web shell, the read of the instance metadata) and 9 (encryption on the servers)
happen on the hosts: CloudTrail shows what comes between, and how the attacker settles in and covers the tracks.
The account's own trail is stopped on the way; the organisation's trail goes on, so that the later calls are logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sakimori.simulate.company import ACCOUNT, CODE_BUCKET, REGION, SNAPSHOT, TRAIL, WEB_INSTANCES
from sakimori.simulate.record import api_call, role_identity, user_identity

ATTACKER = "203.0.113.66"
ATTACKER_ACCOUNT = "444455556666"
STARTS = timedelta(hours=2, minutes=11)
"""Counted from midnight UTC: nobody is at work, and the web servers are quiet."""

FORGOTTEN_USER = "deploy-legacy"
_AGENT = "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux md/arch#x86_64 lang/python#3.13.7"
_BUCKETS = ("example-shop-media", CODE_BUCKET, "example-shop-exports", "example-shop-trail-logs")
_PIPELINE = "shop-web-release"


@dataclass(frozen=True, slots=True)
class Act:
    """One call of the attack: `step` is its number among the nine; `wait` is in seconds since the call before.

    `who` is web (the stolen role), user (the key made on the way) or pipeline (AWS itself, doing the attacker's work).
    """

    step: int
    wait: int
    who: str
    name: str
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    read_only: bool = True
    data: bool = False
    error: str = ""


_LOOKING_AROUND = (
    Act(4, 0, "web", "sts:GetCallerIdentity"),
    Act(4, 21, "web", "ec2:DescribeRegions", {"regionSet": {}}),
    Act(4, 14, "web", "ec2:DescribeInstances", {"instancesSet": {}, "filterSet": {}}),
    Act(4, 30, "web", "iam:ListUsers"),
    Act(4, 12, "web", "iam:ListRoles", error="AccessDenied"),
    Act(4, 9, "web", "iam:GetAccountAuthorizationDetails", error="AccessDenied"),
    Act(4, 11, "web", "iam:ListAttachedRolePolicies", {"roleName": "shop-web"}, error="AccessDenied"),
    Act(4, 17, "web", "secretsmanager:ListSecrets"),
    *(
        Act(4, 3, "web", "secretsmanager:GetSecretValue", {"secretId": f"shop/{secret}"})
        for secret in ("database", "payments", "mail", "search", "crm", "session-key")
    ),
)

_BUCKETS_ENUMERATED = (
    Act(5, 44, "web", "s3:ListBuckets"),
    *(
        Act(5, 2, "web", f"s3:{name}", {"bucketName": bucket, "Host": f"{bucket}.s3.{REGION}.amazonaws.com"})
        for bucket in _BUCKETS
        for name in ("GetBucketLocation", "GetBucketAcl", "GetBucketPolicy", "GetBucketVersioning", "GetBucketTagging")
    ),
    Act(5, 20, "web", "s3:ListObjects", {"bucketName": CODE_BUCKET, "prefix": ""}, data=True),
)

_SETTLING_IN = (
    Act(
        5,
        95,
        "web",
        "iam:CreateAccessKey",
        {"userName": FORGOTTEN_USER},
        {"accessKey": {"userName": FORGOTTEN_USER, "status": "Active", "accessKeyId": "AKIAQQQQQQQQQEXAMPLE"}},
        read_only=False,
    ),
    Act(5, 40, "user", "sts:GetCallerIdentity"),
    Act(5, 33, "user", "cloudtrail:DescribeTrails"),
    Act(5, 25, "user", "cloudtrail:StopLogging", {"name": TRAIL}, read_only=False),
    Act(
        5,
        140,
        "user",
        "ec2:ModifySnapshotAttribute",
        {
            "snapshotId": SNAPSHOT,
            "attributeType": "CREATE_VOLUME_PERMISSION",
            "createVolumePermission": {"add": {"items": [{"userId": ATTACKER_ACCOUNT}]}},
        },
        {"_return": True},
        read_only=False,
    ),
)

_THE_PIPELINE_TURNED = (
    Act(6, 260, "web", "s3:GetObject", {"bucketName": CODE_BUCKET, "key": "shop-web/appspec.yml"}, data=True),
    Act(6, 410, "web", "s3:PutObject", {"bucketName": CODE_BUCKET, "key": "shop-web/appspec.yml"}, None, False, True),
    Act(7, 35, "web", "s3:PutObject", {"bucketName": CODE_BUCKET, "key": "shop-web/release.zip"}, None, False, True),
    Act(8, 20, "pipeline", "codepipeline:StartPipelineExecution", {"name": _PIPELINE}, read_only=False),
    Act(
        8,
        48,
        "pipeline",
        "codedeploy:CreateDeployment",
        {
            "applicationName": "shop-web",
            "deploymentGroupName": "production",
            "revision": {
                "revisionType": "S3",
                "s3Location": {"bucket": CODE_BUCKET, "key": "shop-web/release.zip", "bundleType": "zip"},
            },
        },
        {"deploymentId": "d-EXAMPLE01"},
        read_only=False,
    ),
)

_NO_WAY_BACK = (
    Act(9, 300, "user", "ec2:DeleteSnapshot", {"snapshotId": SNAPSHOT}, {"_return": True}, read_only=False),
    Act(
        9,
        30,
        "user",
        "backup:DeleteRecoveryPoint",
        {
            "backupVaultName": "Default",
            "recoveryPointArn": f"arn:aws:ec2:{REGION}::snapshot/{SNAPSHOT}",
        },
        read_only=False,
    ),
)

ACTS = (*_LOOKING_AROUND, *_BUCKETS_ENUMERATED, *_SETTLING_IN, *_THE_PIPELINE_TURNED, *_NO_WAY_BACK)


def intrusion(rng: Random, midnight: datetime) -> list[tuple[datetime, dict[str, Any]]]:
    """The attack's records with their times, on the day that starts at `midnight` (UTC)."""
    at = midnight + STARTS
    records = []
    for act in ACTS:
        at += timedelta(seconds=act.wait)
        records.append((at, _record(rng, at, act)))
    return records


def _record(rng: Random, at: datetime, act: Act) -> dict[str, Any]:
    source, agent = ATTACKER, _AGENT
    if act.who == "web":
        identity = role_identity(ACCOUNT, "shop-web", WEB_INSTANCES[0], at)
    elif act.who == "user":
        identity = user_identity(ACCOUNT, FORGOTTEN_USER)
    else:
        source = agent = "codepipeline.amazonaws.com"
        identity = role_identity(ACCOUNT, "shop-pipeline", "1763604000000", at, invoked_by=source)
    return api_call(
        rng,
        at,
        act.name,
        identity,
        account=ACCOUNT,
        region="us-east-1" if act.name.startswith("iam:") else REGION,
        source=source,
        agent=agent,
        request=act.request,
        response=act.response,
        read_only=act.read_only,
        data=act.data,
        error=act.error,
    )

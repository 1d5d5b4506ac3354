"""A small shop that does not exist: who works in its AWS account on an ordinary day, and what they call.

Accounts and addresses are those set aside for documentation (RFC 5737 and the AWS documentation's account ids).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ACCOUNT = "111122223333"
REGION = "eu-west-1"
OFFICE = tuple(f"192.0.2.{host}" for host in (11, 12, 15, 21))
NAT_GATEWAY = "198.51.100.20"
WEB_INSTANCES = ("i-0a51c7d2e8f900001", "i-0a51c7d2e8f900002")
WEB_ADDRESSES = ("10.0.1.23", "10.0.2.23")
"""Their calls go through VPC endpoints, so CloudTrail shows their private addresses."""

CODE_BUCKET = "example-shop-code"
TRAIL_NAME = "example-shop-trail"
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{TRAIL_NAME}"
SNAPSHOT = "snap-0d1e2f3a4b5c60001"

FLAT = (1,) * 24
OFFICE_HOURS = (0,) * 7 + (1, 6, 10, 9, 6, 4, 8, 10, 9, 6, 3, 1) + (0,) * 5
SHOPPING_HOURS = (2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 11, 12, 11, 10, 9, 9, 10, 12, 13, 12, 9, 6, 3)
"""How busy each hour of a day is in UTC, relative to the others."""


@dataclass(frozen=True, slots=True)
class Call:
    """A kind of call: `s3:GetObject`, with its share among its caller's calls.

    In `request` and `response`, `{n}` stands for a number that differs from call to call. Reads have no response,
    as in CloudTrail. `data` marks S3 object calls and the like, which CloudTrail logs as data events.
    """

    name: str
    weight: int
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    read_only: bool = True
    data: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody or something that calls AWS: `kind` is role, user or service, as `sakimori.simulate.record` knows them.

    `share` is its part of all events. `sessions` are the names that a role is assumed under, `sources` the addresses,
    in step with each other where there are as many of both.
    """

    kind: str
    name: str
    share: int
    hours: tuple[int, ...]
    sources: tuple[str, ...]
    agent: str
    calls: tuple[Call, ...]
    sessions: tuple[str, ...] = ()
    invoked_by: str = ""
    mfa: bool = False


def _reads(service: str, *names: str, weight: int = 4) -> tuple[Call, ...]:
    return tuple(Call(f"{service}:{name}", weight) for name in names)


_BOTO = "Boto3/1.40.55 md/Botocore#1.40.55 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.12.7"
_CONSOLE = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

WEB = Caller(
    "role",
    "shop-web",
    share=34,
    hours=SHOPPING_HOURS,
    sources=WEB_ADDRESSES,
    sessions=WEB_INSTANCES,
    agent=_BOTO,
    calls=(
        Call("s3:GetObject", 40, {"bucketName": "example-shop-media", "key": "products/{n}.jpg"}, data=True),
        Call("s3:PutObject", 8, {"bucketName": "example-shop-media", "key": "uploads/{n}.jpg"}, None, False, True),
        Call("ssm:GetParameters", 6, {"names": ["/shop/feature-flags"], "withDecryption": False}),
        Call("secretsmanager:GetSecretValue", 1, {"secretId": "shop/database"}),
        Call("kms:Decrypt", 6, {"encryptionContext": {"service": "shop"}, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}),
    ),
)

THUMBNAILS = Caller(
    "role",
    "shop-thumbnails",
    share=16,
    hours=SHOPPING_HOURS,
    sources=(NAT_GATEWAY, "198.51.100.21"),
    sessions=("shop-thumbnails",),
    agent=f"{_BOTO} exec-env/AWS_Lambda_python3.12",
    calls=(
        Call("s3:GetObject", 10, {"bucketName": "example-shop-media", "key": "uploads/{n}.jpg"}, data=True),
        Call("s3:PutObject", 10, {"bucketName": "example-shop-media", "key": "thumbs/{n}.jpg"}, None, False, True),
        Call("logs:CreateLogStream", 2, {"logGroupName": "/aws/lambda/shop-thumbnails"}, None, False),
    ),
)

MONITORING = Caller(
    "role",
    "monitoring-reader",
    share=22,
    hours=FLAT,
    sources=("198.51.100.77",),
    sessions=("metrics",),
    agent="aws-sdk-go-v2/1.36.3 os/linux lang/go#1.24.1",
    calls=(
        *_reads("monitoring", "GetMetricData", weight=20),
        *_reads("monitoring", "ListMetrics", "DescribeAlarms"),
        *_reads("ec2", "DescribeInstances", "DescribeVolumes"),
        *_reads("elasticloadbalancing", "DescribeTargetHealth", "DescribeLoadBalancers"),
        *_reads("rds", "DescribeDBInstances"),
    ),
)

DEPLOYMENT = Caller(
    "role",
    "ci-deploy",
    share=3,
    hours=OFFICE_HOURS,
    sources=("198.51.100.140", "198.51.100.141"),
    sessions=("pipeline-run",),
    agent="aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux md/arch#x86_64 lang/python#3.13.7",
    calls=(
        Call("sts:GetCallerIdentity", 3),
        Call("ecr:GetAuthorizationToken", 3),
        Call("ecr:PutImage", 2, {"repositoryName": "shop/worker", "imageTag": "build-{n}"}, None, False),
        Call("ecs:DescribeServices", 8, {"cluster": "shop", "services": ["worker"]}),
        Call("ecs:RegisterTaskDefinition", 2, {"family": "worker", "networkMode": "awsvpc"}, None, False),
        Call("ecs:UpdateService", 2, {"cluster": "shop", "service": "worker"}, None, False),
        Call("s3:PutObject", 2, {"bucketName": CODE_BUCKET, "key": "shop-web/release-{n}.zip"}, None, False, True),
    ),
)

AUTO_SCALING = Caller(
    "role",
    "AWSServiceRoleForECS",
    share=8,
    hours=FLAT,
    sources=("ecs.amazonaws.com",),
    sessions=("ecs-service-scheduler",),
    agent="ecs.amazonaws.com",
    invoked_by="ecs.amazonaws.com",
    calls=(
        *_reads("elasticloadbalancing", "DescribeTargetHealth", "DescribeTargetGroups", weight=8),
        Call("elasticloadbalancing:RegisterTargets", 1, {"targets": [{"id": "10.0.1.{n}", "port": 8080}]}, None, False),
        *_reads("ec2", "DescribeNetworkInterfaces", weight=6),
    ),
)

CONFIG = Caller(
    "role",
    "AWSServiceRoleForConfig",
    share=9,
    hours=FLAT,
    sources=("config.amazonaws.com",),
    sessions=("AWSConfig-Describe",),
    agent="config.amazonaws.com",
    invoked_by="config.amazonaws.com",
    calls=(
        *_reads("ec2", "DescribeSecurityGroups", "DescribeSubnets", "DescribeRouteTables", "DescribeVpcs"),
        *_reads("s3", "GetBucketAcl", "GetBucketPolicy", "GetBucketEncryption"),
        *_reads("iam", "GetRole", "ListAttachedRolePolicies"),
        *_reads("kms", "ListAliases", "DescribeKey"),
    ),
)

BACKUP = Caller(
    "role",
    "AWSBackupDefaultServiceRole",
    share=1,
    hours=(0, 0, 0, 6, 3) + (0,) * 19,
    sources=("backup.amazonaws.com",),
    sessions=("AWSBackup-Default",),
    agent="backup.amazonaws.com",
    invoked_by="backup.amazonaws.com",
    calls=(
        *_reads("ec2", "DescribeSnapshots", "DescribeVolumes", weight=10),
        Call("ec2:CreateSnapshot", 1, {"volumeId": "vol-0ee0000000000{n:04d}"}, None, False),
    ),
)

SERVICES = (
    Caller(
        "service",
        "ec2.amazonaws.com",
        share=1,
        hours=FLAT,
        sources=("ec2.amazonaws.com",),
        agent="ec2.amazonaws.com",
        calls=(Call("sts:AssumeRole", 1, {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/shop-web"}),),
    ),
    Caller(
        "service",
        "cloudtrail.amazonaws.com",
        share=3,
        hours=FLAT,
        sources=("cloudtrail.amazonaws.com",),
        agent="cloudtrail.amazonaws.com",
        calls=(
            Call("kms:GenerateDataKey", 3, {"keySpec": "AES_256"}),
            Call("s3:GetBucketAcl", 1, {"bucketName": "example-shop-trail-logs"}),
        ),
    ),
)

PEOPLE = Caller(
    "role",
    "AWSReservedSSO_Developer_0123456789abcdef",
    share=3,
    hours=OFFICE_HOURS,
    sources=OFFICE,
    sessions=("ann@example.com", "ben@example.com", "chie@example.com", "dov@example.com"),
    agent=_CONSOLE,
    mfa=True,
    calls=(
        *_reads("ec2", "DescribeInstances", "DescribeSecurityGroups", "DescribeRegions", weight=6),
        *_reads("ecs", "ListClusters", "DescribeTasks"),
        *_reads("logs", "StartQuery", "GetQueryResults", "DescribeLogGroups", weight=5),
        *_reads("monitoring", "GetMetricData", "DescribeAlarms", weight=6),
        *_reads("s3", "ListBuckets", "GetBucketVersioning", weight=2),
        Call("ecs:UpdateService", 1, {"cluster": "shop", "service": "worker", "desiredCount": 4}, None, False),
    ),
)

EVERYBODY = (WEB, THUMBNAILS, MONITORING, DEPLOYMENT, AUTO_SCALING, CONFIG, BACKUP, *SERVICES, PEOPLE)

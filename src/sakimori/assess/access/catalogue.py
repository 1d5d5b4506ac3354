"""The actions that AWS has, so that a wildcard in a policy means these and nothing made up.

Most are operations of botocore's service models, read when a prefix is first asked for. IAM has some that are no
operation (`iam:PassRole`), and calls some by another name (`s3:ListBucket` for ListObjectsV2): `_RENAMED` and `_OWN`
hold those.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from sakimori.assess.access.arns import is_pattern
from sakimori.assess.access.globs import matcher, text_glob

_PREFIXES = {
    "monitoring": "cloudwatch",
    "tagging": "tag",
    "mturk-requester": "mechanicalturk",
    "cloudcontrolapi": "cloudformation",
    "iotdata": "iot",
    "awsssoportal": "sso",
    "execute-api": "execute-api",
    "IoTSecuredTunneling": "iot",
    "cassandra-streams": "cassandra",
}
"""What botocore signs requests for -> the prefix of the actions, where they differ."""

_RENAMED = {
    "s3": {
        "CopyObject": "PutObject",
        "CreateMultipartUpload": "PutObject",
        "CompleteMultipartUpload": "PutObject",
        "UploadPart": "PutObject",
        "UploadPartCopy": "PutObject",
        "DeleteObjects": "DeleteObject",
        "HeadObject": "GetObject",
        "SelectObjectContent": "GetObject",
        "HeadBucket": "ListBucket",
        "ListObjects": "ListBucket",
        "ListObjectsV2": "ListBucket",
        "ListObjectVersions": "ListBucketVersions",
        "ListBuckets": "ListAllMyBuckets",
        "ListMultipartUploads": "ListBucketMultipartUploads",
        "ListParts": "ListMultipartUploadParts",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
        "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
        "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
        "GetBucketEncryption": "GetEncryptionConfiguration",
        "PutBucketEncryption": "PutEncryptionConfiguration",
        "GetBucketReplication": "GetReplicationConfiguration",
        "PutBucketReplication": "PutReplicationConfiguration",
        "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
        "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
        "GetBucketNotificationConfiguration": "GetBucketNotification",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "GetBucketCors": "GetBucketCORS",
        "PutBucketCors": "PutBucketCORS",
        "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
        "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
        "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
        "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
        "GetBucketMetricsConfiguration": "GetMetricsConfiguration",
        "PutBucketMetricsConfiguration": "PutMetricsConfiguration",
        "GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
        "PutBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
        "ListDirectoryBuckets": "",
    },
    "lambda": {"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"},
    "dynamodb": {
        "BatchExecuteStatement": "",
        "ExecuteStatement": "",
        "ExecuteTransaction": "",
        "TransactGetItems": "",
        "TransactWriteItems": "",
    },
    "bedrock": {"Converse": "InvokeModel", "ConverseStream": "InvokeModelWithResponseStream"},
    "events": {},
}
"""Operations whose action has another name; "" for those that are judged by other operations' actions only."""

_OWN = {
    "iam": "PassRole",
    "s3": "GetObjectVersion GetObjectVersionAcl GetObjectVersionTagging PutObjectVersionAcl PutObjectVersionTagging"
    " DeleteObjectVersion DeleteObjectVersionTagging BypassGovernanceRetention ReplicateObject ReplicateDelete"
    " ReplicateTags ObjectOwnerOverrideToBucketOwner GetObjectVersionForReplication GetAccountPublicAccessBlock"
    " PutAccountPublicAccessBlock InitiateReplication",
    "lambda": "InvokeFunctionUrl EnableReplication InvokeAsync PassNetworkConnector",
    "sts": "SetSourceIdentity TagSession GetServiceBearerToken SetContext",
    "ssm": "PutConfigurePackageResult",
    "ssmmessages": "CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel",
    "ec2messages": "AcknowledgeMessage DeleteMessage FailMessage GetEndpoint GetMessages SendReply",
    "dynamodb": "PartiQLDelete PartiQLInsert PartiQLSelect PartiQLUpdate ConditionCheckItem"
    " EnableKinesisStreamingDestination",
    "es": "ESCrossClusterGet ESHttpDelete ESHttpGet ESHttpHead ESHttpPatch ESHttpPost ESHttpPut",
    "execute-api": "Invoke InvalidateCache ManageConnections",
    "bedrock-agentcore": "ConnectBrowserAutomationStream ConnectBrowserLiveViewStream InvokeGateway",
    "elasticmapreduce": "CreateEditor DeleteEditor DescribeEditor ListEditors OpenEditorInConsole StartEditor"
    " StopEditor",
    "rds-db": "connect",
    "codestar": "CreateProject CreateProjectFromTemplate AssociateTeamMember DisassociateTeamMember UpdateTeamMember"
    " DescribeProject ListProjects ListTeamMembers ListResources DeleteProject",
    "codecommit": "GitPull GitPush",
    "codestar-connections": "PassConnection UseConnection",
    "codeconnections": "PassConnection PassRepository UseConnection",
    "cloudformation": "CreateUploadBucket SetStackPolicy TagResource UntagResource",
    "elasticfilesystem": "ClientMount ClientRootAccess ClientWrite",
    "logs": "CreateLogDelivery DeleteLogDelivery GetLogDelivery ListLogDeliveries UpdateLogDelivery",
    "sqs": "",
    "kms": "ReEncryptFrom ReEncryptTo SynchronizeMultiRegionKey",
    "cloudshell": "CreateEnvironment CreateSession DeleteEnvironment GetEnvironmentStatus GetFileDownloadUrls"
    " GetFileUploadUrls PutCredentials StartEnvironment StopEnvironment",
    "aws-portal": "ModifyAccount ModifyBilling ModifyPaymentMethods ViewAccount ViewBilling ViewPaymentMethods"
    " ViewUsage",
    "sso": "GetSSOStatus StartSSO AssociateProfile DisassociateProfile",
    "sso-directory": "CreateUser CreateGroup AddMemberToGroup UpdateUser UpdatePassword DeleteUser",
    "ecr": "BatchImportUpstreamImage ReplicateImage",
    "eks": "AccessKubernetesApi",
    "mgh": "AssociateAutomationUnitRole CreateAutomationRun CreateAutomationUnit DeleteAutomationRun"
    " DeleteAutomationUnit DescribeAutomationRun DescribeAutomationUnit DisassociateAutomationUnitRole"
    " ListAutomationRuns ListAutomationUnits",
    "neptune-db": "connect",
    "apigateway": "GET POST PUT PATCH DELETE",
    "aoss": "APIAccessAll DashboardsAccessAll",
    "backup": "CopyFromBackupVault CopyIntoBackupVault",
    "codeartifact": "ReadFromRepository",
    "dsql": "DbConnect DbConnectAdmin",
    "redshift": "AuthorizeInboundIntegration CreateInboundIntegration",
    "s3-object-lambda": "AbortMultipartUpload DeleteObject DeleteObjectTagging DeleteObjectVersion"
    " DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectLegalHold GetObjectRetention GetObjectTagging"
    " GetObjectVersion GetObjectVersionAcl GetObjectVersionTagging ListBucket ListBucketMultipartUploads"
    " ListBucketVersions ListMultipartUploadParts PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention"
    " PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging RestoreObject WriteGetObjectResponse",
    "s3-outposts": "AbortMultipartUpload CreateAccessPoint CreateBucket DeleteAccessPoint DeleteAccessPointPolicy"
    " DeleteBucket DeleteBucketPolicy DeleteObject DeleteObjectTagging GetAccessPoint GetAccessPointPolicy GetBucket"
    " GetBucketPolicy GetBucketTagging GetLifecycleConfiguration GetObject GetObjectTagging ListAccessPoints ListBucket"
    " ListMultipartUploadParts ListRegionalBuckets PutAccessPointPolicy PutBucketPolicy PutBucketTagging"
    " PutLifecycleConfiguration PutObject PutObjectAcl PutObjectTagging",
    "s3express": "CreateAccessPoint CreateBucket CreateSession DeleteAccessPoint DeleteAccessPointPolicy DeleteBucket"
    " DeleteBucketPolicy GetAccessPoint GetAccessPointPolicy GetBucketPolicy GetEncryptionConfiguration"
    " GetLifecycleConfiguration ListAccessPointsForDirectoryBuckets ListAllMyDirectoryBuckets PutAccessPointPolicy"
    " PutBucketPolicy PutEncryptionConfiguration PutLifecycleConfiguration",
    "s3tables": "GetTableData PutTableData",
    "vpc-lattice-svcs": "Connect Invoke",
}
"""Actions that are no operation."""

_NOT_AN_ACTION = {"ReEncrypt": "kms"}


@cache
def _folders() -> dict[str, list[Path]]:
    """Action prefix -> the newest model of every service that has such actions. Reads only the head of each."""
    import botocore

    found: dict[str, list[Path]] = {}
    for service in sorted((Path(botocore.__file__).parent / "data").iterdir()):
        versions = sorted(each for each in service.iterdir() if each.is_dir()) if service.is_dir() else []
        for model in versions[-1].glob("service-2.json*") if versions else ():
            found.setdefault(_prefix(model), []).append(model)
    return found


def _prefix(model: Path) -> str:
    import gzip
    import re

    opening = gzip.open if model.suffix == ".gz" else open
    with opening(model, "rb") as stream:
        head = stream.read(4096).decode("utf-8", "replace")
    signing = re.search(r'"signingName"\s*:\s*"([^"]+)"', head)
    endpoint = re.search(r'"endpointPrefix"\s*:\s*"([^"]+)"', head)
    name = (signing or endpoint or ["", model.parent.parent.name])[1]
    return _PREFIXES.get(name, name).lower()


def prefixes() -> tuple[str, ...]:
    """Every action prefix, sorted."""
    return tuple(sorted({*_folders(), *_OWN}))


@cache
def actions_of(prefix: str) -> tuple[str, ...]:
    """All actions of one prefix as AWS writes them (`s3:GetObject`), sorted."""
    names = set(_OWN.get(prefix, "").split())
    renamed = _RENAMED.get(prefix, {})
    if prefix != "apigateway":  # its actions are the methods of HTTP
        for model in _folders().get(prefix, ()):
            names |= {renamed.get(name, name) for name in _operations(model) if _NOT_AN_ACTION.get(name) != prefix}
    return tuple(f"{prefix}:{name}" for name in sorted(names - {""}))


def _operations(model: Path) -> list[str]:
    """The operations of a model. All models together are 100 MB of JSON, hence the fast readers."""
    import deflate
    import simdjson

    raw = model.read_bytes()
    text = bytes(deflate.gzip_decompress(raw)) if model.suffix == ".gz" else raw
    found: Any = simdjson.Parser().parse(text)
    return [*found["operations"].keys()]


@lru_cache(maxsize=16_384)
def as_written(action: str) -> str:
    """The action as AWS writes it, whatever letters a policy writes it in; one that AWS has not as it is."""
    prefix = action.partition(":")[0].lower()
    return next((each for each in actions_of(prefix) if each.lower() == action.lower()), action)


@lru_cache(maxsize=4096)
def actions_like(pattern: str) -> tuple[str, ...]:
    """All actions that a pattern such as `s3:Get*` means, sorted; the one that it is where it has no wildcard."""
    if not is_pattern(pattern):
        return (as_written(pattern),)
    prefix, _, name = pattern.lower().partition(":")
    if not name and prefix.strip("*"):
        return ()
    wanted = matcher(text_glob(pattern.lower()))
    return tuple(action for each in _prefixes_like(prefix) for action in actions_of(each) if wanted(action.lower()))


def _prefixes_like(pattern: str) -> Iterator[str]:
    if not is_pattern(pattern):
        yield pattern
        return
    wanted = matcher(text_glob(pattern))
    yield from (prefix for prefix in prefixes() if wanted(prefix))

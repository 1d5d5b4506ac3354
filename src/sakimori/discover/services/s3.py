"""S3: buckets, with everything that says who may read them and what becomes of the objects."""

from __future__ import annotations

from typing import Any

from sakimori.discover.declare import Detail, Item, Listing, Reach, Resource, Service, Tie


def _region(answer: Any) -> Item:
    """GetBucketLocation: none is us-east-1, and EU is what eu-west-1 was called (S3 API, GetBucketLocation)."""
    location = answer.get("LocationConstraint") or "us-east-1"
    return {"BucketRegion": "eu-west-1" if location == "EU" else location}


def _setting(operation: str, under: str, *, path: str = "", absent: str = "", iam: str = "") -> Detail:
    """A setting of a bucket, asked in the bucket's own region; `absent` is the code that says that it is not set."""
    return Detail(
        operation=operation,
        parameters={"Bucket": "{Name}"},
        region="{BucketRegion}",
        path=path,
        under=under,
        absent=(absent,) if absent else (),
        iam=iam,
    )


BUCKET = Resource(
    "AWS::S3::Bucket",
    items="Buckets[]",
    arn="arn:{@partition}:s3:::{Name}",
    name="{Name}",
    region="{BucketRegion}",
    details=(
        Detail(
            operation="GetBucketLocation",
            parameters={"Bucket": "{Name}"},
            parse=_region,
            when=lambda bucket: not bucket.get("BucketRegion"),
        ),
        _setting("GetBucketTagging", "Tags", path="TagSet", absent="NoSuchTagSet"),
        _setting("GetBucketPolicy", "Policy", path="Policy", absent="NoSuchBucketPolicy"),
        _setting("GetBucketAcl", "Acl"),
        _setting(
            "GetPublicAccessBlock",
            "PublicAccessBlockConfiguration",
            path="PublicAccessBlockConfiguration",
            absent="NoSuchPublicAccessBlockConfiguration",
            iam="s3:GetBucketPublicAccessBlock",
        ),
        _setting(
            "GetBucketOwnershipControls",
            "OwnershipControls",
            path="OwnershipControls",
            absent="OwnershipControlsNotFoundError",
        ),
        _setting(
            "GetBucketEncryption",
            "ServerSideEncryptionConfiguration",
            path="ServerSideEncryptionConfiguration",
            absent="ServerSideEncryptionConfigurationNotFoundError",
            iam="s3:GetEncryptionConfiguration",
        ),
        _setting("GetBucketVersioning", "Versioning"),
        _setting("GetBucketLogging", "LoggingEnabled", path="LoggingEnabled"),
        _setting("GetBucketNotificationConfiguration", "NotificationConfiguration", iam="s3:GetBucketNotification"),
        _setting(
            "GetObjectLockConfiguration",
            "ObjectLockConfiguration",
            path="ObjectLockConfiguration",
            absent="ObjectLockConfigurationNotFoundError",
            iam="s3:GetBucketObjectLockConfiguration",
        ),
    ),
    documents=("Policy",),
    relations=(
        Tie("logs-to", "LoggingEnabled.TargetBucket", "arn:{@partition}:s3:::{}"),
        Tie(
            "encrypted-by",
            "ServerSideEncryptionConfiguration.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID",
        ),
        Tie("targets", "NotificationConfiguration.TopicConfigurations[].TopicArn"),
        Tie("targets", "NotificationConfiguration.QueueConfigurations[].QueueArn"),
        Tie("targets", "NotificationConfiguration.LambdaFunctionConfigurations[].LambdaFunctionArn"),
    ),
)

SERVICE = Service(
    client="s3",
    reach=Reach.GLOBAL,
    # Only with a page size does S3 tell each bucket's region (S3 API, ListBuckets), which saves a call for each.
    lists=(Listing(operation="ListBuckets", iam="s3:ListAllMyBuckets", page_size=1000, gives=(BUCKET,)),),
)

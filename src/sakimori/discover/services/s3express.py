"""S3 Express One Zone: directory buckets and their access points, each with its policy."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn

BUCKET = Resource(
    "AWS::S3Express::DirectoryBucket",
    items="Buckets[]",
    arn=arn("s3express", "bucket/{Name}"),
    name="{Name}",
    details=(
        Detail(
            operation="GetBucketPolicy",
            parameters={"Bucket": "{Name}"},
            path="Policy",
            under="Policy",
            absent=("NoSuchBucketPolicy",),
        ),
    ),
    documents=("Policy",),
)

ACCESS_POINT = Resource(
    "AWS::S3Express::AccessPoint",
    items="AccessPointList[]",
    arn=arn("s3express", "accesspoint/{Name}"),
    name="{Name}",
    details=(
        Detail(
            operation="GetAccessPointPolicy",
            client="s3control",
            parameters={"AccountId": "{@account}", "Name": "{Name}"},
            path="Policy",
            under="Policy",
            absent=("NoSuchAccessPointPolicy",),
        ),
    ),
    documents=("Policy",),
    relations=(Tie("targets", "Bucket", arn("s3express", "bucket/{}")),),
)

SERVICE = Service(
    client="s3",
    prefix="s3express",
    lists=(
        Listing(
            operation="ListDirectoryBuckets", iam="s3express:ListAllMyDirectoryBuckets", page_size=1000, gives=(BUCKET,)
        ),
        Listing(
            operation="ListAccessPointsForDirectoryBuckets",
            client="s3control",
            parameters={"AccountId": "{@account}"},
            page_size=1000,
            gives=(ACCESS_POINT,),
        ),
    ),
)

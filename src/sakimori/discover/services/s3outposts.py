"""S3 on Outposts: the buckets on each Outpost, with their policies."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn

BUCKET = Resource(
    "AWS::S3Outposts::Bucket",
    items="RegionalBucketList[]",
    arn="{BucketArn}",
    name="{Bucket}",
    details=(
        Detail(
            operation="GetBucketPolicy",
            client="s3control",
            parameters={"AccountId": "{@account}", "Bucket": "{BucketArn}"},
            path="Policy",
            under="Policy",
            absent=("NoSuchBucketPolicy",),
        ),
    ),
    documents=("Policy",),
    relations=(Tie("in", "OutpostId", arn("outposts", "outpost/{}")),),
)

OUTPOST = Resource(
    "AWS::Outposts::Outpost",
    items="Outposts[]",
    arn="{OutpostArn}",
    name="{OutpostId}",
    lists=(
        Listing(
            operation="ListRegionalBuckets",
            client="s3control",
            parameters={"AccountId": "{@account}", "OutpostId": "{OutpostId}"},
            gives=(BUCKET,),
        ),
    ),
)

SERVICE = Service(
    client="s3outposts", prefix="s3-outposts", lists=(Listing(operation="ListOutpostsWithS3", gives=(OUTPOST,)),)
)

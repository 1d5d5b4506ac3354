"""S3 Vectors: vector buckets, and who may read and write their vectors."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service

BUCKET = Resource(
    "AWS::S3Vectors::VectorBucket",
    items="vectorBuckets[]",
    arn="{vectorBucketArn}",
    name="{vectorBucketName}",
    details=(
        Detail(
            operation="GetVectorBucketPolicy",
            parameters={"vectorBucketArn": "{vectorBucketArn}"},
            path="policy",
            under="Policy",
            absent=("NotFoundException",),
        ),
    ),
    documents=("Policy",),
)

SERVICE = Service(client="s3vectors", lists=(Listing(operation="ListVectorBuckets", page_size=500, gives=(BUCKET,)),))

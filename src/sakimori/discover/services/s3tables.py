"""S3 Tables: table buckets and their tables, each with its policy."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie

_BUCKET = {"tableBucketARN": "{arn}"}

TABLE = Resource(
    "AWS::S3Tables::Table",
    items="tables[]",
    arn="{tableARN}",
    name="{name}",
    inherit={"tableBucketARN": "{arn}"},
    details=(
        Detail(
            operation="GetTablePolicy",
            parameters={"tableBucketARN": "{tableBucketARN}", "namespace": "{namespace[]}", "name": "{name}"},
            path="resourcePolicy",
            under="Policy",
            absent=("NotFoundException",),
        ),
    ),
    documents=("Policy",),
    relations=(Tie("in", "tableBucketARN"),),
)

BUCKET = Resource(
    "AWS::S3Tables::TableBucket",
    items="tableBuckets[]",
    arn="{arn}",
    name="{name}",
    details=(
        Detail(
            operation="GetTableBucketPolicy",
            parameters=_BUCKET,
            path="resourcePolicy",
            under="Policy",
            absent=("NotFoundException",),
        ),
    ),
    documents=("Policy",),
    lists=(Listing(operation="ListTables", parameters=_BUCKET, page_size=1000, gives=(TABLE,)),),
)

SERVICE = Service(client="s3tables", lists=(Listing(operation="ListTableBuckets", page_size=1000, gives=(BUCKET,)),))

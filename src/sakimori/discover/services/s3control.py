"""S3's settings of the account: what of public access is blocked for all buckets."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Reach, Resource, Service

BLOCK = Resource(
    "AWS::S3::AccountPublicAccessBlock",
    items="PublicAccessBlockConfiguration",
    arn="arn:{@partition}:s3::{@account}:public-access-block",
)

SERVICE = Service(
    client="s3control",
    prefix="s3",
    reach=Reach.GLOBAL,
    lists=(
        Listing(
            operation="GetPublicAccessBlock",
            parameters={"AccountId": "{@account}"},
            iam="s3:GetAccountPublicAccessBlock",
            absent=("NoSuchPublicAccessBlockConfiguration",),
            gives=(BLOCK,),
        ),
    ),
)

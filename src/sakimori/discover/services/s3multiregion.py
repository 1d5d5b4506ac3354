"""S3's access points of many regions, each with its policy, its buckets and what it blocks."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Reach, Resource, Service, Tie

ACCESS_POINT = Resource(
    "AWS::S3::MultiRegionAccessPoint",
    items="AccessPoints[]",
    arn="arn:{@partition}:s3::{@account}:accesspoint/{Alias}",
    name="{Name}",
    details=(
        Detail(
            operation="GetMultiRegionAccessPointPolicy",
            parameters={"AccountId": "{@account}", "Name": "{Name}"},
            path="Policy.Established.Policy",
            under="Policy",
            absent=("NoSuchMultiRegionAccessPointPolicy", "NoSuchAccessPointPolicy"),
        ),
    ),
    documents=("Policy",),
    relations=(Tie("targets", "Regions[].Bucket", "arn:{@partition}:s3:::{}"),),
)

SERVICE = Service(
    client="s3control",
    prefix="s3",
    reach=Reach.GLOBAL,
    # "Multi-Region Access Point restrictions and limitations", Amazon S3: all are asked about there.
    homes={"aws": "us-west-2"},
    lists=(
        Listing(operation="ListMultiRegionAccessPoints", parameters={"AccountId": "{@account}"}, gives=(ACCESS_POINT,)),
    ),
)

"""S3's access points, Object Lambda's among them, and Access Grants: other ways to objects than by their bucket."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import arns

_OURS = {"AccountId": "{@account}"}
_NAMED = {**_OURS, "Name": "{Name}"}
_BUCKET = "arn:{@partition}:s3:::{}"

ACCESS_POINT = Resource(
    "AWS::S3::AccessPoint",
    items="AccessPointList[]",
    arn=arn("s3", "accesspoint/{Name}"),
    name="{Name}",
    details=(
        Detail(operation="GetAccessPoint", parameters=_NAMED),
        Detail(
            operation="GetAccessPointPolicy",
            parameters=_NAMED,
            path="Policy",
            under="Policy",
            absent=("NoSuchAccessPointPolicy",),
        ),
    ),
    documents=("Policy",),
    relations=(Tie("targets", "Bucket", _BUCKET), Tie("in", "VpcConfiguration.VpcId", arn("ec2", "vpc/{}"))),
)


OBJECT_LAMBDA = Resource(
    "AWS::S3ObjectLambda::AccessPoint",
    items="ObjectLambdaAccessPointList[]",
    arn="{ObjectLambdaAccessPointArn}",
    name="{Name}",
    details=(
        Detail(
            operation="GetAccessPointPolicyForObjectLambda",
            parameters=_NAMED,
            path="Policy",
            under="Policy",
            absent=("NoSuchAccessPointPolicy",),
        ),
    ),
    documents=("Policy",),
)

LOCATION = Resource(
    "AWS::S3::AccessGrantsLocation",
    items="AccessGrantsLocationsList[]",
    arn="{AccessGrantsLocationArn}",
    name="{LocationScope}",
    relations=(Tie("runs-as", "IAMRoleArn"),),
)

GRANT = Resource(
    "AWS::S3::AccessGrant",
    items="AccessGrantsList[]",
    arn="{AccessGrantArn}",
    name="{GrantScope}",
    relations=(arns("shared-with", "Grantee.GranteeIdentifier"),),
)

GRANTS = Resource(
    "AWS::S3::AccessGrantsInstance",
    items="AccessGrantsInstancesList[]",
    arn=arn("s3", "access-grants/default"),  # there is one in a region, and that is its id
    details=(
        Detail(
            operation="GetAccessGrantsInstanceResourcePolicy",
            parameters=_OURS,
            path="Policy",
            under="Policy",
            absent=("NoSuchAccessGrantsInstanceResourcePolicy", "AccessGrantsInstanceResourcePolicyNotFound"),
        ),
    ),
    documents=("Policy",),
    lists=(
        Listing(operation="ListAccessGrantsLocations", parameters=_OURS, gives=(LOCATION,)),
        Listing(operation="ListAccessGrants", parameters=_OURS, gives=(GRANT,)),
    ),
)

SERVICE = Service(
    client="s3control",
    prefix="s3",
    lists=(
        Listing(operation="ListAccessPoints", parameters=_OURS, gives=(ACCESS_POINT,)),
        Listing(operation="ListAccessPointsForObjectLambda", parameters=_OURS, page_size=1000, gives=(OBJECT_LAMBDA,)),
        Listing(operation="ListAccessGrantsInstances", parameters=_OURS, gives=(GRANTS,)),
    ),
)

"""CloudFront: distributions with their origins, web ACLs and logging, and the identities by which they read buckets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sakimori.discover.declare import Detail, Listing, Place, Reach, Resource, Service, Tie, global_arn
from sakimori.discover.paths import find_all
from sakimori.model.asset import Asset, Relation

_BUCKET = re.compile(r"(?P<bucket>.+)\.s3[.-](?:.+\.)?amazonaws\.com(?:\.cn)?")
"""The domain name of a bucket, as an object store or as a website (CloudFront Developer Guide, "Origin domain")."""

_HEADERS = "Origins.Items[].CustomHeaders.Items[].HeaderValue"
"""What CloudFront adds to a request so that the origin knows it: as good as a password."""


def origins(distribution: Asset, place: Place) -> Iterator[Relation]:
    """`targets`: the buckets that a distribution serves. Load balancers are told of by name only, in its config."""
    for domain in find_all(distribution.config, "Origins.Items[].DomainName"):
        found = _BUCKET.fullmatch(str(domain).lower())
        if found:
            yield Relation(distribution.uid, "targets", f"arn:{place.partition}:s3:::{found['bucket']}")


def web_acl(distribution: Asset, place: Place) -> Iterator[Relation]:
    """`protected-by`: the web ACL, named by its ARN if it is WAF's, by its id if it is WAF Classic's."""
    acl = distribution.config.get("WebACLId") or ""
    if acl:
        classic = f"arn:{place.partition}:waf::{place.account}:webacl/{acl}"
        yield Relation(distribution.uid, "protected-by", acl if acl.startswith("arn:") else classic)


def logs(distribution: Asset, place: Place) -> Iterator[Relation]:
    """`logs-to`: the bucket of the standard logs."""
    for bucket in find_all(distribution.config, "DistributionConfig.Logging.Bucket"):
        if bucket:
            yield Relation(distribution.uid, "logs-to", f"arn:{place.partition}:s3:::{bucket.partition('.s3')[0]}")


DISTRIBUTION = Resource(
    "AWS::CloudFront::Distribution",
    items="DistributionList.Items[]",
    arn="{ARN}",
    name="{DomainName}",
    details=(
        Detail(
            operation="GetDistributionConfig",
            parameters={"Id": "{Id}"},
            path="DistributionConfig",
            under="DistributionConfig",
            secrets=(f"DistributionConfig.{_HEADERS}",),
        ),
        Detail(operation="ListTagsForResource", parameters={"Resource": "{ARN}"}, path="Tags.Items[]", under="Tags"),
    ),
    relations=(
        origins,
        web_acl,
        logs,
        Tie("uses", "ViewerCertificate.ACMCertificateArn"),
        Tie("uses", "Origins.Items[].OriginAccessControlId", global_arn("cloudfront", "origin-access-control/{}")),
        Tie("uses", "DefaultCacheBehavior.LambdaFunctionAssociations.Items[].LambdaFunctionARN"),
        Tie("uses", "CacheBehaviors.Items[].LambdaFunctionAssociations.Items[].LambdaFunctionARN"),
    ),
    ordered=(
        "CacheBehaviors.Items",
        "DistributionConfig.CacheBehaviors.Items",
    ),
)

ACCESS_CONTROL = Resource(
    "AWS::CloudFront::OriginAccessControl",
    items="OriginAccessControlList.Items[]",
    arn=global_arn("cloudfront", "origin-access-control/{Id}"),
    name="{Name}",
)

ACCESS_IDENTITY = Resource(
    "AWS::CloudFront::CloudFrontOriginAccessIdentity",
    items="CloudFrontOriginAccessIdentityList.Items[]",
    arn=global_arn("cloudfront", "origin-access-identity/{Id}"),
    name="{Comment}",
)

SERVICE = Service(
    client="cloudfront",
    reach=Reach.GLOBAL,
    lists=(
        Listing(
            operation="ListDistributions", secrets=(f"DistributionList.Items[].{_HEADERS}",), gives=(DISTRIBUTION,)
        ),
        Listing(operation="ListOriginAccessControls", gives=(ACCESS_CONTROL,)),
        Listing(operation="ListCloudFrontOriginAccessIdentities", gives=(ACCESS_IDENTITY,)),
    ),
)

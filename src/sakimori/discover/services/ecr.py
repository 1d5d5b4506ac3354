"""ECR: the registry with its policy and scanning, repositories with who may pull, and what is known of images."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by

_GIVEN = {"repositoryName": "{repositoryName}"}

IMAGE = Resource(
    "AWS::ECR::Image",
    items="imageDetails[]",
    arn=arn("ecr", "repository/{repositoryName}/{imageDigest}"),
    name="{repositoryName}",
    relations=(Tie("in", "repositoryName", arn("ecr", "repository/{}")),),
    moving=(
        "lastRecordedPullTime",
        "imageScanStatus",
        "imageScanFindingsSummary",
    ),
)

REPOSITORY = Resource(
    "AWS::ECR::Repository",
    items="repositories[]",
    arn="{repositoryArn}",
    name="{repositoryName}",
    details=(
        Detail(
            operation="GetRepositoryPolicy",
            parameters=_GIVEN,
            path="policyText",
            under="Policy",
            absent=("RepositoryPolicyNotFoundException",),
        ),
        Detail(
            operation="GetLifecyclePolicy",
            parameters=_GIVEN,
            path="lifecyclePolicyText",
            under="LifecyclePolicy",
            absent=("LifecyclePolicyNotFoundException",),
        ),
        Detail(
            operation="ListTagsForResource",
            parameters={"resourceArn": "{repositoryArn}"},
            path="tags[]",
            under="Tags",
        ),
    ),
    documents=("Policy", "LifecyclePolicy"),
    lists=(Listing(operation="DescribeImages", parameters=_GIVEN, page_size=1000, gives=(IMAGE,)),),
    relations=(encrypted_by("encryptionConfiguration.kmsKey"),),
)

REGISTRY = Resource(
    "AWS::ECR::Registry",
    items="",
    arn=arn("ecr", "registry"),
    name="{registryId}",
    details=(
        Detail(
            operation="GetRegistryPolicy",
            path="policyText",
            under="Policy",
            absent=("RegistryPolicyNotFoundException",),
        ),
        Detail(
            operation="GetRegistryScanningConfiguration",
            path="scanningConfiguration",
            under="ScanningConfiguration",
        ),
    ),
    documents=("Policy",),
)

SERVICE = Service(
    client="ecr",
    lists=(
        Listing(operation="DescribeRegistry", gives=(REGISTRY,)),
        Listing(operation="DescribeRepositories", page_size=1000, gives=(REPOSITORY,)),
    ),
)

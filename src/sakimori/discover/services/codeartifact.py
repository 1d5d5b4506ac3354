"""CodeArtifact: domains and repositories of packages, and who may read from them or publish to them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by

DOMAIN = Resource(
    "AWS::CodeArtifact::Domain",
    items="domains[]",
    arn="{arn}",
    name="{name}",
    details=(
        Detail(
            operation="GetDomainPermissionsPolicy",
            parameters={"domain": "{name}", "domainOwner": "{owner}"},
            path="policy.document",
            under="Policy",
            absent=("ResourceNotFoundException",),
        ),
    ),
    documents=("Policy",),
    relations=(encrypted_by("encryptionKey"),),
)

REPOSITORY = Resource(
    "AWS::CodeArtifact::Repository",
    items="repositories[]",
    arn="{arn}",
    name="{name}",
    details=(
        Detail(
            operation="GetRepositoryPermissionsPolicy",
            parameters={"domain": "{domainName}", "domainOwner": "{domainOwner}", "repository": "{name}"},
            path="policy.document",
            under="Policy",
            absent=("ResourceNotFoundException",),
        ),
    ),
    documents=("Policy",),
    relations=(Tie("in", "domainName", arn("codeartifact", "domain/{}")),),
)

SERVICE = Service(
    client="codeartifact",
    lists=(
        Listing(operation="ListDomains", gives=(DOMAIN,)),
        Listing(operation="ListRepositories", gives=(REPOSITORY,)),
    ),
)

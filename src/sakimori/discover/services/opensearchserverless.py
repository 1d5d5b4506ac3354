"""OpenSearch Serverless: collections, and the policies that say who reads and writes their data."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, arn
from sakimori.discover.ties import encrypted_by

COLLECTION = Resource(
    "AWS::OpenSearchServerless::Collection",
    items="collectionSummaries[]",
    arn="{arn}",
    name="{name}",
    relations=(encrypted_by("kmsKeyArn"),),
)

ACCESS_POLICY = Resource(
    "AWS::OpenSearchServerless::AccessPolicy",
    items="accessPolicySummaries[]",
    arn=arn("aoss", "access-policy/data/{name}"),
    name="{name}",
    details=(
        Detail(
            operation="GetAccessPolicy",
            parameters={"type": "data", "name": "{name}"},
            path="accessPolicyDetail",
        ),
    ),
    documents=("policy",),
)

SERVICE = Service(
    client="opensearchserverless",
    prefix="aoss",
    lists=(
        Listing(operation="ListCollections", gives=(COLLECTION,)),
        Listing(operation="ListAccessPolicies", parameters={"type": "data"}, gives=(ACCESS_POLICY,)),
    ),
)

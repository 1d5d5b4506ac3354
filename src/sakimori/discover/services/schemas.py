"""EventBridge schemas: registries, and who may read or change their schemas."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service

REGISTRY = Resource(
    "AWS::EventSchemas::Registry",
    items="Registries[]",
    arn="{RegistryArn}",
    name="{RegistryName}",
    details=(
        Detail(
            operation="GetResourcePolicy",
            parameters={"RegistryName": "{RegistryName}"},
            path="Policy",
            under="Policy",
            absent=("NotFoundException",),
        ),
    ),
    documents=("Policy",),
)

SERVICE = Service(
    client="schemas",
    lists=(Listing(operation="ListRegistries", parameters={"Scope": "LOCAL"}, page_size=100, gives=(REGISTRY,)),),
)

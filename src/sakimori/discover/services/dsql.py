"""Aurora DSQL: clusters, and who else may connect to them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service

CLUSTER = Resource(
    "AWS::DSQL::Cluster",
    items="clusters[]",
    arn="{arn}",
    name="{identifier}",
    details=(
        Detail(
            operation="GetClusterPolicy",
            parameters={"identifier": "{identifier}"},
            path="policy",
            under="Policy",
            absent=("ResourceNotFoundException",),
        ),
    ),
    documents=("Policy",),
)

SERVICE = Service(client="dsql", lists=(Listing(operation="ListClusters", page_size=100, gives=(CLUSTER,)),))

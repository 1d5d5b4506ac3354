"""MSK: clusters of Kafka, and which other accounts may connect to them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service

CLUSTER = Resource(
    "AWS::MSK::Cluster",
    items="ClusterInfoList[]",
    arn="{ClusterArn}",
    name="{ClusterName}",
    details=(
        Detail(
            operation="GetClusterPolicy",
            parameters={"ClusterArn": "{ClusterArn}"},
            path="Policy",
            under="Policy",
            absent=("NotFoundException",),
        ),
    ),
    documents=("Policy",),
    moving=("ActiveOperationArn",),
)

SERVICE = Service(client="kafka", lists=(Listing(operation="ListClustersV2", page_size=100, gives=(CLUSTER,)),))

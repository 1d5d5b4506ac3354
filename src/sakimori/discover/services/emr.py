"""EMR: the clusters that are running, and what their instances run under. Never what their applications are told."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import in_subnets, uses_groups

CLUSTER = Resource(
    "AWS::EMR::Cluster",
    items="Clusters[]",
    arn=arn("elasticmapreduce", "cluster/{Id}"),
    name="{Name}",
    details=(
        Detail(
            operation="DescribeCluster",
            parameters={"ClusterId": "{Id}"},
            path="Cluster",
            secrets=(
                "Cluster.Configurations[].Properties",
                "Cluster.KerberosAttributes.KdcAdminPassword",
                "Cluster.KerberosAttributes.CrossRealmTrustPrincipalPassword",
                "Cluster.KerberosAttributes.ADDomainJoinPassword",
            ),
        ),
    ),
    relations=(
        Tie("runs-as", "ServiceRole", "arn:{@partition}:iam::{@account}:role/{}"),
        Tie(
            "uses", "Ec2InstanceAttributes.IamInstanceProfile", "arn:{@partition}:iam::{@account}:instance-profile/{/}"
        ),
        in_subnets("Ec2InstanceAttributes.Ec2SubnetId"),
        uses_groups("Ec2InstanceAttributes.EmrManagedMasterSecurityGroup"),
        uses_groups("Ec2InstanceAttributes.EmrManagedSlaveSecurityGroup"),
    ),
    moving=("NormalizedInstanceHours",),
)

SERVICE = Service(
    client="emr",
    prefix="elasticmapreduce",
    lists=(
        Listing(
            operation="ListClusters",
            parameters={"ClusterStates": ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]},
            gives=(CLUSTER,),
        ),
    ),
)

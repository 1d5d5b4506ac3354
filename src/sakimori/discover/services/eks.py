"""EKS: clusters, their nodes and Fargate profiles, add-ons, and which identities get in and which pods have roles."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by, in_subnets, in_vpc, uses_groups

_IN_CLUSTER = Tie("in", "clusterName", arn("eks", "cluster/{}"))
_INHERIT = {"clusterName": "{name}"}


def _described(operation: str, key: str, path: str) -> Detail:
    """A thing of a cluster that lists tell only the name of."""
    return Detail(operation=operation, parameters={"clusterName": "{clusterName}", key: f"{{{key}}}"}, path=path)


NODE_GROUP = Resource(
    "AWS::EKS::Nodegroup",
    items="nodegroups[]",
    scalar="nodegroupName",
    arn="{nodegroupArn}",
    name="{nodegroupName}",
    tags="tags",
    inherit=_INHERIT,
    details=(_described("DescribeNodegroup", "nodegroupName", "nodegroup"),),
    relations=(
        _IN_CLUSTER,
        in_subnets("subnets[]"),
        uses_groups("resources.remoteAccessSecurityGroup"),
        uses_groups("remoteAccess.sourceSecurityGroups[]"),
        Tie("uses", "launchTemplate.id", arn("ec2", "launch-template/{}")),
        Tie("runs-as", "nodeRole"),
    ),
    moving=("health",),
    ordered=("instanceTypes",),
)

FARGATE_PROFILE = Resource(
    "AWS::EKS::FargateProfile",
    items="fargateProfileNames[]",
    scalar="fargateProfileName",
    arn="{fargateProfileArn}",
    name="{fargateProfileName}",
    tags="tags",
    inherit=_INHERIT,
    details=(_described("DescribeFargateProfile", "fargateProfileName", "fargateProfile"),),
    relations=(_IN_CLUSTER, in_subnets("subnets[]"), Tie("runs-as", "podExecutionRoleArn")),
    moving=("health",),
)

ADDON = Resource(
    "AWS::EKS::Addon",
    items="addons[]",
    scalar="addonName",
    arn="{addonArn}",
    name="{addonName}",
    tags="tags",
    inherit=_INHERIT,
    details=(_described("DescribeAddon", "addonName", "addon"),),
    relations=(_IN_CLUSTER, Tie("runs-as", "serviceAccountRoleArn")),
    moving=("health",),
)

ACCESS_ENTRY = Resource(
    "AWS::EKS::AccessEntry",
    items="accessEntries[]",
    scalar="principalArn",
    arn="{accessEntryArn}",
    name="{/principalArn}",
    tags="tags",
    inherit=_INHERIT,
    details=(
        _described("DescribeAccessEntry", "principalArn", "accessEntry"),
        Detail(
            operation="ListAssociatedAccessPolicies",
            parameters={"clusterName": "{clusterName}", "principalArn": "{principalArn}"},
            path="associatedAccessPolicies[]",
            under="associatedAccessPolicies",
        ),
    ),
    relations=(_IN_CLUSTER, Tie("trusts", "principalArn"), Tie("uses", "associatedAccessPolicies[].policyArn")),
)

POD_IDENTITY = Resource(
    "AWS::EKS::PodIdentityAssociation",
    items="associations[]",
    arn="{associationArn}",
    name="{namespace}/{serviceAccount}",
    tags="tags",
    details=(_described("DescribePodIdentityAssociation", "associationId", "association"),),
    relations=(_IN_CLUSTER, Tie("runs-as", "roleArn"), Tie("runs-as", "targetRoleArn")),
)

_OF_CLUSTER = {"clusterName": "{name}"}

CLUSTER = Resource(
    "AWS::EKS::Cluster",
    items="clusters[]",
    scalar="name",
    arn=arn("eks", "cluster/{name}"),
    name="{name}",
    tags="tags",
    details=(Detail(operation="DescribeCluster", parameters={"name": "{name}"}, path="cluster"),),
    lists=(
        Listing(operation="ListNodegroups", parameters=_OF_CLUSTER, gives=(NODE_GROUP,)),
        Listing(operation="ListFargateProfiles", parameters=_OF_CLUSTER, gives=(FARGATE_PROFILE,)),
        Listing(operation="ListAddons", parameters=_OF_CLUSTER, gives=(ADDON,)),
        # A cluster that lets in by its aws-auth map alone has no access entries, and says so by an error.
        Listing(
            operation="ListAccessEntries",
            parameters=_OF_CLUSTER,
            absent=("InvalidRequestException: authentication mode",),
            gives=(ACCESS_ENTRY,),
        ),
        Listing(operation="ListPodIdentityAssociations", parameters=_OF_CLUSTER, gives=(POD_IDENTITY,)),
    ),
    relations=(
        in_vpc("resourcesVpcConfig.vpcId"),
        in_subnets("resourcesVpcConfig.subnetIds[]"),
        uses_groups("resourcesVpcConfig.securityGroupIds[]"),
        uses_groups("resourcesVpcConfig.clusterSecurityGroupId"),
        Tie("runs-as", "roleArn"),
        encrypted_by("encryptionConfig[].provider.keyArn"),
    ),
    moving=("health",),
)

SERVICE = Service(client="eks", lists=(Listing(operation="ListClusters", gives=(CLUSTER,)),))

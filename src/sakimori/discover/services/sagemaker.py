"""SageMaker: notebooks, and the domains of Studio with their profiles, each with the role that it runs under."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by, in_subnets, in_vpc, uses_groups

NOTEBOOK = Resource(
    "AWS::SageMaker::NotebookInstance",
    items="NotebookInstances[]",
    arn="{NotebookInstanceArn}",
    name="{NotebookInstanceName}",
    details=(
        Detail(operation="DescribeNotebookInstance", parameters={"NotebookInstanceName": "{NotebookInstanceName}"}),
    ),
    relations=(
        Tie("runs-as", "RoleArn"),
        in_subnets("SubnetId"),
        uses_groups("SecurityGroups[]"),
        encrypted_by("KmsKeyId"),
    ),
)

PROFILE = Resource(
    "AWS::SageMaker::UserProfile",
    items="UserProfiles[]",
    arn=arn("sagemaker", "user-profile/{DomainId}/{UserProfileName}"),
    name="{UserProfileName}",
    # What a profile does not set for itself, such as its role, it has from its domain.
    inherit={"DefaultUserSettings": "{DefaultUserSettings}"},
    details=(
        Detail(
            operation="DescribeUserProfile",
            parameters={"DomainId": "{DomainId}", "UserProfileName": "{UserProfileName}"},
        ),
    ),
    relations=(
        Tie("in", "DomainId", arn("sagemaker", "domain/{}")),
        Tie("runs-as", "UserSettings.ExecutionRole"),
    ),
)

DOMAIN = Resource(
    "AWS::SageMaker::Domain",
    items="Domains[]",
    arn="{DomainArn}",
    name="{DomainName}",
    details=(Detail(operation="DescribeDomain", parameters={"DomainId": "{DomainId}"}),),
    lists=(
        Listing(
            operation="ListUserProfiles",
            parameters={"DomainIdEquals": "{DomainId}"},
            page_size=100,
            gives=(PROFILE,),
        ),
    ),
    relations=(
        Tie("runs-as", "DefaultUserSettings.ExecutionRole"),
        in_vpc("VpcId"),
        in_subnets("SubnetIds[]"),
        encrypted_by("KmsKeyId"),
    ),
)

SERVICE = Service(
    client="sagemaker",
    lists=(
        Listing(operation="ListNotebookInstances", page_size=100, gives=(NOTEBOOK,)),
        Listing(operation="ListDomains", page_size=100, gives=(DOMAIN,)),
    ),
)

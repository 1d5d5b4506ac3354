"""Systems Manager: managed nodes with their patches, own documents and whom they are shared with, parameters' names."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.discover.declare import Detail, Item, Listing, Place, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by, shared_with
from sakimori.model.asset import Asset, Relation


def _path(parameter: Item) -> Item:
    """A name may begin with a slash or not; the ARN has one slash either way (Systems Manager User Guide)."""
    return {**parameter, "Path": parameter["Name"].removeprefix("/")}


def instance(node: Asset, place: Place) -> Iterator[Relation]:
    """`attached-to`: the instance that a managed node is; other nodes are machines outside of EC2."""
    id = node.config["InstanceId"]
    if id.startswith("i-"):
        yield Relation(
            node.uid, "attached-to", f"arn:{place.partition}:ec2:{place.region}:{place.account}:instance/{id}"
        )


NODE = Resource(
    "AWS::SSM::ManagedInstanceInventory",
    items="InstanceInformationList[]",
    arn=arn("ssm", "managed-instance/{InstanceId}"),
    name="{ComputerName}",
    details=(
        Detail(
            operation="DescribeInstancePatchStates",
            parameters={"InstanceIds": "{InstanceId}"},
            each="InstanceIds",
            batch=50,
            path="InstancePatchStates[]",
            key="InstanceId",
            of="{InstanceId}",
            under="PatchState",
        ),
    ),
    relations=(
        instance,
        Tie("runs-as", "IamRole", "arn:{@partition}:iam::{@account}:role/{}"),
    ),
    moving=(
        "PingStatus",
        "LastPingDateTime",
        "IsLatestVersion",
        "AssociationStatus",
        "AssociationOverview",
        "LastAssociationExecutionDate",
        "LastSuccessfulAssociationExecutionDate",
        "PatchState",
    ),
)

DOCUMENT = Resource(
    "AWS::SSM::Document",
    items="DocumentIdentifiers[]",
    arn=arn("ssm", "document/{Name}"),
    name="{Name}",
    details=(
        Detail(
            operation="DescribeDocumentPermission",
            parameters={"Name": "{Name}", "PermissionType": "Share"},
            path="AccountIds[]",
            under="AccountIds",
        ),
    ),
    relations=(shared_with("AccountIds[]"),),
)

ASSOCIATION = Resource(
    "AWS::SSM::Association",
    items="Associations[]",
    arn=arn("ssm", "association/{AssociationId}"),
    name="{AssociationName}",
    relations=(Tie("targets", "InstanceId", arn("ec2", "instance/{}")),),
    moving=("LastExecutionDate", "Overview"),
)

PARAMETER = Resource(
    "AWS::SSM::Parameter",
    items="Parameters[]",
    arn=arn("ssm", "parameter/{Path}"),
    name="{Name}",
    shape=_path,
    relations=(encrypted_by("KeyId"),),
    moving=("Policies[].PolicyStatus",),
)

SHARING = Resource("AWS::SSM::ServiceSetting", items="ServiceSetting", arn="{ARN}", name="{SettingId}")

SERVICE = Service(
    client="ssm",
    lists=(
        Listing(operation="DescribeInstanceInformation", page_size=50, gives=(NODE,)),
        Listing(
            operation="ListDocuments",
            parameters={"Filters": [{"Key": "Owner", "Values": ["Self"]}]},
            page_size=50,
            gives=(DOCUMENT,),
        ),
        Listing(operation="ListAssociations", page_size=50, gives=(ASSOCIATION,)),
        Listing(operation="DescribeParameters", page_size=50, gives=(PARAMETER,)),
        Listing(
            operation="GetServiceSetting",
            parameters={"SettingId": "/ssm/documents/console/public-sharing-permission"},
            gives=(SHARING,),
        ),
    ),
)

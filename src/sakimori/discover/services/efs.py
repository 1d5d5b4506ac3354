"""EFS: file systems with their policies and backups, mount targets, access points."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by, in_subnets, in_vpc, uses_groups

_FILE_SYSTEM = arn("elasticfilesystem", "file-system/{FileSystemId}")
_GIVEN = {"FileSystemId": "{FileSystemId}"}

MOUNT_TARGET = Resource(
    "AWS::EFS::MountTarget",
    items="MountTargets[]",
    arn=arn("elasticfilesystem", "mount-target/{MountTargetId}"),
    details=(
        Detail(
            operation="DescribeMountTargetSecurityGroups",
            parameters={"MountTargetId": "{MountTargetId}"},
            path="SecurityGroups[]",
            under="SecurityGroups",
        ),
    ),
    relations=(
        Tie("in", "FileSystemId", arn("elasticfilesystem", "file-system/{}")),
        in_vpc("VpcId"),
        in_subnets("SubnetId"),
        uses_groups("SecurityGroups[]"),
        Tie("uses", "NetworkInterfaceId", arn("ec2", "network-interface/{}")),
    ),
)

FILE_SYSTEM = Resource(
    "AWS::EFS::FileSystem",
    items="FileSystems[]",
    arn=_FILE_SYSTEM,
    name="{Name}",
    details=(
        Detail(
            operation="DescribeFileSystemPolicy",
            parameters=_GIVEN,
            path="Policy",
            under="Policy",
            absent=("PolicyNotFound",),
        ),
        Detail(
            operation="DescribeBackupPolicy",
            parameters=_GIVEN,
            path="BackupPolicy",
            under="BackupPolicy",
            absent=("PolicyNotFound",),
        ),
    ),
    documents=("Policy",),
    lists=(Listing(operation="DescribeMountTargets", parameters=_GIVEN, gives=(MOUNT_TARGET,)),),
    relations=(encrypted_by("KmsKeyId"),),
    moving=("SizeInBytes",),
)

ACCESS_POINT = Resource(
    "AWS::EFS::AccessPoint",
    items="AccessPoints[]",
    arn="{AccessPointArn}",
    name="{Name}",
    relations=(Tie("in", "FileSystemId", arn("elasticfilesystem", "file-system/{}")),),
)

SERVICE = Service(
    client="efs",
    prefix="elasticfilesystem",
    lists=(
        Listing(operation="DescribeFileSystems", gives=(FILE_SYSTEM,)),
        Listing(operation="DescribeAccessPoints", gives=(ACCESS_POINT,)),
    ),
)

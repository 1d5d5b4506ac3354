"""EC2: instances, what they are launched from (templates, images), and their disks and snapshots."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn

IN_VPC = Tie("in", "VpcId", arn("ec2", "vpc/{}"))

INSTANCE = Resource(
    "AWS::EC2::Instance",
    items="Reservations[].Instances[]",
    arn=arn("ec2", "instance/{InstanceId}"),
    relations=(
        IN_VPC,
        Tie("in", "SubnetId", arn("ec2", "subnet/{}")),
        Tie("uses", "SecurityGroups[].GroupId", arn("ec2", "security-group/{}")),
        Tie("runs-as", "IamInstanceProfile.Arn"),
        Tie("built-from", "ImageId", "arn:{@partition}:ec2:{@region}::image/{}"),
    ),
)

TEMPLATE = Resource(
    "AWS::EC2::LaunchTemplate",
    items="LaunchTemplates[]",
    arn=arn("ec2", "launch-template/{LaunchTemplateId}"),
    name="{LaunchTemplateName}",
    details=(
        Detail(
            operation="DescribeLaunchTemplateVersions",
            parameters={"LaunchTemplateId": "{LaunchTemplateId}", "Versions": ["$Default", "$Latest"]},
            path="LaunchTemplateVersions[]",
            under="LaunchTemplateVersions",
            secrets=("LaunchTemplateVersions[].LaunchTemplateData.UserData",),
        ),
    ),
    relations=(
        Tie(
            "built-from",
            "LaunchTemplateVersions[].LaunchTemplateData.ImageId",
            "arn:{@partition}:ec2:{@region}::image/{}",
        ),
        Tie(
            "uses",
            "LaunchTemplateVersions[].LaunchTemplateData.SecurityGroupIds[]",
            arn("ec2", "security-group/{}"),
        ),
        Tie("runs-as", "LaunchTemplateVersions[].LaunchTemplateData.IamInstanceProfile.Arn"),
    ),
)

VOLUME = Resource(
    "AWS::EC2::Volume",
    items="Volumes[]",
    arn=arn("ec2", "volume/{VolumeId}"),
    relations=(
        Tie("attached-to", "Attachments[].InstanceId", arn("ec2", "instance/{}")),
        Tie("built-from", "SnapshotId", arn("ec2", "snapshot/{}")),
        Tie("encrypted-by", "KmsKeyId"),
    ),
)

SNAPSHOT = Resource(
    "AWS::EC2::Snapshot",
    items="Snapshots[]",
    arn=arn("ec2", "snapshot/{SnapshotId}"),
    details=(
        Detail(
            operation="DescribeSnapshotAttribute",
            parameters={"SnapshotId": "{SnapshotId}", "Attribute": "createVolumePermission"},
            path="CreateVolumePermissions[]",
            under="CreateVolumePermissions",
        ),
    ),
    relations=(
        Tie("built-from", "VolumeId", arn("ec2", "volume/{}")),
        Tie("encrypted-by", "KmsKeyId"),
        Tie("shared-with", "CreateVolumePermissions[].UserId", "arn:{@partition}:iam::{}:root"),
    ),
    moving=("Progress",),
)

IMAGE = Resource(
    "AWS::EC2::Image",
    items="Images[]",
    arn="arn:{@partition}:ec2:{@region}::image/{ImageId}",
    name="{Name}",
    details=(
        Detail(
            operation="DescribeImageAttribute",
            parameters={"ImageId": "{ImageId}", "Attribute": "launchPermission"},
            path="LaunchPermissions[]",
            under="LaunchPermissions",
        ),
    ),
    relations=(
        Tie("built-from", "BlockDeviceMappings[].Ebs.SnapshotId", arn("ec2", "snapshot/{}")),
        Tie("shared-with", "LaunchPermissions[].UserId", "arn:{@partition}:iam::{}:root"),
    ),
    moving=(
        "LastLaunchedTime",
        "ScanResults",
    ),
)

SERVICE = Service(
    client="ec2",
    lists=(
        Listing(operation="DescribeInstances", page_size=1000, gives=(INSTANCE,)),
        Listing(operation="DescribeLaunchTemplates", page_size=200, gives=(TEMPLATE,)),
        Listing(operation="DescribeVolumes", page_size=500, gives=(VOLUME,)),
        Listing(operation="DescribeSnapshots", parameters={"OwnerIds": ["self"]}, page_size=1000, gives=(SNAPSHOT,)),
        Listing(operation="DescribeImages", parameters={"Owners": ["self"]}, gives=(IMAGE,)),
    ),
)

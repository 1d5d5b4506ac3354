"""Auto Scaling: groups, and the launch configurations that older ones are made from."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.discover.declare import Listing, Place, Resource, Service, Tie, arn
from sakimori.model.asset import Asset, Relation


def subnets(group: Asset, place: Place) -> Iterator[Relation]:
    """`in`: the subnets that a group launches into."""
    for id in filter(None, str(group.config.get("VPCZoneIdentifier") or "").split(",")):
        yield Relation(group.uid, "in", f"arn:{place.partition}:ec2:{place.region}:{place.account}:subnet/{id.strip()}")


_TEMPLATE = arn("ec2", "launch-template/{LaunchTemplateId}")

GROUP = Resource(
    "AWS::AutoScaling::AutoScalingGroup",
    items="AutoScalingGroups[]",
    arn="{AutoScalingGroupARN}",
    name="{AutoScalingGroupName}",
    relations=(
        subnets,
        Tie("targets", "Instances[].InstanceId", arn("ec2", "instance/{}")),
        Tie("attached-to", "TargetGroupARNs[]"),
        Tie("built-from", "LaunchTemplate", _TEMPLATE),
        Tie("built-from", "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification", _TEMPLATE),
        Tie("runs-as", "ServiceLinkedRoleARN"),
    ),
    moving=(
        "Instances[].HealthStatus",
        "PredictedCapacity",
        "WarmPoolSize",
    ),
    ordered=(
        "TerminationPolicies",
        "MixedInstancesPolicy.LaunchTemplate.Overrides",
    ),
)

CONFIGURATION = Resource(
    "AWS::AutoScaling::LaunchConfiguration",
    items="LaunchConfigurations[]",
    arn="{LaunchConfigurationARN}",
    name="{LaunchConfigurationName}",
    relations=(
        Tie("built-from", "ImageId", "arn:{@partition}:ec2:{@region}::image/{}"),
        Tie("uses", "SecurityGroups[]", arn("ec2", "security-group/{}")),
    ),
)

SERVICE = Service(
    client="autoscaling",
    lists=(
        Listing(operation="DescribeAutoScalingGroups", page_size=100, gives=(GROUP,)),
        Listing(
            operation="DescribeLaunchConfigurations",
            page_size=100,
            secrets=("LaunchConfigurations[].UserData",),
            gives=(CONFIGURATION,),
        ),
    ),
)

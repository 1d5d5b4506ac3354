"""AppStream (WorkSpaces Applications): fleets and builders of desktops, the roles whose keys lie on them, and the
stacks and applications by which people get to a fleet."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import in_subnets, uses_groups

_NETWORK = (in_subnets("VpcConfig.SubnetIds[]"), uses_groups("VpcConfig.SecurityGroupIds[]"))
_RUNS_AS = Tie("runs-as", "IamRoleArn")


def _is_elastic(fleet: Item) -> bool:
    return fleet.get("FleetType") == "ELASTIC"


FLEET = Resource(
    "AWS::AppStream::Fleet",
    items="Fleets[]",
    arn="{Arn}",
    name="{Name}",
    details=(
        Detail(operation="ListAssociatedStacks", parameters={"FleetName": "{Name}"}, path="Names", under="Stacks"),
        Detail(
            operation="DescribeApplicationFleetAssociations",
            parameters={"FleetName": "{Name}"},
            path="ApplicationFleetAssociations[].ApplicationArn",
            under="Applications",
            when=_is_elastic,
        ),
    ),
    relations=(_RUNS_AS, Tie("member-of", "Stacks[]", arn("appstream", "stack/{}")), *_NETWORK),
    moving=("ComputeCapacityStatus", "State"),
)

IMAGE_BUILDER = Resource(
    "AWS::AppStream::ImageBuilder",
    items="ImageBuilders[]",
    arn="{Arn}",
    name="{Name}",
    relations=(_RUNS_AS, *_NETWORK),
    moving=("State", "LatestAppstreamAgentVersion"),
)

PACKAGE_BUILDER = Resource(
    "AWS::AppStream::AppBlockBuilder",
    items="AppBlockBuilders[]",
    arn="{Arn}",
    name="{Name}",
    relations=(_RUNS_AS, *_NETWORK),
    moving=("State",),
)

SERVICE = Service(
    client="appstream",
    lists=(
        Listing(operation="DescribeFleets", gives=(FLEET,)),
        Listing(operation="DescribeImageBuilders", gives=(IMAGE_BUILDER,)),
        Listing(operation="DescribeAppBlockBuilders", gives=(PACKAGE_BUILDER,)),
    ),
)

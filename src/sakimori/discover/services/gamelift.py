"""GameLift: fleets of game servers, on instances and in containers, what they run, and the roles that they run it
under. Never how their servers are started."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Resource, Service, Tie

FLEET = Resource(
    "AWS::GameLift::Fleet",
    items="FleetAttributes[]",
    arn="{FleetArn}",
    name="{Name}",
    relations=(Tie("runs-as", "InstanceRoleArn"), Tie("built-from", "BuildArn"), Tie("built-from", "ScriptArn")),
)

CONTAINERS = Resource(
    "AWS::GameLift::ContainerFleet",
    items="ContainerFleets[]",
    arn="{FleetArn}",
    name="{Description}",
    relations=(
        Tie("runs-as", "FleetRoleArn"),
        Tie("built-from", "GameServerContainerGroupDefinitionArn"),
        Tie("built-from", "PerInstanceContainerGroupDefinitionArn"),
    ),
    moving=("DeploymentDetails",),
)

SERVICE = Service(
    client="gamelift",
    lists=(
        Listing(
            operation="DescribeFleetAttributes",
            secrets=("FleetAttributes[].ServerLaunchParameters",),
            gives=(FLEET,),
        ),
        Listing(operation="ListContainerFleets", gives=(CONTAINERS,)),
    ),
)

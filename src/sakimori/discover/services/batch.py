"""Batch: job definitions, and the roles that their jobs run under. Of the containers' variables only the names."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Resource, Service, Tie

_CONTAINERS = (
    "containerProperties",
    "nodeProperties.nodeRangeProperties[].container",
    "ecsProperties.taskProperties[].containers[]",
)
_SECRETS = (
    *(f"jobDefinitions[].{path}.environment[].value" for path in _CONTAINERS),
    "jobDefinitions[].eksProperties.podProperties.containers[].env[].value",
    "jobDefinitions[].parameters",
)

DEFINITION = Resource(
    "AWS::Batch::JobDefinition",
    items="jobDefinitions[]",
    arn="{jobDefinitionArn}",
    name="{jobDefinitionName}",
    tags="tags",
    ordered=tuple(f"{path}.command" for path in _CONTAINERS),
    relations=(
        Tie("runs-as", "containerProperties.jobRoleArn"),
        Tie("runs-as", "nodeProperties.nodeRangeProperties[].container.jobRoleArn"),
        Tie("runs-as", "ecsProperties.taskProperties[].taskRoleArn"),
    ),
)

SERVICE = Service(
    client="batch",
    lists=(
        Listing(
            operation="DescribeJobDefinitions", parameters={"status": "ACTIVE"}, secrets=_SECRETS, gives=(DEFINITION,)
        ),
    ),
)

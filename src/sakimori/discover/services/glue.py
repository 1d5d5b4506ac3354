"""Glue: jobs and development endpoints, and as whom they run. Of their arguments only the names."""

from __future__ import annotations

from sakimori.discover.declare import Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import arns, in_subnets, in_vpc, uses_groups

JOB = Resource(
    "AWS::Glue::Job",
    items="Jobs[]",
    arn=arn("glue", "job/{Name}"),
    name="{Name}",
    relations=(arns("runs-as", "Role"),),
)

ENDPOINT = Resource(
    "AWS::Glue::DevEndpoint",
    items="DevEndpoints[]",
    arn=arn("glue", "devEndpoint/{EndpointName}"),
    name="{EndpointName}",
    relations=(
        Tie("runs-as", "RoleArn"),
        in_vpc("VpcId"),
        in_subnets("SubnetId"),
        uses_groups("SecurityGroupIds[]"),
    ),
)

SERVICE = Service(
    client="glue",
    lists=(
        Listing(
            operation="GetJobs",
            secrets=(
                "Jobs[].DefaultArguments",
                "Jobs[].NonOverridableArguments",
                "Jobs[].CodeGenConfigurationNodes",
                "Jobs[].SourceControlDetails.AuthToken",
            ),
            gives=(JOB,),
        ),
        Listing(operation="GetDevEndpoints", secrets=("DevEndpoints[].Arguments",), gives=(ENDPOINT,)),
    ),
)

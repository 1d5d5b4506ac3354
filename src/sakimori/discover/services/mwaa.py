"""Managed Airflow: environments, where their workflows are, and as whom these run. Of their options only the names."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn
from sakimori.discover.ties import encrypted_by, in_subnets, uses_groups

ENVIRONMENT = Resource(
    "AWS::MWAA::Environment",
    items="Environments[]",
    scalar="Name",
    arn=arn("airflow", "environment/{Name}"),
    name="{Name}",
    details=(
        Detail(
            operation="GetEnvironment",
            parameters={"Name": "{Name}"},
            path="Environment",
            secrets=("Environment.AirflowConfigurationOptions",),
        ),
    ),
    relations=(
        Tie("runs-as", "ExecutionRoleArn"),
        Tie("built-from", "SourceBucketArn"),
        in_subnets("NetworkConfiguration.SubnetIds[]"),
        uses_groups("NetworkConfiguration.SecurityGroupIds[]"),
        encrypted_by("KmsKey"),
    ),
)

SERVICE = Service(
    client="mwaa", prefix="airflow", lists=(Listing(operation="ListEnvironments", page_size=25, gives=(ENVIRONMENT,)),)
)

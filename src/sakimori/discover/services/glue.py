"""Glue: jobs, development endpoints and open sessions, and as whom they run; the data catalog, and who else may use it.
Of arguments only the names."""

from __future__ import annotations

from sakimori.discover.declare import Item, Listing, Resource, Service, Tie, arn
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


def _is_open(session: Item) -> bool:
    return session.get("Status") in ("PROVISIONING", "READY")


SESSION = Resource(
    "AWS::Glue::Session",
    items="Sessions[]",
    arn=arn("glue", "session/{Id}"),
    name="{Id}",
    where=_is_open,
    relations=(arns("runs-as", "Role"),),
    moving=("Status", "Progress", "ExecutionTime", "DPUSeconds"),
)

CATALOG = Resource(
    "AWS::Glue::DataCatalog",
    items="",
    arn=arn("glue", "catalog"),
    documents=("PolicyInJson",),
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
        Listing(operation="ListSessions", secrets=("Sessions[].DefaultArguments",), gives=(SESSION,)),
        Listing(operation="GetResourcePolicy", absent=("EntityNotFoundException",), otherwise={}, gives=(CATALOG,)),
    ),
)

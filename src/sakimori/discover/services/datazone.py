"""DataZone: domains with their projects and environments, and the roles whose keys an environment gives to those who
are in its project."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.discover.declare import Detail, Listing, Place, Resource, Service, Tie, arn
from sakimori.model.asset import Asset, Relation

_DOMAIN = arn("datazone", "domain/{}")


def _runs_as(environment: Asset, place: Place) -> Iterator[Relation]:
    """`runs-as`: the role whose keys an environment gives out, from `provisionedResources[]`."""
    for resource in environment.config.get("provisionedResources") or ():
        if resource.get("name") == "userRoleArn" and resource.get("value"):
            yield Relation(environment.uid, "runs-as", resource["value"])


ENVIRONMENT = Resource(
    "AWS::DataZone::Environment",
    items="items[]",
    # AWS gives projects and environments no ARN of their own.
    arn=arn("datazone", "domain/{domainId}/environment/{id}"),
    name="{name}",
    details=(Detail(operation="GetEnvironment", parameters={"domainIdentifier": "{domainId}", "identifier": "{id}"}),),
    relations=(Tie("in", "projectId", arn("datazone", "domain/{^domainId}/project/{}")), _runs_as),
    moving=("lastDeployment",),
)

PROJECT = Resource(
    "AWS::DataZone::Project",
    items="items[]",
    arn=arn("datazone", "domain/{domainId}/project/{id}"),
    name="{name}",
    lists=(
        Listing(
            operation="ListEnvironments",
            parameters={"domainIdentifier": "{domainId}", "projectIdentifier": "{id}"},
            gives=(ENVIRONMENT,),
        ),
    ),
    relations=(Tie("in", "domainId", _DOMAIN),),
)

DOMAIN = Resource(
    "AWS::DataZone::Domain",
    items="items[]",
    arn="{arn}",
    name="{name}",
    lists=(Listing(operation="ListProjects", parameters={"domainIdentifier": "{id}"}, gives=(PROJECT,)),),
)

SERVICE = Service(client="datazone", sparse=True, lists=(Listing(operation="ListDomains", gives=(DOMAIN,)),))

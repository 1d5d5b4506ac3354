"""API Gateway's HTTP and WebSocket APIs: routes with who may call them, what is behind, stages and VPC links."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.discover.declare import Detail, Listing, Place, Resource, Service, Tie
from sakimori.discover.ties import in_subnets, uses_groups
from sakimori.model.asset import Asset, Relation

IAM = "apigateway:GET"
"""As for REST APIs."""

_ARN = "arn:{@partition}:apigateway:{@region}::"
_GIVEN = {"ApiId": "{ApiId}"}


def integrations(api: Asset, place: Place) -> Iterator[Relation]:
    """`targets`: the functions, listeners and VPC links that routes hand calls on to."""
    for integration in api.config.get("Integrations") or ():
        uri = integration.get("IntegrationUri") or ""
        _, found, rest = uri.partition("/functions/")
        target = rest.partition("/invocations")[0] if found else uri
        if target.startswith("arn:"):
            yield Relation(api.uid, "targets", target)
        link = integration.get("ConnectionId")
        if link:
            yield Relation(api.uid, "targets", f"arn:{place.partition}:apigateway:{place.region}::/vpclinks/{link}")


def authorizers(api: Asset, place: Place) -> Iterator[Relation]:
    """`protected-by`: the functions that decide who may call."""
    for authorizer in api.config.get("Authorizers") or ():
        _, found, rest = (authorizer.get("AuthorizerUri") or "").partition("/functions/")
        if found:
            yield Relation(api.uid, "protected-by", rest.partition("/invocations")[0])


STAGE = Resource(
    "AWS::ApiGatewayV2::Stage",
    items="Items[]",
    arn=_ARN + "/apis/{ApiId}/stages/{StageName}",
    name="{StageName}",
    inherit={"ApiId": "{ApiId}"},
    relations=(Tie("in", "ApiId", _ARN + "/apis/{}"), Tie("logs-to", "AccessLogSettings.DestinationArn")),
)

API = Resource(
    "AWS::ApiGatewayV2::Api",
    items="Items[]",
    arn=_ARN + "/apis/{ApiId}",
    name="{Name}",
    details=(
        Detail(operation="GetRoutes", parameters=_GIVEN, iam=IAM, path="Items[]", under="Routes"),
        Detail(
            operation="GetIntegrations",
            parameters=_GIVEN,
            iam=IAM,
            path="Items[]",
            under="Integrations",
            secrets=("Items[].RequestParameters", "Items[].RequestTemplates"),
        ),
        Detail(operation="GetAuthorizers", parameters=_GIVEN, iam=IAM, path="Items[]", under="Authorizers"),
    ),
    lists=(
        Listing(operation="GetStages", parameters=_GIVEN, iam=IAM, secrets=("Items[].StageVariables",), gives=(STAGE,)),
    ),
    relations=(integrations, authorizers),
)

VPC_LINK = Resource(
    "AWS::ApiGatewayV2::VpcLink",
    items="Items[]",
    arn=_ARN + "/vpclinks/{VpcLinkId}",
    name="{Name}",
    relations=(in_subnets("SubnetIds[]"), uses_groups("SecurityGroupIds[]")),
)

# Domain names of both kinds of API are told of by API Gateway's first API (apigateway.py).
SERVICE = Service(
    client="apigatewayv2",
    prefix="apigateway",
    lists=(
        Listing(operation="GetApis", iam=IAM, gives=(API,)),
        Listing(operation="GetVpcLinks", iam=IAM, gives=(VPC_LINK,)),
    ),
)

"""API Gateway's REST APIs: who may call them, what is behind them, their stages, domain names and VPC links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sakimori.discover.declare import Detail, Item, Listing, Place, Resource, Service, Tie, document
from sakimori.discover.paths import find_all
from sakimori.model.asset import Asset, Relation

IAM = "apigateway:GET"
"""API Gateway's actions are HTTP methods; what may be got is told by the resource (Service Authorization Reference)."""

_ARN = "arn:{@partition}:apigateway:{@region}::"


def lambda_of(uri: Any) -> str:
    """The ARN of the function that an integration's URI calls, "" for any other (API Gateway API, "Integration")."""
    _, found, rest = str(uri or "").partition("/functions/")
    return rest.partition("/invocations")[0] if found else ""


def integrations(api: Asset, place: Place) -> Iterator[Relation]:
    """`targets`: the functions and VPC links that methods hand calls on to."""
    for integration in find_all(api.config, "Resources[].resourceMethods[].methodIntegration"):
        function = lambda_of(integration.get("uri"))
        if function.startswith("arn:"):
            yield Relation(api.uid, "targets", function)
        link = integration.get("connectionId")
        if link and not link.startswith("$"):
            yield Relation(api.uid, "targets", f"arn:{place.partition}:apigateway:{place.region}::/vpclinks/{link}")


def authorizers(api: Asset, place: Place) -> Iterator[Relation]:
    """`protected-by`: the functions and user pools that decide who may call."""
    for authorizer in api.config.get("Authorizers") or ():
        function = lambda_of(authorizer.get("authorizerUri"))
        for target in [function, *(authorizer.get("providerARNs") or ())]:
            if target.startswith("arn:"):
                yield Relation(api.uid, "protected-by", target)


def _policy(item: Item) -> Item:
    """API Gateway gives the policy as the inside of a JSON string: every quotation mark has a backslash before it."""
    text = item.get("policy")
    if isinstance(text, str) and text.startswith('{\\"'):
        text = document(f'"{text}"')
    return {**item, "policy": document(text)}


STAGE = Resource(
    "AWS::ApiGateway::Stage",
    items="item[]",
    arn=_ARN + "/restapis/{restApiId}/stages/{stageName}",
    name="{stageName}",
    tags="tags",
    inherit={"restApiId": "{id}"},
    relations=(
        Tie("in", "restApiId", _ARN + "/restapis/{}"),
        Tie("protected-by", "webAclArn"),
        Tie("logs-to", "accessLogSettings.destinationArn"),
    ),
)

API = Resource(
    "AWS::ApiGateway::RestApi",
    items="items[]",
    arn=_ARN + "/restapis/{id}",
    name="{name}",
    tags="tags",
    details=(
        Detail(
            operation="GetAuthorizers",
            parameters={"restApiId": "{id}", "limit": 500},
            iam=IAM,
            path="items[]",
            under="Authorizers",
        ),
        Detail(
            operation="GetResources",
            parameters={"restApiId": "{id}", "embed": ["methods"], "limit": 500},
            iam=IAM,
            path="items[]",
            under="Resources",
            secrets=(
                "items[].resourceMethods[].methodIntegration.requestParameters",
                "items[].resourceMethods[].methodIntegration.requestTemplates",
            ),
        ),
    ),
    shape=_policy,
    lists=(
        Listing(
            operation="GetStages",
            parameters={"restApiId": "{id}"},
            iam=IAM,
            gives=(STAGE,),
            secrets=("item[].variables", "item[].canarySettings.stageVariableOverrides"),
        ),
    ),
    relations=(
        Tie(
            "attached-to",
            "endpointConfiguration.vpcEndpointIds[]",
            "arn:{@partition}:ec2:{@region}:{@account}:vpc-endpoint/{}",
        ),
        integrations,
        authorizers,
    ),
)


def _regional(domain: Item) -> bool:
    """Only regional names can be mapped to HTTP and WebSocket APIs (API Gateway Developer Guide)."""
    return "REGIONAL" in domain.get("endpointConfiguration", {}).get("types", ())


DOMAIN_NAME = Resource(
    "AWS::ApiGateway::DomainName",
    items="items[]",
    arn=_ARN + "/domainnames/{domainName}",
    name="{domainName}",
    tags="tags",
    details=(
        Detail(
            operation="GetBasePathMappings",
            parameters={"domainName": "{domainName}"},
            iam=IAM,
            path="items[]",
            under="BasePathMappings",
            when=lambda domain: not _regional(domain),
        ),
        Detail(
            operation="GetApiMappings",
            client="apigatewayv2",
            parameters={"DomainName": "{domainName}"},
            iam=IAM,
            path="Items[]",
            under="ApiMappings",
            when=_regional,
        ),
    ),
    relations=(
        Tie("uses", "certificateArn"),
        Tie("uses", "regionalCertificateArn"),
        Tie("targets", "BasePathMappings[].restApiId", _ARN + "/restapis/{}"),
    ),
)

VPC_LINK = Resource(
    "AWS::ApiGateway::VpcLink",
    items="items[]",
    arn=_ARN + "/vpclinks/{id}",
    name="{name}",
    tags="tags",
    relations=(Tie("targets", "targetArns[]"),),
)

SERVICE = Service(
    client="apigateway",
    lists=(
        Listing(operation="GetRestApis", iam=IAM, page_size=500, gives=(API,)),
        Listing(operation="GetDomainNames", iam=IAM, page_size=500, gives=(DOMAIN_NAME,)),
        Listing(operation="GetVpcLinks", iam=IAM, page_size=500, gives=(VPC_LINK,)),
    ),
)

"""WAF: web ACLs with their rules, logging and what they protect, rule groups and IP sets; CloudFront's too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.discover.declare import Detail, Listing, Place, Resource, Service, Tie
from sakimori.model.asset import Asset, Relation

PROTECTED = {
    "REGIONAL": (
        "APPLICATION_LOAD_BALANCER",
        "API_GATEWAY",
        "APPSYNC",
        "COGNITO_USER_POOL",
        "APP_RUNNER_SERVICE",
        "VERIFIED_ACCESS_INSTANCE",
    ),
    "CLOUDFRONT": ("AMPLIFY",),
}
"""The kinds of resources that web ACLs of each scope can protect (WAF API, ListResourcesForWebACL). CloudFront's
distributions name their web ACL themselves."""


def protected(acl: Asset, place: Place) -> Iterator[Relation]:
    """`protects`: the load balancers, APIs, user pools and others that the web ACL is associated with."""
    for kind in (kind for kinds in PROTECTED.values() for kind in kinds):
        for resource in acl.config.get(kind) or ():
            yield Relation(acl.uid, "protects", resource)


def referenced(acl: Asset, place: Place) -> Iterator[Relation]:
    """`uses`: the rule groups, IP sets and pattern sets that rules refer to, however deep."""
    for target in dict.fromkeys(_references(acl.config.get("Rules"))):
        yield Relation(acl.uid, "uses", target)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key.endswith("ReferenceStatement") and isinstance(inner, Mapping) and "ARN" in inner:
                yield inner["ARN"]
            else:
                yield from _references(inner)


def _itself(operation: str, path: str, scope: str) -> Detail:
    """A thing itself: lists tell only what it is called."""
    return Detail(operation=operation, parameters={"Name": "{Name}", "Scope": scope, "Id": "{Id}"}, path=path)


def _associated(kind: str) -> Detail:
    return Detail(
        operation="ListResourcesForWebACL",
        parameters={"WebACLArn": "{ARN}", "ResourceType": kind},
        path="ResourceArns[]",
        under=kind,
        absent=("WAFInvalidParameterException",),  # a kind that the region does not have
    )


def _web_acl(scope: str) -> Resource:
    return Resource(
        "AWS::WAFv2::WebACL",
        items="WebACLs[]",
        arn="{ARN}",
        name="{Name}",
        details=(
            _itself("GetWebACL", "WebACL", scope),
            Detail(
                operation="ListLoggingConfigurations",
                parameters={"Scope": scope},
                shared=True,
                path="LoggingConfigurations[]",
                key="ResourceArn",
                of="{ARN}",
                under="LoggingConfiguration",
            ),
            Detail(
                operation="ListTagsForResource",
                parameters={"ResourceARN": "{ARN}"},
                path="TagInfoForResource.TagList[]",
                under="Tags",
            ),
            *(_associated(kind) for kind in PROTECTED[scope]),
        ),
        relations=(Tie("logs-to", "LoggingConfiguration.LogDestinationConfigs[]"), referenced, protected),
    )


def _listings(scope: str, *, home_only: bool) -> tuple[Listing, ...]:
    given = {"Scope": scope}
    group = Resource(
        "AWS::WAFv2::RuleGroup",
        items="RuleGroups[]",
        arn="{ARN}",
        name="{Name}",
        details=(_itself("GetRuleGroup", "RuleGroup", scope),),
        relations=(referenced,),
    )
    ip_set = Resource(
        "AWS::WAFv2::IPSet",
        items="IPSets[]",
        arn="{ARN}",
        name="{Name}",
        details=(_itself("GetIPSet", "IPSet", scope),),
    )
    return (
        Listing(operation="ListWebACLs", parameters=given, home_only=home_only, gives=(_web_acl(scope),)),
        Listing(operation="ListRuleGroups", parameters=given, home_only=home_only, gives=(group,)),
        Listing(operation="ListIPSets", parameters=given, home_only=home_only, gives=(ip_set,)),
    )


SERVICE = Service(
    client="wafv2",
    lists=(*_listings("REGIONAL", home_only=False), *_listings("CLOUDFRONT", home_only=True)),
)

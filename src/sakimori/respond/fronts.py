"""What stands in front of web applications in an account, its web ACL, and what runs behind it.

Application load balancers, stages of REST APIs and CloudFront distributions can have a web ACL; classic load balancers
and HTTP APIs cannot, and are named. Behind them are instances (their targets, or the hosts of ECS tasks) and the images
of ECS services. Sources: "Resources that you can protect with AWS WAF" (WAF developer guide), and the API references of
Elastic Load Balancing, ECS, API Gateway and CloudFront.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sakimori.aws.errors import AwsError
from sakimori.model.event import Event
from sakimori.model.said import say, told
from sakimori.respond.behind import Behind, Targets
from sakimori.respond.guard import PASSING
from sakimori.respond.world import World

IAM_ACTIONS = (
    "cloudfront:ListDistributions",
    "elasticloadbalancing:DescribeLoadBalancers",
    "wafv2:GetWebACLForResource",
    "apigateway:GET",
)

CLOUDFRONT_REGION = "us-east-1"
"""Where web ACLs of CloudFront are kept: the scope CLOUDFRONT is answered there only."""

_OF_ELB = re.compile(r"(?:\.([a-z]{2}(?:-[a-z]+)+-\d)\.elb|\.elb\.([a-z]{2}(?:-[a-z]+)+-\d))\.amazonaws\.com(?:\.cn)?$")
_OF_API = re.compile(r"^([a-z0-9]+)\.execute-api\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$")


@dataclass(slots=True)
class Front:
    """A web ACL, what it protects, and what runs behind that."""

    acl: str
    region: str
    fronts: list[str] = field(default_factory=list)
    behind: Behind = field(default_factory=Behind)


class Fronts:
    """The fronts of an account as an event's region and CloudFront have them. `missing` says what is not covered, or
    could not be seen."""

    def __init__(self, world: World, event: Event) -> None:
        self._world, self._account, self._region = world, event.account, event.region
        self.missing: list[str] = []
        self._targets: dict[str, Targets] = {}
        self._by_name: dict[str, dict[str, Behind]] = {}
        self.found: dict[str, Front] = {}
        for look in (self._balancers, self._rest_apis, self._http_apis, self._distributions):
            try:
                look()
            except AwsError as error:
                if isinstance(error, PASSING):
                    raise
                self.missing.append(told(error))

    def _aws(self, service: str, region: str = "") -> Any:
        return self._world.aws(service, self._account, region or self._region)

    def _targets_in(self, region: str) -> Targets:
        if region not in self._targets:
            self._targets[region] = Targets(self._world, self._account, region, self.missing)
        return self._targets[region]

    def _put(self, acl: str, region: str, front: str, behind: Behind) -> None:
        found = self.found.setdefault(acl, Front(acl, region))
        found.fronts.append(front)
        found.behind.add(behind)

    def _bare(self, front: str) -> None:
        self.missing.append(say("{front} has no web ACL: nothing stops web attacks in front of it", front=front))

    # Load balancers

    def _balancers(self) -> None:
        waf, targets = self._aws("wafv2"), self._targets_in(self._region)
        for balancer in targets.balancers:
            if balancer.get("Type") != "application":
                continue
            arn = str(balancer["LoadBalancerArn"])
            acl = waf.get_web_acl_for_resource(ResourceArn=arn).get("WebACL", {}).get("ARN")
            if acl:
                self._put(acl, self._region, arn, targets.behind_balancer(arn))
            else:
                self._bare(arn)
        for classic in targets.classic:
            self.missing.append(
                say(
                    "the classic load balancer {name} cannot have a web ACL: move it to an application load balancer",
                    name=classic["LoadBalancerName"],
                )
            )

    def _named(self, host: str) -> Behind | None:
        """What is behind a load balancer by its DNS name; None if no load balancer of the account has it."""
        found = _OF_ELB.search(host.lower())
        return self._targets_in(found[1] or found[2]).behind_name(host) if found else None

    # API Gateway

    def _rest_apis(self) -> None:
        gateway = self._aws("apigateway")
        for api in gateway.pages("get_rest_apis", "items"):
            behind: Behind | None = None
            for stage in gateway.get_stages(restApiId=api["id"]).get("item", ()):
                of_api = {"api": api.get("name", api["id"]), "id": api["id"]}
                name = say("the stage {stage} of the REST API {api} ({id})", stage=stage["stageName"], **of_api)
                if not stage.get("webAclArn"):
                    self._bare(name)
                    continue
                behind = behind or self._behind_api(self._region, api["id"])
                self._put(str(stage["webAclArn"]), self._region, name, behind)

    def _behind_api(self, region: str, api: str) -> Behind:
        """What the methods of a REST API are passed on to: HTTP addresses, and network load balancers by VPC links."""
        gateway, behind = self._aws("apigateway", region), Behind()
        for resource in gateway.pages("get_resources", "items", restApiId=api, embed=["methods"]):
            for method in resource.get("resourceMethods", {}).values():
                to = method.get("methodIntegration", {})
                if to.get("connectionType") == "VPC_LINK":
                    self._behind_link(region, str(to.get("connectionId", "")), behind)
                elif to.get("type") in ("HTTP", "HTTP_PROXY"):
                    host = urlsplit(str(to.get("uri", ""))).hostname or ""
                    behind.add(self._named(host) or Behind())
        return behind

    def _behind_link(self, region: str, link: str, behind: Behind) -> None:
        if not re.fullmatch(r"[a-z0-9]+", link):  # ${stageVariables.link}
            self.missing.append(say("what is behind the VPC link {link}: a stage's variable names it", link=link))
            return
        for arn in self._aws("apigateway", region).get_vpc_link(vpcLinkId=link).get("targetArns", ()):
            behind.add(self._targets_in(region).behind_balancer(str(arn)))

    def _http_apis(self) -> None:
        for api in self._aws("apigatewayv2").pages("get_apis", "Items"):
            name, own_id = api.get("Name", api["ApiId"]), api["ApiId"]
            if api.get("ProtocolType") == "WEBSOCKET":
                told = say(
                    "the WebSocket API {api} ({id}) cannot have a web ACL: put a CloudFront distribution with one in "
                    "front of it",
                    api=name,
                    id=own_id,
                )
            else:
                told = say(
                    "the HTTP API {api} ({id}) cannot have a web ACL: put a CloudFront distribution with one in front "
                    "of it, or make it a REST API",
                    api=name,
                    id=own_id,
                )
            self.missing.append(told)

    # CloudFront

    def _distributions(self) -> None:
        for each in self._aws("cloudfront", CLOUDFRONT_REGION).pages("list_distributions", "DistributionList.Items"):
            acl, name = str(each.get("WebACLId", "")), say("the distribution {id}", id=each["Id"])
            if not acl.startswith("arn:"):
                if acl:
                    self.missing.append(say("{front} has a web ACL of WAF Classic: move it to WAFv2", front=name))
                else:
                    self.missing.append(say("{front} has no web ACL", front=name))
                continue
            behind = Behind()
            for origin in _origins(each):
                behind.add(self._origin(name, origin))
            self._put(acl, CLOUDFRONT_REGION, name, behind)

    def _origin(self, distribution: str, host: str) -> Behind:
        api = _OF_API.match(host.lower())
        if api:
            return self._behind_api(api[2], api[1])
        found = self._named(host)
        if found is None and ".s3" not in host and not host.endswith(".lambda-url"):
            self.missing.append(
                say(
                    "what is behind the origin {host} of {front}: it is no load balancer of AWS",
                    host=host,
                    front=distribution,
                )
            )
        return found or Behind()


def _origins(distribution: Mapping[str, Any]) -> Iterator[str]:
    origins: Iterable[Mapping[str, Any]] = distribution.get("Origins", {}).get("Items") or ()
    return (str(origin.get("DomainName", "")) for origin in origins)

"""The workflow waf: what stands in front of web applications, and what runs behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import accounts
import pytest
from trend_stub import Trend
from waf_account import BAD, COMMON, WCU, Network, groups, missing, offers, plan, protected_by

import told_events as told
from sakimori.collect.events import heard
from sakimori.respond import plugins
from sakimori.respond.workflows import waf
from sakimori.respond.world import World
from sakimori.simulate.aws import REGION, Answer, Call, SimulatedAws
from sakimori.simulate.recognise import Operation


@pytest.fixture(autouse=True)
def offered(aws: SimulatedAws) -> None:
    offers(aws, WCU)


@pytest.mark.parametrize("kind", ["instance", "ip"])
def test_defect_only_classic_load_balancers_were_seen_and_no_target_groups(
    world: World, aws: SimulatedAws, instance: str, kind: str
) -> None:
    network, acl = Network(aws), accounts.web_acl(aws)
    balancer = network.balancer()
    network.group(balancer, [instance if kind == "instance" else network.address(instance)], kind)
    protected_by(aws, acl, balancer)
    found = plan(world)
    assert groups(found) == [COMMON, BAD]
    assert instance in found.steps[0].why
    assert "700 WCU, 701 of 1500" in found.steps[0].why
    assert "application Web Server Common; policy Web Servers" in found.steps[0].why
    assert {step.target.uid for step in found.steps} == {acl.target.uid}


def test_an_address_that_is_nobodys_is_named(world: World, aws: SimulatedAws) -> None:
    network, acl = Network(aws), accounts.web_acl(aws)
    balancer = network.balancer()
    network.group(balancer, ["10.9.9.9"], "ip")
    protected_by(aws, acl, balancer)
    assert missing(plan(world), "at 10.9.9.9: no instance has that address")


def test_a_load_balancer_behind_a_load_balancer_is_followed(world: World, aws: SimulatedAws, instance: str) -> None:
    network, acl = Network(aws), accounts.web_acl(aws)
    inner, outer = network.balancer("inner"), network.balancer("outer", "network")
    network.group(inner, [instance])
    network.group(outer, [inner["LoadBalancerArn"]], "alb", "to-inner")
    protected_by(aws, acl, inner)
    found = waf.Fronts(world, heard(json.dumps(told.guardduty()), "x").events[0])
    targets = found._targets_in(REGION)
    assert targets.behind_balancer(outer["LoadBalancerArn"]).instances == {instance}


@pytest.mark.parametrize("where", ["EC2", "FARGATE"])
def test_defect_ecs_services_were_not_seen(world: World, aws: SimulatedAws, instance: str, where: str) -> None:
    network, acl, ecs = Network(aws), accounts.web_acl(aws), aws.client("ecs")
    balancer = network.balancer()
    group = network.group(balancer, ["10.9.9.9"], "ip")
    protected_by(aws, acl, balancer)
    ecs_service(aws, network, group, instance, where)
    found = plan(world)
    assert groups(found) == [COMMON, BAD]
    assert "shop-web" in found.steps[0].why
    assert (instance in found.steps[0].why) == (where == "EC2")
    assert not missing(found, "10.9.9.9"), "it is a task's"
    assert ecs


def ecs_service(aws: SimulatedAws, network: Network, group: str, instance: str, where: str) -> None:
    """A service whose tasks register with a target group. moto runs no task of a service: the calls about tasks are
    answered here, in the shapes of the ECS API."""
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="shop")
    ecs.register_task_definition(family="web", containerDefinitions=[{"name": "web", "image": "nginx", "memory": 64}])
    ecs.create_service(
        cluster="shop",
        serviceName="shop-web",
        taskDefinition="web",
        desiredCount=1,
        loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 80}],
    )
    task: dict[str, Any] = {"taskArn": "arn:task", "containers": [{"name": "web", "image": "registry/nginx:1.27"}]}
    if where == "EC2":
        task["containerInstanceArn"] = "arn:host"
    hosts = [{"containerInstanceArn": "arn:host", "ec2InstanceId": instance}]
    for name, answer in (
        ("ListTasks", {"taskArns": ["arn:task"]}),
        ("DescribeTasks", {"tasks": [task]}),
        ("DescribeContainerInstances", {"containerInstances": hosts}),
    ):
        aws.handlers[f"ecs:{name}"] = lambda _, answer=answer: Answer(json.dumps(answer).encode())  # type: ignore[misc]


def test_what_cannot_be_seen_is_named_and_the_rest_goes_on(world: World, aws: SimulatedAws, instance: str) -> None:
    network, acl = Network(aws), accounts.web_acl(aws)
    balancer = network.balancer()
    network.group(balancer, [instance])
    protected_by(aws, acl, balancer)
    denied = Answer(b'{"__type": "AccessDeniedException", "message": "no"}', 400)
    aws.handlers["ecs:ListClusters"] = lambda _: denied
    found = plan(world)
    assert groups(found) == [COMMON, BAD]
    assert missing(found, "which ECS services are behind load balancers: ecs:ListClusters")


def test_classic_load_balancers_and_what_has_no_web_acl_are_named(world: World, aws: SimulatedAws) -> None:
    network = Network(aws)
    network.balancer("open")
    listener = {"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 80}
    aws.client("elb").create_load_balancer(
        LoadBalancerName="old", Listeners=[listener], AvailabilityZones=["us-east-1a"]
    )
    found = plan(world)
    assert missing(found, "the classic load balancer old cannot have a web ACL")
    assert missing(found, "loadbalancer/app/open")
    assert (found.decision, found.tell) == ("nothing to do", True)


def test_stages_of_rest_apis_are_fronts_and_http_apis_cannot_be(world: World, aws: SimulatedAws, instance: str) -> None:
    network, acl, gateway = Network(aws), accounts.web_acl(aws), aws.client("apigateway")
    balancer = network.balancer("behind-api")
    network.group(balancer, [instance])
    api = gateway.create_rest_api(name="orders")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="ANY", authorizationType="NONE")
    gateway.put_integration(
        restApiId=api,
        resourceId=root,
        httpMethod="ANY",
        type="HTTP_PROXY",
        integrationHttpMethod="ANY",
        uri=f"http://{balancer['DNSName']}/",
    )
    for stage in ("prod", "test"):
        gateway.create_deployment(restApiId=api, stageName=stage)
    arn = f"arn:aws:apigateway:{REGION}::/restapis/{api}/stages/prod"
    aws.client("wafv2").associate_web_acl(WebACLArn=acl.target.uid, ResourceArn=arn)
    aws.client("apigatewayv2").create_api(Name="cart", ProtocolType="HTTP")
    found = plan(world)
    assert groups(found) == [COMMON, BAD]
    assert instance in found.steps[0].why
    assert missing(found, f"the stage test of the REST API orders ({api}) has no web ACL")
    assert missing(found, "the HTTP API cart")
    assert missing(found, "or make it a REST API")


def test_a_rest_api_reaches_instances_through_a_vpc_link(world: World, aws: SimulatedAws, instance: str) -> None:
    network, acl, gateway = Network(aws), accounts.web_acl(aws), aws.client("apigateway")
    balancer = network.balancer("inside", "network")
    network.group(balancer, [instance])
    link = gateway.create_vpc_link(name="l", targetArns=[balancer["LoadBalancerArn"]])["id"]
    api = gateway.create_rest_api(name="orders")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="ANY", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="ANY", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="prod")
    arn = f"arn:aws:apigateway:{REGION}::/restapis/{api}/stages/prod"
    aws.client("wafv2").associate_web_acl(WebACLArn=acl.target.uid, ResourceArn=arn)
    for named, behind in ((link, [COMMON, BAD]), ("${stageVariables.link}", [])):
        method = {"methodIntegration": {"type": "HTTP_PROXY", "connectionType": "VPC_LINK", "connectionId": named}}
        told_of = {"item": [{"id": root, "path": "/", "resourceMethods": {"ANY": method}}]}  # moto forgets the link
        aws.handlers["apigateway:GetResources"] = lambda _, told_of=told_of: Answer(json.dumps(told_of).encode())  # type: ignore[misc]
        found = plan(world)
        assert groups(found) == behind
    assert missing(found, "a stage's variable names it")


def test_defect_origins_were_matched_by_a_name_and_cloudfronts_acls_are_asked_for_in_us_east_1_only(
    world: World, aws: SimulatedAws, trend: Trend
) -> None:
    """The load balancer is in another region than the schedule and the web ACL."""
    ec2 = aws.client("ec2", "eu-west-1")
    made = str(ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"])
    trend.instance = made
    network = Network(aws, "eu-west-1")
    balancer = network.balancer("not-called-elb-anything")
    network.group(balancer, [made])
    visibility = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
    acl = aws.client("wafv2").create_web_acl(
        Name="edge", Scope="CLOUDFRONT", DefaultAction={"Allow": {}}, VisibilityConfig=visibility
    )["Summary"]["ARN"]
    distribution(aws, "shop", [balancer["DNSName"], "elsewhere.example.com", "site.s3.amazonaws.com"], acl)
    distribution(aws, "classic", [balancer["DNSName"]], "473e64fd-f30b-4765-81a0-62ad96dd167a")
    calls: list[tuple[str, bytes]] = []

    def watch(call: Call, operation: Operation | None) -> None:
        if call.service == "wafv2":
            scope = call.headers["authorization"].split("/")
            calls.append((scope[2], call.body))

    aws.watchers.append(watch)
    found = plan(world, "ap-northeast-1")
    assert groups(found) == [COMMON, BAD]
    assert made in found.steps[0].why
    assert {step.target.region for step in found.steps} == {"us-east-1"}
    assert {region for region, body in calls if b"CLOUDFRONT" in body} == {"us-east-1"}
    assert missing(found, "elsewhere.example.com of the distribution")
    assert not missing(found, "site.s3")
    assert missing(found, "a web ACL of WAF Classic")
    action, step = plugins.action("add-waf-rule-group"), found.steps[0]
    target = replace(step.target, region="ap-northeast-1")
    action.apply(world, target, action.before(world, target), "run-0")
    assert {region for region, body in calls if b"CLOUDFRONT" in body} == {"us-east-1"}


def distribution(aws: SimulatedAws, name: str, origins: list[str], acl: str) -> None:
    items = [{"Id": str(n), "DomainName": host, "CustomOriginConfig": custom()} for n, host in enumerate(origins)]
    config = {
        "CallerReference": name,
        "Comment": name,
        "Enabled": True,
        "Origins": {"Quantity": len(items), "Items": items},
        "DefaultCacheBehavior": {
            "TargetOriginId": "0",
            "ViewerProtocolPolicy": "allow-all",
            "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
            "MinTTL": 0,
        },
        "WebACLId": acl,
    }
    aws.client("cloudfront").create_distribution(DistributionConfig=config)


def custom() -> dict[str, Any]:
    return {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}

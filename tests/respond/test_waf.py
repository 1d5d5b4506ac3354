"""The workflow waf: what stands in front, what runs behind it, and which rule groups fit, on the simulated AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import accounts
import pytest
from accounts import Thing, world_of
from manager_stub import known_as, stub
from trend_stub import KEY, Trend

import told_events as told
from sakimori.collect.events import heard
from sakimori.model.action import Plan
from sakimori.protect.client import Client, Settings
from sakimori.protect.client_errors import ManagerError
from sakimori.respond import plugins
from sakimori.respond.errors import RespondError, Undone
from sakimori.respond.guard import Guard, Pace
from sakimori.respond.workflows import waf
from sakimori.respond.world import World
from sakimori.simulate.aws import ACCOUNT, REGION, Answer, Call, SimulatedAws
from sakimori.simulate.recognise import Operation

COMMON, BAD = "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"
WCU = {COMMON: 700, BAD: 200, "AWSManagedRulesPHPRuleSet": 100, "AWSManagedRulesWordPressRuleSet": 100}


@pytest.fixture
def trend() -> Iterator[Trend]:
    with stub() as served:
        yield served


@pytest.fixture
def world(aws: SimulatedAws, trend: Trend) -> Iterator[World]:
    offers(aws, WCU)
    with Client(Settings(trend.url, KEY, patience=1), sleep=lambda _: None) as client:
        made = world_of(aws, client)
        made.guard = Guard(default=Pace(rate=1_000, burst=1_000, attempts=2, first_pause=0.01))
        yield made


def offers(aws: SimulatedAws, capacities: dict[str, int], vendor: str = "AWS") -> None:
    """What moto's WAF lacks: the groups that are offered, and how much they and a list of rules take."""
    groups = [{"VendorName": vendor, "Name": name} for name in capacities]

    def capacity(rules: list[dict[str, Any]]) -> int:
        named = [each["Statement"].get("ManagedRuleGroupStatement", {}).get("Name") for each in rules]
        return sum(capacities.get(name, 1) for name in named)

    answers = {
        "ListAvailableManagedRuleGroups": lambda _: {"ManagedRuleGroups": groups},
        "DescribeManagedRuleGroup": lambda asked: {"Capacity": capacities[asked["Name"]]},
        "CheckCapacity": lambda asked: {"Capacity": capacity(asked["Rules"])},
    }
    for name, answer in answers.items():
        aws.handlers[f"wafv2:{name}"] = lambda call, answer=answer: Answer(  # type: ignore[misc]
            json.dumps(answer(json.loads(call.body))).encode()
        )


def plan(world: World, region: str = REGION) -> Plan:
    schedule = told.envelope("aws.events", "Scheduled Event", {}, resources=["arn:aws:events:x:1:rule/sakimori-waf"])
    return waf.plan(heard(json.dumps({**schedule, "region": region}), "test").events[0], world)


def groups(found: Plan) -> list[str]:
    return [str(step.target.parameters["group"]) for step in found.steps]


def missing(found: Plan, text: str) -> bool:
    return any(text in reason for reason in found.not_evaluated)


class Network:
    """A VPC's subnets and security group, load balancers and target groups in it."""

    def __init__(self, aws: SimulatedAws, region: str = REGION) -> None:
        self.ec2, self.elb = aws.client("ec2", region), aws.client("elbv2", region)
        self.vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.subnets = [each["SubnetId"] for each in self.ec2.describe_subnets()["Subnets"]][:2]

    def balancer(self, name: str = "shop", kind: str = "application") -> dict[str, Any]:
        made: dict[str, Any] = self.elb.create_load_balancer(Name=name, Subnets=self.subnets, Type=kind)[
            "LoadBalancers"
        ][0]
        return made

    def group(self, balancer: dict[str, Any], targets: list[str], kind: str = "instance", name: str = "web") -> str:
        protocol = "HTTP" if balancer["Type"] == "application" else "TCP"
        made: str = self.elb.create_target_group(
            Name=name, Protocol=protocol, Port=80, VpcId=self.vpc, TargetType=kind
        )["TargetGroups"][0]["TargetGroupArn"]
        if targets:
            self.elb.register_targets(TargetGroupArn=made, Targets=[{"Id": each} for each in targets])
        action = {"Type": "forward", "TargetGroupArn": made}
        self.elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Protocol=protocol, Port=80, DefaultActions=[action]
        )
        return made

    def address(self, instance: str) -> str:
        described = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return str(described["PrivateIpAddress"])


def protected_by(aws: SimulatedAws, acl: Thing, balancer: dict[str, Any]) -> None:
    aws.client("wafv2").associate_web_acl(WebACLArn=acl.target.uid, ResourceArn=balancer["LoadBalancerArn"])


@pytest.fixture
def instance(aws: SimulatedAws, trend: Trend) -> str:
    made = accounts.make_instance(aws)
    known_as(trend, made)
    return made


# ---- what stands in front, and what runs behind


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
    known_as(trend, made)
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


# ---- which groups


@pytest.fixture
def front(world: World, aws: SimulatedAws, instance: str) -> Thing:
    """A web ACL in front of a protected web server."""
    network, acl = Network(aws), accounts.web_acl(aws)
    balancer = network.balancer()
    network.group(balancer, [instance])
    protected_by(aws, acl, balancer)
    return acl


def test_a_group_that_does_not_fit_into_the_capacity_is_named(world: World, aws: SimulatedAws, front: Thing) -> None:
    offers(aws, {COMMON: 1_400, BAD: 200})
    found = plan(world)
    assert groups(found) == [COMMON]
    assert missing(found, f"{BAD} takes 200 WCU and {front.target.uid} to 1601, more than the 1500")
    world.settings = {"waf": {"capacity": 5000}}
    assert groups(plan(world)) == [COMMON, BAD]


def test_what_is_not_offered_or_cannot_be_checked_is_named(world: World, aws: SimulatedAws, front: Thing) -> None:
    offers(aws, {COMMON: 700})
    assert missing(plan(world), f"{BAD} is not offered in us-east-1 for REGIONAL")
    aws.handlers["wafv2:CheckCapacity"] = lambda _: Answer(b'{"__type": "WAFInvalidParameterException"}', 400)
    found = plan(world)
    assert (found.steps, missing(found, f"whether {COMMON} fits into")) == ((), True)


def test_what_is_there_is_not_proposed_again(world: World, front: Thing) -> None:
    action = plugins.action("add-waf-rule-group")
    for step in plan(world).steps:
        action.apply(world, step.target, action.before(world, step.target), "run")
    assert plan(world).steps == ()


def test_groups_that_are_sold_are_taken_where_they_are_subscribed_to(
    world: World, aws: SimulatedAws, front: Thing
) -> None:
    offers(aws, {"WebServer_Rules": 500}, vendor="Trend Micro")
    [step] = plan(world).steps
    assert step.target.parameters == {"vendor": "Trend Micro", "group": "WebServer_Rules"}


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        ("Web Server Apache Struts", [COMMON, BAD]),
        ("Database MySQL", ["AWSManagedRulesSQLiRuleSet"]),
        ("WordPress", ["AWSManagedRulesWordPressRuleSet"]),
        ("Microsoft IIS", ["AWSManagedRulesWindowsRuleSet"]),
        ("Build Server Required", []),
        ("Mail Client", []),
    ],
)
def test_defect_the_pattern_ui_matched_build_and_require(application: str, expected: list[str]) -> None:
    assert chosen_for({"application": {application}}) == expected


def test_defect_one_recommendation_was_not_enough() -> None:
    assert chosen_for({"application": {"PHP"}}) == ["AWSManagedRulesPHPRuleSet"]


def test_policies_platforms_and_images_are_signs_too() -> None:
    assert chosen_for({"policy": {"Linux Web Server"}}) == [COMMON, BAD]
    assert chosen_for({"platform": {"Microsoft Windows Server 2022 (64 bit)"}}) == ["AWSManagedRulesWindowsRuleSet"]
    assert chosen_for({"image": {"registry/wordpress:6"}}) == ["AWSManagedRulesWordPressRuleSet"]


def chosen_for(signs: dict[str, set[str]]) -> list[str]:
    rows = [row for row in waf.table(None) if waf.fits(row, signs)]
    every = [("AWS", group) for row in rows for group in row["groups"]]
    return [name for _, name in waf.groups_for(rows, every, "", [])]


def test_defect_any_rule_of_a_type_counted_assigned_or_not(
    world: World, trend: Trend, front: Thing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Types that no assigned rule has say nothing."""
    own = Client.assignments

    def without(self: Client, *words: Any, **options: Any) -> Any:
        return replace(own(self, *words, **options), application_types=frozenset())

    monkeypatch.setattr(Client, "assignments", without)
    monkeypatch.setattr(trend, "policy_name", "Base")
    assert plan(world).steps == ()


def test_users_have_a_table_of_their_own(tmp_path: Path) -> None:
    place = tmp_path / "waf.yml"
    place.write_text("- image: ['*']\n  groups: [Mine]\n")
    assert waf.table(tmp_path) == [{"image": ("*",), "groups": ("Mine",)}]
    for wrong, said in (
        ("- application: ['*']\n  colour: [red]\n", "line 2: there is no column 'colour'"),
        ("- application: ['*']\n", "line 1: a row has one of"),
        ("- groups: [x]\n", "line 1: a row has one of"),
        ("- application: x\n  groups: [y]\n", "line 1: 'application' is not a list of texts"),
    ):
        place.write_text(wrong)
        with pytest.raises(RespondError, match=said):
            waf.table(tmp_path)


def test_a_manager_that_does_not_tell_what_runs_is_named(world: World, trend: Trend, front: Thing) -> None:
    def gone(self: Client, number: int) -> Any:
        raise ManagerError("nothing is there")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Client, "application_type", gone)
        patched.setattr(trend, "policy_name", "Base")
        found = plan(world)
    assert (found.steps, missing(found, "the protection manager: nothing is there")) == ((), True)


# ---- written with the lock token


def test_what_somebody_adds_at_the_same_moment_stays_and_undo_takes_out_ours_alone(
    world: World, aws: SimulatedAws
) -> None:
    thing, action = accounts.web_acl(aws), plugins.action("add-waf-rule-group")
    before, tries = action.before(world, thing.target), []

    def quicker(call: Call) -> Answer | None:
        tries.append(call)
        if len(tries) > 1:
            return None
        add_rule(aws, thing, "theirs")
        return Answer(b'{"__type": "WAFOptimisticLockException", "message": "somebody was quicker"}', 400)

    theirs = lambda call: b'"theirs"' in call.body and len(tries) == 1  # noqa: E731
    aws.handlers["wafv2:UpdateWebACL"] = lambda call: None if theirs(call) else quicker(call)
    action.apply(world, thing.target, before, "run-0")
    names = [rule["Name"] for rule in thing.describe()["Rules"]]
    assert names == ["own", "theirs", "Sakimori-AWSManagedRulesSQLiRuleSet"]
    proof = action.verify(world, thing.target, before)
    assert proof.verified
    action.undo(world, thing.target, before, proof.after)
    assert [rule["Name"] for rule in thing.describe()["Rules"]] == ["own", "theirs"]


def test_undo_refuses_where_somebody_is_quicker(world: World, aws: SimulatedAws) -> None:
    thing, action = accounts.web_acl(aws), plugins.action("add-waf-rule-group")
    before = action.before(world, thing.target)
    action.apply(world, thing.target, before, "run-0")
    after = action.verify(world, thing.target, before).after
    add_rule(aws, thing, "theirs")
    with pytest.raises(Undone, match="changed by somebody else just now"):
        action.undo(world, thing.target, before, after)
    assert "theirs" in [rule["Name"] for rule in thing.describe()["Rules"]]


def add_rule(aws: SimulatedAws, thing: Thing, name: str) -> None:
    waf_client = aws.client("wafv2")
    named = {"Name": "shop", "Scope": "REGIONAL", "Id": thing.target.id}
    found = waf_client.get_web_acl(**named)
    acl = found["WebACL"]
    visibility = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}
    theirs = {
        "Name": name,
        "Priority": 90,
        "Statement": {"GeoMatchStatement": {"CountryCodes": ["AQ"]}},
        "Action": {"Count": {}},
        "VisibilityConfig": visibility,
    }
    waf_client.update_web_acl(
        **named,
        DefaultAction=acl["DefaultAction"],
        Description=acl["Description"],
        VisibilityConfig=acl["VisibilityConfig"],
        Rules=[*acl["Rules"], theirs],
        LockToken=found["LockToken"],
    )
    assert ACCOUNT

"""What stands in front in the simulated account, and what moto's WAF lacks."""

from __future__ import annotations

import json
from typing import Any

from accounts import Thing

import told_events as told
from sakimori.collect.events import heard
from sakimori.model.action import Plan
from sakimori.respond.workflows import waf
from sakimori.respond.world import World
from sakimori.simulate.aws import REGION, Answer, SimulatedAws

COMMON, BAD = "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"
WCU = {COMMON: 700, BAD: 200, "AWSManagedRulesPHPRuleSet": 100, "AWSManagedRulesWordPressRuleSet": 100}


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

"""Application, network and gateway load balancers: listeners, rules, target groups and the health of their targets."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.discover.declare import Detail, Listing, Place, Resource, Service, Tie, arn
from sakimori.model.asset import Asset, Relation


def targets(group: Asset, place: Place) -> Iterator[Relation]:
    """`targets`: the instances, functions and load balancers in a target group, with port and health. Not addresses."""
    kind = group.config.get("TargetType")
    for description in group.config.get("TargetHealthDescriptions") or ():
        id = description["Target"]["Id"]
        target = f"arn:{place.partition}:ec2:{place.region}:{place.account}:instance/{id}" if kind == "instance" else id
        if target.startswith("arn:"):
            told = {
                "Port": description["Target"].get("Port"),
                "State": description.get("TargetHealth", {}).get("State"),
            }
            yield Relation(group.uid, "targets", target, {key: value for key, value in told.items() if value})


def _tags(of: str) -> Detail:
    return Detail(
        operation="DescribeTags",
        parameters={"ResourceArns": of},
        each="ResourceArns",
        batch=20,
        path="TagDescriptions[]",
        key="ResourceArn",
        of=of,
        value="Tags",
        under="Tags",
    )


def _forwards(actions: str) -> tuple[Tie, ...]:
    """The target groups that actions forward to, named alone or with weights."""
    return (
        Tie("targets", f"{actions}[].TargetGroupArn"),
        Tie("targets", f"{actions}[].ForwardConfig.TargetGroups[].TargetGroupArn"),
    )


RULE = Resource(
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    items="Rules[]",
    arn="{RuleArn}",
    inherit={"ListenerArn": "{ListenerArn}"},
    relations=(Tie("in", "ListenerArn"), *_forwards("Actions")),
)

LISTENER = Resource(
    "AWS::ElasticLoadBalancingV2::Listener",
    items="Listeners[]",
    arn="{ListenerArn}",
    lists=(Listing(operation="DescribeRules", parameters={"ListenerArn": "{ListenerArn}"}, gives=(RULE,)),),
    relations=(
        Tie("in", "LoadBalancerArn"),
        Tie("uses", "Certificates[].CertificateArn"),
        *_forwards("DefaultActions"),
    ),
)

LOAD_BALANCER = Resource(
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    items="LoadBalancers[]",
    arn="{LoadBalancerArn}",
    name="{LoadBalancerName}",
    details=(
        _tags("{LoadBalancerArn}"),
        Detail(
            operation="DescribeLoadBalancerAttributes",
            parameters={"LoadBalancerArn": "{LoadBalancerArn}"},
            path="Attributes[]",
            under="Attributes",
        ),
    ),
    lists=(
        Listing(operation="DescribeListeners", parameters={"LoadBalancerArn": "{LoadBalancerArn}"}, gives=(LISTENER,)),
    ),
    relations=(
        Tie("in", "VpcId", arn("ec2", "vpc/{}")),
        Tie("in", "AvailabilityZones[].SubnetId", arn("ec2", "subnet/{}")),
        Tie("uses", "SecurityGroups[]", arn("ec2", "security-group/{}")),
    ),
)

TARGET_GROUP = Resource(
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    items="TargetGroups[]",
    arn="{TargetGroupArn}",
    name="{TargetGroupName}",
    details=(
        _tags("{TargetGroupArn}"),
        Detail(
            operation="DescribeTargetGroupAttributes",
            parameters={"TargetGroupArn": "{TargetGroupArn}"},
            path="Attributes[]",
            under="Attributes",
        ),
        Detail(
            operation="DescribeTargetHealth",
            parameters={"TargetGroupArn": "{TargetGroupArn}"},
            path="TargetHealthDescriptions[]",
            under="TargetHealthDescriptions",
        ),
    ),
    relations=(Tie("in", "VpcId", arn("ec2", "vpc/{}")), targets),
    moving=(
        "TargetHealthDescriptions[].TargetHealth",
        "TargetHealthDescriptions[].AnomalyDetection",
    ),
)

SERVICE = Service(
    client="elbv2",
    prefix="elasticloadbalancing",
    lists=(
        Listing(operation="DescribeLoadBalancers", page_size=400, gives=(LOAD_BALANCER,)),
        Listing(operation="DescribeTargetGroups", page_size=400, gives=(TARGET_GROUP,)),
    ),
)

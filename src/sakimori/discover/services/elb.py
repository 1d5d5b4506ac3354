"""Classic load balancers: listeners, attributes, and the health of their instances."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn

LOAD_BALANCER = Resource(
    "AWS::ElasticLoadBalancing::LoadBalancer",
    items="LoadBalancerDescriptions[]",
    arn=arn("elasticloadbalancing", "loadbalancer/{LoadBalancerName}"),
    name="{LoadBalancerName}",
    details=(
        Detail(
            operation="DescribeTags",
            parameters={"LoadBalancerNames": "{LoadBalancerName}"},
            each="LoadBalancerNames",
            batch=20,
            path="TagDescriptions[]",
            key="LoadBalancerName",
            of="{LoadBalancerName}",
            value="Tags",
            under="Tags",
        ),
        Detail(
            operation="DescribeLoadBalancerAttributes",
            parameters={"LoadBalancerName": "{LoadBalancerName}"},
            path="LoadBalancerAttributes",
            under="LoadBalancerAttributes",
        ),
        Detail(
            operation="DescribeInstanceHealth",
            parameters={"LoadBalancerName": "{LoadBalancerName}"},
            path="InstanceStates[]",
            under="InstanceStates",
        ),
    ),
    relations=(
        Tie("in", "VPCId", arn("ec2", "vpc/{}")),
        Tie("in", "Subnets[]", arn("ec2", "subnet/{}")),
        Tie("uses", "SecurityGroups[]", arn("ec2", "security-group/{}")),
        Tie("targets", "Instances[].InstanceId", arn("ec2", "instance/{}")),
    ),
    moving=(
        "InstanceStates[].State",
        "InstanceStates[].ReasonCode",
        "InstanceStates[].Description",
    ),
)

SERVICE = Service(
    client="elb",
    prefix="elasticloadbalancing",
    lists=(Listing(operation="DescribeLoadBalancers", page_size=400, gives=(LOAD_BALANCER,)),),
)

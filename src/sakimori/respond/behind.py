"""What runs behind load balancers: instances, by whichever kind of target, and the images of ECS services.

Targets are instances, addresses or other load balancers. An address is that of an instance's network interface or of an
ECS task's; a task on EC2 has a host, one on Fargate has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.model.said import say
from sakimori.respond.guard import PASSING
from sakimori.respond.world import World

IAM_ACTIONS = (
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "ec2:DescribeNetworkInterfaces",
    "ecs:ListClusters",
    "ecs:ListServices",
    "ecs:DescribeServices",
    "ecs:ListTasks",
    "ecs:DescribeTasks",
    "ecs:DescribeContainerInstances",
)

SERVICES, TASKS, ADDRESSES = 10, 100, 200
"""How many DescribeServices, DescribeTasks and a filter of DescribeNetworkInterfaces take at once."""


@dataclass(slots=True)
class Behind:
    """Instances by their ids, the images that ECS services run, and the services' names."""

    instances: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)

    def add(self, other: Behind) -> None:
        self.instances |= other.instances
        self.images |= other.images
        self.services |= other.services


class Targets:
    """The load balancers of an account in a region, and what is behind them. `missing` takes what cannot be seen."""

    def __init__(self, world: World, account: str, region: str, missing: list[str]) -> None:
        self._world, self._account, self._region, self._missing = world, account, region, missing
        self._known: dict[str, Behind] = {}

    def _aws(self, service: str) -> Any:
        return self._world.aws(service, self._account, self._region)

    @cached_property
    def balancers(self) -> list[dict[str, Any]]:
        """Application and network load balancers."""
        return list(self._aws("elbv2").pages("describe_load_balancers", "LoadBalancers"))

    @cached_property
    def classic(self) -> list[dict[str, Any]]:
        """Classic load balancers."""
        return list(self._aws("elb").pages("describe_load_balancers", "LoadBalancerDescriptions"))

    def behind_name(self, host: str) -> Behind | None:
        """What is behind the load balancer of this DNS name (CloudFront may write `dualstack.` before it); None if
        the account has none of it."""
        wanted = host.lower().removeprefix("dualstack.")
        for balancer in self.balancers:
            if str(balancer.get("DNSName", "")).lower() == wanted:
                return self.behind_balancer(str(balancer["LoadBalancerArn"]))
        for classic in self.classic:
            if str(classic.get("DNSName", "")).lower() == wanted:
                return Behind({str(each["InstanceId"]) for each in classic.get("Instances", ())})
        return None

    def behind_balancer(self, arn: str) -> Behind:
        """What is behind a load balancer. One that is behind itself is looked at once."""
        if arn not in self._known:
            behind = self._known[arn] = Behind()
            for group in self._aws("elbv2").pages("describe_target_groups", "TargetGroups", LoadBalancerArn=arn):
                behind.add(self._behind_group(group))
        return self._known[arn]

    def _behind_group(self, group: dict[str, Any]) -> Behind:
        arn, kind = str(group["TargetGroupArn"]), group.get("TargetType", "instance")
        behind = Behind()
        for service in self._services.get(arn, ()):
            behind.add(service)
        health = self._aws("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        targets = sorted({str(each["Target"]["Id"]) for each in health})
        if kind == "instance":
            behind.instances |= set(targets)
        elif kind == "alb":
            for each in targets:
                behind.add(self.behind_balancer(each))
        elif kind == "ip":
            self._behind_addresses(group, targets, behind)
        return behind  # a function needs no agent, and its code is not known here

    def _behind_addresses(self, group: dict[str, Any], addresses: Sequence[str], behind: Behind) -> None:
        """Those that are no instance's and, where no ECS service has the group, nobody's that is known, are named."""
        seen: set[str] = set()
        for at in range(0, len(addresses), ADDRESSES):
            filters = [{"Name": "addresses.private-ip-address", "Values": list(addresses[at : at + ADDRESSES])}]
            if group.get("VpcId"):
                filters.append({"Name": "vpc-id", "Values": [group["VpcId"]]})
            for interface in self._aws("ec2").pages(
                "describe_network_interfaces", "NetworkInterfaces", Filters=filters
            ):
                instance = interface.get("Attachment", {}).get("InstanceId")
                if instance:
                    behind.instances.add(str(instance))
                    own = interface.get("PrivateIpAddresses") or [interface]
                    seen |= {str(each.get("PrivateIpAddress")) for each in own}
        unknown = sorted(set(addresses) - seen)
        if unknown and group["TargetGroupArn"] not in self._services:
            at_them = ", ".join(unknown[:5])
            self._missing.append(
                say(
                    "what is behind {group} at {addresses}: no instance has that address",
                    group=group["TargetGroupArn"],
                    addresses=at_them,
                )
            )

    @cached_property
    def _services(self) -> dict[str, list[Behind]]:
        """Target group -> the ECS services that register their tasks with it."""
        found: dict[str, list[Behind]] = {}
        try:
            for cluster in self._aws("ecs").pages("list_clusters", "clusterArns"):
                for service in self._services_of(cluster):
                    groups = {str(each.get("targetGroupArn", "")) for each in service.get("loadBalancers", ())} - {""}
                    if groups:
                        behind = self._behind_service(cluster, service)
                        for group in groups:
                            found.setdefault(group, []).append(behind)
        except AwsError as error:
            if isinstance(error, PASSING):
                raise
            self._missing.append(say("which ECS services are behind load balancers: {error}", error=error))
        return found

    def _services_of(self, cluster: str) -> Iterator[dict[str, Any]]:
        ecs = self._aws("ecs")
        arns = ecs.pages("list_services", "serviceArns", cluster=cluster)
        for at in range(0, len(arns), SERVICES):
            yield from ecs.describe_services(cluster=cluster, services=arns[at : at + SERVICES])["services"]

    def _behind_service(self, cluster: str, service: dict[str, Any]) -> Behind:
        """The hosts of its tasks on EC2, and the images of all."""
        ecs, name = self._aws("ecs"), str(service["serviceName"])
        behind, hosts = Behind(services={name}), set()
        arns = ecs.pages("list_tasks", "taskArns", cluster=cluster, serviceName=name)
        for at in range(0, len(arns), TASKS):
            for task in ecs.describe_tasks(cluster=cluster, tasks=arns[at : at + TASKS])["tasks"]:
                behind.images |= {str(each["image"]) for each in task.get("containers", ()) if each.get("image")}
                hosts |= {str(task["containerInstanceArn"])} if task.get("containerInstanceArn") else set()
        listed = sorted(hosts)
        for at in range(0, len(listed), TASKS):
            answer = ecs.describe_container_instances(cluster=cluster, containerInstances=listed[at : at + TASKS])
            behind.instances |= {str(each["ec2InstanceId"]) for each in answer["containerInstances"]}
        return behind

"""ECS: clusters with their services, tasks and container instances, and the newest of each task definition. Of the
containers' variables only the names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sakimori.discover.declare import Detail, Item, Listing, Place, Resource, Service, Tie, arn
from sakimori.discover.ties import arns, in_subnets, uses_groups
from sakimori.model.asset import Asset, Relation

_IN_CLUSTER = {"clusterArn": "{clusterArn}"}


def interfaces(task: Asset, place: Place) -> Iterator[Relation]:
    """`uses` and `in`: the network interface that a task has of its own, and its subnet."""
    ec2 = f"arn:{place.partition}:ec2:{place.region}:{place.account}"
    for attachment in task.config.get("attachments") or ():
        told = {each.get("name"): each.get("value") for each in attachment.get("details") or ()}
        if told.get("networkInterfaceId"):
            yield Relation(task.uid, "uses", f"{ec2}:network-interface/{told['networkInterfaceId']}")
        if told.get("subnetId"):
            yield Relation(task.uid, "in", f"{ec2}:subnet/{told['subnetId']}")


def definition(answer: Any) -> Item:
    """The task definition with its tags, which the answer has beside it."""
    return {**answer["taskDefinition"], "tags": answer.get("tags") or []}


def _described(operation: str, each: str, items: str, key: str, batch: int) -> Detail:
    """What a list of ARNs in a cluster is about, so many at a time."""
    return Detail(
        operation=operation,
        parameters={"cluster": "{clusterArn}", each: f"{{{key}}}", "include": ["TAGS"]},
        each=each,
        batch=batch,
        path=f"{items}[]",
        key=key,
        of=f"{{{key}}}",
        secrets=("tasks[].overrides.containerOverrides[].environment[].value",) if items == "tasks" else (),
    )


ECS_SERVICE = Resource(
    "AWS::ECS::Service",
    items="serviceArns[]",
    scalar="serviceArn",
    arn="{serviceArn}",
    name="{/serviceArn}",
    tags="tags",
    inherit=_IN_CLUSTER,
    details=(_described("DescribeServices", "services", "services", "serviceArn", 10),),
    relations=(
        Tie("in", "clusterArn"),
        in_subnets("networkConfiguration.awsvpcConfiguration.subnets[]"),
        uses_groups("networkConfiguration.awsvpcConfiguration.securityGroups[]"),
        Tie("attached-to", "loadBalancers[].targetGroupArn", properties={"Port": "containerPort"}),
        Tie("built-from", "taskDefinition"),
        Tie("runs-as", "roleArn"),
    ),
    moving=(
        "runningCount",
        "pendingCount",
        "events",
        "deployments[].runningCount",
        "deployments[].pendingCount",
        "deployments[].failedTasks",
        "deployments[].updatedAt",
        "taskSets[].runningCount",
        "taskSets[].pendingCount",
        "taskSets[].computedDesiredCount",
        "taskSets[].updatedAt",
        "taskSets[].stabilityStatus",
        "taskSets[].stabilityStatusAt",
        "currentServiceRevisions[].requestedTaskCount",
        "currentServiceRevisions[].runningTaskCount",
        "currentServiceRevisions[].pendingTaskCount",
    ),
    ordered=("placementStrategy",),
)

TASK = Resource(
    "AWS::ECS::Task",
    items="taskArns[]",
    scalar="taskArn",
    arn="{taskArn}",
    name="{group}",
    tags="tags",
    inherit=_IN_CLUSTER,
    details=(_described("DescribeTasks", "tasks", "tasks", "taskArn", 100),),
    relations=(
        Tie("in", "clusterArn"),
        Tie("in", "containerInstanceArn"),
        interfaces,
        Tie("built-from", "taskDefinitionArn"),
        Tie("runs-as", "overrides.taskRoleArn"),
    ),
    moving=(
        "version",
        "healthStatus",
        "containers[].healthStatus",
        "containers[].managedAgents",
    ),
    ordered=("overrides.containerOverrides[].command",),
)

CONTAINER_INSTANCE = Resource(
    "AWS::ECS::ContainerInstance",
    items="containerInstanceArns[]",
    scalar="containerInstanceArn",
    arn="{containerInstanceArn}",
    tags="tags",
    inherit=_IN_CLUSTER,
    details=(
        _described(
            "DescribeContainerInstances", "containerInstances", "containerInstances", "containerInstanceArn", 100
        ),
    ),
    relations=(Tie("in", "clusterArn"), Tie("attached-to", "ec2InstanceId", arn("ec2", "instance/{}"))),
    moving=(
        "version",
        "agentConnected",
        "runningTasksCount",
        "pendingTasksCount",
        "remainingResources",
        "healthStatus",
        "gpuDevices[].remainingMemoryInMiB",
        "gpuDevices[].containerCount",
    ),
)

_OF_CLUSTER = {"cluster": "{clusterArn}"}

CLUSTER = Resource(
    "AWS::ECS::Cluster",
    items="clusterArns[]",
    scalar="clusterArn",
    arn="{clusterArn}",
    name="{/clusterArn}",
    tags="tags",
    details=(
        Detail(
            operation="DescribeClusters",
            parameters={"clusters": "{clusterArn}", "include": ["CONFIGURATIONS", "SETTINGS", "TAGS"]},
            each="clusters",
            batch=100,
            path="clusters[]",
            key="clusterArn",
            of="{clusterArn}",
        ),
    ),
    lists=(
        Listing(operation="ListServices", parameters=_OF_CLUSTER, page_size=100, gives=(ECS_SERVICE,)),
        Listing(operation="ListTasks", parameters=_OF_CLUSTER, gives=(TASK,)),
        Listing(operation="ListContainerInstances", parameters=_OF_CLUSTER, gives=(CONTAINER_INSTANCE,)),
    ),
    moving=(
        "registeredContainerInstancesCount",
        "runningTasksCount",
        "pendingTasksCount",
        "activeServicesCount",
        "statistics",
    ),
)

TASK_DEFINITION = Resource(
    "AWS::ECS::TaskDefinition",
    items="families[]",
    scalar="family",
    arn="{taskDefinitionArn}",
    name="{family}",
    tags="tags",
    details=(
        Detail(
            operation="DescribeTaskDefinition",
            parameters={"taskDefinition": "{family}", "include": ["TAGS"]},
            parse=definition,
            secrets=(
                "taskDefinition.containerDefinitions[].environment[].value",
                "taskDefinition.containerDefinitions[].logConfiguration.options.splunk-token",
            ),
        ),
    ),
    relations=(
        Tie("runs-as", "taskRoleArn"),
        Tie("runs-as", "executionRoleArn"),
        arns("uses", "containerDefinitions[].secrets[].valueFrom"),
        Tie(
            "uses",
            "volumes[].efsVolumeConfiguration.fileSystemId",
            arn("elasticfilesystem", "file-system/{}"),
        ),
    ),
    ordered=(
        "containerDefinitions[].command",
        "containerDefinitions[].entryPoint",
        "containerDefinitions[].healthCheck.command",
    ),
)

SERVICE = Service(
    client="ecs",
    lists=(
        Listing(operation="ListClusters", gives=(CLUSTER,)),
        Listing(operation="ListTaskDefinitionFamilies", parameters={"status": "ACTIVE"}, gives=(TASK_DEFINITION,)),
    ),
)

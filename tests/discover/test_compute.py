"""Functions and containers, as they are in the simulated AWS: of their variables only the names."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from discover.world import discovered, ties
from sakimori.discover.source import REDACTED
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws, refused, told
from sakimori.simulate.recognise import Operation

EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/runner"


def answer(aws: SimulatedAws, client: str, operation: str, result: dict[str, Any]) -> None:
    aws.handlers[f"{client}:{operation}"] = lambda call: told(Operation(client, operation), result)


def role(aws: SimulatedAws, service: str) -> None:
    trusts = [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]
    document = json.dumps({"Version": "2012-10-17", "Statement": trusts})
    aws.client("iam").create_role(RoleName="runner", AssumeRolePolicyDocument=document)


def network(aws: SimulatedAws) -> tuple[str, str, str]:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="run", Description="x")["GroupId"]
    return vpc, subnet, group


def function(aws: SimulatedAws, name: str, **more: Any) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.py", "def h(e, c): return 1\n")
    made = aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=ROLE,
        Handler="a.h",
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"PASSWORD": "hunter2"}},
        **more,
    )
    return str(made["FunctionArn"])


def test_a_function_and_who_may_call_it(aws: SimulatedAws, tmp_path: Path) -> None:
    role(aws, "lambda.amazonaws.com")
    _, subnet, group = network(aws)
    uid = function(aws, "orders", VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": [group]}, Tags={"tier": "app"})
    bare = function(aws, "bare")
    client = aws.client("lambda")
    client.add_permission(FunctionName="orders", StatementId="all", Action="lambda:InvokeFunction", Principal="*")
    client.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=5)
    url = {
        "FunctionUrl": "https://x.lambda-url.us-east-1.on.aws/",
        "FunctionArn": uid,
        "AuthType": "NONE",
        "CreationTime": "2026-11-20T08:00:00Z",
        "LastModifiedTime": "2026-11-20T08:00:00Z",
    }
    answer(aws, "lambda", "ListFunctionUrlConfigs", {"FunctionUrlConfigs": [url]})
    queue = aws.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    source = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
    assert queue
    client.create_event_source_mapping(FunctionName="orders", EventSourceArn=source)
    found = discovered("lambda", snapshot=tmp_path / "snapshot")
    assert found.not_evaluated == []
    asset = found.get(uid)
    other = found.get(bare)
    assert asset
    assert other
    assert asset.config["Environment"]["Variables"] == {"PASSWORD": REDACTED}
    assert asset.config["Policy"]["Statement"][0]["Principal"] == "*"
    assert other.config["Policy"] is None
    assert asset.config["ReservedConcurrentExecutions"] == 5
    assert asset.config["FunctionUrlConfigs"][0]["AuthType"] == "NONE"
    assert asset.tags == {"tier": "app"}
    assert {
        ("runs-as", ROLE),
        ("in", f"{EC2}:subnet/{subnet}"),
        ("uses", f"{EC2}:security-group/{group}"),
    } <= ties(found, uid)
    (mapping,) = found.of_type("AWS::Lambda::EventSourceMapping")
    assert {("subscribed-to", source), ("targets", uid)} <= ties(found, mapping.uid)
    written = "".join(path.read_text() for path in (tmp_path / "snapshot").rglob("*.json"))
    assert "PASSWORD" in written
    assert "hunter2" not in written


def test_layers_and_whom_they_are_shared_with(aws: SimulatedAws) -> None:
    client = aws.client("lambda")
    made = client.publish_layer_version(LayerName="tools", Content={"ZipFile": b"zip"})
    found = discovered("lambda")
    assert found.not_evaluated == []
    layer = found.get(made["LayerVersionArn"])
    assert layer
    assert (layer.name, layer.config["Policy"]) == ("tools", None)


def test_clusters_services_tasks_and_their_interfaces(aws: SimulatedAws) -> None:
    _, subnet, group = network(aws)
    ecs = aws.client("ecs")
    for name in ("shop", "other"):
        ecs.create_cluster(clusterName=name, tags=[{"key": "of", "value": name}])
    containers = [
        {
            "name": "app",
            "image": "nginx",
            "memory": 128,
            "environment": [{"name": "PASSWORD", "value": "hunter2"}],
            "secrets": [{"name": "TOKEN", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:t"}],
        }
    ]
    for image in ("nginx:1", "nginx:2"):
        ecs.register_task_definition(
            family="web",
            taskRoleArn=ROLE,
            networkMode="awsvpc",
            containerDefinitions=[{**containers[0], "image": image}],
            tags=[{"key": "tier", "value": "app"}],
        )
    configuration = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    for name in ("shop", "other"):
        ecs.create_service(
            cluster=name,
            serviceName="web",
            taskDefinition="web",
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration=configuration,
        )
    ecs.run_task(
        cluster="shop",
        taskDefinition="web",
        launchType="FARGATE",
        networkConfiguration=configuration,
        overrides={"containerOverrides": [{"name": "app", "environment": [{"name": "P", "value": "hunter2"}]}]},
    )
    found = discovered("ecs")
    assert found.not_evaluated == []
    cluster = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"
    asset = found.get(cluster)
    assert asset
    assert (asset.name, asset.tags) == ("shop", {"of": "shop"})
    (definition,) = found.of_type("AWS::ECS::TaskDefinition")
    assert definition.config["containerDefinitions"][0]["image"] == "nginx:2"
    assert definition.config["containerDefinitions"][0]["environment"] == [{"name": "PASSWORD"}]
    assert definition.tags == {"tier": "app"}
    secret = ("uses", "arn:aws:secretsmanager:us-east-1:123456789012:secret:t")
    assert {("runs-as", ROLE), secret} == ties(found, definition.uid)
    services = {each.config["clusterArn"]: each for each in found.of_type("AWS::ECS::Service")}
    assert len(services) == 2
    assert {
        ("in", cluster),
        ("in", f"{EC2}:subnet/{subnet}"),
        ("uses", f"{EC2}:security-group/{group}"),
    } <= ties(found, services[cluster].uid)
    tasks = [each for each in found.of_type("AWS::ECS::Task") if each.config["clusterArn"] == cluster]
    assert tasks
    assert any(("in", f"{EC2}:subnet/{subnet}") in ties(found, task.uid) for task in tasks)
    interfaces = {target for task in tasks for kind, target in ties(found, task.uid) if kind == "uses"}
    assert all(target.startswith(f"{EC2}:network-interface/eni-") for target in interfaces)
    assert interfaces
    assert "hunter2" not in str(list(found))


def test_a_kubernetes_cluster_and_who_gets_in(aws: SimulatedAws) -> None:
    _, subnet, group = network(aws)
    eks = aws.client("eks")
    eks.create_cluster(
        name="shop",
        roleArn=ROLE,
        resourcesVpcConfig={"subnetIds": [subnet], "securityGroupIds": [group]},
        tags={"tier": "app"},
    )
    eks.create_nodegroup(clusterName="shop", nodegroupName="nodes", subnets=[subnet], nodeRole=ROLE)
    eks.create_fargate_profile(
        clusterName="shop", fargateProfileName="batch", podExecutionRoleArn=ROLE, selectors=[{"namespace": "batch"}]
    )
    eks_arn = f"arn:aws:eks:{REGION}:{ACCOUNT}"
    answer(aws, "eks", "ListAddons", {"addons": ["vpc-cni"]})
    addon = {"addonName": "vpc-cni", "clusterName": "shop", "addonArn": f"{eks_arn}:addon/shop/vpc-cni/1"}
    answer(aws, "eks", "DescribeAddon", {"addon": addon})
    answer(aws, "eks", "ListAccessEntries", {"accessEntries": [ROLE]})
    entry = f"{eks_arn}:access-entry/shop/role/{ACCOUNT}/runner/1"
    described = {"clusterName": "shop", "principalArn": ROLE, "accessEntryArn": entry}
    answer(aws, "eks", "DescribeAccessEntry", {"accessEntry": described})
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    associated = [{"policyArn": policy, "accessScope": {"type": "cluster", "namespaces": []}}]
    answer(aws, "eks", "ListAssociatedAccessPolicies", {"associatedAccessPolicies": associated})
    pod = {
        "clusterName": "shop",
        "namespace": "shop",
        "serviceAccount": "web",
        "associationArn": f"{eks_arn}:podidentityassociation/shop/a-1",
        "associationId": "a-1",
    }
    answer(aws, "eks", "ListPodIdentityAssociations", {"associations": [pod]})
    answer(aws, "eks", "DescribePodIdentityAssociation", {"association": {**pod, "roleArn": ROLE}})
    found = discovered("eks")
    assert found.not_evaluated == []
    cluster = f"{eks_arn}:cluster/shop"
    asset = found.get(cluster)
    assert asset
    assert asset.tags == {"tier": "app"}
    assert {
        ("in", f"{EC2}:subnet/{subnet}"),
        ("uses", f"{EC2}:security-group/{group}"),
        ("runs-as", ROLE),
    } <= ties(found, cluster)
    (nodes,) = found.of_type("AWS::EKS::Nodegroup")
    assert {("in", cluster), ("in", f"{EC2}:subnet/{subnet}"), ("runs-as", ROLE)} <= ties(found, nodes.uid)
    (profile,) = found.of_type("AWS::EKS::FargateProfile")
    assert {("in", cluster), ("runs-as", ROLE)} <= ties(found, profile.uid)
    assert ties(found, entry) == {("in", cluster), ("trusts", ROLE), ("uses", policy)}
    assert ties(found, str(pod["associationArn"])) == {("in", cluster), ("runs-as", ROLE)}
    assert ties(found, addon["addonArn"]) == {("in", cluster)}


def test_a_cluster_without_access_entries(aws: SimulatedAws) -> None:
    _, subnet, _ = network(aws)
    aws.client("eks").create_cluster(name="old", roleArn=ROLE, resourcesVpcConfig={"subnetIds": [subnet]})
    operation = Operation("eks", "ListAccessEntries")
    message = (
        "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation"
    )
    aws.handlers[str(operation)] = lambda call: refused(operation, "InvalidRequestException", message)
    assert discovered("eks").not_evaluated == []
    aws.handlers[str(operation)] = lambda call: refused(operation, "InvalidRequestException", "something else")
    assert [each.action for each in discovered("eks").not_evaluated] == ["eks:ListAccessEntries"]


def test_a_registry_its_repositories_and_images(aws: SimulatedAws) -> None:
    ecr = aws.client("ecr")
    made = ecr.create_repository(
        repositoryName="shop/web",
        imageScanningConfiguration={"scanOnPush": True},
        tags=[{"Key": "tier", "Value": "app"}],
    )["repository"]
    pulls = {"Sid": "all", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    policy = {"Version": "2012-10-17", "Statement": [pulls]}
    ecr.set_repository_policy(repositoryName="shop/web", policyText=json.dumps(policy))
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
    ecr.put_image(repositoryName="shop/web", imageManifest=json.dumps(manifest), imageTag="v1")
    ecr.create_repository(repositoryName="bare")
    found = discovered("ecr")
    assert found.not_evaluated == []
    repository = found.get(made["repositoryArn"])
    assert repository
    assert repository.config["Policy"]["Statement"][0]["Principal"] == "*"
    assert repository.config["LifecyclePolicy"] is None
    assert repository.tags == {"tier": "app"}
    (image,) = found.of_type("AWS::ECR::Image")
    assert image.config["imageTags"] == ["v1"]
    assert ties(found, image.uid) == {("in", made["repositoryArn"])}
    (registry,) = found.of_type("AWS::ECR::Registry")
    assert registry.config["ScanningConfiguration"]["scanType"] == "BASIC"
    assert registry.config["Policy"] is None

"""Things in the simulated AWS that actions change, each made with its target and the describe answers that tell of
it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from sakimori.model.action import Target
from sakimori.respond.world import AccountClients, World
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws

OWN_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}


@dataclass(frozen=True)
class Thing:
    """A target, and what AWS says of it."""

    target: Target
    describe: Callable[[], Any]


def world_of(aws: SimulatedAws, manager: Any = None, patience: float = 5.0) -> World:
    return World(AccountClients(), manager=manager, patience=patience)


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps({k: v for k, v in answer.items() if k != "ResponseMetadata"}, default=str))


def instance_target(instance: str, **parameters: Any) -> Target:
    return Target(
        "AWS::EC2::Instance", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{instance}", ACCOUNT, REGION, parameters
    )


def make_instance(aws: SimulatedAws, **tags: str) -> str:
    ec2 = aws.client("ec2")
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    specified = [{"ResourceType": "instance", "Tags": listed}] if listed else []
    answer = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, TagSpecifications=specified)
    return str(answer["Instances"][0]["InstanceId"])


def bucket(aws: SimulatedAws, name: str = "data") -> Thing:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)

    def describe() -> Any:
        try:
            return without_metadata(s3.get_public_access_block(Bucket=name))
        except s3.exceptions.ClientError as error:
            return error.response["Error"]["Code"]

    return Thing(Target("AWS::S3::Bucket", f"arn:aws:s3:::{name}", ACCOUNT, REGION), describe)


def half_open_bucket(aws: SimulatedAws) -> Thing:
    made = bucket(aws, "half-open")
    partly = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    aws.client("s3").put_public_access_block(Bucket="half-open", PublicAccessBlockConfiguration=partly)
    return made


def access_key(aws: SimulatedAws) -> Thing:
    iam = aws.client("iam")
    iam.create_user(UserName="kaede")
    key = iam.create_access_key(UserName="kaede")["AccessKey"]["AccessKeyId"]
    target = Target("AWS::IAM::AccessKey", key, ACCOUNT, REGION, {"user_name": "kaede"})
    return Thing(target, lambda: without_metadata(iam.list_access_keys(UserName="kaede")))


def role(aws: SimulatedAws) -> Thing:
    iam = aws.client("iam")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument="{}")
    iam.put_role_policy(RoleName="web", PolicyName="Own", PolicyDocument=json.dumps(OWN_POLICY))

    def describe() -> Any:
        names = iam.list_role_policies(RoleName="web")["PolicyNames"]
        return {name: iam.get_role_policy(RoleName="web", PolicyName=name)["PolicyDocument"] for name in names}

    return Thing(Target("AWS::IAM::Role", f"arn:aws:iam::{ACCOUNT}:role/web", ACCOUNT), describe)


def instance(aws: SimulatedAws) -> Thing:
    ec2, made = aws.client("ec2"), make_instance(aws, Name="web-1")

    def describe() -> Any:
        groups = [each["GroupName"] for each in ec2.describe_security_groups()["SecurityGroups"]]
        snapshots = [each["SnapshotId"] for each in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]]
        described = without_metadata(ec2.describe_instances(InstanceIds=[made]))
        interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
        held = {each["NetworkInterfaceId"]: sorted(g["GroupId"] for g in each["Groups"]) for each in interfaces}
        return described, sorted(groups), sorted(snapshots), held

    return Thing(instance_target(made), describe)


def tagged_instance(aws: SimulatedAws) -> Thing:
    made = instance(aws)
    target = Target(
        made.target.type, made.target.uid, ACCOUNT, REGION, {"tags": {"Name": "suspect", "sakimori:finding": "1"}}
    )
    return Thing(target, made.describe)


def task(aws: SimulatedAws) -> Thing:
    stays = {"model_name": "ecs::task", "transition": {"progression": "time", "seconds": 3600}}
    httpx.post(f"{aws.url}/moto-api/state-manager/set-transition", json=stays).raise_for_status()
    ecs, ec2 = aws.client("ecs"), aws.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.create_cluster(clusterName="shop")
    ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "web", "image": "web", "cpu": 128, "memory": 256}],
    )
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    run = ecs.run_task(cluster="shop", taskDefinition="web", launchType="FARGATE", networkConfiguration=network)
    arn = run["tasks"][0]["taskArn"]

    def describe() -> Any:
        interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
        groups = sorted(each["GroupName"] for each in ec2.describe_security_groups()["SecurityGroups"])
        held = {each["NetworkInterfaceId"]: sorted(g["GroupId"] for g in each["Groups"]) for each in interfaces}
        described = ecs.describe_tasks(cluster="shop", tasks=[arn])["tasks"][0]
        return described["attachments"], described["lastStatus"], groups, held

    return Thing(Target("AWS::ECS::Task", arn, ACCOUNT, REGION, {"cluster": "shop"}), describe)


def web_acl(aws: SimulatedAws, **more: Any) -> Thing:
    waf = aws.client("wafv2")
    visibility = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
    own = {
        "Name": "own",
        "Priority": 3,
        "Statement": {"GeoMatchStatement": {"CountryCodes": ["AQ"]}},
        "Action": {"Block": {}},
        "VisibilityConfig": visibility,
    }
    made = waf.create_web_acl(
        Name="shop",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        Description="The shop's",
        VisibilityConfig=visibility,
        Rules=[own],
    )["Summary"]

    def describe() -> Any:
        return without_metadata(waf.get_web_acl(Name="shop", Scope="REGIONAL", Id=made["Id"]))["WebACL"]

    parameters = {"vendor": "AWS", "group": "AWSManagedRulesSQLiRuleSet"} | more
    return Thing(Target("AWS::WAFv2::WebACL", made["ARN"], ACCOUNT, REGION, parameters), describe)

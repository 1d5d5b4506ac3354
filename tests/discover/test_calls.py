"""What really goes over the wire: no call that is not declared, and each refusal of AWS's under the action's name."""

from __future__ import annotations

import json
import threading

import pytest

from discover.world import discovered
from sakimori.aws import organization
from sakimori.aws.clients import Clients
from sakimori.cli.permissions import declared_actions
from sakimori.discover.declare import Detail, Service
from sakimori.discover.services import services
from sakimori.simulate.aws import ACCOUNT, Answer, Call, SimulatedAws, refused
from sakimori.simulate.recognise import Operation

ALL = services()


def operations(service: Service) -> dict[str, str]:
    """`client:Operation` -> the IAM action that is declared for it."""
    told = {f"{call.client or service.client}:{call.operation}": service.action(call) for call in service.calls()}
    for call in service.calls():
        if isinstance(call, Detail) and call.prepare:
            told[f"{service.client}:{call.prepare}"] = f"{service.prefix or service.client}:{call.prepare}"
    return told


DECLARED = {name: action for service in ALL.values() for name, action in operations(service).items()}
FOR_PLANNING = {f"{action.partition(':')[0]}:{action.partition(':')[2]}": action for action in organization.IAM_ACTIONS}


@pytest.fixture
def estate(aws: SimulatedAws) -> SimulatedAws:
    """One of most things, so that the calls for single items are made."""
    ec2, iam, s3, elbv2 = (aws.client(name) for name in ("ec2", "iam", "s3", "elbv2"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_managed_prefix_list(PrefixListName="x", MaxEntries=1, AddressFamily="IPv4", Entries=[])
    instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet)
    id = instance["Instances"][0]["InstanceId"]
    ec2.create_image(InstanceId=id, Name="image")
    ec2.create_launch_template(LaunchTemplateName="t", LaunchTemplateData={"ImageId": "ami-12345678"})
    gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=gateway, VpcId=vpc, SubnetIds=[subnet])
    peer = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    ec2.create_transit_gateway_peering_attachment(
        TransitGatewayId=gateway, PeerTransitGatewayId=peer, PeerAccountId=ACCOUNT, PeerRegion="us-east-1"
    )
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*"}]}
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    iam.create_user(UserName="kaede")
    iam.create_open_id_connect_provider(Url="https://example.com", ThumbprintList=["a" * 40])
    iam.create_saml_provider(Name="saml", SAMLMetadataDocument="x" * 1001)
    s3.create_bucket(Bucket="some")
    balancer = elbv2.create_load_balancer(Name="lb", Subnets=[subnet])["LoadBalancers"][0]["LoadBalancerArn"]
    group = elbv2.create_target_group(Name="g", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    forward = [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}]
    elbv2.create_listener(LoadBalancerArn=balancer, Port=80, Protocol="HTTP", DefaultActions=forward)
    elbv2.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": id}])
    aws.client("elb").create_load_balancer(
        LoadBalancerName="classic",
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
        Subnets=[subnet],
    )
    return aws


def test_nothing_is_called_that_is_not_declared(estate: SimulatedAws) -> None:
    seen: set[str] = set()
    lock = threading.Lock()

    def note(_: Call, operation: Operation | None) -> Answer | None:
        with lock:
            seen.add(str(operation))
        return None

    estate.watchers.append(note)
    found = discovered()
    assert found.not_evaluated == []
    renamed = {"s3:GetBucketNotification": "s3:GetBucketNotificationConfiguration"}  # botocore's old and new name
    called = {renamed.get(name, name) for name in seen}
    assert called - {*DECLARED, *FOR_PLANNING} == set()
    assert {"s3", "iam", "ec2", "elbv2", "lambda", "rds"} <= {name.partition(":")[0] for name in called}
    assert {DECLARED.get(name) or FOR_PLANNING[name] for name in called} <= set(declared_actions())


@pytest.mark.parametrize("name", ["s3", "iam", "elbv2", "transitgateway"])
def test_a_refusal_by_aws_is_named(estate: SimulatedAws, name: str) -> None:
    """Each action in turn, in the service's own protocol and with its own code."""
    code = "UnauthorizedOperation" if ALL[name].client == "ec2" else "AccessDenied"
    clients = Clients()
    for action in ALL[name].actions():
        mine = {operation for operation, needed in operations(ALL[name]).items() if needed == action}
        mine |= {"s3:GetBucketNotification"} if "s3:GetBucketNotificationConfiguration" in mine else set()

        def deny(_: Call, operation: Operation | None, mine: set[str] = mine) -> Answer | None:
            return refused(operation, code, "You may not.", 403) if operation and str(operation) in mine else None

        estate.watchers[:] = [deny]
        missing = discovered(name, clients=clients).not_evaluated
        if action == "s3:GetBucketLocation" and not missing:
            continue  # the listing told where the bucket is
        assert {(each.action, each.code) for each in missing} == {(action, code)}, action


YOUNGER = {"emr-serverless:ListSessions"}
"""Actions that are younger than moto's copy of AWS's policies."""


def test_all_that_discovery_does_is_reading() -> None:
    """AWS's own read-only policies, as moto holds them, allow every action that a service file declares."""
    from fnmatch import fnmatchcase

    from moto.iam.aws_managed_policies import aws_managed_policies_data

    policies = json.loads(aws_managed_policies_data)
    patterns: set[str] = set()
    for policy in ("ReadOnlyAccess", "SecurityAudit", "ViewOnlyAccess"):
        for statement in policies[policy]["Document"]["Statement"]:
            actions = statement.get("Action", [])
            patterns.update(actions if isinstance(actions, list) else [actions])
    lowered = [pattern.lower() for pattern in patterns]
    declared = {action for service in ALL.values() for action in service.actions()} - YOUNGER
    assert sorted(a for a in declared if not any(fnmatchcase(a.lower(), each) for each in lowered)) == []

"""What the network, load balancers, Auto Scaling and the organisation become, against the simulated AWS."""

from __future__ import annotations

import json

from discover.world import discovered
from sakimori.model.asset import Asset, Inventory
from sakimori.simulate.aws import ACCOUNT, SimulatedAws


def arn(resource: str) -> str:
    return f"arn:aws:ec2:us-east-1:{ACCOUNT}:{resource}"


def ties(found: Inventory, source: str) -> set[tuple[str, str]]:
    return {(each.kind, each.target) for each in found.relations if each.source == source}


def only(found: Inventory, kind: str) -> Asset:
    [asset] = found.of_type(kind)
    return asset


def test_routes_and_gateways(aws: SimulatedAws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="192.0.2.0/24", NatGatewayId=nat)
    group = ec2.create_security_group(GroupName="a", Description="x", VpcId=vpc)["GroupId"]
    other = ec2.create_security_group(GroupName="b", Description="x", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": other}]}]
    )
    ec2.create_tags(Resources=[group], Tags=[{"Key": "tier", "Value": "web"}])
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table])
    found = discovered("vpc")
    assert found.not_evaluated == []
    told = {
        (each.kind, each.target): dict(each.properties)
        for each in found.relations
        if each.source == arn(f"route-table/{table}")
    }
    assert told["in", arn(f"vpc/{vpc}")] == {}
    assert ("attached-to", arn(f"subnet/{subnet}")) in told
    assert told["routes-to", arn(f"internet-gateway/{gateway}")] == {"Destinations": ["0.0.0.0/0"]}
    assert told["routes-to", arn(f"natgateway/{nat}")] == {"Destinations": ["192.0.2.0/24"]}
    assert not any(target.endswith("local") for _, target in told)
    assert ("allows-from", arn(f"security-group/{other}")) in ties(found, arn(f"security-group/{group}"))
    secured = found.get(arn(f"security-group/{group}"))
    assert secured
    assert (secured.tags, secured.name) == ({"tier": "web"}, "a")
    endpoint = only(found, "AWS::EC2::VPCEndpoint")
    assert isinstance(endpoint.config["PolicyDocument"], dict)
    assert ("attached-to", arn(f"route-table/{table}")) in ties(found, endpoint.uid)
    rules = [rule.config for rule in found.of_type("AWS::EC2::SecurityGroupIngress")]
    assert all(rule["IsEgress"] is False for rule in rules)
    assert {entry["Cidr"] for each in found.of_type("AWS::EC2::PrefixList") for entry in each.config["Entries"]}


def test_a_transit_gateway(aws: SimulatedAws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    attachment = ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=gateway, VpcId=vpc, SubnetIds=[subnet])
    id = attachment["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    table = ec2.create_transit_gateway_route_table(TransitGatewayId=gateway)["TransitGatewayRouteTable"]
    table_id = table["TransitGatewayRouteTableId"]
    ec2.create_transit_gateway_route(
        DestinationCidrBlock="10.0.0.0/16", TransitGatewayRouteTableId=table_id, TransitGatewayAttachmentId=id
    )
    found = discovered("transitgateway")
    attached = found.get(arn(f"transit-gateway-attachment/{id}"))
    assert attached
    assert attached.config["VpcAttachment"]["SubnetIds"] == [subnet]
    assert attached.config["PeeringAttachment"] is None
    assert ("attached-to", arn(f"vpc/{vpc}")) in ties(found, attached.uid)
    routes = found.get(arn(f"transit-gateway-route-table/{table_id}"))
    assert routes
    assert [route["DestinationCidrBlock"] for route in routes.config["Routes"]] == ["10.0.0.0/16"]
    assert ("in", arn(f"transit-gateway/{gateway}")) in ties(found, routes.uid)


def test_the_keys_of_tunnels_are_not_kept(aws: SimulatedAws) -> None:
    ec2 = aws.client("ec2")
    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    customer = ec2.create_customer_gateway(Type="ipsec.1", PublicIp="203.0.113.9", BgpAsn=65000)["CustomerGateway"]
    ec2.create_vpn_connection(Type="ipsec.1", CustomerGatewayId=customer["CustomerGatewayId"], VpnGatewayId=gateway)
    found = discovered("vpn")
    connection = only(found, "AWS::EC2::VPNConnection")
    assert "CustomerGatewayConfiguration" not in connection.config
    assert "PreSharedKey" not in json.dumps(dict(connection.config))
    assert ("attached-to", arn(f"vpn-gateway/{gateway}")) in ties(found, connection.uid)


def test_a_load_balancer_with_its_targets(aws: SimulatedAws) -> None:
    ec2, elbv2 = aws.client("ec2"), aws.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    launched = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnets[0])
    instance = launched["Instances"][0]["InstanceId"]
    made = elbv2.create_load_balancer(Name="lb", Subnets=subnets, Tags=[{"Key": "tier", "Value": "web"}])
    balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
    group = elbv2.create_target_group(Name="g", Protocol="HTTP", Port=8080, VpcId=vpc)["TargetGroups"][0][
        "TargetGroupArn"
    ]
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": instance, "Port": 8080}])
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    listener = elbv2.create_listener(LoadBalancerArn=balancer, Port=80, Protocol="HTTP", DefaultActions=forward)
    listener_arn = listener["Listeners"][0]["ListenerArn"]
    path = [{"Field": "path-pattern", "Values": ["/a"]}]
    elbv2.create_rule(ListenerArn=listener_arn, Priority=1, Conditions=path, Actions=forward)
    found = discovered("elbv2", "ec2")
    told = found.get(balancer)
    assert told
    assert told.tags == {"tier": "web"}
    assert {"Key", "Value"} == set(told.config["Attributes"][0])
    assert {("in", arn(f"subnet/{each}")) for each in subnets} <= ties(found, balancer)
    assert {("in", balancer), ("targets", group)} <= ties(found, listener_arn)
    rules = list(found.of_type("AWS::ElasticLoadBalancingV2::ListenerRule"))
    assert len(rules) == 2
    assert all(("in", listener_arn) in ties(found, rule.uid) for rule in rules)
    assert ("targets", arn(f"instance/{instance}")) in ties(found, group)


def test_an_auto_scaling_group(aws: SimulatedAws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    template = ec2.create_launch_template(
        LaunchTemplateName="t", LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": "t3.micro"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    aws.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="g",
        MinSize=1,
        MaxSize=1,
        LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"},
        VPCZoneIdentifier=subnet,
    )
    found = discovered("autoscaling", "ec2")
    group = only(found, "AWS::AutoScaling::AutoScalingGroup")
    assert {("in", arn(f"subnet/{subnet}")), ("built-from", arn(f"launch-template/{template}"))} <= ties(
        found, group.uid
    )
    versions = only(found, "AWS::EC2::LaunchTemplate").config["LaunchTemplateVersions"]
    assert versions[0]["LaunchTemplateData"]["InstanceType"] == "t3.micro"


def test_the_tree_of_an_organisation(aws: SimulatedAws) -> None:
    organizations = aws.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]
    top = organizations.create_organizational_unit(ParentId=root["Id"], Name="top")["OrganizationalUnit"]
    below = organizations.create_organizational_unit(ParentId=top["Id"], Name="below")["OrganizationalUnit"]
    made = organizations.create_account(AccountName="prod", Email="a@b.example")["CreateAccountStatus"]["AccountId"]
    organizations.move_account(AccountId=made, SourceParentId=root["Id"], DestinationParentId=below["Id"])
    bounds = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    policy = organizations.create_policy(
        Name="no-s3", Description="x", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(bounds)
    )["Policy"]["PolicySummary"]
    organizations.attach_policy(PolicyId=policy["Id"], TargetId=top["Id"])
    found = discovered("organizations")
    assert found.not_evaluated == []
    accounts = {asset.id: asset for asset in found.of_type("AWS::Organizations::Account")}
    assert set(accounts) == {ACCOUNT, made}
    assert ("in", below["Arn"]) in ties(found, accounts[made].uid)
    assert ("in", top["Arn"]) in ties(found, below["Arn"])
    assert ("in", root["Arn"]) in ties(found, top["Arn"])
    asset = found.get(policy["Arn"])
    assert asset
    assert asset.config["Content"] == bounds
    assert ("bounds", top["Arn"]) in ties(found, policy["Arn"])


def test_an_account_in_no_organisation_has_none(aws: SimulatedAws) -> None:
    found = discovered("organizations")
    assert list(found) == []
    assert found.not_evaluated == []


def test_users_with_what_the_credential_report_tells(aws: SimulatedAws) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="kaede", Tags=[{"Key": "team", "Value": "x"}])
    iam.create_access_key(UserName="kaede")
    inline = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="kaede", PolicyName="all", PolicyDocument=json.dumps(inline))
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    iam.create_instance_profile(InstanceProfileName="p")
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    found = discovered("iam")
    user = found.get(f"arn:aws:iam::{ACCOUNT}:user/kaede")
    assert user
    assert user.tags == {"team": "x"}
    assert user.config["CredentialReport"]["access_key_1_active"] == "true"
    assert user.config["UserPolicyList"][0]["PolicyDocument"] == inline
    assert user.config["VirtualMFADevices"] == []
    assert ("trusts", "arn:aws:iam::111122223333:root") in ties(found, f"arn:aws:iam::{ACCOUNT}:role/r")
    profile = only(found, "AWS::IAM::InstanceProfile")
    assert ("runs-as", f"arn:aws:iam::{ACCOUNT}:role/r") in ties(found, profile.uid)
    account = only(found, "AWS::::Account")
    assert account.config["PasswordPolicy"] is None
    assert "Users" in account.config["SummaryMap"]

"""What each thing in a network does to packets, one thing at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from networks import (
    ACCOUNT,
    EVERYTHING,
    LB,
    REGION,
    Answers,
    ask,
    engine,
    entries,
    group,
    interface,
    network,
    put,
    route,
    table,
    tcp,
)

from sakimori.assess.network.engine import Engine, Question
from sakimori.assess.network.exposure import Scan
from sakimori.model.asset import Asset, Inventory, NotEvaluated


def test_the_plain_network() -> None:
    assert ask(network(), "internet", "i-a").path == ["internet", "igw-1", "vpc-1", "subnet-a", "i-a"]
    assert ask(network(), "i-a", "i-b").path == ["i-a", "subnet-a", "vpc-1", "subnet-b", "i-b"]
    assert ask(network(), "i-b", "8.8.8.8").blocked_by[0].component == "route_table"
    assert ask(network(), "internet", "i-b").answer == "unreachable"


def test_neighbours_in_a_subnet_meet_no_network_acl_and_no_route() -> None:
    found = network()
    found["NetworkAcls"][0]["Entries"] = []
    table(found, "rtb-a").clear()
    interface(found, "c", "subnet-a", "10.0.0.11", "sg-a", instance="i-c")
    answer = ask(found, "i-a", "i-c")
    assert (answer.answer, answer.path, answer.return_path) == ("reachable", ["i-a", "i-c"], ["i-c", "i-a"])


def test_replies_need_their_ephemeral_ports_through_stateless_acls() -> None:
    found = network()
    found["NetworkAcls"][0]["Entries"] = [each for each in entries() if not each["Egress"]]
    answer = ask(found, "internet", "i-a", 443)
    assert answer.answer == "unreachable"
    assert answer.path[-1] == "i-a"
    assert answer.return_path == ["i-a", "subnet-a"]
    assert (answer.blocked_by[0].id, answer.blocked_by[0].why) == ("acl-a", "outbound: no rule allows the reply")
    ephemeral = {"RuleNumber": 5, "Egress": True, "Protocol": "6", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"}
    found["NetworkAcls"][0]["Entries"].append(ephemeral | {"PortRange": {"From": 50000, "To": 50010}})
    answer = ask(found, "internet", "i-a", 443)
    assert answer.answer == "reachable"
    assert 50000 <= answer.packet["src_port"] <= 50010


def test_a_reply_that_goes_another_way_is_lost() -> None:
    found = network()
    put(found, "NatGateways", NatGatewayId="nat-1", SubnetId="subnet-b", VpcId="vpc-1", State="available")
    found["NatGateways"][0]["NatGatewayAddresses"] = [{"NetworkInterfaceId": "eni-n", "PrivateIp": "10.0.1.200"}]
    table(found, "rtb-a").append({"DestinationCidrBlock": "8.0.0.0/8", "NatGatewayId": "nat-1", "State": "active"})
    answer = ask(found, "8.8.8.8", "i-a")
    assert answer.answer == "unreachable"
    assert any(each.component == "return_path" and "nat-1" in each.why for each in answer.blocked_by)
    assert ask(found, "9.9.9.9", "i-a").answer == "reachable"


def test_groups_are_members_and_not_addresses() -> None:
    found = network()
    found["SecurityGroups"][1]["IpPermissions"] = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-a"}]}]
    answer = ask(found, "i-a", "i-b")
    assert answer.answer == "reachable"
    assert "sg-b/ingress/all/sg-a" in answer.rules
    group(found, "sg-c", EVERYTHING)
    found["NetworkInterfaces"][0]["Groups"] = [{"GroupId": "sg-c"}]
    assert ask(found, "i-a", "i-b").answer == "unreachable"


def two_vpcs() -> Answers:
    found = network()
    put(found, "Vpcs", VpcId="vpc-2", OwnerId=ACCOUNT, CidrBlock="10.2.0.0/16")
    put(found, "Subnets", SubnetId="subnet-c", VpcId="vpc-2", CidrBlock="10.2.0.0/24", AvailabilityZone=f"{REGION}a")
    put(found, "NetworkAcls", NetworkAclId="acl-c", Associations=[{"SubnetId": "subnet-c"}], Entries=entries())
    interface(found, "c", "subnet-c", "10.2.0.10", "sg-c", instance="i-c")
    group(found, "sg-c", EVERYTHING)
    return found


def test_peering_has_no_transit() -> None:
    found = two_vpcs()
    ends = {"RequesterVpcInfo": {"VpcId": "vpc-1"}, "AccepterVpcInfo": {"VpcId": "vpc-2"}}
    put(found, "VpcPeeringConnections", VpcPeeringConnectionId="pcx-1", Status={"Code": "active"}, **ends)
    route(found, "rtb-c", "subnet-c", {"VpcPeeringConnectionId": "pcx-1"}, "vpc-2", "10.2.0.0/16")
    table(found, "rtb-a").append(
        {"DestinationCidrBlock": "10.2.0.0/16", "VpcPeeringConnectionId": "pcx-1", "State": "active"}
    )
    assert ask(found, "i-a", "10.2.0.10").path == ["i-a", "subnet-a", "vpc-1", "vpc-2", "subnet-c", "i-c"]
    answer = ask(found, "i-c", "8.8.8.8")
    assert answer.answer == "unreachable"
    assert answer.blocked_by[0].component == "peering_connection"
    assert answer.path == ["i-c", "subnet-c", "vpc-2"]


def test_groups_are_seen_across_peering_in_a_region() -> None:
    found = two_vpcs()
    ends = {"RequesterVpcInfo": {"VpcId": "vpc-1"}, "AccepterVpcInfo": {"VpcId": "vpc-2"}}
    put(found, "VpcPeeringConnections", VpcPeeringConnectionId="pcx-1", Status={"Code": "active"}, **ends)
    route(found, "rtb-c", "subnet-c", {"VpcPeeringConnectionId": "pcx-1"}, "vpc-2", "10.2.0.0/16")
    table(found, "rtb-a").append(
        {"DestinationCidrBlock": "10.2.0.0/16", "VpcPeeringConnectionId": "pcx-1", "State": "active"}
    )
    found["SecurityGroups"][2]["IpPermissions"] = [
        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-a", "UserId": "999900001111"}]}
    ]
    assert ask(found, "i-a", "i-c").answer == "reachable"


def test_gateway_endpoints_take_their_prefix_list() -> None:
    found = network()
    put(found, "PrefixLists", PrefixListId="pl-1", Cidrs=["52.216.0.0/15"])
    put(found, "VpcEndpoints", VpcEndpointId="vpce-1", VpcEndpointType="Gateway", VpcId="vpc-1", State="available")
    table(found, "rtb-b").append({"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "State": "active"})
    answer = ask(found, "i-b", "52.216.1.1", 443)
    assert answer.answer == "reachable"
    assert answer.path == ["i-b", "subnet-b", "vpc-1", "vpce-1"]
    assert answer.return_path == ["vpce-1", "vpc-1", "subnet-b", "i-b"]
    assert ask(found, "i-b", "52.94.0.1").answer == "unreachable"
    assert ask(found, "i-b", "internet").answer == "unreachable"


def test_interface_endpoints_are_interfaces_with_groups() -> None:
    found = network()
    interface(found, "e", "subnet-b", "10.0.1.50", "sg-e")
    group(found, "sg-e", [tcp(443, "10.0.0.0/16")])
    put(found, "VpcEndpoints", VpcEndpointId="vpce-1", VpcEndpointType="Interface", VpcId="vpc-1", State="available")
    found["VpcEndpoints"][0]["NetworkInterfaceIds"] = ["eni-e"]
    assert ask(found, "i-a", "vpce-1", 443).path == ["i-a", "subnet-a", "vpc-1", "subnet-b", "vpce-1"]
    assert ask(found, "i-a", "10.0.1.50", 80).answer == "unreachable"


def balancer(
    found: Answers, kind: str, *, targets: list[str], facing: bool = True, groups: tuple[str, ...] = ()
) -> str:
    name = f"{kind[:3]}/lb/0123456789abcdef"
    arn, target_group = f"{LB}:loadbalancer/{name}", f"{LB}:targetgroup/tg/1"
    interface(
        found, "lb", "subnet-a", "10.0.0.220", *groups, public="54.0.0.9" if facing else "", description=f"ELB {name}"
    )
    put(found, "LoadBalancers", LoadBalancerArn=arn, Type=kind, VpcId="vpc-1", SecurityGroups=list(groups))
    found["LoadBalancers"][0]["Scheme"] = "internet-facing" if facing else "internal"
    action = {"Type": "forward", "TargetGroupArn": target_group}
    listener = {
        "ListenerArn": f"{LB}:listener/{name}/1",
        "LoadBalancerArn": arn,
        "Port": 443,
        "DefaultActions": [action],
    }
    put(
        found, "LoadBalancerListeners", Listeners=[listener | {"Protocol": "HTTPS" if kind == "application" else "TCP"}]
    )
    by_address = any(each.startswith("10.") for each in targets)
    put(found, "TargetGroups", TargetGroupArn=target_group, TargetType="ip" if by_address else "instance", Port=8080)
    found["TargetGroups"][0] |= {"VpcId": "vpc-1", "Protocol": "HTTP" if kind == "application" else "TCP"}
    health = [{"Target": {"Id": each, "Port": 8080}, "TargetHealth": {"State": "healthy"}} for each in targets]
    put(found, "LoadBalancerTargetHealth", TargetGroupArn=target_group, TargetHealthDescriptions=health)
    return arn


@pytest.mark.parametrize("target", ["i-b", "10.0.1.10"])
def test_an_application_balancer_connects_anew_with_its_own_groups(target: str) -> None:
    found = network()
    group(found, "sg-lb", [tcp(443, "0.0.0.0/0")])
    found["SecurityGroups"][1]["IpPermissions"] = [
        {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": "sg-lb"}]}
    ]
    arn = balancer(found, "application", targets=[target], groups=("sg-lb",))
    answer = ask(found, "internet", "i-b")
    assert answer.answer == "reachable"
    assert answer.path == ["internet", "igw-1", "vpc-1", "subnet-a", arn, "subnet-a", "vpc-1", "subnet-b", "i-b"]
    assert answer.packet["dst"] == "54.0.0.9"
    assert answer.packet["dst_port"] == 443
    assert {f"{LB}:listener/app/lb/0123456789abcdef/1", "sg-b/ingress/tcp/8080/sg-lb"} <= set(answer.rules)
    assert ask(found, "internet", "i-b", 8080).answer == "unreachable"


def test_a_network_balancer_keeps_the_clients_address() -> None:
    found = network()
    arn = balancer(found, "network", targets=["i-b"])
    found["SecurityGroups"][1]["IpPermissions"] = [tcp(8080, "8.0.0.0/8")]
    assert ask(found, "8.8.8.8", "i-b").answer == "reachable"
    assert ask(found, "9.9.9.9", "i-b").answer == "unreachable"
    found["TargetGroupAttributes"] = [
        {
            "TargetGroupArn": f"{LB}:targetgroup/tg/1",
            "Attributes": [{"Key": "preserve_client_ip.enabled", "Value": "false"}],
        }
    ]
    assert ask(found, "8.8.8.8", "i-b").answer == "unreachable"
    found["SecurityGroups"][1]["IpPermissions"] = [tcp(8080, "10.0.0.0/24")]
    assert ask(found, "9.9.9.9", "i-b").answer == "reachable"
    assert ask(found, "9.9.9.9", arn, 443).path[-1] == "i-b"


def test_targets_that_are_not_healthy_are_not_sent_to_unless_none_is() -> None:
    found = network()
    interface(found, "c", "subnet-b", "10.0.1.11", "sg-b", instance="i-c")
    balancer(found, "network", targets=["i-b", "i-c"])
    states = found["LoadBalancerTargetHealth"][0]["TargetHealthDescriptions"]
    states[0]["TargetHealth"]["State"] = "unhealthy"
    assert ask(found, "internet", "i-b", 443).answer == "unreachable"
    assert ask(found, "internet", "i-c", 443).answer == "reachable"
    states[1]["TargetHealth"]["State"] = "unhealthy"
    assert ask(found, "internet", "i-b", 443).answer == "reachable"


def in_front(found: Answers, alb: str, port: int = 443) -> str:
    """A network load balancer whose only target is the application one."""
    name = "net/front/1"
    arn, target_group = f"{LB}:loadbalancer/{name}", f"{LB}:targetgroup/alb/2"
    interface(found, "front", "subnet-a", "10.0.0.230", public="54.0.0.10", description=f"ELB {name}")
    put(found, "LoadBalancers", LoadBalancerArn=arn, Type="network", VpcId="vpc-1", Scheme="internet-facing")
    action = {"Type": "forward", "TargetGroupArn": target_group}
    listener = {"ListenerArn": f"{LB}:listener/{name}/1", "LoadBalancerArn": arn, "Port": 80, "Protocol": "TCP"}
    put(found, "LoadBalancerListeners", Listeners=[listener | {"DefaultActions": [action]}])
    put(found, "TargetGroups", TargetGroupArn=target_group, TargetType="alb", Port=443, VpcId="vpc-1", Protocol="TCP")
    health = [{"Target": {"Id": alb, "Port": port}, "TargetHealth": {"State": "healthy"}}]
    put(found, "LoadBalancerTargetHealth", TargetGroupArn=target_group, TargetHealthDescriptions=health)
    return arn


def test_an_application_balancer_behind_a_network_one_sees_the_clients_address() -> None:
    found = network()
    group(found, "sg-lb", [tcp(443, "8.0.0.0/8")])
    found["SecurityGroups"][1]["IpPermissions"] = [
        {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": "sg-lb"}]}
    ]
    inner = balancer(found, "application", targets=["i-b"], facing=False, groups=("sg-lb",))
    outer = in_front(found, inner)
    answer = ask(found, "8.8.8.8", "i-b", 80)
    assert answer.answer == "reachable"
    assert answer.packet["dst"] == "54.0.0.10"
    assert [node for node in answer.path if node in (outer, inner, "i-b")] == [outer, inner, "i-b"]
    assert [node for node in answer.return_path if node in (outer, inner, "i-b")] == ["i-b", inner, outer]
    assert ask(found, "9.9.9.9", "i-b", 80).answer == "unreachable"
    assert ask(found, "8.8.8.8", inner, 80).path[-1] in (inner, "i-b")
    assert ask(found, "8.8.8.8", outer, 80).path[-1] in (inner, "i-b")
    assert ask(found, "8.8.8.8", "i-b", 443).answer == "unreachable"
    told = {each.node: each.via for each in Scan(engine(found)).exposures() if each.space}
    assert told == {"i-a": "", outer: "", inner: outer, "i-b": outer}


def test_an_application_balancer_behind_a_network_one_takes_what_it_listens_to() -> None:
    found = network()
    inner = balancer(found, "application", targets=["i-b"], facing=False)
    in_front(found, inner, port=8443)
    answer = ask(found, "internet", "i-b", 80)
    assert answer.answer == "unreachable"
    assert f"{inner} has no listener for it" in {each.why for each in answer.blocked_by}


def test_balancers_that_send_to_each_other_come_to_an_end() -> None:
    found = network()
    inner = balancer(found, "network", targets=["10.0.0.230"], facing=False)
    outer = in_front(found, inner)
    for end in (inner, outer):
        answer = ask(found, "internet", end, 80)
        assert answer.answer == "unknown"
        assert "more than 3 load balancers in a row" in answer.unknown_because[0]
    assert list(Scan(engine(found)).exposures())


@pytest.mark.parametrize("qualifier", ["", ":live"])
def test_a_function_behind_an_application_balancer(qualifier: str) -> None:
    found = network()
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders"
    group(found, "sg-lb", [tcp(443, "8.0.0.0/8")])
    arn = balancer(found, "application", targets=[], groups=("sg-lb",))
    found["TargetGroups"][0] |= {"TargetType": "lambda"}
    health = found["LoadBalancerTargetHealth"][0]["TargetHealthDescriptions"]
    health.append({"Target": {"Id": function + qualifier, "AvailabilityZone": "all"}})
    asset = Asset(function, "AWS::Lambda::Function", ACCOUNT, REGION, {}, {}, "orders")
    for name in (function, "orders"):
        answer = ask(found, "internet", name, 443, asset)
        assert answer.answer == "reachable"
        assert answer.path[-2:] == [arn, function]
        assert answer.return_path[:2] == [function, arn]
        assert answer.packet["src"].startswith("8.")
    assert ask(found, "9.9.9.9", function).answer == "unreachable"
    assert ask(found, "8.8.8.8", function, 80).answer == "unreachable"
    assert ask(found, "i-b", arn, 443).answer == "unreachable"
    made = engine(found, asset)
    assert {each.target: each.answer for each in made.ask_all(Question("internet", "all"))}[function] == "reachable"
    told = {each.node: each.via for each in Scan(made).exposures() if each.space}
    assert told == {"i-a": "", arn: "", function: arn}
    assert not [each.unknown for each in Scan(made).exposures() if each.unknown]


def test_an_internal_balancer_is_not_on_the_internet() -> None:
    found = network()
    balancer(found, "network", targets=["i-b"], facing=False)
    assert ask(found, "internet", "i-b").answer == "unreachable"
    assert ask(found, "i-a", "10.0.0.220", 443).path[-1] == "i-b"


def test_a_nat_gateway_takes_in_replies_only() -> None:
    found = network()
    put(found, "NatGateways", NatGatewayId="nat-1", SubnetId="subnet-a", VpcId="vpc-1", State="available")
    address = {"NetworkInterfaceId": "eni-n", "PrivateIp": "10.0.0.200", "PublicIp": "54.0.0.8"}
    found["NatGateways"][0]["NatGatewayAddresses"] = [address]
    table(found, "rtb-b").append({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"})
    answer = ask(found, "i-b", "8.8.8.8")
    assert answer.path == ["i-b", "subnet-b", "vpc-1", "nat-1", "subnet-a", "vpc-1", "igw-1", "internet"]
    assert answer.return_path == ["internet", "igw-1", "vpc-1", "subnet-a", "nat-1", "vpc-1", "subnet-b", "i-b"]
    answer = ask(found, "8.8.8.8", "54.0.0.8", 80)
    assert (answer.answer, answer.path[-1], answer.blocked_by[0].component) == ("unreachable", "nat-1", "nat_gateway")


def test_a_public_address_of_another_instance_is_reached_over_the_gateways() -> None:
    found = network()
    interface(found, "c", "subnet-b", "10.0.1.12", "sg-b", public="54.0.0.7", instance="i-c")
    table(found, "rtb-b").append({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"})
    answer = ask(found, "i-a", "54.0.0.7")
    assert answer.answer == "reachable"
    assert answer.path == ["i-a", "subnet-a", "vpc-1", "igw-1", "vpc-1", "subnet-b", "i-c"]


def test_the_source_destination_check_drops_what_is_routed_to_an_instance() -> None:
    found = network()
    table(found, "rtb-b").append({"DestinationCidrBlock": "0.0.0.0/0", "InstanceId": "i-a", "State": "active"})
    answer = ask(found, "i-b", "8.8.8.8")
    assert (answer.answer, answer.blocked_by[0].component) == ("unreachable", "source_destination_check")
    found["NetworkInterfaces"][0]["SourceDestCheck"] = False
    answer = ask(found, "i-b", "8.8.8.8")
    assert (answer.answer, answer.path[-1]) == ("unknown", "i-a")
    found["SecurityGroups"][0]["IpPermissions"] = []
    assert ask(found, "i-b", "8.8.8.8").answer == "unreachable"


def test_an_edge_table_can_send_what_comes_in_through_a_firewall() -> None:
    found = network()
    routes = [{"DestinationCidrBlock": "10.0.0.0/24", "GatewayId": "vpce-fw", "State": "active"}]
    put(
        found,
        "RouteTables",
        RouteTableId="rtb-edge",
        VpcId="vpc-1",
        Associations=[{"GatewayId": "igw-1"}],
        Routes=routes,
    )
    firewall = f"arn:aws:network-firewall:{REGION}:{ACCOUNT}:firewall/f"
    states = {f"{REGION}a": {"Attachment": {"EndpointId": "vpce-fw"}}}
    asset = Asset(
        firewall, "AWS::NetworkFirewall::Firewall", ACCOUNT, REGION, {"FirewallStatus": {"SyncStates": states}}
    )
    answer = ask(found, "internet", "i-a", None, asset)
    assert answer.answer == "unknown"
    assert answer.path == ["internet", "igw-1", "vpc-1", firewall]
    assert "Network Firewall" in answer.unknown_because[0]


@pytest.mark.parametrize(
    ("mode", "exclusion", "inward", "outward"),
    [
        ("block-bidirectional", "", "unreachable", "unreachable"),
        ("block-ingress", "", "unreachable", "reachable"),
        ("block-bidirectional", "allow-egress", "unreachable", "reachable"),
        ("block-bidirectional", "allow-bidirectional", "reachable", "reachable"),
    ],
)
def test_vpc_block_public_access(mode: str, exclusion: str, inward: str, outward: str) -> None:
    base = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    more = [
        Asset(
            f"{base}:vpc-block-public-access-options",
            "AWS::EC2::VPCBlockPublicAccessOptions",
            ACCOUNT,
            REGION,
            {"InternetGatewayBlockMode": mode},
        )
    ]
    if exclusion:
        config = {"ResourceArn": f"{base}:subnet/subnet-a", "InternetGatewayExclusionMode": exclusion}
        more.append(Asset(f"{base}:x/1", "AWS::EC2::VPCBlockPublicAccessExclusion", ACCOUNT, REGION, config))
    assert ask(network(), "internet", "i-a", None, *more).answer == inward
    assert ask(network(), "i-a", "internet", None, *more).answer == outward


def test_vpn_is_a_boundary() -> None:
    found = network()
    put(found, "VpnGateways", VpnGatewayId="vgw-1", VpcAttachments=[{"VpcId": "vpc-1", "State": "attached"}])
    put(found, "VpnConnections", VpnConnectionId="vpn-1", VpnGatewayId="vgw-1", State="available")
    found["VpnConnections"][0]["Routes"] = [{"DestinationCidrBlock": "192.168.0.0/16", "State": "available"}]
    table(found, "rtb-b").append(
        {
            "DestinationCidrBlock": "192.168.0.0/16",
            "GatewayId": "vgw-1",
            "State": "active",
            "Origin": "EnableVgwRoutePropagation",
        }
    )
    answer = ask(found, "i-b", "192.168.1.1")
    assert (answer.answer, answer.path) == ("unknown", ["i-b", "subnet-b", "vpc-1", "vgw-1", "vpn-1"])
    answer = ask(found, "i-b", "vpn-1")
    assert (answer.answer, answer.return_path) == ("reachable", ["vpn-1", "vgw-1", "vpc-1", "subnet-b", "i-b"])
    answer = ask(found, "192.168.1.1", "i-b")
    assert (answer.answer, answer.path) == ("reachable", ["vpn-1", "vgw-1", "vpc-1", "subnet-b", "i-b"])
    assert ask(found, "172.16.0.1", "i-b").answer == "unreachable"


def test_ipv6_by_egress_only_gateway_goes_out_and_not_in() -> None:
    found = network()
    for kind, block in (("Vpcs", "2600:1f00::/56"), ("Subnets", "2600:1f00::/64")):
        found[kind][0]["Ipv6CidrBlockAssociationSet"] = [
            {"Ipv6CidrBlock": block, "Ipv6CidrBlockState": {"State": "associated"}}
        ]
    found["NetworkInterfaces"][0]["Ipv6Addresses"] = [{"Ipv6Address": "2600:1f00::10"}]
    found["NetworkAcls"][0]["Entries"] += [
        {"RuleNumber": 2, "Egress": egress, "Protocol": "-1", "Ipv6CidrBlock": "::/0", "RuleAction": "allow"}
        for egress in (False, True)
    ]
    gateway = {"EgressOnlyInternetGatewayId": "eigw-1", "Attachments": [{"VpcId": "vpc-1", "State": "attached"}]}
    put(found, "EgressOnlyInternetGateways", **gateway)
    table(found, "rtb-a").append(
        {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1", "State": "active"}
    )
    answer = ask(found, "i-a", "2a00::1")
    assert (answer.answer, answer.path[-2]) == ("reachable", "eigw-1")
    assert ask(found, "2a00::1", "i-a").answer == "unreachable"


def test_the_longest_prefix_wins_and_black_holes_swallow() -> None:
    found = network()
    table(found, "rtb-a").append({"DestinationCidrBlock": "8.8.8.0/24", "State": "blackhole", "NatGatewayId": "nat-x"})
    answer = ask(found, "i-a", "8.8.8.8")
    assert (answer.answer, answer.path, answer.blocked_by[0].id) == (
        "unreachable",
        ["i-a", "subnet-a"],
        "rtb-a/8.8.8.0/24",
    )
    assert ask(found, "i-a", "8.8.9.8").answer == "reachable"


def test_every_blocker_is_named_and_the_first_one_marked() -> None:
    found = network()
    found["SecurityGroups"][0]["IpPermissionsEgress"] = []
    found["NetworkAcls"][1]["Entries"] = []
    found["SecurityGroups"][1]["IpPermissions"] = []
    answer = ask(found, "i-a", "i-b", 22)
    named = {(each.component, each.id): each.first for each in answer.blocked_by}
    assert named == {
        ("security_group", "sg-a"): True,
        ("network_acl", "acl-b"): False,
        ("security_group", "sg-b"): False,
    }
    assert answer.path == ["i-a"]


def test_an_active_route_tells_of_a_gateway_that_was_not_listed() -> None:
    found = network()
    del found["InternetGateways"]
    assert ask(found, "internet", "i-a").answer == "reachable"
    table(found, "rtb-a")[1]["State"] = "blackhole"
    assert ask(found, "i-a", "internet").answer == "unreachable"


def test_where_a_call_was_refused_nothing_counts_as_missing() -> None:
    found = network()
    del found["NetworkInterfaces"][1]
    made = engine(found)
    refused = NotEvaluated("ec2:DescribeNetworkInterfaces", ACCOUNT, REGION, "", "UnauthorizedOperation", "no")
    assert made.ask(Question("i-a", "10.0.1.10")).answer == "unreachable"
    made.net.unseen = [refused]
    answer = made.ask(Question("i-a", "10.0.1.10"))
    assert answer.answer == "unknown"
    assert answer.unknown_because == [
        f"ec2:DescribeNetworkInterfaces in {ACCOUNT} {REGION} was not answered: UnauthorizedOperation"
    ]
    made.net.unseen = [replace(refused, region="global")]  # as of an export, which does not tell where
    assert made.ask(Question("i-a", "10.0.1.10")).answer == "unknown"
    made.net.unseen = [replace(refused, account="999900001111")]
    assert made.ask(Question("i-a", "10.0.1.10")).answer == "unreachable"


def test_a_transit_gateway_of_others_is_unknown() -> None:
    found = network()
    put(found, "TransitGateways", TransitGatewayId="tgw-1")
    table(found, "rtb-b").append(
        {"DestinationCidrBlock": "10.9.0.0/16", "TransitGatewayId": "tgw-1", "State": "active"}
    )
    answer = ask(found, "i-b", "10.9.0.1")
    assert (answer.answer, answer.unknown_because) == (
        "unknown",
        ["the attachment of vpc-1 to tgw-1 is not in the snapshot"],
    )
    attachment = {"TransitGatewayAttachmentId": "tgw-attach-1", "TransitGatewayId": "tgw-1", "ResourceType": "vpc"}
    put(found, "TransitGatewayAttachments", **attachment, ResourceId="vpc-1", State="available")
    put(found, "TransitGatewayVpcAttachments", TransitGatewayAttachmentId="tgw-attach-1", SubnetIds=["subnet-b"])
    answer = ask(found, "i-b", "10.9.0.1")
    assert (answer.answer, answer.path[-1]) == ("unknown", "tgw-1")
    put(found, "TransitGatewayRouteTables", TransitGatewayRouteTableId="tgw-rtb-1", TransitGatewayId="tgw-1", Routes=[])
    assert ask(found, "i-b", "10.9.0.1").answer == "unreachable"


@pytest.mark.parametrize(
    ("address", "told"),
    [("8.8.8.8", "unknown"), ("52.96.0.1", "unknown"), ("54.191.107.23", "unreachable"), ("2600:1f18::1", "unknown")],
)
def test_an_address_of_the_internet_that_nothing_here_has(address: str, told: str) -> None:
    """AWS publishes 54.160.0.0/11; 52.96.0.0/12, in the midst of its blocks, is another's."""
    assert ask(network(), "internet", address).answer == told


def test_a_route_whose_target_is_not_told_is_no_black_hole() -> None:
    found = network()
    table(found, "rtb-b").append({"DestinationCidrBlock": "0.0.0.0/0", "State": "active"})
    assert ask(found, "i-b", "8.8.8.8").answer == "unknown"
    table(found, "rtb-b")[-1]["State"] = "blackhole"
    assert ask(found, "i-b", "8.8.8.8").answer == "unreachable"


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ({"NatGatewayId": "nat-1"}, "unknown"),
        ({"TransitGatewayId": "tgw-1"}, "unknown"),
        ({"GatewayId": "igw-1", "State": "blackhole"}, "unreachable"),
        (None, "unreachable"),
    ],
)
def test_nat64_is_said_not_to_be_modelled(way: dict[str, str] | None, told: str) -> None:
    """An instance that has IPv6 alone speaks to the IPv4 internet by 64:ff9b::/96, where a route leads that on."""
    found = network()
    interfaces = found["NetworkInterfaces"]
    interfaces[1]["PrivateIpAddresses"], interfaces[1]["Ipv6Addresses"] = [], [{"Ipv6Address": "2600:1f00::10"}]
    if way:
        table(found, "rtb-b").append({"DestinationIpv6CidrBlock": "64:ff9b::/96", "State": "active", **way})
    for target in ("internet", "8.8.8.8"):
        answer = ask(found, "i-b", target)
        assert answer.answer == told
        assert told != "unknown" or "NAT64" in answer.unknown_because[0]


def test_cloud_wan_is_said_not_to_be_modelled() -> None:
    found = network()
    core = f"arn:aws:networkmanager::{ACCOUNT}:core-network/core-network-1"
    table(found, "rtb-b").append({"DestinationCidrBlock": "10.0.0.0/8", "CoreNetworkArn": core, "State": "active"})
    answer = ask(found, "i-b", "10.9.0.1")
    assert (answer.answer, answer.unknown_because) == (
        "unknown",
        [f"Cloud WAN core networks ({core}) are not modelled"],
    )


def test_a_load_balancer_whose_interfaces_are_not_known_is_unknown_and_so_is_what_it_sends_to() -> None:
    found = network()
    arn = balancer(found, "application", targets=["i-b"])
    del found["NetworkInterfaces"][-1]
    told = f"the network interfaces of {arn} are not in the snapshot"
    for source, target in (("internet", arn), ("internet", "i-b"), ("i-a", arn), (arn, "i-b")):
        answer = ask(found, source, target)
        assert answer.answer == "unknown", (source, target)
        assert answer.unknown_because == [told]
    made = engine(found)
    assert {each.target: each.answer for each in made.ask_all(Question("internet", "all"))}[arn] == "unknown"
    assert [(each.node, each.unknown) for each in Scan(made).exposures() if each.unknown] == [(arn, (told,))]
    found["LoadBalancers"][0]["Scheme"] = "internal"
    assert ask(found, "internet", "i-b").answer == "unreachable"


def test_a_subnet_or_vpc_is_reached_from_the_internet_if_something_in_it_is() -> None:
    found = network()
    for place, told in (("subnet-a", "reachable"), ("vpc-1", "reachable"), ("subnet-b", "unreachable")):
        assert ask(found, "internet", place).answer == told
    found["NetworkInterfaces"].clear()
    answer = ask(found, "internet", "subnet-a")
    assert (answer.answer, answer.blocked_by[0].why) == (
        "unreachable",
        "no interface in subnet-a is of the same family as internet",
    )


def test_an_answer_from_what_an_earlier_discovery_knew_says_so() -> None:
    made = engine(network())
    refused = NotEvaluated("ec2:DescribeNetworkAcls", ACCOUNT, REGION, "", "UnauthorizedOperation", "no")
    made.net.unseen = [refused]
    answer = made.ask(Question("internet", "i-a"))
    assert answer.answer == "reachable"
    assert answer.unknown_because == [
        f"ec2:DescribeNetworkAcls in {ACCOUNT} {REGION} was not answered: UnauthorizedOperation: "
        "what is known of it is of an earlier discovery, if any"
    ]


def test_a_call_that_tells_nothing_about_packets_is_not_missed() -> None:
    found = Inventory()
    found.not_evaluated.append(NotEvaluated("ec2:DescribeSnapshots", ACCOUNT, REGION, "", "Throttling", "slow down"))
    found.not_evaluated.append(NotEvaluated("ec2:DescribeVpcs", ACCOUNT, REGION, "", "Throttling", "slow down"))
    assert [each.action for each in Engine(found).net.unseen] == ["ec2:DescribeVpcs"]

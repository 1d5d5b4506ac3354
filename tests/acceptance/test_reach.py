"""From simulated AWS by real boto3 through `discover` to `reach` and `assess network`, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from program import sakimori

from sakimori.simulate.aws import REGION, SimulatedAws

SERVICES = "ec2,vpc,elbv2,transitgateway,vpn"


def build() -> dict[str, str]:
    """A VPC with a public web server and a private database behind NAT; gives their ids."""
    ec2 = boto3.client("ec2", region_name=REGION)
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    public, private = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
        for block in ("10.7.0.0/24", "10.7.1.0/24")
    )
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
    for subnet, way in ((public, {"GatewayId": gateway}), (private, {"NatGatewayId": nat})):
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **way)
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    web = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    database = ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc)["GroupId"]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    sql = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": web}]}
    ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[https])
    ec2.authorize_security_group_ingress(GroupId=database, IpPermissions=[sql])
    made = {"vpc": vpc, "nat": nat, "igw": gateway, "public": public, "private": private}
    for name, subnet, group in (("web", public, web), ("db", private, database)):
        launched = ec2.run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": subnet,
                    "Groups": [group],
                    "AssociatePublicIpAddress": name == "web",
                }
            ],
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
        )
        made[name] = launched["Instances"][0]["InstanceId"]
    return made


@pytest.fixture
def made(aws: SimulatedAws, tmp_path: Path) -> dict[str, str]:
    built = build()
    done = sakimori(tmp_path, "discover", "--regions", REGION, "--services", SERVICES)
    assert done.returncode in (0, 3), done.stderr.decode()
    done = sakimori(
        tmp_path, "discover", "--regions", REGION, "--services", SERVICES, "--snapshot-out", str(tmp_path / "snapshot")
    )
    assert done.returncode in (0, 3), done.stderr.decode()
    return built


def reach(home: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sakimori(home, "reach", *arguments, "--json").stdout)
    return found


@pytest.mark.parametrize("offline", [False, True])
def test_what_was_discovered_is_asked_about(made: dict[str, str], tmp_path: Path, offline: bool) -> None:
    where = ["--snapshot", str(tmp_path / "snapshot")] if offline else []
    found = reach(tmp_path, "--from", "internet", "--to", "web", *where)
    assert found["answer"] == "reachable", found
    assert found["packet"]["dst_port"] == 443
    assert found["path"] == ["internet", made["igw"], made["vpc"], made["public"], made["web"]]
    found = reach(tmp_path, "--from", "web", "--to", "db", "--protocol", "tcp", "--port", "5432", *where)
    assert found["answer"] == "reachable", found
    assert found["path"] == [made["web"], made["public"], made["vpc"], made["private"], made["db"]]
    # moto's NAT gateways have addresses that are in no subnet, so that replies do not find them: only the way there.
    found = reach(tmp_path, "--from", "db", "--to", "internet", *where)
    assert found["path"][3:] == [made["nat"], made["public"], made["vpc"], made["igw"], "internet"]
    assert reach(tmp_path, "--from", "internet", "--to", "db", *where)["answer"] == "unreachable"


def test_exposure_is_found_and_explained(made: dict[str, str], tmp_path: Path) -> None:
    done = sakimori(tmp_path, "assess", "network", "--format", "jsonl")
    (found,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert found["asset"].endswith(f"instance/{made['web']}")
    assert found["evidence"]["ports"] == ["tcp/443"]
    told = sakimori(tmp_path, "explain", found["uid"]).stdout.decode()
    assert "Asked again, it is as it was:" in told

"""AWS Config's exports give the same assets as the calls, and the name of everything that Config does not carry."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from discover.config_items import RECORDED, config_items
from discover.world import discovered
from sakimori.discover.config_export import read_config_export
from sakimori.discover.declare import Place
from sakimori.discover.engine import Found, Unit
from sakimori.discover.offline import found_in_config_export
from sakimori.discover.record import record
from sakimori.discover.services import services
from sakimori.discover.snapshot import SnapshotError
from sakimori.model.asset import Asset, Inventory
from sakimori.simulate.aws import ACCOUNT, SimulatedAws
from sakimori.store.ledger import open_ledger


@pytest.fixture
def account(aws: SimulatedAws) -> Inventory:
    """Some of each type that Config records."""
    ec2, iam, s3 = aws.client("ec2"), aws.client("iam"), aws.client("s3")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": "Name", "Value": "first"}])
    group = ec2.create_security_group(GroupName="web", Description="x", VpcId=vpc)["GroupId"]
    ports = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[ports | {"IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}],
    )
    ec2.create_internet_gateway()
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group])
    allow = {"Effect": "Allow", "Action": "*"}
    trust = {"Version": "2012-10-17", "Statement": [allow | {"Principal": {"AWS": "*"}}]}
    grant = {"Version": "2012-10-17", "Statement": [allow | {"Resource": "*"}]}
    iam.create_role(RoleName="open", AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName="open", PolicyName="inline", PolicyDocument=json.dumps(grant))
    policy = iam.create_policy(PolicyName="all", PolicyDocument=json.dumps(grant))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="open", PolicyArn=policy)
    iam.create_user(UserName="kaede")
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(GroupName="staff", UserName="kaede")
    s3.create_bucket(Bucket="plain")
    s3.create_bucket(Bucket="rich", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_policy(Bucket="rich", Policy=json.dumps(trust))
    s3.put_bucket_versioning(Bucket="rich", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket="rich", Tagging={"TagSet": [{"Key": "tier", "Value": "db"}]})
    s3.put_public_access_block(Bucket="rich", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    s3.put_bucket_acl(Bucket="plain", ACL="public-read")
    aws.client("elbv2").create_load_balancer(Name="lb", Subnets=[subnet], Type="network", Scheme="internal")
    return discovered("vpc", "ec2", "iam", "s3", "elbv2")


def snapshot_file(path: Path, items: list[dict[str, Any]]) -> Path:
    told = {"fileVersion": "1.0", "configSnapshotId": "x", "configurationItems": items}
    path.write_bytes(gzip.compress(json.dumps(told).encode()))
    return path


def carried(asset: Asset, other: Asset) -> dict[str, Any]:
    """The part of the config that Config carries, too; what a describe answer leaves empty, it may leave out."""
    return {key: value for key, value in asset.config.items() if key in other.config}


def test_the_same_assets_as_far_as_config_carries_them(account: Inventory, tmp_path: Path) -> None:
    read = read_config_export(snapshot_file(tmp_path / "snapshot.json.gz", config_items(account)))
    recorded = [asset for asset in account if asset.type in RECORDED]
    assert {asset.type for asset in recorded} >= {"AWS::EC2::Instance", "AWS::IAM::Role", "AWS::S3::Bucket"}
    assert sorted(asset.uid for asset in read) == sorted(asset.uid for asset in recorded)
    not_carried = {(each.resource, each.code) for each in read.not_evaluated}
    for asset in recorded:
        other = read.get(asset.uid)
        assert other
        assert dict(other.config) == carried(asset, other), asset.uid
        assert (other.tags, other.name, other.region, other.account) == (
            asset.tags,
            asset.name,
            asset.region,
            asset.account,
        )
        missing = {key for key in asset.config if key not in other.config}
        assert not missing or (asset.uid, "NotInConfig") in not_carried, (asset.uid, missing)


def test_relations_come_along(account: Inventory, tmp_path: Path) -> None:
    read = read_config_export(snapshot_file(tmp_path / "snapshot.json.gz", config_items(account)))
    uids = {asset.uid for asset in read}
    mine = {(each.source, each.kind, each.target) for each in account.relations if each.source in uids}
    assert mine == {(each.source, each.kind, each.target) for each in read.relations}


def test_what_config_does_not_carry_is_named(account: Inventory, tmp_path: Path) -> None:
    read = read_config_export(snapshot_file(tmp_path / "snapshot.json.gz", config_items(account)))
    named = {(each.action, each.resource) for each in read.not_evaluated}
    assert ("s3:GetBucketObjectLockConfiguration", "arn:aws:s3:::rich") in named
    assert ("iam:GetCredentialReport", f"arn:aws:iam::{ACCOUNT}:user/kaede") in named
    assert ("ec2:DescribeSecurityGroupRules", "AWS::EC2::SecurityGroupIngress") in named
    assert [each for each in read.not_evaluated if each.code != "NotInConfig"] == []


def test_query_results_give_the_same(account: Inventory, tmp_path: Path) -> None:
    items = config_items(account)
    query = [
        {
            "accountId": item["awsAccountId"],
            **{key: item[key] for key in ("awsRegion", "resourceType", "resourceId", "configuration")},
            "supplementaryConfiguration": item["supplementaryConfiguration"],
            "arn": item["ARN"],
            "tags": [{"key": key, "value": value} for key, value in item["tags"].items()],
        }
        for item in items
    ]
    shapes = {
        "cli.json": json.dumps({"Results": [json.dumps(each) for each in query], "QueryInfo": {"SelectFields": []}}),
        "console.json": json.dumps(query),
        "lines.jsonl": "\n".join(json.dumps(each) for each in query),
    }
    expected = read_config_export(snapshot_file(tmp_path / "snapshot.json.gz", items))
    for name, text in shapes.items():
        (tmp_path / name).write_text(text)
        read = read_config_export(tmp_path / name)
        assert sorted(map(repr, read)) == sorted(map(repr, expected)), name


def test_deleted_and_unknown_items(tmp_path: Path) -> None:
    base = {"awsAccountId": ACCOUNT, "awsRegion": "us-east-1", "configuration": {"vpcId": "vpc-1"}}
    items = [
        base | {"resourceType": "AWS::EC2::VPC", "resourceId": "vpc-1", "configurationItemStatus": "ResourceDeleted"},
        base | {"resourceType": "AWS::Some::Thing", "resourceId": "x", "configurationItemStatus": "OK"},
        base | {"resourceType": "AWS::EC2::Subnet", "resourceId": "s", "configuration": {}},
    ]
    read = read_config_export(snapshot_file(tmp_path / "x.json.gz", items))
    assert list(read) == []
    assert ("AWS::Some::Thing", "NotModelled") in {(each.resource, each.code) for each in read.not_evaluated}
    assert any("subnet/{SubnetId}" in each.message for each in read.not_evaluated)


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", "null", '{"Results": [5]}', '{"Results": ["{"]}'])
def test_what_is_no_export_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises(SnapshotError, match=r"export\.json"):
        read_config_export(path)


def test_secrets_are_not_taken_from_an_export_either(tmp_path: Path) -> None:
    function = {
        "resourceType": "AWS::Lambda::Function",
        "ARN": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders",
        "configuration": {
            "functionName": "orders",
            "functionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders",
            "environment": {"variables": {"PASSWORD": "hunter2"}},
        },
    }
    project = {
        "resourceType": "AWS::CodeBuild::Project",
        "ARN": f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/web",
        "resourceName": "web",
        "configuration": {
            "name": "web",
            "environment": {"environmentVariables": [{"name": "PASSWORD", "value": "hunter2", "type": "PLAINTEXT"}]},
        },
    }
    items = [{"awsAccountId": ACCOUNT, "awsRegion": "us-east-1", **item} for item in (function, project)]
    file = tmp_path / "export.json"
    file.write_text(json.dumps({"configurationItems": items}))
    found = read_config_export(file)
    assert {asset.name for asset in found} == {"orders", "web"}
    assert str(list(found)).count("PASSWORD") == 2
    assert "hunter2" not in str(list(found))


def test_only_the_chosen_services(tmp_path: Path) -> None:
    base = {"awsAccountId": ACCOUNT, "awsRegion": "us-east-1"}
    items = [
        base | {"resourceType": "AWS::EC2::VPC", "resourceId": "vpc-1", "configuration": {"vpcId": "vpc-1"}},
        base | {"resourceType": "AWS::S3::Bucket", "resourceId": "b", "configuration": {"name": "b"}},
    ]
    file = snapshot_file(tmp_path / "x.json.gz", items)
    read = read_config_export(file, {"vpc": services()["vpc"]})
    assert [asset.id for asset in read] == ["vpc-1"]
    assert {each.action.partition(":")[0] for each in read.not_evaluated} == {"ec2"}


def vpc_item(id: str, captured: str, block: str = "10.0.0.0/16", status: str = "OK") -> dict[str, Any]:
    return {
        **{"awsAccountId": ACCOUNT, "awsRegion": "us-east-1", "resourceType": "AWS::EC2::VPC", "resourceId": id},
        **{"configurationItemCaptureTime": captured, "configurationItemStatus": status, "tags": {}},
        "configuration": {"vpcId": id, "cidrBlock": block} if status == "OK" else None,
    }


EARLY, LATE = "2026-11-20T08:00:00.000Z", "2026-11-20T09:00:00.000Z"


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_history_the_newest_item_counts_and_says_what_is_gone(order: int, tmp_path: Path) -> None:
    items = [
        *(vpc_item("vpc-1", EARLY), vpc_item("vpc-1", LATE, "10.9.0.0/16")),
        *(vpc_item("vpc-2", EARLY), vpc_item("vpc-2", LATE, status="ResourceDeleted")),
        *(vpc_item("vpc-3", EARLY, status="ResourceDeleted"), vpc_item("vpc-3", LATE)),
    ]
    read = read_config_export(snapshot_file(tmp_path / "history.json.gz", items[::order]))
    assert {asset.id: asset.config["CidrBlock"] for asset in read} == {
        "vpc-1": "10.9.0.0/16",
        "vpc-3": "10.0.0.0/16",
    }


def test_a_folder_as_config_delivers_it(tmp_path: Path) -> None:
    delivered = tmp_path / f"AWSLogs/{ACCOUNT}/Config"
    for region, id in (("us-east-1", "vpc-1"), ("eu-west-1", "vpc-2")):
        folder = delivered / f"{region}/2026/11/20/ConfigSnapshot"
        folder.mkdir(parents=True)
        item = vpc_item(id, EARLY) | {"awsRegion": region}
        snapshot_file(folder / f"{ACCOUNT}_Config_{region}_ConfigSnapshot.json.gz", [item])
    history = delivered / "us-east-1/2026/11/20/ConfigHistory"
    history.mkdir(parents=True)
    snapshot_file(history / "later.json.gz", [vpc_item("vpc-1", LATE, "10.9.0.0/16")])
    (delivered / "ConfigWritabilityCheckFile").touch()
    read = read_config_export(tmp_path)
    assert {(asset.region, asset.id, asset.config["CidrBlock"]) for asset in read} == {
        ("us-east-1", "vpc-1", "10.9.0.0/16"),
        ("eu-west-1", "vpc-2", "10.0.0.0/16"),
    }
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SnapshotError, match=r"holds no file that ends in \.json"):
        read_config_export(empty)


@pytest.mark.parametrize("wrapping", ["configurationItems", "baseConfigurationItems", "configurationItem"])
def test_what_the_cli_and_notifications_print_of_single_resources(wrapping: str, tmp_path: Path) -> None:
    item = vpc_item("vpc-1", EARLY)
    told = {key: value for key, value in item.items() if key != "awsAccountId"} | {"accountId": ACCOUNT}
    told["configuration"] = json.dumps(item["configuration"])
    file = tmp_path / "one.json"
    file.write_text(json.dumps({wrapping: told if wrapping.endswith("Item") else [told]}))
    [asset] = read_config_export(file)
    assert (asset.id, asset.config["CidrBlock"]) == ("vpc-1", "10.0.0.0/16")


def test_an_export_of_nothing_is_not_complete(tmp_path: Path) -> None:
    read = read_config_export(snapshot_file(tmp_path / "x.json.gz", []))
    assert [each.message for each in read.not_evaluated] == ["the export holds no configuration item"]


def test_a_damaged_gzip_is_refused_by_name(tmp_path: Path) -> None:
    whole = snapshot_file(tmp_path / "x.json.gz", [vpc_item("vpc-1", EARLY)]).read_bytes()
    for number, damaged in enumerate((whole[:40], whole[:12] + b"\xff" * 20 + whole[32:], whole + b"\x1f\x8bAAAA")):
        file = tmp_path / f"damaged-{number}.gz"
        file.write_bytes(damaged)
        with pytest.raises(SnapshotError, match=file.name):
            read_config_export(file)


def test_a_part_that_was_not_selected_is_named(tmp_path: Path) -> None:
    item = vpc_item("vpc-1", EARLY) | {"configuration": {"vpcId": "vpc-1"}}
    del item["tags"]
    read = read_config_export(snapshot_file(tmp_path / "x.json.gz", [item]))
    [asset] = read
    named = {(each.action, each.code, each.message) for each in read.not_evaluated if each.resource == asset.uid}
    assert named == {
        (
            "ec2:DescribeVpcs",
            "NotDescribed",
            "the item does not tell cidrBlock: select configuration as a whole",
        ),
        ("ec2:DescribeTags", "NotInConfig", "the item does not tell its tags: select tags"),
    }


def test_an_export_after_a_discovery_changes_nothing(account: Inventory, tmp_path: Path) -> None:
    """What Config does not carry has not changed, and not gone."""
    file = snapshot_file(tmp_path / "snapshot.json.gz", config_items(account))
    chosen = services()
    homes = {resource.type: name for name, service in chosen.items() for _, resource in service.resources()}
    with open_ledger(tmp_path / "ledger.db") as ledger:
        parcels = [
            Found(Unit(Place(asset.account, asset.region), homes[asset.type], chosen[homes[asset.type]]), [asset])
            for asset in account
        ]
        record(parcels, ledger, "aws", progress=lambda _: None)
        for _ in range(2):
            found, _, _ = found_in_config_export(file, chosen)
            done = record(found, ledger, "config", progress=lambda _: None).recorded
            assert (done.new, done.changed, done.gone) == (0, 0, 0)
        changed = config_items(account)
        groups = (item for item in changed if item["resourceType"] == "AWS::EC2::SecurityGroup")
        group = next(item for item in groups if item["configuration"]["ipPermissions"])
        group["configuration"]["ipPermissions"] = []
        found, _, _ = found_in_config_export(snapshot_file(tmp_path / "new.json.gz", changed), chosen)
        done = record(found, ledger, "config", progress=lambda _: None).recorded
        assert done.changed == 1

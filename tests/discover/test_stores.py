"""Databases, caches, file systems and keys, as they are in the simulated AWS."""

from __future__ import annotations

import json
from typing import Any

from discover.world import discovered, ties
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}],
}
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"


def network(aws: SimulatedAws) -> tuple[str, str, str, str]:
    """The ids of a VPC, two of its subnets, and a security group."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{zone}")
        for i, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(VpcId=vpc, GroupName="db", Description="db")["GroupId"]
    return vpc, subnets[0]["Subnet"]["SubnetId"], subnets[1]["Subnet"]["SubnetId"], group


def test_a_database_its_network_and_whom_its_snapshot_is_shared_with(aws: SimulatedAws) -> None:
    rds = aws.client("rds")
    vpc, one, two, group = network(aws)
    rds.create_db_subnet_group(DBSubnetGroupName="inner", DBSubnetGroupDescription="x", SubnetIds=[one, two])
    rds.create_db_instance(
        DBInstanceIdentifier="orders",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="kaede",
        MasterUserPassword="hunter2hunter2",
        DBSubnetGroupName="inner",
        VpcSecurityGroupIds=[group],
        Tags=[{"Key": "tier", "Value": "db"}],
    )
    rds.create_db_snapshot(DBInstanceIdentifier="orders", DBSnapshotIdentifier="friday")
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier="friday", AttributeName="restore", ValuesToAdd=["all", "111122223333"]
    )
    rds.create_db_parameter_group(DBParameterGroupName="ours", DBParameterGroupFamily="postgres16", Description="x")
    found = discovered("rds")
    assert found.not_evaluated == []
    database = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:orders"
    asset = found.get(database)
    assert asset
    assert (asset.name, asset.tags) == ("orders", {"tier": "db"})
    assert "hunter2" not in str(asset)
    assert {("in", f"{EC2}:vpc/{vpc}"), ("uses", f"{EC2}:security-group/{group}")} <= ties(found, database)
    assert ("in", f"arn:aws:rds:{REGION}:{ACCOUNT}:subgrp:inner") in ties(found, database)
    snapshot = f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:friday"
    shared = {("shared-with", "*"), ("shared-with", "arn:aws:iam::111122223333:root"), ("built-from", database)}
    assert shared <= ties(found, snapshot)
    groups = {asset.name: asset.config["Parameters"] for asset in found.of_type("AWS::RDS::DBParameterGroup")}
    assert isinstance(groups["ours"], list)


def test_an_aurora_cluster_and_its_snapshot(aws: SimulatedAws) -> None:
    rds = aws.client("rds")
    cluster = rds.create_db_cluster(
        DBClusterIdentifier="aurora",
        Engine="aurora-postgresql",
        MasterUsername="kaede",
        MasterUserPassword="hunter2hunter2",
        StorageEncrypted=True,
        KmsKeyId="alias/rds",
    )["DBCluster"]
    rds.create_db_cluster_snapshot(DBClusterIdentifier="aurora", DBClusterSnapshotIdentifier="monday")
    rds.modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier="monday", AttributeName="restore", ValuesToAdd=["111122223333"]
    )
    found = discovered("rds")
    assert found.not_evaluated == []
    assert ("encrypted-by", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/rds") in ties(found, cluster["DBClusterArn"])
    snapshots = {each.name: each for each in found.of_type("AWS::RDS::DBClusterSnapshot")}
    assert ("shared-with", "arn:aws:iam::111122223333:root") in ties(found, snapshots.pop("monday").uid)
    assert [each.config["DBClusterSnapshotAttributes"] for each in snapshots.values()] == [None]  # automated


def test_a_redshift_cluster(aws: SimulatedAws) -> None:
    redshift = aws.client("redshift")
    vpc, one, two, group = network(aws)
    redshift.create_cluster_subnet_group(ClusterSubnetGroupName="inner", Description="x", SubnetIds=[one, two])
    redshift.create_cluster(
        ClusterIdentifier="facts",
        NodeType="ra3.xlplus",
        MasterUsername="kaede",
        MasterUserPassword="Hunter2hunter2",
        ClusterSubnetGroupName="inner",
        VpcSecurityGroupIds=[group],
        IamRoles=["arn:aws:iam::123456789012:role/loader"],
    )
    redshift.create_cluster_snapshot(ClusterIdentifier="facts", SnapshotIdentifier="friday")
    found = discovered("redshift")
    assert found.not_evaluated == []
    cluster = found.get(f"arn:aws:redshift:{REGION}:{ACCOUNT}:cluster:facts")
    assert cluster
    assert cluster.config["LoggingStatus"]["LoggingEnabled"] is False
    assert "Hunter2" not in str(cluster)
    assert {
        ("in", f"arn:aws:redshift:{REGION}:{ACCOUNT}:subnetgroup:inner"),
        ("uses", f"{EC2}:security-group/{group}"),
        ("runs-as", "arn:aws:iam::123456789012:role/loader"),
    } <= ties(found, cluster.uid)
    groups = f"arn:aws:redshift:{REGION}:{ACCOUNT}:subnetgroup:inner"
    assert {("in", f"{EC2}:vpc/{vpc}"), ("in", f"{EC2}:subnet/{one}")} <= ties(found, groups)
    snapshot = next(found.of_type("AWS::Redshift::ClusterSnapshot"))
    assert ("built-from", cluster.uid) in ties(found, snapshot.uid)


def test_a_search_domain(aws: SimulatedAws) -> None:
    for name in ("logs", "products"):
        aws.client("opensearch").create_domain(
            DomainName=name,
            AccessPolicies=json.dumps(POLICY),
            TagList=[{"Key": "of", "Value": name}],
        )
    found = discovered("opensearch")
    assert found.not_evaluated == []
    domain = found.get(f"arn:aws:es:{REGION}:{ACCOUNT}:domain/logs")
    assert domain
    assert domain.config["AccessPolicies"] == POLICY
    assert domain.tags == {"of": "logs"}
    assert {asset.name for asset in found} == {"logs", "products"}


def test_caches(aws: SimulatedAws) -> None:
    elasticache = aws.client("elasticache")
    _, one, two, group = network(aws)
    elasticache.create_cache_subnet_group(
        CacheSubnetGroupName="inner", CacheSubnetGroupDescription="x", SubnetIds=[one, two]
    )
    elasticache.create_cache_cluster(
        CacheClusterId="sessions",
        Engine="redis",
        CacheNodeType="cache.t3.micro",
        NumCacheNodes=1,
        CacheSubnetGroupName="inner",
        SecurityGroupIds=[group],
        Tags=[{"Key": "tier", "Value": "cache"}],
    )
    elasticache.create_replication_group(
        ReplicationGroupId="pages", ReplicationGroupDescription="x", CacheNodeType="cache.t3.micro", Engine="redis"
    )
    found = discovered("elasticache")
    assert found.not_evaluated == []
    cluster = next(asset for asset in found.of_type("AWS::ElastiCache::CacheCluster") if asset.name == "sessions")
    assert cluster.tags == {"tier": "cache"}
    assert ("in", f"arn:aws:elasticache:{REGION}:{ACCOUNT}:subnetgroup:inner") in ties(found, cluster.uid)
    assert [asset.name for asset in found.of_type("AWS::ElastiCache::ReplicationGroup")] == ["pages"]
    subnet_group = next(found.of_type("AWS::ElastiCache::SubnetGroup"))
    assert ("in", f"{EC2}:subnet/{two}") in ties(found, subnet_group.uid)


def test_a_table_its_backups_and_its_policy(aws: SimulatedAws) -> None:
    dynamodb = aws.client("dynamodb")
    for name in ("carts", "bare"):
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=[{"Key": "of", "Value": name}],
        )
    dynamodb.update_continuous_backups(
        TableName="carts", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/carts"
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=json.dumps(POLICY))
    found = discovered("dynamodb")
    assert found.not_evaluated == []
    carts, bare = found.get(arn), found.get(arn.replace("carts", "bare"))
    assert carts
    assert bare
    assert carts.config["TableStatus"] == "ACTIVE"
    assert recovery(carts.config) == "ENABLED"
    assert carts.config["ResourcePolicy"] == POLICY
    assert bare.config["ResourcePolicy"] is None
    assert carts.tags == {"of": "carts"}


def recovery(config: Any) -> str:
    description = config["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return str(description["PointInTimeRecoveryStatus"])


def test_a_file_system_and_the_ways_to_it(aws: SimulatedAws) -> None:
    efs = aws.client("efs")
    vpc, one, _, group = network(aws)
    system = efs.create_file_system(CreationToken="home", Encrypted=True, Tags=[{"Key": "Name", "Value": "home"}])[
        "FileSystemId"
    ]
    efs.create_mount_target(FileSystemId=system, SubnetId=one, SecurityGroups=[group])
    efs.put_file_system_policy(FileSystemId=system, Policy=json.dumps(POLICY))
    efs.create_access_point(ClientToken="users", FileSystemId=system)
    efs.create_file_system(CreationToken="bare")
    found = discovered("efs")
    assert found.not_evaluated == []
    uid = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/{system}"
    asset = found.get(uid)
    assert asset
    assert asset.config["Policy"] == POLICY
    assert {each.config["Policy"] is None for each in found.of_type("AWS::EFS::FileSystem")} == {False, True}
    target = next(found.of_type("AWS::EFS::MountTarget"))
    assert {
        ("in", uid),
        ("in", f"{EC2}:vpc/{vpc}"),
        ("in", f"{EC2}:subnet/{one}"),
        ("uses", f"{EC2}:security-group/{group}"),
    } <= ties(found, target.uid)
    point = next(found.of_type("AWS::EFS::AccessPoint"))
    assert ("in", uid) in ties(found, point.uid)


def test_keys_who_may_use_them_and_what_they_are_called(aws: SimulatedAws) -> None:
    kms = aws.client("kms")
    key = kms.create_key(Tags=[{"TagKey": "tier", "TagValue": "db"}])["KeyMetadata"]
    kms.create_alias(AliasName="alias/orders", TargetKeyId=key["KeyId"])
    kms.enable_key_rotation(KeyId=key["KeyId"])
    kms.create_grant(
        KeyId=key["KeyId"], GranteePrincipal="arn:aws:iam::111122223333:role/reader", Operations=["Decrypt"]
    )
    found = discovered("kms")
    assert found.not_evaluated == []
    asset = found.get(key["Arn"])
    assert asset
    assert asset.config["Rotation"]["KeyRotationEnabled"] is True
    assert asset.config["Policy"]["Statement"]
    assert asset.tags == {"tier": "db"}
    assert ("trusts", "arn:aws:iam::111122223333:role/reader") in ties(found, key["Arn"])
    assert ("targets", key["Arn"]) in ties(found, f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/orders")

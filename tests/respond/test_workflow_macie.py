"""Macie: the protected instances that may read a bucket are scanned, the others named."""

from __future__ import annotations

from trend_stub import INSTANCE
from workflow_cases import (
    RECOMMEND,
    plan,
    steps,
)

import told_events as told
from sakimori.model.asset import Asset, Inventory
from sakimori.respond.world import World
from sakimori.simulate.aws import ACCOUNT, REGION


def company(reader: str) -> Inventory:
    """One instance whose role may read the bucket `data`, and one whose role may not."""
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}
    document = {"Version": "2012-10-17", "Statement": [allow]}
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assets = [Asset("arn:aws:s3:::data", "AWS::S3::Bucket", ACCOUNT, REGION, {"Name": "data"}, name="data")]
    for name, instance, statements in (("reader", reader, [document]), ("other", "i-0other", [])):
        role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        profile = f"arn:aws:iam::{ACCOUNT}:instance-profile/{name}"
        inline = [{"PolicyName": "p", "PolicyDocument": each} for each in statements]
        config_of_role = {
            "RoleName": name,
            "Arn": role,
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "RolePolicyList": inline,
            "AttachedManagedPolicies": [],
            "InstanceProfileList": [{"Arn": profile, "InstanceProfileName": name, "Roles": [{"Arn": role}]}],
        }
        described = {"InstanceId": instance, "IamInstanceProfile": {"Arn": profile}, "State": {"Name": "running"}}
        arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{instance}"
        assets += [
            Asset(role, "AWS::IAM::Role", ACCOUNT, "global", config_of_role, name=name),
            Asset(
                profile,
                "AWS::IAM::InstanceProfile",
                ACCOUNT,
                "global",
                {"Arn": profile, "InstanceProfileName": name, "Roles": [{"Arn": role, "RoleName": name}]},
                name=name,
            ),
            Asset(arn, "AWS::EC2::Instance", ACCOUNT, REGION, described),
        ]
    return Inventory(assets)


def test_macie_scans_the_instances_that_may_read_the_bucket_and_closes_it(world: World) -> None:
    world.inventory = lambda: company(INSTANCE)
    found = plan("macie", told.macie(), world)
    assert steps(found) == ["block-public-access", *RECOMMEND, "integrity-scan"]
    assert {step.target.id for step in found.steps[1:]} == {INSTANCE}
    assert "role/reader" in found.steps[1].why


def test_macie_names_the_readers_that_are_not_protected(world: World) -> None:
    world.inventory = lambda: company("i-0bare")
    found = plan("macie", told.macie(), world)
    assert steps(found) == ["block-public-access"]
    assert "i-0bare" in found.why
    assert [finding.asset.rpartition("/")[2] for finding in found.findings] == ["i-0bare"]


def test_macie_without_an_inventory_says_so_and_counts_nobody(world: World) -> None:
    found = plan("macie", told.macie(), world)
    assert any("sakimori discover" in reason for reason in found.not_evaluated)
    assert found.why == "which instances may read the bucket is not known"


def test_macie_does_not_count_what_discovery_could_not_see(world: World) -> None:
    world.inventory = lambda: Inventory([each for each in company(INSTANCE) if each.uid != "arn:aws:s3:::data"])
    found = plan("macie", told.macie(), world)
    assert "discovery does not know the bucket" in found.not_evaluated[0]
    assert found.why.startswith("1 instances are known that may read the bucket, and there may be more")
    world.inventory = lambda: company(INSTANCE)
    assert plan("macie", told.macie(), world).why == "1 instances may read the bucket"

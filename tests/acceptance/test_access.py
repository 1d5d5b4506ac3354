"""From simulated AWS by real boto3 through `discover` to `access`, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from program import sakimori

from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws

READ = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}


def trust(principal: dict[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def build() -> str:
    """An account with a bucket, who may read it, and an instance that can; gives the instance's id."""
    iam, s3, ec2 = (boto3.client(each, region_name=REGION) for each in ("iam", "s3", "ec2"))
    s3.create_bucket(Bucket="payroll")
    tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::payroll", "arn:aws:s3:::payroll/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    partner = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999900001111:root"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::payroll/shared/*",
    }
    s3.put_bucket_policy(Bucket="payroll", Policy=json.dumps({"Version": "2012-10-17", "Statement": [tls, partner]}))
    policy = iam.create_policy(PolicyName="readers", PolicyDocument=json.dumps(READ))["Policy"]["Arn"]
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    iam.attach_role_policy(RoleName="web", PolicyArn=policy)
    iam.create_role(RoleName="idle", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=json.dumps(READ))
    iam.create_user(UserName="bob")
    profile = f"arn:aws:iam::{ACCOUNT}:instance-profile/web"
    launched = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, IamInstanceProfile={"Arn": profile})
    return str(launched["Instances"][0]["InstanceId"])


@pytest.fixture
def home(aws: SimulatedAws, tmp_path: Path) -> Path:
    (tmp_path / "instance").write_text(build())
    done = sakimori(tmp_path, "discover", "--regions", REGION, "--services", "iam,s3,s3control,ec2,organizations")
    assert done.returncode in (0, 3), done.stderr.decode()
    return tmp_path


def asked(home: Path, *words: str) -> tuple[Any, int, str]:
    done = sakimori(home, "access", *words, "--format", "json")
    return json.loads(done.stdout), done.returncode, done.stderr.decode()


def test_discovered_accounts_answer_who_what_and_can(home: Path) -> None:
    found, code, told = asked(home, "who", "s3:GetObject", "s3://payroll")
    rows = {row["principal"].rpartition("/")[2]: row for row in found["who"]}
    assert {"web", "ann", "arn:aws:iam::999900001111:root", "ec2.amazonaws.com"} <= set(rows), told
    assert not {"bob", "idle"} & set(rows)
    assert rows["ann"]["conditions"] == ["aws:SecureTransport is not false"]
    assert (rows["web"]["ours"], rows["arn:aws:iam::999900001111:root"]["ours"]) == (True, False)
    witness = rows["arn:aws:iam::999900001111:root"]["steps"][-1]["request"]
    assert witness["resource"]["resource"].startswith("arn:aws:s3:::payroll/shared/")

    found, code, told = asked(home, "who", "s3:GetObject", "s3://payroll", "--through", "instances")
    (through,) = found["instances"]
    assert through["instance"].endswith((home / "instance").read_text())
    assert through["role"] == f"arn:aws:iam::{ACCOUNT}:role/web"
    assert through["imdsv1"] is True

    found, code, told = asked(
        home, "can", "user/ann", "s3:GetObject", "s3://payroll/a", "--context", "aws:SecureTransport=true"
    )
    assert (found["response"], code) == ("Allowed", 0)
    assert found["decided_by"][0]["policy"] == f"inline policy own of arn:aws:iam::{ACCOUNT}:user/ann"
    found, code, told = asked(
        home, "can", "user/ann", "s3:GetObject", "s3://payroll/a", "--context", "aws:SecureTransport=false"
    )
    assert found["response"] == "ExplicitlyDenied"
    found, code, told = asked(home, "can", "bob", "s3:GetObject", "s3://payroll/a")
    assert found["response"] == "ImplicitlyDenied"

    found, code, told = asked(home, "what", "role/web")
    assert {right["service"] for right in found["rights"]} == {"s3"}
    assert "s3:GetObject" in {action for right in found["rights"] for action in right["actions"]}


def test_findings_of_the_assessment_are_kept(home: Path) -> None:
    done = sakimori(home, "assess", "access", "--format", "jsonl")
    findings = {(each["rule"], each["asset"]): each for each in map(json.loads, done.stdout.splitlines())}
    assert ("cross_account_resource", "arn:aws:s3:::payroll") in findings, done.stderr.decode()
    imds = next(each for (rule, _), each in findings.items() if rule == "instance_role_over_imdsv1")
    assert imds["evidence"]["role"] == f"arn:aws:iam::{ACCOUNT}:role/web"
    explained = sakimori(home, "explain", imds["uid"][:12])
    assert explained.returncode == 0, explained.stderr.decode()
    assert b"Evaluated again, it is as it was:" in explained.stdout
    assert f"arn:aws:iam::{ACCOUNT}:role/web  s3:GetObject" in explained.stdout.decode()
    again = sakimori(home, "assess", "access")
    assert f"{len(findings)} known".encode() in again.stderr
    only = sakimori(home, "hunt", "SELECT count(*) AS n FROM findings", "--format", "csv")
    assert only.stdout == f"n\n{len(findings)}\n".encode()


def test_tables_are_for_eyes(home: Path) -> None:
    table = sakimori(home, "access", "who", "s3:GetObject", "s3://payroll").stdout.decode()
    assert table.splitlines()[0].split() == ["PRINCIPAL", "ACCOUNT", "CAN", "BY", "IF"]
    assert "user/ann" in table
    assert "OUTSIDE" in table
    table = sakimori(home, "access", "what", "user/ann").stdout.decode()
    assert table.splitlines()[1].startswith("data")
    done = sakimori(home, "access", "can", "nobody", "s3:GetObject", "s3://payroll")
    assert (done.returncode, b"is no principal" in done.stderr) == (2, True)


def test_without_an_inventory_it_says_what_to_type(tmp_path: Path) -> None:
    done = sakimori(tmp_path, "access", "who", "s3:GetObject", "*")
    assert (done.returncode, b"run `sakimori discover` first" in done.stderr) == (4, True)

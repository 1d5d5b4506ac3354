"""`sakimori discover` as a user runs it, against the simulated AWS."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from acceptance.program import command, environment, sakimori
from sakimori.simulate.aws import ACCOUNT, Answer, Call, SimulatedAws, refused
from sakimori.simulate.recognise import Operation
from sakimori.store.ledger import open_ledger

HERE = ("--regions", "us-east-1")


def told(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_an_account_twice(aws: SimulatedAws, tmp_path: Path) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="web", Description="x", VpcId=vpc)["GroupId"]
    done = sakimori(tmp_path, "discover", *HERE, "--services", "vpc,s3")
    assert done.returncode == 0, done.stderr
    assert f"{ACCOUNT}" in done.stdout.decode()
    assert "complete" in done.stdout.decode()
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )
    aws.client("s3").create_bucket(Bucket="new")
    again = told(sakimori(tmp_path, "discover", *HERE, "--services", "vpc,s3", "--format", "json"))
    assert (again["new"], again["changed"], again["gone"]) == (2, 1, 0)  # the bucket and the rule; the group
    [entry] = told(sakimori(tmp_path, "explain", group, "--json"))["history"]
    assert (entry["event"], entry["run"], entry["source"]) == ("changed", 2, "aws")
    assert entry["changes"][0]["path"] == "IpPermissions"
    assert entry["changes"][0]["added"][0]["FromPort"] == 22


def test_what_moves_by_itself_is_no_change(aws: SimulatedAws, tmp_path: Path) -> None:
    """Clocks go on, messages and items come, a key is used: nobody changed anything. Then somebody does."""
    database = {"Engine": "postgres", "AllocatedStorage": 20, "MasterUsername": "a", "MasterUserPassword": "passw0rd1"}
    rds = aws.client("rds")
    rds.create_db_instance(DBInstanceIdentifier="db", DBInstanceClass="db.t3.micro", **database)
    queue = aws.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    aws.client("dynamodb").create_table(
        TableName="t",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    words = ("discover", *HERE, "--services", "rds,sqs,dynamodb", "--format", "json")
    first = told(sakimori(tmp_path, *words))
    assert (first["new"] >= 3, first["changed"]) == (True, 0)
    aws.client("sqs").send_message(QueueUrl=queue, MessageBody="x")
    aws.client("dynamodb").put_item(TableName="t", Item={"id": {"S": "1"}})
    time.sleep(1.1)  # the simulated clock of the database tells whole seconds
    again = told(sakimori(tmp_path, *words))
    assert (again["new"], again["changed"], again["gone"]) == (0, 0, 0)
    kept = told(sakimori(tmp_path, "explain", "q", "--json"))["asset"]["config"]["Attributes"]
    assert kept["ApproximateNumberOfMessages"] == "1"
    rds.modify_db_instance(DBInstanceIdentifier="db", BackupRetentionPeriod=7, ApplyImmediately=True)
    assert told(sakimori(tmp_path, *words))["changed"] == 1
    [entry] = told(sakimori(tmp_path, "explain", "db:db", "--json"))["history"]
    assert [change["path"] for change in entry["changes"]] == ["BackupRetentionPeriod"]


def test_a_refused_call_is_named_and_nothing_of_it_is_gone(aws: SimulatedAws, tmp_path: Path) -> None:
    words = ("discover", *HERE, "--services", "vpc,s3", "--format", "json")
    before = told(sakimori(tmp_path, *words))

    def deny(_: Call, operation: Operation | None) -> Answer | None:
        if operation and operation.name == "DescribeVpcs":
            return refused(operation, "UnauthorizedOperation", "You are not authorized to perform this operation.", 403)
        return None

    aws.watchers.append(deny)
    done = sakimori(tmp_path, *words)
    assert done.returncode == 3
    assert told(done)["gone"] == 0
    [account] = told(done)["accounts"]
    [missing] = account["not_evaluated"]
    assert (missing["action"], missing["account"], missing["region"]) == ("ec2:DescribeVpcs", ACCOUNT, "us-east-1")
    assert missing["code"] == "UnauthorizedOperation"
    table = sakimori(tmp_path, "discover", *HERE, "--services", "vpc")
    assert "ec2:DescribeVpcs in us-east-1: UnauthorizedOperation" in table.stdout.decode()
    aws.watchers.clear()
    assert told(sakimori(tmp_path, *words))["accounts"][0]["assets"] == before["accounts"][0]["assets"]


def test_an_account_that_cannot_be_entered_is_named(aws: SimulatedAws, tmp_path: Path) -> None:
    organizations = aws.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    other = organizations.create_account(AccountName="other", Email="a@b.example")["CreateAccountStatus"]["AccountId"]
    closed = organizations.create_account(AccountName="old", Email="c@d.example")["CreateAccountStatus"]["AccountId"]
    organizations.close_account(AccountId=closed)

    def deny(_: Call, operation: Operation | None) -> Answer | None:
        return refused(operation, "AccessDenied", "no", 403) if operation and operation.name == "AssumeRole" else None

    aws.watchers.append(deny)
    words = ("discover", *HERE, "--services", "s3", "--accounts", "all", "--role", "Reader")
    done = sakimori(tmp_path, *words)
    assert done.returncode == 3
    lines = done.stdout.decode()
    assert f"{other}         0  1 not evaluated (other)" in lines
    assert "sts:AssumeRole in global: AccessDenied" in lines
    assert f"{closed}         0  suspended: nothing can be asked there (old)" in lines
    aws.watchers.clear()
    assert sakimori(tmp_path, *words).returncode == 0


def make_bucket(aws: SimulatedAws, account: str) -> None:
    """A bucket in another account of the organisation."""
    import boto3

    role = f"arn:aws:iam::{account}:role/Reader"
    keys = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    session.client("s3").create_bucket(Bucket=f"bucket-{account}")


def test_a_hundred_accounts_with_a_fifth_of_the_calls_throttled(aws: SimulatedAws, tmp_path: Path) -> None:
    """All are complete, and what each of them has is found."""
    organizations = aws.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    made = [organizations.create_account(AccountName=f"{n}", Email=f"{n}@example.com") for n in range(99)]
    with_bucket = [each["CreateAccountStatus"]["AccountId"] for each in made[::10]]
    for account in with_bucket:
        make_bucket(aws, account)
    chance, lock, seen = random.Random(7), threading.Lock(), {"throttled": 0, "answered": 0}

    def throttle(call: Call, operation: Operation | None) -> Answer | None:
        if operation and operation.name == "AssumeRole":
            assert b"ExternalId=some-id" in call.body
        with lock:
            throttled = chance.random() < 0.2
            seen["throttled" if throttled else "answered"] += 1
        return refused(operation, "Throttling", "Rate exceeded") if throttled and operation else None

    aws.watchers.append(throttle)
    words = (
        "--accounts",
        "all",
        "--role",
        "Reader",
        "--external-id",
        "some-id",
        *HERE,
        "--services",
        "s3,autoscaling",
    )
    done = sakimori(tmp_path, "discover", *words, "--format", "jsonl")
    accounts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [account["not_evaluated"][:1] for account in accounts if not account["complete"]] == []
    assert (len(accounts), done.returncode) == (100, 0), done.stderr
    assert sorted(account["account"] for account in accounts if account["assets"]) == sorted(with_bucket)
    assert seen["throttled"] > 100
    assert 0.15 < seen["throttled"] / (seen["throttled"] + seen["answered"]) < 0.25


def test_an_interruption_leaves_nothing_half_written(aws: SimulatedAws, tmp_path: Path) -> None:
    reached = threading.Event()

    def stall(_: Call, operation: Operation | None) -> Answer | None:
        if operation and operation.name == "DescribeSubnets":
            reached.set()
            time.sleep(1)
        return None

    aws.watchers.append(stall)
    folder = tmp_path / "snapshot"
    words = command("discover", *HERE, "--services", "vpc", "--snapshot-out", folder)
    with subprocess.Popen(words, env=environment(tmp_path), stderr=subprocess.PIPE, cwd=tmp_path) as running:
        assert reached.wait(60)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert b"interrupted" in said
    assert b"Traceback" not in said
    assert [path.name for path in tmp_path.iterdir() if "snapshot" in path.name] == []
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        assert [run.ended_at for run in ledger.discoveries()] == [""]
    aws.watchers.clear()
    assert sakimori(tmp_path, "discover", *HERE, "--services", "vpc", "--snapshot-out", folder).returncode == 0
    assert (folder / "snapshot.json").is_file()


def test_a_snapshot_gives_the_same_ledger(aws: SimulatedAws, tmp_path: Path) -> None:
    aws.client("s3").create_bucket(Bucket="some")
    folder = tmp_path / "snapshot"
    live, offline = tmp_path / "live", tmp_path / "offline"
    for home in (live, offline):
        home.mkdir()
    sakimori(live, "discover", *HERE, "--services", "vpc,s3,iam", "--snapshot-out", folder)
    done = sakimori(offline, "discover", "--snapshot", folder)
    assert done.returncode == 0, done.stderr
    with open_ledger(live / "ledger.sqlite") as one, open_ledger(offline / "ledger.sqlite") as other:
        assert list(one.inventory()) == list(other.inventory())
        assert one.inventory().relations == other.inventory().relations
    again = sakimori(live, "discover", *HERE, "--services", "s3", "--snapshot-out", folder)
    assert again.returncode == 4
    assert b"is there already" in again.stderr


def test_slips_are_told_before_anything_is_asked(tmp_path: Path) -> None:
    for words, reason in (
        (("--accounts", "all"), "--role"),
        (("--accounts", "12"), "is no account number"),
        (("--services", "s4"), "no such service: s4"),
        (("--snapshot", "a", "--config-export", "b"), "take one of"),
    ):
        done = sakimori(tmp_path, "discover", *words)
        assert done.returncode == 2
        assert reason in " ".join(done.stderr.decode().replace("│", " ").split())
    nothing = sakimori(tmp_path, "discover", "--snapshot", tmp_path)
    assert nothing.returncode == 4
    assert b"is no snapshot" in nothing.stderr

"""Every workflow from end to end: an event on EventBridge, through SQS, into the installed program, with real boto3 and
a manager over HTTP: ours with a simulated agent, and one that answers as Trend's does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from program import command

import told_events as told
from sakimori.protect.client import Client, Settings
from sakimori.protect.host import Package, Service
from sakimori.simulate.agent import SimulatedAgent
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws
from sakimori.simulate.host import SimulatedHost

sys.path += [str(Path(__file__).resolve().parents[1] / name) for name in ("protect", "respond")]

import accounts
import more_things
import waf_account
from served import served
from test_respond import listening as _listening
from test_respond import wait_for
from trend_judge import judged
from trend_stub import KEY, trend_stub

SOURCES = ["aws.guardduty", "aws.securityhub", "aws.inspector2", "aws.macie", "aws.health", "aws.s3", "aws.events"]
DISK = {"etc/os-release": 'ID=debian\nVERSION_ID="12"\n', "etc/passwd": "root:x:0:0\n", "var/www/x.php": "<?php ?>"}


@dataclass(frozen=True)
class Manager:
    """A manager as a user sets it up, what it says of all rules that are assigned somewhere, and what the vendor's SDK
    says is wrong with what it was asked and answered."""

    environment: dict[str, str]
    rules: Callable[[], Any]
    wrong: Callable[[], list[str]] = list


@contextmanager
def trends(instance: str, folder: Path) -> Iterator[Manager]:
    with trend_stub() as trend:
        trend.instance = instance
        settings = {"SAKIMORI_PROTECT_URL": trend.url, "SAKIMORI_PROTECT_KEY": KEY}
        rules = lambda: {name: sorted(each) for name, each in trend.own_rules.items()}  # noqa: E731
        yield Manager(settings, rules, lambda: judged(trend.exchanges, folder)["wrong"])


@contextmanager
def ours(instance: str, folder: Path) -> Iterator[Manager]:
    for path, text in DISK.items():
        (folder / "disk" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "disk" / path).write_text(text)
    log4j = Package("maven", "org.apache.logging.log4j:log4j-core", "2.14.1")
    machine = SimulatedHost(
        instance, folder / "disk", instance_id=instance, account=ACCOUNT, packages=(log4j,), services=(Service(80),)
    )
    over = threading.Event()
    with (
        served(folder / "manager") as running,
        Client(Settings(running.url, running.key, ca_file=str(running.ca), patience=10)) as client,
        SimulatedAgent(machine, running.url, folder / "agent.json", ca_file=running.ca) as agent,
    ):
        wanted = {"name": "Linux Web Server, ours", "parentID": 1, "integrityMonitoring": {"state": "on"}}
        policy = client.call("POST", "/policies", body=wanted, repeatable=False)["ID"]
        computer = agent.enrol(running.key, policy=policy)

        def beat() -> None:
            while not over.wait(0.2):
                agent.beat()

        thread = threading.Thread(target=beat)
        thread.start()
        try:
            wait_for(lambda: client.protection(client.computer(computer), ("integrityMonitoring",)).is_protected)
            yield Manager(
                {
                    "SAKIMORI_PROTECT_URL": running.url,
                    "SAKIMORI_PROTECT_KEY": running.key,
                    "SAKIMORI_PROTECT_CA": str(running.ca),
                },
                lambda: _assigned(client, policy, computer),
            )
        finally:
            over.set()
            thread.join()


def _assigned(client: Client, policy: int, computer: int) -> Any:
    from sakimori.protect.client import RULE_MODULES, host
    from sakimori.protect.client import policy as of_policy

    holders = (of_policy(policy), host(computer))
    return {
        f"{holder.path} {module}": sorted(client.assignments(holder, module, own=True).assigned)
        for holder in holders
        for module in RULE_MODULES
    }


@dataclass
class Account:
    """The simulated account with something for every workflow, and what AWS says of it."""

    aws: SimulatedAws
    instance: str
    bucket: accounts.Thing
    key: accounts.Thing
    acl: accounts.Thing
    pipelines: more_things.Pipelines
    evaluations: more_things.Evaluations
    queue: str

    def describe(self) -> Any:
        described = self.aws.client("ec2").describe_instances(InstanceIds=[self.instance])
        options = described["Reservations"][0]["Instances"][0]["MetadataOptions"]
        things = (self.bucket, self.key, self.acl)
        told_of = [accounts.without_metadata({"it": thing.describe()}) for thing in things]
        for each in told_of:
            if isinstance(each["it"], dict):
                each["it"].pop("LockToken", None)
        return told_of, options, self.pipelines.describe()


def account_of(aws: SimulatedAws) -> Account:
    iam, ec2 = aws.client("iam"), aws.client("ec2")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=_policy(trust))
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=_policy(allow))
    iam.create_instance_profile(InstanceProfileName="reader")
    iam.add_role_to_instance_profile(InstanceProfileName="reader", RoleName="reader")
    made = ec2.run_instances(
        ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "reader"}
    )
    instance = str(made["Instances"][0]["InstanceId"])
    acl, network = accounts.web_acl(aws), waf_account.Network(aws)
    balancer = network.balancer()
    network.group(balancer, [instance])
    waf_account.protected_by(aws, acl, balancer)
    waf_account.offers(aws, waf_account.WCU)
    bucket = accounts.bucket(aws)
    aws.client("s3").create_bucket(Bucket="code")
    return Account(
        aws,
        instance,
        bucket,
        accounts.access_key(aws),
        acl,
        more_things.Pipelines(aws),
        more_things.Evaluations(aws),
        _queue(aws),
    )


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _queue(aws: SimulatedAws) -> str:
    sqs, events = aws.client("sqs"), aws.client("events")
    dead = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead", "maxReceiveCount": 3}
    sqs.create_queue(QueueName="dead")
    url = sqs.create_queue(QueueName="findings", Attributes={"RedrivePolicy": json.dumps(dead)})["QueueUrl"]
    events.put_rule(Name="findings", EventPattern=json.dumps({"source": SOURCES}))
    events.put_targets(Rule="findings", Targets=[{"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:findings"}])
    return str(url)


def put(aws: SimulatedAws, document: dict[str, Any]) -> None:
    entry = {
        "Source": document["source"],
        "DetailType": document["detail-type"],
        "Detail": json.dumps(document["detail"]),
        "Resources": document["resources"],
    }
    assert aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def events(account: Account) -> dict[str, dict[str, Any]]:
    """Workflow -> the event that starts it."""
    imdsv1 = told.asff(
        number=9,
        Id="arn:aws:securityhub:x:1:finding/imds",
        ProductArn=f"arn:aws:securityhub:{REGION}::product/aws/securityhub",
        ProductFields={"ControlId": "EC2.8"},
    )
    imdsv1["Resources"][0]["Id"] = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{account.instance}"
    exposed = {
        "eventArn": "arn:aws:health:us-east-1::event/RISK/1",
        "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
        "affectedEntities": [{"entityValue": account.key.target.uid}],
    }
    written = {
        "eventVersion": "1.09",
        "eventID": "11111111-2222-4333-8444-555555555555",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "eventTime": "2026-11-25T12:00:00Z",
        "awsRegion": REGION,
        "recipientAccountId": ACCOUNT,
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/mallory", "accountId": ACCOUNT},
        "requestParameters": {"bucketName": "code", "key": "app.zip"},
    }
    schedule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/sakimori-waf-daily"
    resource = told.instance_resource(account.instance)
    return {
        "guardduty": told.guardduty("Impact:EC2/AbusedDomainRequest.Reputation", resource=resource),
        "macie": told.macie(),
        "waf": told.envelope("aws.events", "Scheduled Event", {}, resources=[schedule]),
        "imds": told.imported(imdsv1),
        "key-exposed": told.envelope("aws.health", "AWS Health Event", exposed),
        "s3-appspec": told.envelope("aws.s3", "AWS API Call via CloudTrail", written),
    }


@dataclass
class User:
    """Somebody with the program, a data folder and a manager."""

    home: Path
    environment: dict[str, str]

    def __call__(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            command(*words), env=self.environment, cwd=self.home, capture_output=True, timeout=300, check=False
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done

    def runs(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for run in json.loads(self("respond", "runs", "--json").stdout):
            found.setdefault(run["workflow"], []).append(run)
        return found

    def ended(self, workflow: str, count: int = 1) -> list[dict[str, Any]]:
        """The workflow's runs, once so many have ended, or wait for a person."""

        def over() -> list[dict[str, Any]]:
            runs = [run for run in self.runs().get(workflow, ()) if run["state"] not in ("new", "carrying out")]
            return runs if len(runs) >= count else []

        return list(wait_for(over, 240))


@pytest.mark.parametrize("manager_of", [trends, ours], ids=["trend", "ours"])
def test_every_workflow_from_eventbridge_to_its_effect_and_back(
    aws: SimulatedAws, tmp_path: Path, manager_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_of(aws)
    home = tmp_path / "home"
    home.mkdir()
    (home / "sakimori.toml").write_text('[respond.modes]\ndefault = "auto"\n')
    with manager_of(account.instance, tmp_path) as manager:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SAKIMORI_")}
        environment = kept | manager.environment | {"SAKIMORI_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
        monkeypatch.setattr("test_respond.with_manager", lambda *_: environment)
        user = User(home, environment)
        discovered = user("discover", "--regions", REGION, "--services", "ec2,iam,s3")
        assert discovered.returncode in (0, 3), discovered.stderr
        untouched, rules = account.describe(), manager.rules()
        with _listening(home, None, "--queue", account.queue, "--poll", "1"):  # type: ignore[arg-type]
            put(aws, cve(account))
            [patched] = user.ended("inspector")
            assert_done(patched, "assign-rules")
            assert manager.rules() != rules
            for document in events(account).values():
                put(aws, document)
            ask_as_config(account)
            put(aws, told.custom_action("sakimoriNothing", told.asff(number=77)))
            found = {name: user.ended(name)[0] for name in (*events(account), "config")}
            put(aws, cve(account, status="CLOSED", updated="Thu Nov 26 08:30:00.951 UTC 2026"))
            closed = user.ended("inspector", 2)[0]
            assert_done(closed, "withdraw-rules")
        assert_effects(found, account, user)
        for run in json.loads(user("respond", "runs", "--json").stdout):
            if any(action["undo_id"] for action in run["actions"]) and run["workflow"] != "inspector":
                user("respond", "undo", run["run_id"])
        assert account.describe() == untouched
        assert manager.rules() == rules
        assert manager.wrong() == []
    assert user("respond", "audit", "verify").returncode == 0


def cve(account: Account, **fields: Any) -> dict[str, Any]:
    document = told.inspector(**fields)
    document["detail"]["resources"][0]["id"] = account.instance
    return document


def ask_as_config(account: Account) -> None:
    """Config invokes functions, and tells nothing to EventBridge: its question comes into the queue as it is."""
    item = told.configuration_item(resourceId=account.instance)
    asked = told.config_invocation("ConfigurationItemChangeNotification", item, "mine", resultToken="t")
    asked["ruleParameters"] = json.dumps({"module": "integrityMonitoring"})
    account.aws.client("sqs").send_message(QueueUrl=account.queue, MessageBody=json.dumps(asked))


def assert_done(run: dict[str, Any], *actions: str) -> None:
    assert run["state"] == "done", run["why"]
    assert [action["action"] for action in run["actions"]] == list(actions)
    assert all(action["verified"] for action in run["actions"])


def assert_effects(found: dict[str, dict[str, Any]], account: Account, user: User) -> None:
    """What each workflow did, and that AWS says so, too."""
    scans = ("recommendation-scan", "apply-recommendations", "integrity-scan")
    assert_done(found["guardduty"], *scans)
    assert_done(found["macie"], "block-public-access", *scans)
    assert "role/reader" in found["macie"]["actions"][1]["why"] or "may read" in found["macie"]["why"]
    assert_done(found["imds"], "require-imdsv2")
    assert_done(found["key-exposed"], "deactivate-access-key")
    assert_done(found["waf"], "add-waf-rule-group", "add-waf-rule-group")
    assert_done(found["config"], "put-evaluations")
    [kept] = account.evaluations.kept.values()
    assert (kept["ComplianceResourceId"], kept["ComplianceType"]) == (account.instance, "COMPLIANT")
    groups = [each["Statement"].get("ManagedRuleGroupStatement", {}) for each in account.acl.describe()["Rules"]]
    assert {each["Name"] for each in groups if each} == {waf_account.COMMON, waf_account.BAD}
    waiting = found["s3-appspec"]
    assert (waiting["state"], account.pipelines.disabled) == ("waiting for approval", {})
    assert "no write to code is in the lake" in waiting["not_evaluated"][0]
    assert json.loads(user("respond", "approve", waiting["run_id"], "--json").stdout)["state"] == "done"
    assert "Deploy" in account.pipelines.disabled
    letters = json.loads(user("respond", "dlq", "list", "--json").stdout)
    refused = "the custom action of Security Hub 'sakimoriNothing' names no workflow"
    assert [each["reason"].startswith(refused) for each in letters] == [True]

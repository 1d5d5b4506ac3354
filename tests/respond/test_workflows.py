"""What each workflow makes of its events: the true cases, and every defect of the retired samples by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import accounts
import pytest
from accounts import world_of
from manager_stub import known_as, stub
from trend_stub import BARE, COMPUTER, DEPENDENCY, INSTANCE, KEY, LOG4SHELL, LONGER, POLICY, Trend

import corpus
import told_events as told
from sakimori.collect.events import heard
from sakimori.model.action import Mode, Plan
from sakimori.model.asset import Asset, Inventory
from sakimori.model.event import Event
from sakimori.protect.client import Client, Settings
from sakimori.respond import plugins
from sakimori.respond.book import Book
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.errors import Passing, RespondError
from sakimori.respond.guard import Guard, Pace
from sakimori.respond.keys import derived
from sakimori.respond.policy import Policy
from sakimori.respond.runs import Run, RunState
from sakimori.respond.workflows import config, guardduty
from sakimori.respond.world import World
from sakimori.simulate.aws import ACCOUNT, REGION, Answer, Call, SimulatedAws
from sakimori.store.database import connect

SCANS = {"recommendation": 1_000, "integrity": 0, "malware": 0}


@pytest.fixture
def trend() -> Iterator[Trend]:
    with stub() as served:
        yield served


@pytest.fixture
def world(aws: SimulatedAws, trend: Trend, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("sakimori.respond.scanning.LOOK_EVERY", 0.05)
    with Client(Settings(trend.url, KEY, patience=1), sleep=lambda _: None) as client:
        made = world_of(aws, client)
        made.guard = Guard(default=Pace(rate=1_000, burst=1_000, attempts=2, first_pause=0.01))
        yield made


def event(document: Any) -> Event:
    found = heard(json.dumps(document), "test")
    assert found.refusals == []
    return found.events[0]


def plan(name: str, document: Any, world: World) -> Plan:
    told_event = event(document)
    module = plugins.workflow(name)
    assert module.subscribes(told_event)
    found: Plan = module.plan(told_event, world)
    return found


def steps(found: Plan) -> list[str]:
    return [step.action for step in found.steps]


# ---- GuardDuty


def on_instance(kind: str, instance: str = INSTANCE) -> dict[str, Any]:
    return told.guardduty(kind, resource=told.instance_resource(instance))


RECOMMEND = ["recommendation-scan", "apply-recommendations"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Recon:EC2/PortProbeUnprotectedPort", RECOMMEND),
        ("Recon:EC2/Portscan", RECOMMEND),
        ("Behavior:EC2/NetworkPortUnusual", RECOMMEND),
        ("Behavior:EC2/TrafficVolumeUnusual", RECOMMEND),
        ("UnauthorizedAccess:EC2/SSHBruteForce", [*RECOMMEND, "integrity-scan"]),
        ("UnauthorizedAccess:EC2/RDPBruteForce", [*RECOMMEND, "integrity-scan"]),
        ("UnauthorizedAccess:EC2/MaliciousIPCaller.Custom", [*RECOMMEND, "integrity-scan", "malware-scan"]),
        ("UnauthorizedAccess:EC2/TorIPCaller", [*RECOMMEND, "integrity-scan", "malware-scan"]),
        ("CryptoCurrency:EC2/BitcoinTool.B!DNS", ["malware-scan"]),
    ],
)
def test_the_matrix_of_the_reference(world: World, kind: str, expected: list[str]) -> None:
    found = plan("guardduty", on_instance(kind), world)
    assert steps(found) == expected
    assert all(step.target.parameters["computer"] == COMPUTER for step in found.steps)


@pytest.mark.parametrize("kind", ["Backdoor:EC2/C&CActivity.B!DNS", "Trojan:EC2/DNSDataExfiltration"])
def test_defect_families_were_compared_for_equality_and_never_matched(world: World, kind: str) -> None:
    assert steps(plan("guardduty", on_instance(kind), world)) == ["malware-scan", "integrity-scan", "snapshot-instance"]


def test_an_integrity_scan_needs_a_baseline_from_before(
    world: World, trend: Trend, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = trend.computers

    def without() -> list[dict[str, Any]]:
        rows = own()
        for row in rows:
            row["integrityMonitoring"] = {"state": "off", "moduleStatus": {"agentStatus": "inactive"}}
        return rows

    monkeypatch.setattr(trend, "computers", without)
    found = plan("guardduty", on_instance("Backdoor:EC2/Spambot"), world)
    assert "integrity-scan" not in steps(found)


def test_defect_a_crypto_miner_raised_a_name_error(world: World) -> None:
    assert plan("guardduty", on_instance("CryptoCurrency:EC2/BitcoinTool.B"), world).decision == "malware-scan"


def test_defect_the_policy_that_all_share_was_edited(
    world: World, trend: Trend, aws: SimulatedAws, tmp_path: Path
) -> None:
    run = carried(world, tmp_path, "guardduty", real_instance(aws, trend, "Recon:EC2/Portscan"))
    assert run.state is RunState.DONE, run.why
    assert trend.own_rules["policies"] == {DEPENDENCY}
    assert LOG4SHELL in trend.own_rules["computers"]
    assert trend.state == "detect"


def test_defect_the_same_finding_with_a_higher_count_is_known_and_redelivery_does_nothing(
    world: World, trend: Trend, aws: SimulatedAws, tmp_path: Path
) -> None:
    document = real_instance(aws, trend, "CryptoCurrency:EC2/BitcoinTool.B")
    with engine_of(world, tmp_path) as engine:
        for _ in range(3):
            for run in engine.take(event(document)):
                engine.carry(run, Straight())
        assert len([call for call in trend.calls if call == ("POST", "/scheduledtasks")]) == 1


def test_an_instance_that_the_manager_does_not_know_is_told_of_with_how_to_protect_it(world: World) -> None:
    found = plan("guardduty", on_instance("Recon:EC2/Portscan", "i-0unknown"), world)
    assert (found.steps, found.tell, found.decision) == ((), True, "tell that it is not protected")
    assert "install the agent" in found.why
    [finding] = found.findings
    assert (finding.rule, finding.class_uid) == ("respond/unprotected-instance", 2003)
    assert finding.asset.endswith("instance/i-0unknown")
    assert finding.uid == plan("guardduty", on_instance("Recon:EC2/Portscan", "i-0unknown"), world).findings[0].uid


def test_a_computer_without_an_agent_or_with_a_module_off_is_not_protected(world: World, trend: Trend) -> None:
    bare = plan("guardduty", on_instance("Recon:EC2/Portscan", "i-0bare"), world)
    assert "no agent is installed" in bare.why
    trend.state = "off"
    off = plan("guardduty", on_instance("Recon:EC2/Portscan"), world)
    assert off.steps == ()
    assert "intrusion prevention" in off.why
    assert BARE


def test_a_manager_that_is_away_is_no_answer(world: World, trend: Trend) -> None:
    trend.answers = [(503, {}, b"{}")] * 100
    with pytest.raises(Passing):
        plan("guardduty", on_instance("Recon:EC2/Portscan"), world)


def test_without_a_manager_protection_is_not_evaluated(aws: SimulatedAws) -> None:
    found = plan("guardduty", on_instance("Recon:EC2/Portscan"), world_of(aws))
    assert (found.steps, found.findings) == ((), ())
    assert "no workload protection manager is set up" in found.not_evaluated[0]


@pytest.mark.parametrize(
    ("kind", "resource", "expected"),
    [
        (
            "Policy:S3/BucketAnonymousAccessGranted",
            told.bucket_resource("data"),
            [("block-public-access", "arn:aws:s3:::data")],
        ),
        (
            "UnauthorizedAccess:IAMUser/MaliciousIPCaller",
            told.key_resource("AKIAEXAMPLE", "kaede"),
            [("deactivate-access-key", "AKIAEXAMPLE")],
        ),
        (
            "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
            told.key_resource("ASIAEXAMPLE", "web", "AssumedRole"),
            [("quarantine-role", f"arn:aws:iam::{ACCOUNT}:role/web")],
        ),
        (
            "Execution:ECS/Suspicious",
            {"ecsClusterDetails": {"arn": "arn:c", "taskDetails": {"arn": "arn:t"}}},
            [("isolate-task", "arn:t")],
        ),
        (
            "Backdoor:Lambda/C&CActivity.B",
            {"lambdaDetails": {"functionArn": "arn:f", "role": f"arn:aws:iam::{ACCOUNT}:role/fn"}},
            [("quarantine-role", f"arn:aws:iam::{ACCOUNT}:role/fn")],
        ),
        (
            "CredentialAccess:RDS/MaliciousIPCaller.FailedLogin",
            {"rdsDbInstanceDetails": {"dbInstanceArn": "arn:db"}},
            [("snapshot-db-instance", "arn:db")],
        ),
        (
            "Policy:Kubernetes/ExposedDashboard",
            {"eksClusterDetails": {"arn": "arn:k"}},
            [("tag-resource", "arn:k")],
        ),
        ("Policy:IAMUser/RootCredentialUsage", told.key_resource("AKIAROOT", "Root", "Root"), []),
        ("AttackSequence:IAM/CompromisedCredentials", {}, []),
    ],
)
def test_other_resources_have_their_own_rows(world: World, kind: str, resource: Any, expected: Any) -> None:
    found = plan("guardduty", told.guardduty(kind, resource=resource), world)
    assert [(step.action, step.target.uid) for step in found.steps] == expected
    assert found.tell


def test_a_type_that_no_row_is_for_is_named_and_people_are_told(world: World) -> None:
    found = plan("guardduty", told.guardduty("Anything:New/Ever"), world)
    assert (found.steps, found.tell) == ((), True)
    assert "no row of guardduty.yml is for that type" in found.not_evaluated[0]


FAMILIES = {
    "Backdoor:EC2/C&CActivity.B": "malware-scan",
    "Backdoor:Runtime/C&CActivity.B": "malware-scan",
    "CryptoCurrency:Runtime/BitcoinTool.B": "malware-scan",
    "DefenseEvasion:EC2/UnusualDoHActivity": "recommendation-scan",
    "Execution:EC2/MaliciousFile": "snapshot-instance",
    "PrivilegeEscalation:Runtime/ContainerMountsHostDirectory": "integrity-scan",
    "AttackSequence:EC2/CompromisedInstanceGroup": "recommendation-scan",
    "Discovery:S3/AnomalousBehavior": "block-public-access",
    "PenTest:S3/KaliLinux": "deactivate-access-key",
    "Object:S3/MaliciousFile": "deactivate-access-key",
    "AttackSequence:S3/CompromisedData": "quarantine-role",
    "Stealth:IAMUser/CloudTrailLoggingDisabled": "deactivate-access-key",
    "PenTest:IAMUser/ParrotLinux": "quarantine-role",
    "AttackSequence:IAM/CompromisedCredentials": "deactivate-access-key",
    "Policy:Kubernetes/ExposedDashboard": "tag-cluster",
    "CredentialAccess:Kubernetes/AnomalousBehavior.SecretsAccessed": "quarantine-role",
    "AttackSequence:EKS/CompromisedCluster": "tag-cluster",
    "Execution:ECS/MaliciousFile": "isolate-task",
    "AttackSequence:ECS/CompromisedCluster": "isolate-task",
    "Execution:Container/SuspiciousFile": "isolate-task",
    "Execution:Kubernetes/MaliciousFile": "tag-cluster",
    "CredentialAccess:RDS/AnomalousBehavior.SuccessfulLogin": "snapshot-db-instance",
    "Discovery:RDS/TorIPCaller": "snapshot-db-instance",
    "Backdoor:Lambda/C&CActivity.B": "quarantine-role",
    "CryptoCurrency:Lambda/BitcoinTool.B": "quarantine-role",
}


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_of_findings_has_a_row_with_something_to_do(kind: str) -> None:
    row = guardduty.row_for(kind, guardduty.table(None))
    assert row is not None
    assert FAMILIES[kind] in (*row.scans, *row.actions)


def test_every_finding_type_of_the_reference_is_matched_by_a_row() -> None:
    folder, rows = corpus.corpus("findings/guardduty"), guardduty.table(None)
    listed = (folder / "finding_types_2023-06.csv").read_text().splitlines()[1:]
    kinds = {line.partition(",")[0] for line in listed} | json.loads((folder / "types.json").read_text()).keys()
    for path in sorted(corpus.corpus("events").rglob("*.json")):
        kinds |= {each.kind for each in heard(path.read_bytes(), path.name).events if each.product == "guardduty"}
    scanned = "GuardDuty Malware Protection Object Scan Result"  # of an object: a finding only if there is a threat
    assert [kind for kind in sorted(kinds - {scanned}) if guardduty.row_for(kind, rows) is None] == []


def test_users_have_a_table_of_their_own(tmp_path: Path) -> None:
    place = tmp_path / "guardduty.yml"
    place.write_text("- types: ['Recon:*']\n  scans: [malware-scan]\n")
    row = guardduty.row_for("Recon:EC2/Portscan", guardduty.table(tmp_path))
    assert row is not None
    assert row.scans == ("malware-scan",)
    for wrong, said in (
        ("# mine\n- types: [y]\n- types: [x]\n  scans: [rm-rf]\n", "guardduty.yml, line 4: 'rm-rf' is nothing that"),
        ("- scans: [malware-scan]\n", "line 1: a row needs `types`"),
        ("- types: [x]\n\n  colour: [red]\n", "line 3: there is no column 'colour'"),
        ("types: x", "line 1: it is not a list of rows"),
        ("- types: [x]\n- Recon\n", "line 2: a row is a table of columns"),
        ("- types: '*'\n", "line 1: 'types' is not a list of texts"),
        ("- types: [x]\n  types: [y]\n", "line 2: the column 'types' is there twice"),
        ("- types: [x]\n  scans: [\n", "cannot be read: .* line 3"),
        ("", "not a list of rows"),
    ):
        place.write_text(wrong)
        with pytest.raises(RespondError, match=said):
            guardduty.table(tmp_path)


# ---- Macie


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


def test_macie_without_an_inventory_says_so(world: World) -> None:
    assert any("sakimori discover" in reason for reason in plan("macie", told.macie(), world).not_evaluated)


# ---- Inspector


def on_trends_instance(document: dict[str, Any], instance: str = INSTANCE) -> dict[str, Any]:
    document["detail"]["resources"][0]["id"] = instance
    return document


def test_inspector_assigns_the_rules_of_exactly_that_cve_with_what_they_depend_on(world: World, trend: Trend) -> None:
    trend.own_rules["policies"] = set()
    found = plan("inspector", on_trends_instance(told.inspector()), world)
    [step] = found.steps
    assert step.action == "assign-rules"
    assert step.target.parameters == {"computer": COMPUTER, "policy": POLICY, "rules": [DEPENDENCY, LOG4SHELL]}
    assert LONGER not in step.target.parameters["rules"]


def test_inspector_may_assign_to_the_computer_alone(world: World) -> None:
    world.settings = {"inspector": {"assign_to": "computer"}}
    [step] = plan("inspector", on_trends_instance(told.inspector()), world).steps
    assert "policy" not in step.target.parameters


def test_inspector_has_nothing_to_do_where_the_rule_is_in_force_or_none_exists(world: World, trend: Trend) -> None:
    trend.own_rules["policies"] = {DEPENDENCY, LOG4SHELL}
    assert "in force already" in plan("inspector", on_trends_instance(told.inspector()), world).why
    none = plan("inspector", on_trends_instance(told.inspector("CVE-1999-0001")), world)
    assert (none.decision, none.steps) == ("nothing to do", ())
    assert "no intrusion prevention rule" in none.why


def test_a_finding_that_closes_withdraws_what_was_assigned_for_it_and_nothing_else(
    world: World, trend: Trend, aws: SimulatedAws, tmp_path: Path
) -> None:
    instance = accounts.make_instance(aws)
    known_as(trend, instance)
    opened = event(on_trends_instance(told.inspector(), instance))
    closed = event(
        on_trends_instance(told.inspector(status="CLOSED", updated="Thu Nov 26 08:30:00.951 UTC 2026"), instance)
    )
    with engine_of(world, tmp_path) as engine:
        world.done_by = engine.book.done_by
        carry(engine, opened)
        assert trend.own_rules["policies"] == {DEPENDENCY, LOG4SHELL}
        trend.own_rules["policies"].add(LONGER)  # somebody assigns another meanwhile
        run = carry(engine, closed)
    assert [action.action for action in run.actions] == ["withdraw-rules"]
    assert trend.own_rules["policies"] == {DEPENDENCY, LONGER}


def test_what_another_open_finding_needs_is_not_withdrawn(
    world: World, trend: Trend, aws: SimulatedAws, tmp_path: Path
) -> None:
    instance = accounts.make_instance(aws)
    known_as(trend, instance)
    with engine_of(world, tmp_path) as engine:
        world.done_by = engine.book.done_by
        carry(engine, event(on_trends_instance(told.inspector(), instance)))
        other = on_trends_instance(told.inspector("CVE-2021-45046"), instance)
        assert carry(engine, event(other)).state is RunState.NOTHING  # the same rule, in force already
        later = "Thu Nov 26 08:30:00.951 UTC 2026"
        run = carry(
            engine,
            event(on_trends_instance(told.inspector("CVE-2021-45046", status="CLOSED", updated=later), instance)),
        )
    assert run.state is RunState.NOTHING
    assert LOG4SHELL in trend.own_rules["policies"]


# ---- Config


def config_plan(world: World, message: str, item: dict[str, Any] | None, **fields: Any) -> list[dict[str, Any]]:
    found = plan("config", told.config_invocation(message, item, **fields), world)
    return list(found.steps[0].target.parameters["evaluations"]) if found.steps else []


CHANGE = "ConfigurationItemChangeNotification"


def item(**fields: Any) -> dict[str, Any]:
    return told.configuration_item(resourceId=INSTANCE, **fields)


@pytest.mark.parametrize(
    ("parameters", "rule", "verdict"),
    [
        ({"dsPolicy": "Web Servers"}, "ds-DoesInstanceHavePolicy", "COMPLIANT"),
        ({"dsPolicy": "Other"}, "ds-DoesInstanceHavePolicy", "NON_COMPLIANT"),
        ({"dsControl": "anti_malware"}, "ds-IsInstanceProtectedBy", "COMPLIANT"),
        ({"module": "intrusionPrevention"}, "mine", "COMPLIANT"),
        ({}, "ds-IsInstanceProtectedByAntiMalware", "COMPLIANT"),
        ({}, "ds-IsInstanceClear", "COMPLIANT"),
    ],
)
def test_config_rules_answer(world: World, parameters: dict[str, str], rule: str, verdict: str) -> None:
    [evaluation] = config_plan(world, CHANGE, item(), rule=rule, parameters=parameters)
    assert evaluation["ComplianceType"] == verdict


@pytest.mark.parametrize("control", ["web_reputation", "firewall", "log_inspection"])
def test_defect_not_configured_contains_on_and_was_compliant(world: World, control: str) -> None:
    [evaluation] = config_plan(world, CHANGE, item(), parameters={"dsControl": control})
    assert evaluation["ComplianceType"] == "NON_COMPLIANT"


def test_defect_a_capital_letter_in_the_policy_never_matched(world: World) -> None:
    for spelt in ("Web Servers", "WEB SERVERS", "web servers"):
        [evaluation] = config_plan(world, CHANGE, item(), parameters={"dsPolicy": spelt})
        assert evaluation["ComplianceType"] == "COMPLIANT"


def test_defect_the_time_was_now_and_not_that_of_the_configuration(world: World) -> None:
    [evaluation] = config_plan(world, CHANGE, item())
    assert evaluation["OrderingTimestamp"] == "2026-11-25T08:29:30.000Z"


@pytest.mark.parametrize(
    ("fields", "invocation"),
    [
        ({"configurationItemStatus": "ResourceDeleted"}, {}),
        ({}, {"eventLeftScope": True}),
        ({"resourceType": "AWS::S3::Bucket"}, {}),
    ],
)
def test_defect_deleted_instances_and_other_resources_are_not_applicable(
    world: World, fields: Any, invocation: Any
) -> None:
    [evaluation] = config_plan(world, CHANGE, item(**fields), **invocation)
    assert evaluation["ComplianceType"] == "NOT_APPLICABLE"


def test_defect_an_outage_was_non_compliant(world: World, trend: Trend) -> None:
    trend.answers = [(503, {}, b"{}")] * 100
    with pytest.raises(Passing):
        config_plan(world, CHANGE, item())
    no_manager = World(lambda *_: None)
    assert config_plan(no_manager, CHANGE, item()) == []


def test_an_instance_that_the_manager_does_not_know_does_not_comply(world: World) -> None:
    [evaluation] = config_plan(world, CHANGE, told.configuration_item(resourceId="i-0unknown"))
    assert evaluation["ComplianceType"] == "NON_COMPLIANT"
    assert "does not know it" in evaluation["Annotation"]


OVERSIZED = "OversizedConfigurationItemChangeNotification"


def history(aws: SimulatedAws, *items: dict[str, Any]) -> list[dict[str, Any]]:
    """What AWS Config has recorded of a resource; gives what it was asked."""
    asked: list[dict[str, Any]] = []

    def answer(call: Call) -> Answer:
        asked.append(json.loads(call.body))
        return Answer(json.dumps({"configurationItems": list(items)}).encode())

    aws.handlers["config:GetResourceConfigHistory"] = answer
    return asked


def test_oversized_items_are_read_from_the_history(world: World, aws: SimulatedAws) -> None:
    asked = history(aws, {"configurationItemStatus": "OK", "resourceType": "AWS::EC2::Instance"})
    [evaluation] = config_plan(world, OVERSIZED, item())
    assert (evaluation["ComplianceResourceId"], evaluation["ComplianceType"]) == (INSTANCE, "COMPLIANT")
    assert evaluation["OrderingTimestamp"] == "2026-11-25T08:29:30.000Z"
    assert (asked[0]["resourceType"], asked[0]["resourceId"], asked[0]["limit"]) == ("AWS::EC2::Instance", INSTANCE, 1)
    history(aws, {"configurationItemStatus": "ResourceDeleted"})
    [evaluation] = config_plan(world, OVERSIZED, item())
    assert evaluation["ComplianceType"] == "NOT_APPLICABLE"


def test_an_oversized_item_that_cannot_be_read_is_not_evaluated(world: World, aws: SimulatedAws) -> None:
    history(aws)
    found = plan("config", told.config_invocation(OVERSIZED, item()), world)
    assert (found.steps, "not recorded" in found.not_evaluated[0]) == ((), True)
    denied = b'{"__type": "AccessDeniedException", "message": "no"}'
    aws.handlers["config:GetResourceConfigHistory"] = lambda _: Answer(denied, 400)
    found = plan("config", told.config_invocation(OVERSIZED, item()), world)
    assert (found.steps, "AccessDenied" in found.not_evaluated[0]) == ((), True)


def test_an_invocation_is_answered_once_and_one_that_asks_anew_again(world: World) -> None:
    first, again, anew = (
        event(told.config_invocation(CHANGE, item(), resultToken=token)) for token in ("one", "one", "two")
    )
    assert (first.uid, first.revision) == (again.uid, again.revision)
    assert (first.uid, first.revision) != (anew.uid, anew.revision)


def test_what_is_no_invocation_is_refused(world: World) -> None:
    with pytest.raises(RespondError, match="no question of a custom Config rule"):
        config.plan(event(told.guardduty()), world)


def test_on_schedule_every_instance_is_answered_a_hundred_in_a_call(world: World, aws: SimulatedAws) -> None:
    calls: list[Call] = []
    for _ in range(3):
        accounts.make_instance(aws)
    found = plan("config", told.config_invocation("ScheduledNotification", None), world)
    [step] = found.steps
    assert len(step.target.parameters["evaluations"]) == 3
    assert step.target.parameters["evaluations"][0]["OrderingTimestamp"] == "2026-11-25T08:31:00.000Z"
    many = [step.target.parameters["evaluations"][0] | {"ComplianceResourceId": f"i-{n}"} for n in range(250)]
    target = replace(step.target, parameters={**step.target.parameters, "evaluations": many})
    aws.handlers["config:PutEvaluations"] = lambda call: calls.append(call)
    action = plugins.action("put-evaluations")
    action.apply(world, target, {}, "k")
    assert [len(json.loads(call.body)["Evaluations"]) for call in calls] == [100, 100, 50]


def test_a_module_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(RespondError, match="'antivirus'"):
        config.asked(event(told.config_invocation(CHANGE, item(), parameters={"module": "antivirus"})))


# ---- the smaller ones


def test_imds_is_started_by_the_control_and_by_stolen_credentials(world: World) -> None:
    fields = {"ProductFields": {"ControlId": "EC2.8"}, "ProductArn": "arn:aws:securityhub:x::product/aws/securityhub"}
    assert steps(plan("imds", told.imported(told.asff(Id="x", **fields)), world)) == ["require-imdsv2"]
    assert not plugins.workflow("imds").subscribes(event(told.guardduty()))


def test_an_exposed_key_is_deactivated(world: World) -> None:
    detail = {
        "eventArn": "arn:aws:health:us-east-1::event/RISK/1",
        "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
        "affectedEntities": [{"entityValue": "AKIAEXAMPLE"}, {"entityValue": "ASIAEXAMPLE"}],
    }
    found = plan("key-exposed", told.envelope("aws.health", "AWS Health Event", detail), world)
    assert [(step.action, step.target.uid) for step in found.steps] == [("deactivate-access-key", "AKIAEXAMPLE")]
    assert "ASIAEXAMPLE" in found.not_evaluated[0]


def test_a_person_picks_the_workflow_in_security_hub(world: World, tmp_path: Path) -> None:
    with engine_of(world, tmp_path) as engine:
        chosen = engine.subscribers(event(told.custom_action("sakimoriGuardduty", told.asff())))
        assert list(chosen) == ["guardduty"]
        other = event(told.custom_action("other", told.asff()))
        assert list(engine.subscribers(other)) == []
        assert "the custom action of Security Hub 'other' names no workflow" in engine.refusal(other)
        assert "s3-appspec" in engine.refusal(other)
        named = told.custom_action("x1", told.asff())
        for name in ("Sakimori s3-appspec", "s3-appspec", "sakimoriS3Appspec"):
            named["detail"]["actionName"] = name
            assert list(engine.subscribers(event(named))) == ["s3-appspec"]
            assert engine.refusal(event(named)) == ""
        assert engine.refusal(event(told.guardduty())) == ""
        schedule = told.envelope(
            "aws.events", "Scheduled Event", {}, resources=["arn:aws:events:x:1:rule/sakimori-waf-daily"]
        )
        assert list(engine.subscribers(event(schedule))) == ["waf"]
        schedule["resources"] = ["arn:aws:events:x:1:rule/sakimori-wag"]
        assert "the schedule 'sakimori-wag' names no workflow" in engine.refusal(event(schedule))
        schedule["resources"] = ["arn:aws:events:x:1:rule/nightly-backup"]
        assert engine.refusal(event(schedule)) == "", "it is somebody else's"


# ---- helpers


def real_instance(aws: SimulatedAws, trend: Trend, kind: str) -> dict[str, Any]:
    instance = accounts.make_instance(aws)
    known_as(trend, instance)
    return on_instance(kind, instance)


class engine_of:
    """An engine in the mode auto over a new ledger."""

    def __init__(self, world: World, folder: Path) -> None:
        self.database = connect(folder / "ledger.sqlite")
        secret = b"x" * 32
        book = Book(self.database, derived(secret, "audit"), folder / "head")
        self.engine = Engine(book, world, Policy(Mode.AUTO), secret, "test")

    def __enter__(self) -> Engine:
        return self.engine

    def __exit__(self, *_: object) -> None:
        self.database.dispose()


def carry(engine: Engine, told_event: Event) -> Run:
    [run] = [run for run in engine.take(told_event)]
    engine.carry(run, Straight())
    return engine.book.run(run)


def carried(world: World, folder: Path, name: str, document: Any) -> Run:
    with engine_of(world, folder) as engine:
        engine.only = frozenset((name,))
        return carry(engine, event(document))

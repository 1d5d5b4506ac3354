"""GuardDuty: the matrix of the reference, every family of findings, every defect of the retired sample by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from accounts import world_of
from trend_stub import BARE, COMPUTER, DEPENDENCY, LOG4SHELL, Trend
from workflow_cases import (
    RECOMMEND,
    carried,
    engine_of,
    event,
    on_instance,
    plan,
    real_instance,
    steps,
)

import corpus
import told_events as told
from japanese_told import told_in_japanese
from sakimori.collect.events import heard
from sakimori.respond.engine import Straight
from sakimori.respond.errors import Passing, RespondError
from sakimori.respond.runs import RunState
from sakimori.respond.workflows import guardduty
from sakimori.respond.world import World
from sakimori.simulate.aws import ACCOUNT, SimulatedAws


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
    told_in_japanese(finding)
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
    ],
)
def test_other_resources_have_their_own_rows(world: World, kind: str, resource: Any, expected: Any) -> None:
    found = plan("guardduty", told.guardduty(kind, resource=resource), world)
    assert [(step.action, step.target.uid) for step in found.steps] == expected
    assert found.tell


def test_a_type_that_no_row_is_for_is_named_and_people_are_told(world: World) -> None:
    found = plan("guardduty", told.guardduty("Anything:New/Ever"), world)
    assert (found.steps, found.tell, found.why) == ((), True, "Anything:New/Ever: no row of guardduty.yml is for it")
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


def test_what_cannot_be_done_is_not_said_to_be_in_the_row(aws: SimulatedAws) -> None:
    found = plan("guardduty", on_instance("Recon:EC2/Portscan"), world_of(aws))
    assert (found.steps, found.why) == (
        (),
        "Recon:EC2/Portscan: nothing that its row of guardduty.yml says can be done",
    )
    assert found.not_evaluated

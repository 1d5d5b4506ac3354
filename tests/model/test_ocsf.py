"""Every finding that leaves us is a valid OCSF 1.7 finding of its class, held against the published schema."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import Any

import jsonschema
import ocsf_json_schema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sakimori.model import attack, ocsf
from sakimori.model.finding import COMPLIANCE, DETECTION, IAM_ANALYSIS, Finding
from sakimori.model.severity import Severity

STOPPED = Finding(
    uid="0123456789abcdef0123456789abcdef",
    rule="cloudtrail_logging_stopped",
    title="CloudTrail trail stopped or deleted",
    severity=Severity.HIGH,
    tactics=("defense-evasion",),
    techniques=("T1562.008",),
    account="111122223333",
    region="eu-west-1",
    actor="arn:aws:sts::111122223333:assumed-role/web-server/i-0abc",
    source_ip="203.0.113.10",
    asset="arn:aws:cloudtrail:eu-west-1:111122223333:trail/organisation",
    count=2,
    first_seen="2026-11-20T10:00:00Z",
    last_seen="2026-11-20T10:05:00Z",
    records=("e1", "e2"),
    matched={"eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com"},
    description="Whoever stops the trail is unseen from then on.",
)
EMPTY = Finding("u", "", "", Severity.LOW, (), (), "", "", "", "", "", 0, "", "", ())


EXPOSED = Finding(
    uid="00112233445566778899aabbccddeeff",
    rule="internet_exposure",
    title="i-0abc is exposed to the internet",
    severity=Severity.HIGH,
    tactics=(),
    techniques=(),
    account="111122223333",
    region="eu-west-1",
    actor="",
    source_ip="",
    asset="arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc",
    count=1,
    first_seen="2026-11-20T10:00:00Z",
    last_seen="2026-11-20T10:00:00Z",
    records=(),
    class_uid=COMPLIANCE,
    evidence={"packet": {"src": "1.0.0.0", "dst_port": 22}, "path": ["internet", "igw-1", "i-0abc"]},
    remediation="Close the port.",
)
CLIMBING = replace(
    EXPOSED,
    uid="ffeeddccbbaa99887766554433221100",
    rule="privilege_escalation",
    title="user/ann can become an administrator: policy_written_into_own_user",
    region="global",
    actor="arn:aws:iam::111122223333:user/ann",
    asset="arn:aws:iam::111122223333:user/ann",
    class_uid=IAM_ANALYSIS,
    evidence={"methods": ["policy_written_into_own_user"], "chain": [{"request": {"action": "iam:PutUserPolicy"}}]},
    remediation="Take the permission away.",
)
_NAMES = {
    DETECTION: "detection_finding",
    COMPLIANCE: "compliance_finding",
    IAM_ANALYSIS: "iam_analysis_finding",
}


@functools.cache
def validator(class_uid: int) -> jsonschema.Draft202012Validator:
    published = ocsf_json_schema.OcsfJsonSchemaEmbedded(ocsf_json_schema.get_ocsf_schema(version="1.7.0"))
    return jsonschema.Draft202012Validator(published.get_class_schema(_NAMES[class_uid], profiles=["cloud"]))


def problems(event: dict[str, Any]) -> list[str]:
    """What the schema has against the event, after its journey through JSON."""
    travelled = json.loads(json.dumps(event))
    return [f"{error.json_path}: {error.message}" for error in validator(event["class_uid"]).iter_errors(travelled)]


text = st.text(max_size=20)
values = st.none() | st.booleans() | st.integers() | text | st.lists(text, max_size=2) | st.dictionaries(text, text)
addresses = (
    st.ip_addresses().map(str)
    | st.sampled_from(["", "AWS Internal", "ec2.amazonaws.com", "fe80::1%eth0", "::ffff:192.0.2.1", "1.2.3", "ünïcode"])
    | text
)
actors = st.sampled_from(
    [
        "",
        "arn:aws:iam::111122223333:root",
        "arn:aws-cn:iam::111122223333:user/ops/ann",
        "ec2.amazonaws.com",
        "AIDAEXAMPLE:x",
        "arn:",
    ]
)
times = st.sampled_from(["", "2026-11-20T10:00:00Z", "2026-11-20T10:00:00.123Z", "yesterday", "0001-01-01T00:00:00Z"])
findings = st.builds(
    Finding,
    uid=st.text("0123456789abcdef", min_size=1, max_size=32),
    rule=text,
    title=text,
    severity=st.sampled_from(Severity),
    tactics=st.lists(st.sampled_from(["", "no-such-tactic", *attack.TACTICS]), max_size=3).map(tuple),
    techniques=st.lists(
        st.sampled_from(["", "T1562.008", "T1078", "T9999", "T9999.001", "T1562.999", ".1"]), max_size=3
    ).map(tuple),
    account=st.sampled_from(["", "111122223333"]) | text,
    region=st.sampled_from(["", "eu-west-1"]) | text,
    actor=actors | text,
    source_ip=addresses,
    asset=actors | text,
    count=st.integers(0, 2**31),
    first_seen=times,
    last_seen=times,
    records=st.lists(text, max_size=4).map(tuple),
    matched=st.dictionaries(st.sampled_from(["eventName", "eventSource", "requestParameters.x"]) | text, values),
    description=text,
    class_uid=st.sampled_from([DETECTION, COMPLIANCE]),
    evidence=st.dictionaries(text, values, max_size=3),
    remediation=text,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(finding=findings, activity_id=st.sampled_from([ocsf.CREATE, ocsf.UPDATE]))
@example(finding=STOPPED, activity_id=ocsf.UPDATE)
@example(finding=EMPTY, activity_id=ocsf.CREATE)
@example(finding=EXPOSED, activity_id=ocsf.CREATE)
def test_every_finding_is_valid_in_its_class(finding: Finding, activity_id: int) -> None:
    assert problems(ocsf.to_ocsf(finding, activity_id=activity_id)) == []


def test_the_schema_does_refuse_what_is_wrong() -> None:
    assert problems(ocsf.to_ocsf(STOPPED) | {"severity_id": 7})
    assert problems(ocsf.to_ocsf(STOPPED) | {"no_such_attribute": 1})


def test_the_story_is_told_in_ocsf_words() -> None:
    event = ocsf.to_ocsf(STOPPED)
    assert event["type_uid"] == 200401
    assert event["finding_info"]["attacks"] == [
        {
            "tactic": {"uid": "TA0005", "name": "Defense Evasion"},
            "technique": {"uid": "T1562", "name": "Impair Defenses"},
            "sub_technique": {"uid": "T1562.008", "name": "Disable or Modify Cloud Logs"},
        }
    ]
    assert event["finding_info"]["first_seen_time"] == 1795168800000
    assert event["time"] - event["start_time"] == 5 * 60 * 1000
    assert event["api"] == {"operation": "StopLogging", "service": {"name": "cloudtrail.amazonaws.com"}}
    assert event["cloud"]["account"]["uid"] == "111122223333"
    assert event["resources"][0]["name"] == "organisation"
    first, second = event["evidences"]
    assert first["uid"] == "e1"
    assert first["actor"]["user"]["name"] == "i-0abc"
    assert first["src_endpoint"] == {"ip": "203.0.113.10"}
    assert second == {"uid": "e2", "data": {"record": "e2"}}
    assert {
        "type_id": 2,
        "type": "IP Address",
        "name": "evidences[].src_endpoint.ip",
        "value": "203.0.113.10",
    } in event["observables"]


def test_an_assessment_fails_its_control_and_shows_why() -> None:
    event = ocsf.to_ocsf(EXPOSED)
    assert (event["type_uid"], event["class_name"]) == (200301, "Compliance Finding")
    assert event["compliance"]["control"] == "internet_exposure"
    assert event["compliance"]["status"] == "Fail"
    assert event["evidences"][0]["data"]["path"] == ["internet", "igw-1", "i-0abc"]
    assert event["remediation"] == {"desc": "Close the port."}
    assert "is_alert" not in event


@pytest.mark.parametrize(
    ("source", "endpoint"),
    [
        ("198.51.100.7", {"ip": "198.51.100.7"}),
        ("2001:db8::1", {"ip": "2001:db8::1"}),
        ("ec2.amazonaws.com", {"hostname": "ec2.amazonaws.com", "svc_name": "ec2.amazonaws.com"}),
        ("AWS Internal", {"svc_name": "AWS Internal"}),
    ],
)
def test_a_source_that_is_no_address_is_never_called_one(source: str, endpoint: dict[str, str]) -> None:
    event = ocsf.to_ocsf(replace(STOPPED, source_ip=source))
    assert event["evidences"][0]["src_endpoint"] == endpoint


def test_a_tactic_that_no_technique_serves_still_appears() -> None:
    event = ocsf.to_ocsf(replace(STOPPED, tactics=("defense-evasion", "impact"), techniques=("T1562.008", "T9999")))
    attacks = event["finding_info"]["attacks"]
    assert [entry.get("tactic", {}).get("uid") for entry in attacks] == ["TA0005", None, "TA0040"]
    assert attacks[1] == {"technique": {"uid": "T9999"}}


def test_a_flood_of_records_stays_exportable() -> None:
    event = ocsf.to_ocsf(replace(STOPPED, records=tuple(f"e{n}" for n in range(5000)), count=5000))
    assert len(event["evidences"]) == ocsf.MAX_EVIDENCES
    assert event["count"] == event["finding_info"]["related_events_count"] == 5000


@pytest.mark.parametrize(
    ("uid", "name"), [("T1562.008", "Impair Defenses: Disable or Modify Cloud Logs"), ("T9999", "")]
)
def test_techniques_are_named(uid: str, name: str) -> None:
    assert attack.technique_name(uid) == name


def test_the_table_names_only_tactics_that_exist_and_parents_that_exist() -> None:
    for uid in attack.TECHNIQUES:
        assert attack.tactics_served(uid), uid
        assert set(attack.tactics_served(uid)) <= set(attack.TACTICS), uid
    assert {uid.partition(".")[0] for uid in attack.SUB_TECHNIQUES} <= set(attack.TECHNIQUES)


@pytest.mark.parametrize("finding", [CLIMBING, replace(CLIMBING, actor="", evidence={}, remediation="", asset="")])
def test_an_analysis_of_rights_is_a_finding_of_its_own_class(finding: Finding) -> None:
    event = ocsf.to_ocsf(finding)
    assert problems(event) == []
    assert (event["class_uid"], event["type_uid"]) == (2008, 200801)


def test_an_analysis_of_rights_says_who_may_what_and_keeps_the_witness() -> None:
    event = ocsf.to_ocsf(CLIMBING)
    assert event["access_analysis_result"]["accessors"][0]["uid"] == CLIMBING.actor
    assert event["permission_analysis_results"] == [{"granted_privileges": ["policy_written_into_own_user"]}]
    assert event["unmapped"]["evidence"]["chain"][0]["request"]["action"] == "iam:PutUserPolicy"

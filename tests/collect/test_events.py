"""What other products tell: every shape, every wrapping, and the refusals."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import told_events as told
from corpus import ROOT, corpus
from sakimori.collect.events import MAX_BODY, heard
from sakimori.collect.told import when
from sakimori.model.event import Event, State
from sakimori.model.severity import Severity


def one(document: Any) -> Event:
    found = heard(json.dumps(document), "test")
    assert found.refusals == []
    assert len(found.events) == 1
    return found.events[0]


def refusal(body: str | bytes) -> str:
    found = heard(body, "test")
    assert found.events == []
    assert len(found.refusals) == 1
    return found.refusals[0].reason


def test_a_guardduty_finding_of_an_instance() -> None:
    event = one(told.guardduty())
    assert (event.product, event.feed, event.kind) == ("guardduty", "guardduty", "Recon:EC2/Portscan")
    assert event.revision == "2026-11-25T08:30:00Z/open"
    assert [(each.type, each.id) for each in event.resources] == [("AWS::EC2::Instance", told.INSTANCE)]
    finding = event.finding
    assert finding is not None
    assert (finding.uid, finding.severity, finding.tactics) == (event.uid, Severity.MEDIUM, ("discovery",))
    assert (finding.source_ip, finding.first_seen, finding.last_seen) == (
        "203.0.113.9",
        "2026-11-25T07:58:00Z",
        "2026-11-25T08:29:00Z",
    )


@pytest.mark.parametrize(
    ("score", "level"),
    [(1.0, "LOW"), (3.9, "LOW"), (4.0, "MEDIUM"), (6.9, "MEDIUM"), (7.0, "HIGH"), (8.9, "HIGH"), (9.0, "CRITICAL")],
)
def test_guarddutys_scores(score: float, level: str) -> None:
    event = one(told.guardduty(severity=score))
    assert event.finding is not None
    assert event.finding.severity is Severity[level]


def test_all_feeds_of_one_finding_fold_into_one() -> None:
    feeds = [told.guardduty(), told.imported(told.asff()), told.imported_v2()]
    events = [one(document) for document in feeds]
    assert [event.feed for event in events] == ["guardduty", "securityhub", "securityhub"]
    for read in (
        lambda e: e.uid,
        lambda e: e.revision,
        lambda e: e.kind,
        lambda e: e.product,
        lambda e: e.resources[0].uid,
    ):
        assert len({read(event) for event in events}) == 1, [read(event) for event in events]


def test_a_new_count_is_a_new_revision_of_the_same_finding() -> None:
    first, again = one(told.guardduty()), one(told.guardduty(updated="2026-11-25T09:00:00.000Z", count=7))
    assert first.uid == again.uid
    assert first.revision != again.revision
    assert again.finding is not None
    assert again.finding.count == 7


def test_the_api_and_eventbridge_spell_alike() -> None:
    detail = told.guardduty()["detail"]

    def pascal(value: Any) -> Any:
        if isinstance(value, dict):
            return {key[:1].upper() + key[1:]: pascal(each) for key, each in value.items()}
        return [pascal(each) for each in value] if isinstance(value, list) else value

    from_api = one({"Findings": [pascal(detail)], "ResponseMetadata": {}})
    from_bus = one(told.guardduty())
    assert (from_api.uid, from_api.revision, from_api.resources) == (
        from_bus.uid,
        from_bus.revision,
        from_bus.resources,
    )


@pytest.mark.parametrize(
    ("resource", "kind", "uid"),
    [
        (told.bucket_resource("data"), "AWS::S3::Bucket", "arn:aws:s3:::data"),
        (told.key_resource("AKIAEXAMPLE", "kaede"), "AWS::IAM::AccessKey", "AKIAEXAMPLE"),
        ({"eksClusterDetails": {"arn": "arn:aws:eks:x:1:cluster/c"}}, "AWS::EKS::Cluster", "arn:aws:eks:x:1:cluster/c"),
        (
            {"ecsClusterDetails": {"arn": "arn:c", "taskDetails": {"arn": "arn:t"}}},
            "AWS::ECS::Task",
            "arn:t",
        ),
        ({"lambdaDetails": {"functionArn": "arn:f", "role": "arn:r"}}, "AWS::Lambda::Function", "arn:f"),
        ({"rdsDbInstanceDetails": {"dbInstanceArn": "arn:db"}}, "AWS::RDS::DBInstance", "arn:db"),
        (
            {"ebsVolumeDetails": {"scannedVolumeDetails": [{"volumeArn": "arn:v"}]}},
            "AWS::EC2::Volume",
            "arn:v",
        ),
    ],
)
def test_guarddutys_resources(resource: dict[str, Any], kind: str, uid: str) -> None:
    first = one(told.guardduty(resource=resource)).resources[0]
    assert (first.type, first.uid) == (kind, uid)


def test_who_a_key_belongs_to_is_read_alike_from_every_feed() -> None:
    direct = one(told.guardduty(resource=told.key_resource("AKIAEXAMPLE", "kaede")))
    details = {"AwsIamAccessKey": {"PrincipalName": "kaede", "PrincipalType": "IAMUser", "PrincipalId": "AIDAEXAMPLE"}}
    key = {"Type": "AwsIamAccessKey", "Id": "AWS::IAM::AccessKey:AKIAEXAMPLE", "Details": details}
    hub = one(told.imported(told.asff(Resources=[key])))
    assert direct.resources[0].details == hub.resources[0].details
    assert direct.finding is not None
    assert direct.finding.actor == "kaede"


def test_an_infected_object_is_a_finding_and_a_clean_one_is_not() -> None:
    def scan(status: str, threats: list[dict[str, str]]) -> Event:
        detail = {
            "scanStatus": "COMPLETED",
            "s3ObjectDetails": {"bucketName": "up", "objectKey": "a b.zip", "eTag": "e", "versionId": "v1"},
            "scanResultDetails": {"scanResultStatus": status, "threats": threats},
        }
        return one(told.envelope("aws.guardduty", "GuardDuty Malware Protection Object Scan Result", detail))

    infected = scan("THREATS_FOUND", [{"name": "EICAR-Test-File"}])
    assert infected.finding is not None
    assert infected.finding.matched["threats"] == ["EICAR-Test-File"]
    assert infected.resources[0].details["key"] == "a b.zip"
    assert scan("NO_THREATS_FOUND", []).finding is None


def test_a_macie_finding_names_the_kinds_of_data_and_never_the_data() -> None:
    event = one(told.macie())
    assert [each.uid for each in event.resources] == ["arn:aws:s3:::data", "arn:aws:s3:::data/customers.csv"]
    assert event.resources[0].details == {"effective_permission": "PUBLIC"}
    assert event.finding is not None
    assert (event.finding.severity, event.finding.matched["data"]) == (Severity.HIGH, ["NAME"])


def test_an_inspector_finding_and_its_closing_are_two_revisions() -> None:
    opened, closed = one(told.inspector()), one(told.inspector(status="CLOSED"))
    assert opened.uid == closed.uid
    assert opened.revision == "2026-11-25T08:30:00Z/open"
    assert (closed.state, closed.revision) == (State.CLOSED, "2026-11-25T08:30:00Z/shut")
    assert opened.finding is not None
    assert opened.finding.matched["vulnerabilities"] == ["CVE-2021-44228"]
    assert opened.resources[0].uid == f"arn:aws:ec2:{told.REGION}:{told.ACCOUNT}:instance/{told.INSTANCE}"


def test_a_custom_action_names_what_was_asked_and_asking_again_is_a_new_request() -> None:
    first = one(told.custom_action("sakimori-guardduty", told.asff()))
    redelivered = one(told.custom_action("sakimori-guardduty", told.asff()))
    again = one(told.custom_action("sakimori-guardduty", told.asff(), id="99999999-3333-4444-5555-666677778888"))
    assert first.asked == "sakimori-guardduty"
    assert first.uid == one(told.guardduty()).uid
    assert first.revision == redelivered.revision != again.revision


def test_one_bad_finding_does_not_spoil_the_others() -> None:
    found = heard(json.dumps(told.imported(told.asff(1), {"Title": "no id"}, told.asff(2))), "test")
    assert len({event.uid for event in found.events}) == 2
    assert [refused.reason for refused in found.refusals] == ["it tells no Id"]


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"RecordState": "ARCHIVED"}, State.CLOSED),
        ({"Workflow": {"Status": "SUPPRESSED"}}, State.SUPPRESSED),
        ({"Workflow": {"Status": "RESOLVED"}}, State.CLOSED),
        ({"Compliance": {"Status": "PASSED"}}, State.CLOSED),
        ({"Compliance": {"Status": "FAILED"}}, State.OPEN),
    ],
)
def test_where_a_finding_of_security_hub_stands(fields: dict[str, Any], state: State) -> None:
    assert one(told.imported(told.asff(**fields))).state is state


def test_findings_of_two_products_with_the_same_id_are_two() -> None:
    ids = {
        one(told.imported(told.asff(Id="1", ProductArn=f"arn:aws:securityhub:x::product/{product}/{product}"))).uid
        for product in ("prowler", "other")
    }
    assert len(ids) == 2


def test_config_asks_a_rule_with_json_in_strings() -> None:
    item = told.configuration_item()
    event = one(told.config_invocation("ConfigurationItemChangeNotification", item, parameters={"dsPolicy": "Web"}))
    assert event.detail["ruleParameters"] == {"dsPolicy": "Web"}
    assert event.detail["invokingEvent"]["configurationItem"]["resourceId"] == told.INSTANCE
    assert (event.finding, event.time) == (None, "2026-11-25T08:29:30Z")
    broken = told.config_invocation("ScheduledNotification", None) | {"invokingEvent": "{"}
    assert "whose invokingEvent is not JSON" in refusal(json.dumps(broken))


def test_a_change_of_compliance_opens_and_closes_one_finding() -> None:
    def change(verdict: str) -> Event:
        detail = {
            "resourceId": told.INSTANCE,
            "resourceType": "AWS::EC2::Instance",
            "configRuleName": "r",
            "configRuleARN": "arn:aws:config:us-east-1:1:config-rule/r",
            "newEvaluationResult": {"complianceType": verdict, "resultRecordedTime": "2026-11-25T08:00:00Z"},
        }
        return one(told.envelope("aws.config", "Config Rules Compliance Change", detail))

    bad, good = change("NON_COMPLIANT"), change("COMPLIANT")
    assert (bad.state, good.state, bad.uid == good.uid) == (State.OPEN, State.CLOSED, True)


def test_keys_are_decoded_in_s3s_own_notification_and_only_there() -> None:
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-25T08:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "b"}, "object": {"key": "a+b%26.txt", "sequencer": "1"}},
    }
    own = one({"Records": [record]})
    detail = {"bucket": {"name": "b"}, "object": {"key": "a+b%26.txt", "sequencer": "1"}}
    bus = one(told.envelope("aws.s3", "Object Created", detail))
    assert own.resources[0].details["key"] == "a b&.txt"
    assert bus.resources[0].details["key"] == "a+b%26.txt"


@pytest.mark.parametrize("wrap", [told.wrapped_in_sns, told.wrapped_in_sqs])
def test_wrappings_come_off_also_one_in_the_other(wrap: Any) -> None:
    event = told.guardduty()
    for document in (wrap(event), told.wrapped_in_sqs(told.wrapped_in_sns(event)), [[wrap(event)]]):
        assert one(document).uid == one(event).uid
    lines = "\n".join(json.dumps(told.guardduty(number=number)) for number in (1, 2, 3))
    assert len(heard(lines, "lines").events) == 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "empty"),
        ("hello", "not JSON"),
        ("7", "not a JSON object but a number"),
        ("[[]]", "an empty list"),
        ("{}", "no plug-in knows an object with the keys (none)"),
        ('{"detail-type": "GuardDuty Finding", "source": "aws.guardduty"}', "without an object in its detail"),
        ('{"detail-type": "X", "source": "aws.y", "detail": {}}', "event 'X' of 'aws.y': no plug-in reads it"),
        ('{"Findings": []}', "a list of findings that is empty"),
        ('{"awslogs": {"data": ""}}', "CloudWatch Logs subscription"),
        ("[" * 100_000, "not JSON"),
        ("[" * 9 + "]" * 9, "wrapped more than 6 times"),
    ],
)
def test_what_is_refused_is_named(body: str, reason: str) -> None:
    assert reason in refusal(body)


def test_a_body_that_is_too_large_is_refused_unread() -> None:
    assert "split it" in refusal(b" " * (MAX_BODY + 1))


@pytest.mark.parametrize(
    ("spelt", "iso"),
    [
        ("2026-11-25T08:30:00.123456789Z", "2026-11-25T08:30:00Z"),
        ("2025-02-25 20:40:06.721", "2025-02-25T20:40:06Z"),
        ("2026-11-25T10:30:00+02:00", "2026-11-25T08:30:00Z"),
        ("Wed Sep 04 16:59:44.356 UTC 2024", "2024-09-04T16:59:44Z"),
        ("Thu, 1 Nov 2018 22:00:00 GMT", "2018-11-01T22:00:00Z"),
        (1753153354272, "2025-07-22T03:02:34Z"),
        (1739539623, "2025-02-14T13:27:03Z"),
        ("yesterday", ""),
        (True, ""),
        (1e300, ""),
        (None, ""),
    ],
)
def test_times_as_products_spell_them(spelt: Any, iso: str) -> None:
    assert when(spelt) == iso


def _files() -> list[Path]:
    names = ("LICENSE", "PROVENANCE", "PROVENANCE.md")
    files = [*corpus("events").rglob("*"), *corpus("findings").rglob("*")]
    return sorted(path for path in files if path.is_file() and path.name not in names)


def _body(path: Path) -> bytes:
    """The file; of labelled test files, the events in them."""
    body = path.read_bytes()
    if path.suffix == ".gz":
        body = gzip.decompress(body)
    lines = body.splitlines()
    if path.suffix == ".jsonl" and lines and b'"expected"' in lines[0]:
        return b"\n".join(json.dumps(json.loads(line)["event"]).encode() for line in lines)
    return body


def test_every_file_of_the_corpus_is_read_or_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints the table: what each file tells, or why it is refused."""
    silent, table, totals = [], [], Counter[str]()
    for path in _files():
        found = heard(_body(path), path.name)
        kinds = Counter(f"{event.product} {event.kind} ({event.state})" for event in found.events)
        reasons = Counter(refused.reason for refused in found.refusals)
        if not kinds and not reasons:
            silent.append(path)
        totals["events"] += len(found.events)
        totals["findings"] += sum(event.finding is not None for event in found.events)
        totals["files read"] += bool(kinds)
        totals["files refused"] += not kinds
        told_by_file = [f"{many} x {what}" for what, many in kinds.most_common(3)]
        told_by_file += [f"refused: {why}" for why, _ in reasons.most_common(2)]
        table.append(f"{path.relative_to(ROOT).as_posix():<100.100} {'; '.join(told_by_file)}")
    with capsys.disabled():
        print("\n" + "\n".join(table), f"\n{dict(totals)}")
    assert silent == []
    assert totals["files read"] > 200
    assert totals["findings"] > 200


@pytest.mark.parametrize("folder", ["guardduty", "inspector2", "macie", "securityhub", "synthetic-fullshape"])
def test_nothing_in_the_corpus_that_is_a_finding_is_refused(folder: str) -> None:
    for path in sorted(corpus(f"events/{folder}").glob("*.json")):
        if "Describe" not in path.name:
            assert heard(path.read_bytes(), path.name).refusals == [], path


def test_the_two_formats_of_security_hub_in_the_corpus_fold_into_one() -> None:
    pairs = sorted(corpus("events/ocsf-pairs").rglob("security_hub-*.raw"))
    assert pairs
    for raw in pairs:
        asff, ocsf = (heard(path.read_bytes(), path.name).events[0] for path in (raw, raw.with_suffix(".ocsf")))
        assert (asff.uid, asff.revision, asff.product) == (ocsf.uid, ocsf.revision, ocsf.product), raw

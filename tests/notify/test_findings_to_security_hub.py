"""Our findings in Security Hub: in batches, whole in ASFF as botocore's model has it, failures by finding, no echo."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from test_channels import FINDING

import told_events as told
from sakimori.collect.events import heard
from sakimori.model.finding import COMPLIANCE, DETECTION, IAM_ANALYSIS, Finding
from sakimori.model.severity import Severity
from sakimori.notify.asff import asff
from sakimori.notify.asking import Links
from sakimori.notify.channels import security_hub
from sakimori.notify.notifier import Notifier
from sakimori.notify.routes import Route
from sakimori.notify.signing import Signer
from sakimori.simulate.aws import ACCOUNT, REGION, SimulatedAws
from sakimori.store.database import connect
from sakimori.store.findings import Status
from sakimori.store.ledger import Ledger

MODEL = botocore.session.get_session().get_service_model("securityhub").operation_model("BatchImportFindings")
DOCUMENT = MODEL.input_shape.members["Findings"].member
LARGEST = 240_000
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def troubles(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """What the model has against a value: what botocore checks itself, and the patterns that only AWS checks."""
    yield from [str(found) for found in [ParamValidator().validate(value, shape).generate_report()] if found]
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in value:
                yield from troubles(member, value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for each in value:
            yield from troubles(shape.member, each, f"{path}[]")
    elif shape.type_name == "map":
        for name, each in value.items():
            yield from troubles(shape.key, name, f"{path} key")
            yield from troubles(shape.value, each, f"{path}.{name}")
    elif shape.type_name == "string":
        if "pattern" in shape.metadata and not re.fullmatch(shape.metadata["pattern"], value, re.DOTALL):
            yield f"{path}: {value!r} is not {shape.metadata['pattern']}"
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value!r} is none of {shape.enum}"


TEXT = st.text(max_size=3000)
ASSETS = st.one_of(
    TEXT,
    st.sampled_from(["", "arn:aws:s3:::b", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1", "arn:aws:iam::1:role/r"]),
)


@given(
    TEXT,
    TEXT,
    TEXT,
    TEXT,
    ASSETS,
    st.sampled_from(Severity),
    st.sampled_from([COMPLIANCE, DETECTION, IAM_ANALYSIS]),
    st.booleans(),
)
def test_whatever_a_finding_holds_the_document_is_asff(
    title: str, description: str, remedy: str, rule: str, asset: str, severity: Severity, class_uid: int, resolved: bool
) -> None:
    finding = replace(
        FINDING,
        title=title,
        description=description,
        remediation=remedy,
        rule=rule,
        asset=asset,
        severity=severity,
        class_uid=class_uid,
    )
    document = asff(finding, ACCOUNT, REGION, updated="2026-11-25T09:00:00.123456Z", resolved=resolved)
    assert list(troubles(DOCUMENT, document)) == []
    assert len(json.dumps(document)) < LARGEST
    assert document["UpdatedAt"] >= document["LastObservedAt"] >= document["FirstObservedAt"]


def test_the_oracle_sees_what_is_wrong() -> None:
    good = asff(FINDING, ACCOUNT, REGION, updated="2026-11-25T09:00:00Z", resolved=False)
    assert list(troubles(DOCUMENT, good)) == []
    assert list(troubles(DOCUMENT, good | {"Title": " "}))
    assert list(troubles(DOCUMENT, good | {"Severity": {"Label": "FATAL"}}))
    assert list(troubles(DOCUMENT, {name: value for name, value in good.items() if name != "Resources"}))


class Hub:
    """Security Hub as it answers: keeps what it takes, at most 100 a call, and refuses what it is told to."""

    def __init__(self) -> None:
        self.calls: list[list[Mapping[str, Any]]] = []
        self.refuses: dict[str, str] = {}

    def answer(self, findings: list[Mapping[str, Any]]) -> dict[str, Any]:
        assert 0 < len(findings) <= 100
        assert len({each["Id"] for each in findings}) == len(findings)
        assert {each["AwsAccountId"] for each in findings} == {ACCOUNT}
        self.calls.append(findings)
        failed = [
            {"Id": each["Id"], "ErrorCode": self.refuses[each["Id"]], "ErrorMessage": "no"}
            for each in findings
            if each["Id"] in self.refuses
        ]
        return {"FailedCount": len(failed), "SuccessCount": len(findings) - len(failed), "FailedFindings": failed}


@pytest.fixture
def hub(aws: SimulatedAws, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The simulated Security Hub takes everything: refusals are told in between."""
    made, real = Hub(), security_hub.client

    def client(service: str, **options: Any) -> Any:
        found = real(service, **options)
        if service == "securityhub":
            found.batch_import_findings = lambda Findings: made.answer(Findings)
        return found

    monkeypatch.setattr(security_hub, "client", client)
    return made


@pytest.fixture
def notifier(tmp_path: Path) -> Iterator[Notifier]:
    engine = connect(tmp_path / "ledger.sqlite")
    route = Route("hub", "security-hub", Severity.LOW, settings={"region": REGION})
    yield Notifier(engine, [route], Links(Signer((b"k" * 32,))))
    engine.dispose()


def numbered(number: int) -> Finding:
    return replace(FINDING, uid=f"{number:032d}", asset=f"arn:aws:s3:::data-{number}")


def test_at_most_a_hundred_a_call_and_unchanged_none(hub: Hub, notifier: Notifier) -> None:
    ledger = Ledger(notifier.engine)
    ledger.upsert_findings([numbered(number) for number in range(230)])
    assert {each.why for each in notifier.send_findings(ledger.findings())} == {""}
    assert sorted(map(len, hub.calls)) == [30, 100, 100]
    assert notifier.send_findings(ledger.findings()) == []
    assert len(hub.calls) == 3


def test_what_is_not_taken_is_tried_again_and_nothing_else_is(hub: Hub, notifier: Notifier) -> None:
    ledger = Ledger(notifier.engine)
    ledger.upsert_findings([numbered(number) for number in range(5)])
    hub.refuses = {numbered(3).uid: "InternalException"}
    outcomes = notifier.send_findings(ledger.findings(), NOW)
    assert [each.key[:32] for each in outcomes if each.why] == [numbered(3).uid]
    assert "InternalException no" in next(each.why for each in outcomes if each.why)
    hub.refuses = {}
    assert [each.why for each in notifier.deliver(NOW + timedelta(minutes=2))] == [""]
    assert [len(call) for call in hub.calls] == [5, 1]


def test_the_largest_findings_fit_and_what_is_cut_of_them_says_so() -> None:
    huge = "\U0001f98a" * 300_000  # four bytes each, twelve as JSON
    finding = replace(FINDING, title=huge, description=huge, remediation=huge, rule=huge, asset=huge)
    document = asff(finding, ACCOUNT, REGION, updated="2026-11-25T09:00:00Z", resolved=False)
    assert list(troubles(DOCUMENT, document)) == []
    assert len(json.dumps(document)) < LARGEST
    assert len(json.dumps([document] * 100)) < 6_000_000, "a whole call"
    assert {document[name][-1] for name in ("Title", "Description", "GeneratorId")} == {"…"}
    assert document["Resources"][0]["Id"].endswith("…")
    assert (document["Id"], document["ProductFields"]["sakimori/uid"]) == (FINDING.uid, FINDING.uid)


@pytest.mark.parametrize("number", [1, 5, 100])
def test_a_finding_for_which_a_whole_call_is_refused_holds_up_no_other(
    hub: Hub, notifier: Notifier, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, answer = numbered(number // 2).uid, hub.answer

    def refusing(findings: list[Mapping[str, Any]]) -> dict[str, Any]:
        if any(each["Id"] == bad for each in findings):
            what = {"Code": "InvalidInputException", "Message": "Invalid input"}
            raise ClientError({"Error": what}, "BatchImportFindings")
        return answer(findings)

    monkeypatch.setattr(hub, "answer", refusing)
    ledger = Ledger(notifier.engine)
    ledger.upsert_findings([numbered(each) for each in range(number)])
    outcomes = notifier.send_findings(ledger.findings(), NOW)
    assert [each.key[:32] for each in outcomes if each.why] == [bad]
    assert sum(map(len, hub.calls)) == number - 1
    assert len(hub.calls) <= 8, "in halves, and not one by one"


def test_resolved_here_is_archived_there_with_a_later_time(aws: SimulatedAws, notifier: Notifier) -> None:
    hub = aws.client("securityhub")
    hub.enable_security_hub()
    ledger = Ledger(notifier.engine)
    ledger.upsert_findings([FINDING])
    assert [each.why for each in notifier.send_findings(ledger.findings())] == [""]
    [first] = hub.get_findings()["Findings"]
    assert (first["Id"], first["RecordState"], first["Severity"]["Label"]) == (FINDING.uid, "ACTIVE", "HIGH")
    assert (first["Resources"][0]["Type"], first["Compliance"]["Status"]) == ("AwsS3Bucket", "FAILED")
    ledger.set_status(FINDING.uid, Status.RESOLVED, "sakimori")
    assert [each.why for each in notifier.send_findings(ledger.findings())] == [""]
    last = max(hub.get_findings()["Findings"], key=lambda each: each["UpdatedAt"])
    assert (last["RecordState"], last["Compliance"]["Status"]) == ("ARCHIVED", "PASSED")
    assert last["UpdatedAt"] > first["UpdatedAt"]
    assert "Workflow" not in last


def test_findings_that_came_from_elsewhere_do_not_go_back(hub: Hub, notifier: Notifier) -> None:
    event = heard(json.dumps(told.guardduty()).encode(), "x").events[0]
    assert event.finding is not None
    ledger = Ledger(notifier.engine)
    ledger.upsert_findings([event.finding])
    assert {each.why for each in notifier.send_findings(ledger.findings())} <= {""}
    assert hub.calls == []


def test_our_own_finding_that_security_hub_tells_of_is_no_second_one() -> None:
    document = asff(FINDING, ACCOUNT, REGION, updated="2026-11-25T09:00:00Z", resolved=False)
    envelope = {
        "version": "0",
        "id": "e",
        "detail-type": "Security Hub Findings - Imported",
        "source": "aws.securityhub",
        "account": ACCOUNT,
        "region": REGION,
        "time": "2026-11-25T09:00:00Z",
        "resources": [],
        "detail": {"findings": [document]},
    }
    found = heard(json.dumps(envelope).encode(), "x")
    assert found.refusals == []
    assert [(each.product, each.finding) for each in found.events] == [("sakimori", None)]


def test_a_drill_shows_there_and_is_archived(aws: SimulatedAws, notifier: Notifier) -> None:
    hub = aws.client("securityhub")
    hub.enable_security_hub()
    [(route, canary, why)] = notifier.drill()
    assert why == ""
    assert notifier.answered(route, canary) == (True, "")
    assert notifier.conclude(route, canary, "") == ""
    last = max(hub.get_findings()["Findings"], key=lambda each: each["UpdatedAt"])
    assert (last["Id"], last["RecordState"]) == (canary.key, "ARCHIVED")

"""CloudTrail records in the lake's columns: what is right is kept, what is wrong is null, the text stays."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sakimori.collect import cloudtrail
from sakimori.collect.activity import NotClean, decode_clean
from sakimori.collect.cloudtrail import activity_batch, activity_batches
from sakimori.collect.records import split_records
from sakimori.model.record import COLUMNS

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "cloudtrail"

RECORD: dict[str, Any] = {
    "eventVersion": "1.10",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:kim",
        "arn": "arn:aws:sts::111111111111:assumed-role/ops/kim",
        "accountId": "111111111111",
        "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111111111111:role/ops", "userName": "ops"},
            "attributes": {"creationDate": "2026-11-21T08:00:00Z", "mfaAuthenticated": "true"},
        },
        "invokedBy": "cloudformation.amazonaws.com",
    },
    "eventTime": "2026-11-21T08:30:00Z",
    "eventSource": "iam.amazonaws.com",
    "eventName": "CreateUser",
    "awsRegion": "us-east-1",
    "sourceIPAddress": "203.0.113.7",
    "userAgent": "aws-cli/2.17",
    "errorCode": "AccessDenied",
    "errorMessage": "no",
    "requestParameters": {"userName": "eve"},
    "requestID": "r-1",
    "eventID": "e-1",
    "readOnly": False,
    "resources": [{"ARN": "arn:aws:iam::111111111111:user/eve", "accountId": "111111111111", "type": "AWS::IAM::User"}],
    "eventType": "AwsApiCall",
    "managementEvent": True,
    "recipientAccountId": "222222222222",
    "sharedEventID": "s-1",
    "vpcEndpointId": "vpce-1",
    "eventCategory": "Management",
}

EXPECTED = {
    "time": 1795249800000,
    "class_uid": 6003,
    "category_uid": 6,
    "activity_id": 1,
    "type_uid": 600301,
    "severity_id": 1,
    "status": "Failure",
    "metadata.version": "1.7.0",
    "metadata.uid": "e-1",
    "metadata.event_code": "AwsApiCall",
    "metadata.profiles": ["cloud", "datetime"],
    "metadata.product.name": "CloudTrail",
    "metadata.product.vendor_name": "AWS",
    "metadata.product.version": "1.10",
    "api.operation": "CreateUser",
    "api.service.name": "iam.amazonaws.com",
    "api.request.uid": "r-1",
    "api.response.error": "AccessDenied",
    "api.response.message": "no",
    "cloud.provider": "AWS",
    "cloud.region": "us-east-1",
    "cloud.account.uid": "222222222222",
    "actor.user.type": "AssumedRole",
    "actor.user.name": None,
    "actor.user.uid": "arn:aws:sts::111111111111:assumed-role/ops/kim",
    "actor.user.uid_alt": "AROAEXAMPLE:kim",
    "actor.user.credential_uid": "ASIAEXAMPLE",
    "actor.user.account.uid": "111111111111",
    "actor.session.issuer": "arn:aws:iam::111111111111:role/ops",
    "actor.session.is_mfa": True,
    "actor.session.created_time": 1795248000000,
    "actor.invoked_by": "cloudformation.amazonaws.com",
    "src_endpoint.ip": "203.0.113.7",
    "src_endpoint.domain": None,
    "http_request.user_agent": "aws-cli/2.17",
    "unmapped.read_only": False,
    "unmapped.management_event": True,
    "unmapped.event_category": "Management",
    "unmapped.shared_event_id": "s-1",
    "unmapped.vpc_endpoint_id": "vpce-1",
    "unmapped.session_issuer_type": "Role",
    "unmapped.session_issuer_name": "ops",
    "unmapped.identity_provider": None,
}


def rows(*records: Any) -> list[dict[str, Any]]:
    texts = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    batch = activity_batch(texts)
    batch.validate(full=True)
    return batch.to_pylist()


def at(row: dict[str, Any], path: str) -> Any:
    value: Any = row
    for part in path.split("."):
        value = value[part]
    return value


def changed(**fields: Any) -> dict[str, Any]:
    return RECORD | fields


def test_every_column_of_a_full_record() -> None:
    (row,) = rows(RECORD)
    assert {path: at(row, path) for path in EXPECTED} == EXPECTED
    assert row["raw_data"] == json.dumps(RECORD)
    assert row["time_dt"].isoformat() == "2026-11-21T08:30:00+00:00"
    assert row["resources"] == [
        {
            "uid": "arn:aws:iam::111111111111:user/eve",
            "type": "AWS::IAM::User",
            "owner": {"account": {"uid": "111111111111"}},
        }
    ]
    tested = {*EXPECTED, "raw_data", "time_dt"}
    assert {column.name for column in COLUMNS if not column.name.startswith("resources")} == tested


def test_a_record_of_nothing_is_all_null() -> None:
    (row,) = rows(b"{}")
    empty = {path: at(row, path) for path in EXPECTED if at(row, path) is not None}
    assert empty["metadata.uid"].startswith("sha256:")
    assert empty["status"] == "Success"
    assert (empty["activity_id"], row["raw_data"], row["resources"]) == (99, "{}", None)
    for gone in ("time", "api.operation", "actor.user.type", "cloud.account.uid", "src_endpoint.ip"):
        assert gone not in empty


WRONG: list[Any] = [7, 1.5, True, "text", [], ["x"], {}, {"x": 1}, [[1]], [None], 2**70]


@pytest.mark.parametrize("field", [name for name in RECORD if name != "requestParameters"])
def test_a_field_of_a_wrong_type_is_null_and_harms_nothing_else(field: str) -> None:
    touched = {column.name for column in COLUMNS if column.source.split(".")[0] == field}
    derived = {
        "eventTime": {"time"},
        "eventName": {"activity_id", "type_uid"},
        "eventID": {"metadata.uid"},
        "errorCode": {"status"},
        "recipientAccountId": {"cloud.account.uid"},
        "sourceIPAddress": {"src_endpoint.ip", "src_endpoint.domain"},
        "userIdentity": {"actor.session.is_mfa", "actor.session.created_time"},
        "readOnly": set(),
    }
    touched |= derived.get(field, set())
    for wrong in WRONG:
        if type(wrong) is type(RECORD[field]):
            continue
        bad = changed(**{field: wrong})
        good, row, after = rows(RECORD, bad, RECORD)
        assert {path: at(good, path) for path in EXPECTED} == EXPECTED
        assert {path: at(after, path) for path in EXPECTED} == EXPECTED
        for path in EXPECTED.keys() - touched:
            assert at(row, path) == EXPECTED[path], (wrong, path)
        for path in touched & {column.name for column in COLUMNS if column.source} & EXPECTED.keys():
            assert at(row, path) is None or field in ("readOnly", "managementEvent"), (wrong, path)
        assert row["raw_data"] == json.dumps(bad)


@pytest.mark.parametrize("path", ["type", "arn", "sessionContext", "sessionContext.sessionIssuer.arn"])
def test_a_wrong_type_deep_inside_leaves_the_rest_of_the_identity(path: str) -> None:
    record = json.loads(json.dumps(RECORD))
    *parents, last = path.split(".")
    inside = record["userIdentity"]
    for parent in parents:
        inside = inside[parent]
    inside[last] = 7
    (row,) = rows(record)
    assert at(row, "actor.user.credential_uid") == "ASIAEXAMPLE"
    for column in COLUMNS:
        if column.source.startswith(f"userIdentity.{path}"):
            assert at(row, column.name) is None


def test_flags_that_are_text() -> None:
    (row,) = rows(changed(readOnly="true", managementEvent="nonsense"))
    assert at(row, "unmapped.read_only") is True
    assert at(row, "unmapped.management_event") is None


def test_wrong_elements_of_resources_are_left_out() -> None:
    (row,) = rows(changed(resources=[7, {"ARN": "arn:x", "type": 7}, None, {"arn": "arn:y"}]))
    assert [resource["uid"] for resource in row["resources"] if resource["uid"]] == ["arn:x", "arn:y"]


@pytest.mark.parametrize(
    ("time", "milliseconds"),
    [
        ("2026-11-21T08:30:00Z", 1795249800000),
        ("2026-11-21T08:30:00.123456Z", 1795249800123),
        ("2026-11-21T09:30:00+01:00", 1795249800000),
        ("1969-12-31T23:59:59Z", -1000),
        ("2026-11-21T08:30:00", None),
        ("2026-02-30T08:30:00Z", None),
        ("yesterday", None),
        ("", None),
        ("9" * 1000, None),
    ],
)
def test_times(time: str, milliseconds: int | None) -> None:
    row, other = rows(changed(eventTime=time), RECORD)
    assert row["time"] == milliseconds
    assert other["time"] == EXPECTED["time"]


@pytest.mark.parametrize(
    ("source", "ip", "domain"),
    [
        ("2001:db8::1", "2001:db8::1", None),
        ("ec2.amazonaws.com", None, "ec2.amazonaws.com"),
        ("AWS Internal", None, "AWS Internal"),
        ("203.0.113", None, "203.0.113"),
        ("1.2.3.4\0", None, "1.2.3.4\0"),
        ("", None, ""),
        (None, None, None),
    ],
)
def test_where_a_call_came_from(source: str | None, ip: str | None, domain: str | None) -> None:
    (row,) = rows(changed(sourceIPAddress=source))
    assert row["src_endpoint"] == {"ip": ip, "domain": domain}


@pytest.mark.parametrize(
    ("name", "read_only", "activity"),
    [
        ("CreateUser", False, 1),
        ("RunInstances", False, 1),
        ("ListUsers", True, 2),
        ("BatchGetItem", None, 2),
        ("PutObject", False, 3),
        ("DeleteTrail", False, 4),
        ("ConsoleLogin", False, 99),
        ("AssumeRole", True, 2),
        ("AssumeRole", None, 99),
    ],
)
def test_what_kind_of_call(name: str, read_only: bool | None, activity: int) -> None:
    (row,) = rows(changed(eventName=name, readOnly=read_only))
    assert (row["activity_id"], row["type_uid"]) == (activity, 600300 + activity)


def test_what_json_parsers_disagree_on() -> None:
    nan = b'{"eventName":"A","requestParameters":{"x":NaN}}'
    surrogate = b'{"eventName":"B","errorMessage":"\\ud800"}'
    deep = b'{"eventName":"C","requestParameters":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    not_an_object = b"[1]"
    first, second, third, fourth = rows(nan, surrogate, deep, not_an_object)
    assert [at(row, "api.operation") for row in (first, second, fourth)] == ["A", "B", None]
    assert at(second, "api.response.message") is None
    assert third["raw_data"] == deep.decode()


def test_the_account_falls_back_to_the_callers() -> None:
    (row,) = rows({name: value for name, value in RECORD.items() if name != "recipientAccountId"})
    assert at(row, "cloud.account.uid") == "111111111111"


def test_batches_are_cut_by_number_and_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [json.dumps(changed(eventID=f"e{number}")).encode() for number in range(100)]
    monkeypatch.setattr(cloudtrail, "BATCH_RECORDS", 30)
    monkeypatch.setattr(cloudtrail, "CHUNK_RECORDS", 7)
    batches = list(activity_batches(records))
    assert [batch.num_rows for batch in batches] == [30, 30, 30, 10]
    uids = [row["metadata"]["uid"] for batch in batches for row in batch.to_pylist()]
    assert uids == [f"e{number}" for number in range(100)]
    monkeypatch.setattr(cloudtrail, "BATCH_BYTES", len(records[0]) - 1)
    assert [batch.num_rows for batch in activity_batches(records[:3])] == [1, 1, 1]
    assert list(activity_batches([])) == []


def test_clean_decoding_refuses_what_the_exact_path_must_see() -> None:
    for bad in (b'{"eventName":7}', b"{", b'{"a":1} {"b":2}', b'{"a":1},{"b":2}', b'{"a":NaN}', b"[]", b""):
        with pytest.raises(NotClean):
            decode_clean([b'{"eventName":"A"}', bad])
    with pytest.raises(NotClean):
        activity_batch([b'{"x":"\xff"}'])


def test_real_records_keep_every_field() -> None:
    if not CORPUS.exists():
        pytest.skip("no corpus beside the repository: real records are not compared")
    files = [path for folder in ("benign", "attacks") for path in (CORPUS / folder).glob("*.json*")]
    texts = [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in files]
    records = [json.loads(record) for text in texts for record in split_records(text, "").records]
    assert len(records) > 1000
    for record, row in zip(records, rows(*records), strict=True):
        assert at(row, "api.operation") == record["eventName"]
        assert at(row, "metadata.uid") == record["eventID"]
        assert at(row, "actor.user.uid") == record["userIdentity"].get("arn")
        issuer = record["userIdentity"].get("sessionContext", {}).get("sessionIssuer", {})
        assert at(row, "unmapped.session_issuer_name") == issuer.get("userName")
        assert row["time"] is not None
        assert len(row["resources"] or []) == len(record.get("resources") or [])

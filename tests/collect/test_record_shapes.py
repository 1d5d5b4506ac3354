"""The envelopes that records travel in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samples import document, raw, record

from sakimori.collect.records import split_records

ONE = record(1)
TEXT = raw(1).decode()
ENVELOPE = {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": ONE}
SIGN_IN = ENVELOPE | {"detail-type": "AWS Console Sign In via CloudTrail"}


@pytest.mark.parametrize(
    "wrapped",
    [
        ENVELOPE,
        SIGN_IN,
        [ENVELOPE],
        {"NextToken": "x", "Events": [{"EventId": "1", "EventName": "PutBucketPolicy", "CloudTrailEvent": TEXT}]},
        {"eventVersion": "1.10", "eventCategory": "Management", "eventData": ONE},
        {"eventData": TEXT, "eventCategory": "Management"},
        {"eventJson": TEXT},
        {"eventjson": TEXT, "eventid": "1"},
        {"messageType": "DATA_MESSAGE", "owner": "1", "logEvents": [{"id": "1", "timestamp": 1, "message": TEXT}]},
        {"timestamp": 1, "message": TEXT, "ingestionTime": 2},
        {"Type": "Notification", "MessageId": "1", "Message": json.dumps(ENVELOPE)},
        {
            "Messages": [
                {"MessageId": "1", "Body": json.dumps({"Type": "Notification", "Message": json.dumps(ENVELOPE)})}
            ]
        },
        {"Records": [{"messageId": "1", "body": json.dumps(ENVELOPE)}]},
        {"QueryResultRows": [[{"eventJson": TEXT}]], "QueryStatus": "FINISHED"},
        {"QueryStatus": "FINISHED", "QueryResultRows": [[{"eventJson": TEXT}]]},
    ],
)
def test_the_record_comes_out_of_its_envelope(wrapped: Any) -> None:
    for text in (json.dumps(wrapped, ensure_ascii=False), json.dumps(wrapped, indent=1)):
        split = split_records(text.encode(), "p")
        assert [json.loads(found) for found in split.records] == [ONE]
        assert split.refusals == []


def test_an_envelope_of_another_kind_is_named() -> None:
    other = {"detail-type": "GuardDuty Finding", "detail": {"id": "1"}}
    split = split_records(json.dumps(other).encode(), "p")
    assert split.records == []
    assert "EventBridge event of type 'GuardDuty Finding'" in split.refusals[0].reason


def test_endless_wrapping_ends() -> None:
    text = TEXT
    for _ in range(8):
        text = json.dumps({"message": text})
    split = split_records(text.encode(), "p")
    assert split.records == []
    assert "more than 4 times" in split.refusals[0].reason


def test_a_bad_log_event_is_named_and_its_neighbours_are_kept() -> None:
    events = [{"message": "START RequestId"}, {"message": TEXT}, {"message": TEXT[:-20]}]
    split = split_records(json.dumps({"logEvents": events}).encode(), "p")
    assert [json.loads(found) for found in split.records] == [ONE]
    assert ["its message: expected a record" in split.refusals[0].reason, "cut off" in split.refusals[1].reason] == [
        True
    ] * 2


LAKE = {
    "eventversion": "1.10",
    "useridentity": {
        "type": "AssumedRole",
        "principalid": "A:b",
        "sessioncontext": {"attributes": {"mfaauthenticated": "true"}},
    },
    "eventtime": "2026-11-21 08:00:00.000",
    "eventname": "PutBucketPolicy",
    "eventsource": "s3.amazonaws.com",
    "requestparameters": {"bucketName": "b", "policy": '{"Statement":[]}'},
    "readonly": "false",
    "errorcode": None,
    "eventid": "1",
    "some_other_column": 3,
}
FROM_LAKE = {
    "eventVersion": "1.10",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "A:b",
        "sessionContext": {"attributes": {"mfaAuthenticated": "true"}},
    },
    "eventTime": "2026-11-21T08:00:00Z",
    "eventName": "PutBucketPolicy",
    "eventSource": "s3.amazonaws.com",
    "requestParameters": {"bucketName": "b", "policy": {"Statement": []}},
    "readOnly": False,
    "eventID": "1",
}


def test_flat_lake_rows_get_cloudtrails_spelling_back() -> None:
    split = split_records(json.dumps(LAKE).encode(), "p")
    assert [json.loads(found) for found in split.records] == [FROM_LAKE]


def test_lakes_own_notation_of_structs_is_understood() -> None:
    row = LAKE | {
        "useridentity": "{type=AssumedRole, principalid=A:b, arn=null, "
        "sessioncontext={attributes={mfaauthenticated=true}}}",
        "requestparameters": '{bucketName=b, policy={"Statement":[]}}',
    }
    columns = [{name: value} for name, value in row.items() if isinstance(value, str)]
    split = split_records(json.dumps({"QueryResultRows": [columns]}).encode(), "p")
    found = json.loads(split.records[0])
    assert found["userIdentity"] == FROM_LAKE["userIdentity"]
    assert found["requestParameters"] == {"bucketName": "b", "policy": {"Statement": []}}


def test_a_struct_that_cannot_be_read_back_is_kept_as_text() -> None:
    row = LAKE | {"requestparameters": "{bucketName"}
    found = json.loads(split_records(json.dumps(row).encode(), "p").records[0])
    assert found["requestParameters"] == {"unparsedLakeText": "{bucketName"}


def test_csv_rows_become_records_and_bad_rows_are_named() -> None:
    quoted = TEXT.replace('"', '""')
    text = f'eventID,eventJson\r\n1,"{quoted}"\r\n2,"x"y\r\n3\r\n4,"{{}}"\r\n5,"{quoted}"'.encode()
    split = split_records(text, "p")
    assert [json.loads(found) for found in split.records] == [ONE, ONE]
    assert [text[refusal.offset : refusal.offset + 1] for refusal in split.refusals] == [b"2", b"3", b"4"]


def test_csv_columns_become_a_record() -> None:
    header = "eventName,eventTime,eventSource,requestParameters"
    text = f'{header}\nPutBucketPolicy,2026-11-21 08:00:00.000,s3.amazonaws.com,"{{""bucketName"":""b,c""}}"\n'.encode()
    assert [json.loads(found) for found in split_records(text, "p").records] == [
        {
            "eventName": "PutBucketPolicy",
            "eventTime": "2026-11-21T08:00:00Z",
            "eventSource": "s3.amazonaws.com",
            "requestParameters": {"bucketName": "b,c"},
        }
    ]


def test_a_record_that_tells_of_others_stays_one_record() -> None:
    forged = record(7, requestParameters={"entries": [record(8), record(9)]})
    split = split_records(document(json.dumps(forged).encode()), "p")
    assert [json.loads(found) for found in split.records] == [forged]

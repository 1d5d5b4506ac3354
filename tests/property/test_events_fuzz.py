"""Whatever arrives, the intake reads it or refuses it by name, and never raises."""

from __future__ import annotations

import base64
import gzip
import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import told_events as told
from sakimori.collect.events import heard

SEEDS: list[Any] = [
    told.guardduty(),
    told.guardduty(resource=told.key_resource("AKIAEXAMPLE", "kaede")),
    told.imported(told.asff()),
    told.custom_action("a", told.asff()),
    told.imported_v2(),
    told.inspector(),
    told.macie(),
    told.wrapped_in_sns(told.macie()),
    told.wrapped_in_sqs(told.wrapped_in_sns(told.inspector())),
    told.config_invocation("ConfigurationItemChangeNotification", told.configuration_item()),
    told.envelope("aws.ecr", "ECR Image Scan", {"repository-name": "r", "finding-severity-counts": {"HIGH": 1}}),
    told.envelope("aws.s3", "Object Created", {"bucket": {"name": "b"}, "object": {"key": "k"}}),
    told.envelope("aws.health", "AWS Health Event", {"eventArn": "a", "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED"}),
    told.envelope("aws.config", "Config Rules Compliance Change", {"resourceId": "i", "configRuleName": "r"}),
    told.envelope("aws.x", "AWS API Call via CloudTrail", {"eventName": "A", "eventSource": "b.amazonaws.com"}),
    {"EvaluationResults": [{"ComplianceType": "NON_COMPLIANT"}]},
    {"records": [{"data": base64.b64encode(json.dumps(told.inspector()).encode()).decode()}]},
    {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "e30="}}]},
    {"Messages": [{"Body": json.dumps(told.macie())}]},
    {"requestContext": {}, "isBase64Encoded": True, "body": "e30="},
    {"Entries": [{"Source": "aws.macie", "DetailType": "Macie Finding", "Detail": json.dumps(told.macie()["detail"])}]},
    told.guardduty(resource={"s3BucketDetails": [{"name": "b", "s3ObjectDetails": [{"objectArn": "arn:o"}]}]}),
    told.envelope(
        "aws.guardduty",
        "GuardDuty Finding",
        {
            "type": "AttackSequence:S3/CompromisedData",
            "id": "1",
            "service": {
                "detection": {
                    "sequence": {
                        "resources": [
                            {"uid": "u", "resourceType": "ACCESS_KEY", "data": {"accessKey": {"userName": "k"}}}
                        ],
                        "actors": [{"user": {"name": "k"}}],
                        "endpoints": [{"ip": "192.0.2.1"}],
                        "signals": [{"type": "FINDING"}],
                    }
                }
            },
        },
    ),
    told.envelope("aws.health", "AWS Health Abuse Event", {"eventArn": "a", "service": "ABUSE", "page": "2"}),
    told.envelope("aws.x", "AWS Insight via CloudTrail", {"insightDetails": {"eventName": "A", "eventSource": "b"}}),
    {"messageType": "ComplianceChangeNotification", "recordVersion": "1.0", "resourceId": "i", "configRuleName": "r"},
    {"status_code": 200, "data": {"Findings": [told.asff()], "At": {"__class__": "datetime", "year": 2026}}},
]
VALUES: list[Any] = [
    None, True, 0, -1, 1e308, 2**63, "", "x", "\ud800", "\0", "9" * 5000, [], {}, [[]], [None], {"": None}, "{", "[1]",
]  # fmt: skip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


def mutated(value: Any, chance: random.Random, rate: float) -> Any:
    """A copy in which some values are others, some keys are gone and some stand twice as deep."""
    if chance.random() < rate:
        return chance.choice([*VALUES, [value], {"detail": value}, json.dumps(value)])
    if isinstance(value, dict):
        return {key: mutated(each, chance, rate) for key, each in value.items() if chance.random() >= rate / 3}
    return [mutated(each, chance, rate) for each in value] if isinstance(value, list) else value


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(range(len(SEEDS))), st.sampled_from([0.01, 0.05, 0.2]))
def test_mutated_events_are_read_or_refused(seed: int, which: int, rate: float) -> None:
    body = json.dumps(mutated(SEEDS[which], random.Random(seed), rate))
    packed = gzip.compress(body.encode()) if seed % 5 == 0 else body * (1 + seed % 3)
    found = heard(packed, "fuzz")
    assert all(refused.reason and refused.path == "fuzz" for refused in found.refusals)
    for event in found.events:
        assert event.uid
        assert event.revision
        assert event.finding is None or event.finding.uid == event.uid
        json.dumps(event.to_json())


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    found = heard(json.dumps(value), "fuzz")
    assert found.events or found.refusals


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes | str) -> None:
    found = heard(body, "fuzz")
    assert found.events or found.refusals

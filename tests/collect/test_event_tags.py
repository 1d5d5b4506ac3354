"""The tags that products tell of a resource, each in its own spelling; and members of a list that are nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

import told_events as told
from sakimori.collect.events import heard
from sakimori.collect.told import tags

TAGS = {"owner": "payments", "environment": "prod"}
IN_A_LIST = [{"key": name, "value": value} for name, value in TAGS.items()]
BUCKET = "arn:aws:s3:::data"
INSTANCE = f"arn:aws:ec2:{told.REGION}:{told.ACCOUNT}:instance/{told.INSTANCE}"


def of_guardduty() -> dict[str, Any]:
    host = {"instanceId": told.INSTANCE, "tags": IN_A_LIST}
    return told.guardduty(resource={"resourceType": "Instance", "instanceDetails": host})


def of_a_bucket() -> dict[str, Any]:
    resource = told.bucket_resource("data")
    resource["s3BucketDetails"][0]["tags"] = IN_A_LIST
    return told.guardduty("Policy:S3/X", resource=resource)


def of_macie() -> dict[str, Any]:
    found = told.macie("data")
    found["detail"]["resourcesAffected"]["s3Bucket"]["tags"] = IN_A_LIST
    return found


def of_asff() -> dict[str, Any]:
    found = told.asff()
    found["Resources"][0]["Tags"] = TAGS
    return told.imported(found)


def of_ocsf() -> dict[str, Any]:
    found = told.imported_v2()
    for each in found["detail"]["findings"][0]["resources"]:
        each["tags"] = [{"name": name, "value": value} for name, value in TAGS.items()]
    return found


CASES = [(of_guardduty, INSTANCE), (of_a_bucket, BUCKET), (of_macie, BUCKET), (of_asff, INSTANCE), (of_ocsf, INSTANCE)]


@pytest.mark.parametrize(("made", "uid"), CASES, ids=[made.__name__ for made, _ in CASES])
def test_tags_are_those_of_the_resource(made: Any, uid: str) -> None:
    (event,) = heard(json.dumps(made()), "test").events
    assert event.tags_of(uid) == TAGS
    assert event.tags_of("something else") == {}


@pytest.mark.parametrize("odd", [None, 7, "text", [7, None, "x", {}, {"key": ""}], [[]]])
def test_what_are_no_tags_are_none(odd: Any) -> None:
    assert tags({"tags": odd}, "tags") == {}


def test_a_member_of_a_list_of_findings_that_is_nothing_is_refused_and_spoils_no_other() -> None:
    document = told.imported(told.asff(1), told.asff(2))
    document["detail"]["findings"][1:1] = [7, None, "x", []]
    found = heard(json.dumps(document), "test")
    assert len(found.events) == 2
    assert {each.reason for each in found.refusals} == {"one of its findings is no JSON object"}

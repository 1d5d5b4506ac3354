"""Who did what to what: read out of records as CloudTrail writes them, and out of ones that nobody should write."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from opened import told, told_of_clean
from sakimori.detect.sighting import asset, epoch, group_values, sighting, utc_second

ROLE = "arn:aws:iam::111122223333:role/web"
USER = "arn:aws:iam::111122223333:user/ann"
PERSON = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_1/ann"
SESSION = "arn:aws:sts::111122223333:assumed-role/web/i-0abc"


def assumed(arn: str, issuer: Any) -> dict[str, Any]:
    return {"type": "AssumedRole", "arn": arn, "sessionContext": {"sessionIssuer": issuer}}


def seen(record: dict[str, Any]) -> Any:
    """The same of a record that was read and of one in a clean text, if that has it."""
    record = record | {"eventName": "Any"}
    hit, clean = told(record), told_of_clean(record)
    found = sighting(hit)
    if clean is not None:
        assert sighting(clean) == found
        assert asset(clean, (), found) == asset(hit, (), found)
    return found


def touched(record: dict[str, Any], *paths: str) -> str:
    """Its asset, the same either way."""
    record = record | {"eventName": "Any"}
    hit, clean = told(record), told_of_clean(record)
    found = asset(hit, paths, sighting(hit))
    assert clean is None or asset(clean, paths, sighting(clean)) == found
    return found


@pytest.mark.parametrize(
    ("identity", "actor"),
    [
        ({"type": "IAMUser", "arn": USER, "userName": "ann"}, USER),
        ({"type": "Root", "arn": "arn:aws:iam::111122223333:root"}, "arn:aws:iam::111122223333:root"),
        (assumed(SESSION, {"arn": ROLE}), ROLE),
        (assumed(SESSION, None), SESSION),
        (assumed(SESSION, {"arn": None}), SESSION),
        (assumed(SESSION, "text"), SESSION),
        ({"type": "AssumedRole", "arn": SESSION}, SESSION),
        (assumed(f"{SESSION}@example.com", {"arn": ROLE}), f"{SESSION}@example.com"),
        (assumed(PERSON, {"arn": ROLE}), PERSON),
        ({"type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/ann"}, "arn:aws:sts::1:federated-user/ann"),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "ec2.amazonaws.com"),
        ({"type": "AWSAccount", "accountId": "444455556666", "principalId": "AROAX:s"}, "AROAX:s"),
        ({"type": "AWSAccount", "accountId": "444455556666"}, "444455556666"),
        ({"type": "WebIdentityUser", "userName": "repo:x", "principalId": "p"}, "repo:x"),
        ({"type": "SAMLUser", "userName": "ann", "principalId": "p"}, "ann"),
        ({"type": "IdentityCenterUser", "principalId": "p"}, "p"),
        ({"type": "Unknown"}, "Unknown"),
        ({}, ""),
        (None, ""),
        ("text", ""),
        ([1], ""),
    ],
)
def test_the_actor_of_each_type_of_identity(identity: Any, actor: str) -> None:
    assert seen({"userIdentity": identity}).actor == actor


def test_a_record_s_sighting() -> None:
    record = {
        "eventID": "e1",
        "eventTime": "2026-11-21T08:00:00Z",
        "recipientAccountId": "111122223333",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.1",
        "userIdentity": {"accountId": "444455556666", "arn": "a"},
    }
    assert seen(record) == ("e1", "2026-11-21T08:00:00Z", "111122223333", "eu-west-1", "a", "203.0.113.1")
    assert seen(record | {"recipientAccountId": None}).account == "444455556666"
    nameless = {key: value for key, value in record.items() if key != "eventID"}
    assert seen(nameless).record_id.startswith("sha256:")
    assert seen(nameless).record_id != seen(nameless | {"awsRegion": "x"}).record_id


def test_any_value_in_any_place_is_read_as_text_or_as_nothing() -> None:
    wrong: tuple[Any, ...] = (None, True, False, 0, 7, -1.5, "", "x", [], [1], [{"ARN": 1}], {}, {"a": {"b": 1}})
    fields = ("eventID", "eventTime", "recipientAccountId", "awsRegion", "sourceIPAddress", "userIdentity")
    for field, value in itertools.product((*fields, "resources", "requestParameters"), wrong):
        assert all(isinstance(text, str) and "object at" not in text for text in seen({field: value}))
    for field, value in itertools.product(("arn", "type", "accountId", "invokedBy", "sessionContext"), wrong):
        assert "object at" not in seen({"userIdentity": {field: value}}).actor


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("2026-11-21T08:00:00Z", "2026-11-21T08:00:00Z"),
        ("2026-11-21T08:00:00.123Z", "2026-11-21T08:00:00Z"),
        ("2026-11-21T08:00:00.123456789Z", "2026-11-21T08:00:00Z"),
        ("2026-11-21T08:00:00+09:00", "2026-11-20T23:00:00Z"),
        ("2026-11-21 08:00:00", "2026-11-21T08:00:00Z"),
        ("2026-11-21", "2026-11-21T00:00:00Z"),
        ("yesterday", ""),
        ("", ""),
        ("2026-13-45T99:99:99Z", ""),
        ("????-??-??T??:??:??Z", ""),
        ("0001-01-01T00:00:00+23:59", ""),
        ("9999-12-31T23:59:59-23:59", ""),
        ("0000-00-00T00:00:00Z", ""),
    ],
)
def test_times_in_utc_to_the_second(written: str, time: str) -> None:
    assert utc_second(written) == time
    if time:
        assert epoch(time) > 0


def test_the_asset_is_what_the_rule_says_else_what_the_record_names() -> None:
    record = {
        "requestParameters": {"clientToken": "t", "maxResults": 5, "roleName": "web", "items": [{"id": "i-1"}]},
        "resources": [{"type": "x"}, {"ARN": "arn:aws:s3:::b"}],
        "recipientAccountId": "111122223333",
    }
    assert touched(record, "requestParameters.none", "requestParameters.items.id") == "i-1"
    assert touched(record, "requestParameters.maxResults") == "5"
    assert touched(record, "requestParameters") == "arn:aws:s3:::b"
    assert touched({**record, "resources": None}) == "web"
    assert touched({"requestParameters": {"clientToken": "t"}, "recipientAccountId": "111122223333"}) == "111122223333"


@pytest.mark.parametrize(
    ("resources", "arn"),
    [
        ([{"ARN": "a"}, {"ARN": "b"}], "a"),
        ([{"ARN": None}, {"ARN": ""}, {"ARN": "b"}], "b"),
        ([[{"ARN": "nested"}]], "nested"),
        ([{"ARN": 7}], "7"),
        ([{"ARN": {"a": 1}}, "text"], "none"),
        ([], "none"),
        (None, "none"),
    ],
)
def test_the_resource_is_the_first_that_has_a_name(resources: Any, arn: str) -> None:
    assert touched({"resources": resources, "recipientAccountId": "none"}) == arn


def test_group_values_are_the_first_texts_and_what_is_missing_is_left_out() -> None:
    record = {"a": [None, {"b": "x"}, {"b": "y"}], "n": 1.0, "t": True, "nothing": None}
    assert group_values(record, ("a.b", "n", "t", "nothing", "none")) == {"a.b": "x", "n": "1.0", "t": "true"}

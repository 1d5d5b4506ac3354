"""None of a kind that nobody asked for is no answer: it is told, by service, account and region."""

from __future__ import annotations

import pytest

from estates import ACCOUNT, OTHER, allow, bucket, inventory, user
from sakimori.assess.access.assessment import assess
from sakimori.assess.access.engine import Response
from sakimori.assess.access.estate import estate
from sakimori.assess.access.instances import unlooked_at
from sakimori.assess.access.questions import can, who_can
from sakimori.assess.access.unasked import listed, unasked
from sakimori.discover.declare import Reach
from sakimori.discover.services import services
from sakimori.model.asset import Asked, Asset, Inventory

QUEUES, TOPICS, BUCKETS = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::S3::Bucket"
ONE, TWO = "eu-west-1", "us-east-1"


def asked(*rows: tuple[str, str, str], assets: tuple[Asset, ...] = ()) -> Inventory:
    found = inventory(*assets)
    found.asked = frozenset(Asked(*row) for row in rows)
    return found


def everything(*leave_out: str) -> list[tuple[str, str, str]]:
    """All services of one account in one region, but these."""
    return [
        (ACCOUNT, ONE if service.reach is Reach.REGIONAL else "global", name)
        for name, service in services().items()
        if name not in leave_out
    ]


def test_what_was_asked_everywhere_is_not_told() -> None:
    assert [*unasked(asked((ACCOUNT, ONE, "sqs"), (ACCOUNT, TWO, "sqs")), (QUEUES,))] == []
    assert [*unasked(asked((ACCOUNT, "global", "s3")), (BUCKETS,))] == []


def test_a_service_that_was_never_asked_is_named_with_what_to_type() -> None:
    found = asked((ACCOUNT, ONE, "ec2"))
    assert [*unasked(found, (QUEUES, TOPICS))] == [
        (ACCOUNT, f"sns, sqs of account {ACCOUNT} were never asked: run `sakimori discover --services sns,sqs`")
    ]
    assert [account for account, _ in unasked(found, (BUCKETS,))] == [ACCOUNT]


def test_a_region_in_which_others_were_asked_is_named() -> None:
    found = asked((ACCOUNT, ONE, "ec2"), (ACCOUNT, TWO, "ec2"), (ACCOUNT, TWO, "sqs"))
    assert [*unasked(found, (QUEUES,))] == [
        (ACCOUNT, f"sqs of account {ACCOUNT} was never asked in {ONE}: run `sakimori discover --services sqs`")
    ]


def test_each_account_by_itself() -> None:
    found = asked((ACCOUNT, ONE, "sqs"), (OTHER, ONE, "ec2"))
    assert [account for account, _ in unasked(found, (QUEUES,))] == [OTHER]


def test_an_inventory_that_does_not_tell_what_was_asked() -> None:
    assert [*unasked(inventory(bucket("b")), (QUEUES,))] == []
    ((account, reason),) = unasked(asked(assets=(bucket("b"),)), (QUEUES,))
    assert account == ACCOUNT
    assert "which a file does not tell" in reason


def test_many_are_counted() -> None:
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


@pytest.mark.parametrize("left_out", ["sqs", "events", "s3accesspoints", "ram", "kms"])
def test_a_check_that_lacks_a_service_decides_nothing_of_it(left_out: str) -> None:
    assert assess(asked(*everything()), ["public_resource", "cross_account_resource"]).undecided == ()
    undecided = assess(asked(*everything(left_out)), ["public_resource"]).undecided
    assert [(each.check, each.account) for each in undecided] == [("public_resource", ACCOUNT)]
    assert left_out in undecided[0].reason


def test_identities_and_organisation_that_nobody_asked_for_make_answers_unknown() -> None:
    ann = user("ann", allow("s3:GetObject"))
    for left_out in ("iam", "organizations"):
        found = estate(asked(*everything(left_out), assets=(bucket("b"), ann)))
        answer = can(found, ann.uid, "s3:GetObject", "arn:aws:s3:::b/x")
        assert answer.response is Response.UNKNOWN
        assert f"--services {left_out}" in answer.why
        assert any("never asked for" in each for each in who_can(found, "s3:GetObject", "arn:aws:s3:::b").unknown)
    whole = estate(asked(*everything(), assets=(bucket("b"), ann)))
    assert can(whole, ann.uid, "s3:GetObject", "arn:aws:s3:::b/x").response is Response.ALLOWED
    assert who_can(whole, "s3:GetObject", "arn:aws:s3:::b").unknown == ()


def test_access_points_and_instances_that_nobody_asked_for_are_told() -> None:
    found = estate(asked(*everything("s3accesspoints"), assets=(bucket("b"),)))
    (told,) = who_can(found, "s3:GetObject", "arn:aws:s3:::b").unknown
    assert "access points" in told
    found = estate(asked(*everything("ec2"), assets=(bucket("b"),)))
    (told,) = unlooked_at(found, "s3:GetObject", "arn:aws:s3:::b")
    assert "--services ec2" in told

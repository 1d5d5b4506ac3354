"""What is left out of policies changes no answer, whatever the context; and what stays is little."""

from __future__ import annotations

import random
from typing import Any

import pytest

from random_policies import context, policy_set
from sakimori.assess.access.cases import _policies, _request
from sakimori.assess.access.engine import Policies, Request, decide
from sakimori.assess.access.narrowing import (
    acting,
    can_be_allowed,
    meant_patterns,
    narrowed,
    stands_for_many,
    statements_of,
)
from sakimori.assess.access.policy import Kind, parse
from sakimori.assess.access.principals import principal_of

ANN = principal_of("arn:aws:iam::111122223333:user/ann")


def policy(*statements: tuple[str, Any, Any]) -> Any:
    listed = [{"Sid": sid, "Effect": "Allow", "Action": action, "Resource": where} for sid, action, where in statements]
    return parse({"Version": "2012-10-17", "Statement": listed}, Kind.IDENTITY, "p")


def kept(request: Request, *statements: tuple[str, Any, Any]) -> list[str]:
    return [each.sid for each in statements_of(narrowed(request, Policies(identity=(policy(*statements),))))]


def test_no_answer_changes() -> None:
    random_, shorter, impossible = random.Random(7), 0, 0
    for _ in range(2_000):
        case = policy_set(random_)
        case["request"]["context"] = {}
        request, policies = _request(case["request"]), _policies(case)
        few = narrowed(request, policies)
        shorter += len([*statements_of(few)]) < len([*statements_of(policies)])
        for _ in range(2):
            case["request"]["context"] = context(random_)
            asked = _request(case["request"])
            assert decide(asked, few).response is decide(asked, policies).response, case
            if not can_be_allowed(request, few):
                impossible += 1
                assert not decide(asked, policies).allowed, case
    assert shorter > 1_000
    assert impossible > 1_000


def test_statements_of_other_actions_and_resources_go() -> None:
    request = Request(ANN, "s3:GetObject", "arn:aws:s3:::b/x")
    statements = [
        ("action", "s3:PutObject", "*"),
        ("resource", "s3:*", "arn:aws:s3:::c/*"),
        ("both", "s3:Get*", "arn:aws:s3:::b/*"),
        ("open", "s3:GetObject", "arn:aws:s3:::${aws:PrincipalTag/a}/x"),
        ("open with a default", "s3:GetObject", "arn:aws:s3:::${aws:PrincipalTag/a, 'c'}/x"),
    ]
    assert kept(request, *statements) == ["both", "open", "open with a default"]
    settled = Request(ANN, "s3:GetObject", "arn:aws:s3:::b/x", "", {"aws:principaltag/a": ("c",)})
    assert kept(settled, *statements) == ["both"]


def test_a_pattern_keeps_what_it_can_meet() -> None:
    request = Request(ANN, "s3:GetObject", "arn:aws:s3:::b/x*")
    statements = [("meets", "s3:*", "arn:aws:s3:::*/*y"), ("does not", "s3:*", "arn:aws:s3:::b/y*")]
    assert kept(request, *statements) == ["meets"]


def test_limits_stay_although_they_allow_nothing_of_it() -> None:
    boundary = policy(("other", "ec2:*", "*"))
    few = narrowed(Request(ANN, "s3:GetObject", "arn:aws:s3:::b/x"), Policies(boundaries=(boundary,)))
    assert [len(each.statements) for each in few.boundaries] == [0]


def test_statements_by_action_are_found_once() -> None:
    both = policy(("a", "s3:*", "*"), ("b", "ec2:*", "*"))
    assert [each.sid for each in acting(both, "s3:getobject")] == ["a"]
    assert acting(both, "s3:getobject") is acting(both, "s3:getobject")


@pytest.mark.parametrize(
    ("action", "resource", "many", "patterns"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/x", False, ("arn:aws:s3:::b/x",)),
        ("s3:GetObject", "arn:aws:s3:::b/*", True, ("arn:aws:s3:::b/?*",)),
        ("s3:ListAllMyBuckets", "*", False, ("arn:*:s3:::?*",)),
        ("lambda:CreateFunction", "*", True, ("arn:*:lambda:*:111122223333:function:?*",)),
        ("iam:PassRole", "*", True, ("arn:*:iam:*:111122223333:role/?*",)),
        ("amplify:CreateApp", "*", True, ("*",)),
        ("sqs:SendMessage", "*", True, ("arn:*:sqs:*:111122223333:?*",)),
    ],
)
def test_what_a_resource_stands_for(action: str, resource: str, many: bool, patterns: tuple[str, ...]) -> None:
    request = Request(ANN, action, resource, "111122223333")
    assert stands_for_many(request) is many
    assert meant_patterns(request) == patterns

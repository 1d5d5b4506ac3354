"""Statements about a bucket, rewritten for its access point, match there exactly what they matched in the bucket."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest

from sakimori.assess.access.arns import resource_glob
from sakimori.assess.access.conditions import holds
from sakimori.assess.access.elsewhere import Place, remainders, rewritten
from sakimori.assess.access.engine import Policies, Request, decide
from sakimori.assess.access.globs import matcher
from sakimori.assess.access.policy import Kind, Policy, Statement, parse
from sakimori.assess.access.principals import principal_of
from sakimori.assess.access.variables import filled_in, unshielded

BUCKET, POINT = "arn:aws:s3:::ab", "arn:aws:s3:eu-west-1:111122223333:accesspoint/p"
PLACE = Place(BUCKET, POINT, f"{BUCKET}/", f"{POINT}/object/")
KEYS = ["".join(each) for length in range(1, 4) for each in product("ab/:", repeat=length)]
TAGS = ("a", "b", "ab", "a/b")


def random_pattern(rng: random.Random) -> str:
    start = rng.choice(
        ["arn:aws:s3:::", "arn:aws:s3:::", "arn:*:s3:::", "arn:aws:s3*", "*", "arn:aws:s3:::ab", "arn:aws:s3:::ab/"]
    )
    return start + "".join(rng.choice(["a", "b", "/", "*", "?", ":", "${t}"]) for _ in range(rng.randint(0, 5)))


def statement_of(rng: random.Random) -> Statement:
    element: dict[str, Any] = {"Effect": "Allow", "Action": "s3:*"}
    patterns = [random_pattern(rng) for _ in range(rng.randint(1, 3))]
    no_variables = [pattern.replace("${t}", "a") for pattern in patterns]
    element |= {"NotResource": no_variables} if rng.random() < 0.2 else {"Resource": patterns}
    document = {"Version": rng.choice(["2012-10-17", "2012-10-17", "2008-10-17"]), "Statement": [element]}
    return parse(document, rng.choice([Kind.IDENTITY, Kind.RESOURCE]), "p").statements[0]


def matches(statement: Statement, resource: str, tag: str) -> bool:
    """The plain reading: some pattern with the variable's value in it matches."""
    context = {"t": (tag,)}
    if not all(holds(test, context) for test in statement.tests):
        return False
    for pattern in statement.resources or ():
        text = filled_in(pattern, context) if statement.variables else pattern
        complete = statement.principals is None
        if text is not None and matcher(unshielded(resource_glob(text, complete=complete)))(resource):
            return not statement.not_resources
    return statement.not_resources


@pytest.mark.parametrize("seed", range(8))
def test_what_matches_at_the_access_point_is_what_matched_in_the_bucket(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(60):
        statement = statement_of(rng)
        told = [*rewritten(statement, PLACE)]
        for tag in TAGS:
            if "/" in tag and "${t}" in str(statement.resources):
                continue  # a variable that reaches behind the bucket's name: see `remainders`
            for key in ("", *rng.sample(KEYS, 12)):
                resource, at = (f"{BUCKET}/{key}", f"{POINT}/object/{key}") if key else (BUCKET, POINT)
                expected = matches(statement, resource, tag)
                assert any(matches(each, at, tag) for each in told) is expected, (statement, resource, tag)


def test_the_engine_decides_alike() -> None:
    """The same through the engine: a statement as the only identity policy, asked of the bucket and of the point."""
    rng = random.Random(99)
    who = principal_of("arn:aws:iam::111122223333:user/x")
    for _ in range(120):
        statement = statement_of(rng)._replace(principals=None)
        told = Policy("p", Kind.IDENTITY, (*rewritten(statement, PLACE),))
        for key in rng.sample(KEYS, 10):
            context = {"t": (rng.choice(("a", "b", "ab")),)}
            before = Request(who, "s3:GetObject", f"{BUCKET}/{key}", "111122223333", context)
            after = Request(who, "s3:GetObject", f"{POINT}/object/{key}", "111122223333", context)
            plain = decide(before, Policies(identity=(Policy("p", Kind.IDENTITY, (statement,)),)))
            assert decide(after, Policies(identity=(told,))).allowed is plain.allowed, (statement, key, context)


def test_what_is_left_of_a_pattern() -> None:
    assert remainders(tuple("ab/x"), "ab/") == {((), ("x",))}
    assert remainders(tuple("ac"), "ab/") == set()

"""Random policy sets and requests for differential tests: small vocabularies, so that much of it meets."""

from __future__ import annotations

import random
from typing import Any

A, B = "111111111111", "222222222222"
PRINCIPALS = (
    f"arn:aws:iam::{A}:user/ann",
    f"arn:aws:iam::{A}:user/bob",
    f"arn:aws:iam::{A}:role/app/web",
    f"arn:aws:sts::{A}:assumed-role/web/i-1",
    f"arn:aws:sts::{A}:federated-user/bob",
    f"arn:aws:iam::{A}:root",
    f"arn:aws:iam::{A}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    f"arn:aws:iam::{B}:user/eve",
    "cloudtrail.amazonaws.com",
    "anonymous",
)
TARGETS = {
    "s3:GetObject": ("arn:aws:s3:::ab/", ("a", "b", "aa", "ab", "ba", "abab")),
    "s3:PutObject": ("arn:aws:s3:::ab/", ("a", "b", "ba", "bb")),
    "sqs:SendMessage": (f"arn:aws:sqs:eu-west-1:{A}:", ("a", "ab", "b")),
    "kms:Decrypt": (f"arn:aws:kms:eu-west-1:{A}:key/", ("a", "ab")),
    "sts:AssumeRole": (f"arn:aws:iam::{A}:role/", ("a", "ab", "b")),
}
ACTION_GLOBS = (
    "*",
    "s3:*",
    "s3:Get*",
    "s3:GetObject",
    "S3:PutObject",
    "sqs:Send?essage",
    "kms:*",
    "sts:Assume*",
    "ec2:*",
    "s3:*Object",
    "S?:G*t*ct",
    "*:*e*",
    "k*s:?ecrypt",
    "st?:*Role",
)
NAMED = (
    "*",
    A,
    f"arn:aws:iam::{A}:root",
    f"arn:aws:iam::{B}:root",
    f"arn:aws:iam::{A}:user/ann",
    f"arn:aws:iam::{A}:role/app/web",
    f"arn:aws:sts::{A}:assumed-role/web/i-1",
    f"arn:aws:sts::{A}:federated-user/bob",
    f"arn:aws:iam::{B}:user/eve",
)
TEXTS = ("a", "b", "ab", "a*", "*b", "a?")
VARIABLES = ("${x:text}", "${x:text, 'a'}", "${X:Text}", "${x:many}", "${x:many,'b'}")
AROUND = ("{}", "a{}", "{}b", "{}*", "*{}", "a{}*", "{}${{*}}", "{}a*b")
"""Where a variable stands in a pattern."""
SINGLE, MANY, NUMBER, TRUTH, ADDRESS = "x:text", "x:many", "x:number", "x:truth", "x:address"
KEYS = (SINGLE, MANY, NUMBER, TRUTH, ADDRESS)
BLOCKS = ("10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16")
ADDRESSES = ("10.1.2.3", "10.2.0.1", "192.168.0.9", "8.8.8.8")


def policy_set(random_: random.Random) -> dict[str, Any]:
    """A case in the form of `sakimori access simulate`, with a request that has no wildcards."""
    action = random_.choice(list(TARGETS))
    prefix, names = TARGETS[action]
    target = prefix + random_.choice(names)
    case: dict[str, Any] = {
        "request": {
            "principal": random_.choice(PRINCIPALS),
            "action": action,
            "resource": {"resource": target, "accountId": random_.choice((A, A, A, B))},
            "context": context(random_),
        },
        "identityPolicies": [_policy(random_, prefix) for _ in range(random_.randrange(3))],
    }
    if random_.random() < 0.6:
        case["resourcePolicy"] = _policy(random_, prefix, named=True)
    if random_.random() < 0.3:
        case["permissionBoundaries"] = [_policy(random_, prefix, generous=True)]
    if random_.random() < 0.2:
        case["sessionPolicy"] = _policy(random_, prefix, generous=True)
    if random_.random() < 0.2:
        case["endpointPolicies"] = [_policy(random_, prefix, named=random_.random() < 0.5, generous=True)]
    if random_.random() < 0.4:
        case["serviceControlPolicies"] = [
            {"orgIdentifier": f"ou-{n}", "policies": [_policy(random_, prefix, generous=True)]} for n in range(2)
        ]
    if random_.random() < 0.3:
        case["resourceControlPolicies"] = [{"orgIdentifier": "r", "policies": [_policy(random_, prefix, named=True)]}]
    return case


def context(random_: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if random_.random() < 0.6:
        found[SINGLE] = random_.choice(("a", "b", "ab", "aab", "c"))
    if random_.random() < 0.6:
        found[MANY] = random_.sample(("a", "b", "ab", "c"), random_.randrange(3))
    if random_.random() < 0.6:
        found[NUMBER] = str(random_.randrange(0, 5))
    if random_.random() < 0.6:
        found[TRUTH] = random_.choice(("true", "false"))
    if random_.random() < 0.6:
        found[ADDRESS] = random_.choice(ADDRESSES)
    return found


def _policy(random_: random.Random, prefix: str, *, named: bool = False, generous: bool = False) -> dict[str, Any]:
    statements = [statement(random_, prefix, named=named) for _ in range(random_.randrange(1, 4))]
    if generous:
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        statements.append(everything | ({"Principal": "*"} if named else {}))
    return {"Version": "2012-10-17", "Statement": statements}


def statement(random_: random.Random, prefix: str, *, named: bool, effect: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": effect or ("Deny" if random_.random() < 0.25 else "Allow")}
    found["Action" if random_.random() < 0.85 else "NotAction"] = random_.sample(
        ACTION_GLOBS, random_.choice((1, 1, 2))
    )
    patterns = ["*", f"{prefix}*", f"{prefix}a*", f"{prefix}*b", f"{prefix}?", f"{prefix}ab", "arn:aws:ec2:*:*:*"]
    if random_.random() < 0.3:
        patterns = [prefix + _variable(random_), patterns[random_.randrange(len(patterns))]]
    found["Resource" if random_.random() < 0.85 else "NotResource"] = random_.sample(
        patterns, random_.choice((1, 1, 2))
    )
    if named and random_.random() < 0.95:
        key = "Principal" if random_.random() < 0.85 else "NotPrincipal"
        service = random_.random() < 0.15
        found[key] = (
            {"Service": "cloudtrail.amazonaws.com"}
            if service
            else {"AWS": random_.sample(NAMED, random_.choice((1, 1, 2)))}
        )
    if random_.random() < 0.4:
        found["Condition"] = dict(_test(random_) for _ in range(random_.choice((1, 1, 2))))
    return found


def _test(random_: random.Random) -> tuple[str, dict[str, Any]]:
    key = random_.choice(KEYS)
    if random_.random() < 0.1:
        return "Null", {key: random_.choice(("true", "false"))}
    if_exists = "IfExists" if random_.random() < 0.2 else ""
    if key == NUMBER:
        operator = random_.choice(
            (
                "NumericEquals",
                "NumericNotEquals",
                "NumericLessThan",
                "NumericGreaterThanEquals",
                "NumericLessThanEquals",
            )
        )
        return operator + if_exists, {key: [str(random_.randrange(0, 5)) for _ in range(random_.choice((1, 2)))]}
    if key == TRUTH:
        return f"Bool{if_exists}", {key: random_.choice(("true", "false"))}
    if key == ADDRESS:
        operator = random_.choice(("IpAddress", "NotIpAddress"))
        return operator + if_exists, {key: random_.sample(BLOCKS, random_.choice((1, 2)))}
    operator = random_.choice(("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"))
    if key == MANY:
        operator = random_.choice(("ForAllValues:", "ForAnyValue:")) + operator
    values = random_.sample(TEXTS, random_.choice((1, 2)))
    if random_.random() < 0.25:
        values[0] = _variable(random_)
    return operator + if_exists, {key: values}


def _variable(random_: random.Random) -> str:
    return random_.choice(AROUND).format(random_.choice(VARIABLES))

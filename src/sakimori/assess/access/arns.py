"""ARNs in policies, and which ARNs an action can have to do with."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sakimori.assess.access.globs import ANY, ONE, ONE_WITHIN, WITHIN, Glob, text_glob

PARTS = 6
WILD = frozenset("*?")


class Arn(NamedTuple):
    """arn:partition:service:region:account:resource"""

    partition: str
    service: str
    region: str
    account: str
    resource: str


@lru_cache(maxsize=65_536)
def parse_arn(text: str) -> Arn | None:
    parts = text.split(":", PARTS - 1)
    return Arn(*parts[1:]) if len(parts) == PARTS and parts[0] == "arn" else None


@lru_cache(maxsize=65_536)
def resource_glob(pattern: str, *, complete: bool = True) -> Glob:
    """A pattern of `Resource` as a glob ("IAM JSON policy elements: Resource").

    An asterisk that ends a segment runs on over colons, one inside a segment does not; segments that are missing at
    the end stand for anything where `complete` (policies of identities).
    """
    if not pattern.startswith("arn:"):
        return text_glob(pattern)
    if complete:
        pattern += ":*" * max(0, PARTS - 1 - pattern.count(":"))
    return arn_glob(pattern)


@lru_cache(maxsize=65_536)
def arn_glob(pattern: str) -> Glob:
    tokens: list[str] = []
    colons = 0
    pattern = re.sub(r"\*+", "*", pattern)
    for index, character in enumerate(pattern):
        colons += character == ":"
        inside = colons < PARTS - 1
        if character == "*":
            ends = index + 1 == len(pattern) or pattern[index + 1] == ":"
            tokens.append(ANY if ends or not inside else WITHIN)
        elif character == "?":
            tokens.append(ONE_WITHIN if inside else ONE)
        else:
            tokens.append(character)
    return tuple(tokens)


@lru_cache(maxsize=65_536)
def condition_glob(pattern: str) -> Glob:
    """A pattern of ArnLike: each of the six parts is compared with its counterpart and never runs over a colon."""
    if pattern == "*":
        return text_glob(pattern)
    tokens: list[str] = []
    colons = 0
    for character in re.sub(r"\*+", "*", pattern):
        colons += character == ":"
        inside = colons < PARTS - 1
        tokens.append({"*": WITHIN if inside else ANY, "?": ONE_WITHIN if inside else ONE}.get(character, character))
    return tuple(tokens)


def account_of(arn: str) -> str:
    """The account that stands in an ARN, or ""."""
    parts = parse_arn(arn)
    return parts.account if parts else ""


# ---- what an action acts on

_SERVICES_OF = {
    "sts": ("iam", "sts"),
    "s3-object-lambda": ("s3-object-lambda",),
    "elasticloadbalancing": ("elasticloadbalancing",),
    "apigateway": ("apigateway",),
    "cloudwatch": ("cloudwatch",),
    "monitoring": ("cloudwatch",),
    "ssm": ("ssm", "ec2", "ecs", "s3"),
    "ssmmessages": ("ssmmessages",),
    "ssm-guiconnect": ("ec2", "ssm"),
    "ec2-instance-connect": ("ec2",),
    "elasticfilesystem": ("elasticfilesystem",),
    "states": ("states",),
    "dlm": ("dlm",),
    "imagebuilder": ("imagebuilder",),
}
"""Action prefix -> the services whose ARNs its actions name, where more or others than the prefix."""

_OWN_ARNS = frozenset(
    "s3 sqs sns kms iam dynamodb lambda secretsmanager ec2 ecr ecs eks logs events kinesis firehose cloudformation"
    " cloudtrail guardduty organizations rds codebuild codepipeline codedeploy codecommit states athena glue sagemaker"
    " cloudwatch elasticfilesystem batch backup bedrock cognito-idp".split()
)
"""Prefixes whose actions name ARNs of their own service only."""

_RESOURCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"cloudformation:\w*stack(set|instances)\w*", ("stackset/?*",)),
    (r"cloudformation:\w*(stack|changeset)\w*", ("stack/?*",)),
    (r"codebuild:\w*(project|build|sandbox)\w*", ("project/?*",)),
    (r"dynamodb:(get|put|update|delete|batch\w*)item|dynamodb:(query|scan)", ("table/?*",)),
    (r"iam:\w*(instanceprofile)\w*", ("instance-profile/?*",)),
    (r"iam:\w*(role|assumerolepolicy)\w*", ("role/?*",)),
    (r"iam:\w*(usertogroup|userfromgroup|group)\w*", ("group/?*",)),
    (r"iam:\w*(user|accesskey|loginprofile)\w*", ("user/?*",)),
    (r"iam:\w*policy(version)?s?", ("policy/?*",)),
    (r"kms:\w*", ("key/*", "alias/*")),
    (r"lambda:\w*layer\w*", ("layer:?*",)),
    (r"lambda:\w*eventsourcemapping\w*", ("event-source-mapping:?*",)),
    (r"lambda:\w*(function|permission|policy|alias)\w*", ("function:?*",)),
    (r"s3:\w*object\w*", ("?*/?*",)),
    (r"s3:\w*bucket\w*", ("?*",)),
    (r"secretsmanager:\w*secret\w*", ("secret:?*",)),
    (r"(sns|sqs):\w*", ("?*",)),
    (r"states:\w*(statemachine|startexecution)\w*", ("stateMachine:?*",)),
)
"""What an action's resources are called in an ARN, the first that fits; of others, anything ("Actions, resources, and
condition keys for AWS services")."""
_WITHOUT_ACCOUNT = frozenset(("s3",))


def universe(action: str, account: str) -> tuple[str, ...]:
    """What `*` as the resource of a request stands for: patterns of the ARNs that the action can act on."""
    prefix = action.partition(":")[0].lower()
    services = _SERVICES_OF.get(prefix) or ((prefix,) if prefix in _OWN_ARNS else ())
    if not services:
        return ("*",)
    found = []
    for service in services:
        for resource in _kinds(action.lower()) if service == prefix else ("*",):
            if service in _WITHOUT_ACCOUNT:
                found.append(f"arn:*:{service}:::{resource}")
            else:
                found.append(f"arn:*:{service}:*:{account or '*'}:{resource}")
    return tuple(found)


@lru_cache(maxsize=16_384)
def _kinds(action: str) -> tuple[str, ...]:
    return next((kinds for pattern, kinds in _RESOURCES if re.fullmatch(pattern, action)), ("*",))


def is_pattern(text: str) -> bool:
    return not WILD.isdisjoint(text)


def likely(text: str) -> str:
    """The witness with a partition that exists where any would do; of anything at all, `*` as it was asked."""
    return text.replace("arn::", "arn:aws:", 1) if text.startswith("arn::") else text or "*"

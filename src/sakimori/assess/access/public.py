"""Is a bucket's policy public, as S3's Block Public Access means it ("The meaning of public", Amazon S3 user guide)."""

from __future__ import annotations

from ipaddress import ip_network

from sakimori.assess.access.arns import is_pattern
from sakimori.assess.access.conditions import Test
from sakimori.assess.access.policy import Policy, Statement

_FIXED_KEYS = frozenset(
    "aws:sourceip aws:sourcearn aws:sourcevpc aws:sourcevpce aws:sourceowner aws:sourceaccount aws:userid"
    " aws:sourceorgid"
    " aws:principalarn aws:principalaccount aws:principalorgid s3:x-amz-server-side-encryption-aws-kms-key-id"
    " s3:dataaccesspointarn s3:dataaccesspointaccount".split()
)
"""Conditions on these, with values that are fixed, make a statement for everybody one for somebody."""

WIDEST_V4, WIDEST_V6 = 8, 32
"""An address range wider than this is as good as everybody."""


def is_public(policy: Policy) -> bool:
    """Does the policy allow anything to everybody?"""
    return any(public_statement(statement) for statement in policy.statements)


def public_statement(statement: Statement) -> bool:
    if not statement.allows or statement.principals is None:
        return False
    everybody = statement.not_principals or any(value == "*" and kind == "AWS" for kind, value in statement.principals)
    return everybody and not any(map(_fixes, statement.tests))


def _fixes(test: Test) -> bool:
    if test.negated or test.if_exists or test.quantifier == "all" or test.name not in _FIXED_KEYS:
        return False
    if test.family == "address":
        return all(map(narrow, test.values))
    wild = test.family in ("like", "arn")
    return test.family in ("equals", "ignore_case", "like", "arn") and not any(
        (wild and _open(test.name, value)) or "${" in value for value in test.values
    )


def _open(key: str, value: str) -> bool:
    """Has a pattern no fixed account where one is named by it?"""
    if key.endswith("arn"):
        parts = value.split(":", 5)
        return len(parts) < 6 or is_pattern(parts[4]) or (not parts[4] and is_pattern(parts[5]))
    return is_pattern(value)


def narrow(block: str) -> bool:
    """Is a range of addresses so narrow that it is not as good as everybody?"""
    try:
        network = ip_network(block, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (WIDEST_V4 if network.version == 4 else WIDEST_V6)

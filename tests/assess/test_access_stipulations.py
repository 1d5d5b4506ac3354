"""Whom conditions leave of everybody, whose token or which external id they demand."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, STRANGE, allow, bucket, deny, inventory, organization, role, trust
from sakimori.assess.access.assessment import assess
from sakimori.assess.access.stipulations import Left, demands_external_id, left, names_subject
from sakimori.model.finding import Finding
from sakimori.model.severity import Severity

CODE_HOST = "token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], Left.ANYBODY),
        (["aws:SecureTransport = true"], Left.ANYBODY),
        (["aws:Referer is like https://example.com/*"], Left.ANYBODY),
        (["aws:SourceVpce = vpce-1"], Left.SOME_NETWORK),
        (["aws:SourceVpce = vpce-1, or aws:SourceVpce is absent"], Left.ANYBODY),
        (["aws:SourceIp is in 203.0.113.0/24 or 2001:db8::/48"], Left.SOME_NETWORK),
        (["aws:SourceIp is in 203.0.113.0/24 or 0.0.0.0/1"], Left.ANYBODY),
        (["aws:SourceIp is outside 203.0.113.0/24"], Left.ANYBODY),
        (["aws:PrincipalOrgID = o-9"], Left.SOME_PRINCIPALS),
        (["aws:PrincipalOrgID is not o-9"], Left.ANYBODY),
        (["aws:PrincipalArn is like *"], Left.ANYBODY),
        (["aws:PrincipalOrgID = o-9", "aws:SourceVpc = vpc-1"], Left.SOME_NETWORK),
        (["aws:SecureTransport = true and aws:PrincipalAccount = 1"], Left.SOME_PRINCIPALS),
    ],
)
def test_whom_conditions_leave(conditions: list[str], expected: Left) -> None:
    assert left(conditions) is expected


def found(check: str, *assets: Any) -> list[Finding]:
    return [*assess(inventory(*assets), [check]).findings]


@pytest.mark.parametrize(
    ("condition", "severity"),
    [
        ({}, Severity.HIGH),
        ({"Bool": {"aws:SecureTransport": "true"}}, Severity.HIGH),
        ({"StringLike": {"aws:Referer": "https://example.com/*"}}, Severity.HIGH),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-9"}}, Severity.MEDIUM),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, Severity.LOW),
        ({"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}, Severity.HIGH),
    ],
)
def test_how_open_a_bucket_is(condition: dict[str, Any], severity: Severity) -> None:
    opened = allow("s3:GetObject", "arn:aws:s3:::b/*", Principal="*", Condition=condition)
    (finding,) = found("public_resource", bucket("b", opened))
    assert finding.severity is severity
    assert (" if " in finding.title) == bool(condition)


def test_a_denial_may_leave_a_network_alone() -> None:
    opened = allow("s3:GetObject", "arn:aws:s3:::b/*", Principal="*")
    elsewhere = deny("s3:*", "*", Principal="*", Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})
    (finding,) = found("public_resource", bucket("b", opened, elsewhere))
    assert (finding.severity, finding.title[-28:]) == (Severity.LOW, "b if aws:SourceVpce = vpce-1")


@pytest.mark.parametrize(
    ("condition", "demanded"),
    [
        ({"StringEquals": {"sts:ExternalId": "x"}}, True),
        ({"StringLike": {"sts:ExternalId": "x-*"}}, True),
        ({"StringLike": {"sts:ExternalId": "*"}}, False),
        ({"StringLike": {"sts:ExternalId": ["x", "?*"]}}, False),
        ({"Null": {"sts:ExternalId": "false"}}, False),
        ({"StringEqualsIfExists": {"sts:ExternalId": "x"}}, False),
        ({"StringNotEquals": {"sts:ExternalId": "x"}}, False),
        ({}, False),
    ],
)
def test_an_external_id_that_may_be_anything_is_none(condition: dict[str, Any], demanded: bool) -> None:
    trusting = role("r", trusts=trust({"AWS": STRANGE}, Condition=condition))
    assert (found("missing_external_id", trusting) == []) is demanded
    assert demands_external_id(["sts:ExternalId = x"])


@pytest.mark.parametrize(
    ("provider", "condition", "scoped"),
    [
        (CODE_HOST, {"StringEquals": {f"{CODE_HOST}:aud": "sts.amazonaws.com"}}, False),
        (CODE_HOST, {"StringLike": {f"{CODE_HOST}:sub": "*"}}, False),
        (CODE_HOST, {"StringLike": {f"{CODE_HOST}:sub": "repo:*"}}, False),
        (CODE_HOST, {"StringLike": {f"{CODE_HOST}:sub": "repo:*/*:ref:refs/heads/main"}}, False),
        (CODE_HOST, {"StringLike": {f"{CODE_HOST}:sub": ["repo:company/*", "repo:*"]}}, False),
        (CODE_HOST, {"StringLike": {f"{CODE_HOST}:sub": "repo:company/*"}}, True),
        (CODE_HOST, {"StringEquals": {f"{CODE_HOST}:repository_owner": "company"}}, True),
        (CODE_HOST, {"StringEqualsIfExists": {f"{CODE_HOST}:sub": "repo:company/a"}}, False),
        (CODE_HOST, {"StringNotLike": {f"{CODE_HOST}:sub": "repo:company/*"}}, False),
        ("cognito", {"StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-west-1:1"}}, True),
        ("cognito", {"ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}}, False),
    ],
)
def test_whose_token_it_must_be(provider: str, condition: dict[str, Any], scoped: bool) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}"
    who = "cognito-identity.amazonaws.com" if provider == "cognito" else arn
    trusting = trust({"Federated": who}, "sts:AssumeRoleWithWebIdentity", Condition=condition)
    assert (found("provider_trust_unscoped", role("r", trusts=trusting)) == []) is scoped
    assert names_subject([f"{CODE_HOST}:sub = repo:company/a:ref:refs/heads/main"])


def test_control_policies_that_the_inventory_lacks_are_no_denial() -> None:
    full = organization(ACCOUNT, "444455556666", scps={"ou-1": [allow("*")]})
    for asset in full:
        if asset.name == "p-full":
            asset.config["Targets"] = [target for target in asset.config["Targets"] if target["TargetId"] != "r-1"]
    member = role("admin", allow("*"), account="444455556666")
    assessed = assess(inventory(member, full), ["broad_rights"])
    assert [finding.asset for finding in assessed.findings] == [member.uid]
    assert "service control policies at r-1" in " ".join(each.reason for each in assessed.undecided)

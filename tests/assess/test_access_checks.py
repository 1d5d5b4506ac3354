"""The checks: each with an account in which it finds something, and one in which it finds nothing; witnesses replay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from estates import (
    ACCOUNT,
    OTHER,
    STRANGE,
    allow,
    attached,
    bucket,
    deny,
    document,
    instance,
    inventory,
    organization,
    profile,
    role,
    trust,
    user,
)
from japanese_told import told_in_japanese
from sakimori.assess.access.assessment import assess
from sakimori.assess.access.estate import estate
from sakimori.assess.access.exposure import checks
from sakimori.assess.access.replay import replayed
from sakimori.model.asset import Asset, Inventory
from sakimori.model.finding import IAM_ANALYSIS, Finding
from sakimori.model.ocsf import to_ocsf
from sakimori.model.severity import Severity

EC2 = {"Service": "ec2.amazonaws.com"}
FILES = "arn:aws:s3:::files"
LONG_AGO = (datetime.now(UTC) - timedelta(days=400)).isoformat()
LATELY = (datetime.now(UTC) - timedelta(days=3)).isoformat()
OIDC = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.code.example"


def found(check: str, *assets: Any) -> list[Finding]:
    """What a check finds; every step of every witness is evaluated again, and must be allowed."""
    everything = inventory(*assets)
    findings = [*assess(everything, [check]).findings]
    for finding in findings:
        assert (finding.class_uid, finding.rule) == (IAM_ANALYSIS, check)
        assert finding.description
        assert finding.remediation
        assert to_ocsf(finding)["class_uid"] == IAM_ANALYSIS
        told_in_japanese(finding)
        for step, answer in replayed(estate(everything), finding.evidence):
            assert step["response"] == "Allowed"
            assert answer.response.value == "Allowed"
    return findings


def web(name: str, value: str) -> dict[str, Any]:
    condition = {"StringEquals": {"token.code.example:aud": "sts.amazonaws.com"}}
    like = {"StringLike": {f"token.code.example:{name}": value}} if name else {}
    return trust({"Federated": OIDC}, "sts:AssumeRoleWithWebIdentity", Condition={**condition, **like})


def keyed(name: str, rotated: str) -> Asset:
    report = {"access_key_1_active": "true", "access_key_1_last_rotated": rotated, "access_key_2_active": "false"}
    return user(name, CredentialReport=report)


TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"


def topic(*statements: Any) -> Asset:
    return Asset(TOPIC, "AWS::SNS::Topic", ACCOUNT, "eu-west-1", {"Attributes": {"Policy": document(*statements)}})


def endpoint() -> Asset:
    """A VPC endpoint's policy is about what goes through it, not about who may use it."""
    arn = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc-endpoint/vpce-1"
    policy = document(allow("*", Principal="*"))
    return Asset(arn, "AWS::EC2::VPCEndpoint", ACCOUNT, "eu-west-1", {"PolicyDocument": policy})


def using(ec2: dict[str, Any], logs: dict[str, Any]) -> Asset:
    """A role of two services, with what IAM tells of when it used them."""
    told = [{"ServiceNamespace": "ec2", **ec2}, {"ServiceNamespace": "logs", **logs}]
    rights = allow(["ec2:DescribeVpcs", "logs:DescribeLogGroups"])
    return role("old", rights, CreateDate=LONG_AGO, ServicesLastAccessed=told)


CASES: list[tuple[str, list[Any], Severity, list[Any]]] = [
    (
        "public_resource",
        [bucket("files", allow("s3:GetObject", f"{FILES}/*", Principal="*"))],
        Severity.HIGH,
        [bucket("files", allow("s3:GetObject", f"{FILES}/*", Principal={"AWS": ACCOUNT}))],
    ),
    (
        "public_resource",
        [bucket("files", allow("s3:PutBucketPolicy", FILES, Principal={"AWS": "*"}))],
        Severity.CRITICAL,
        [
            bucket(
                "files",
                allow("s3:*", [FILES, f"{FILES}/*"], Principal="*"),
                PublicAccessBlockConfiguration={"RestrictPublicBuckets": True},
            )
        ],
    ),
    (
        "public_resource",
        [topic(allow("sns:Publish", TOPIC, Principal="*"))],
        Severity.HIGH,
        [
            # What SNS and S3's events are given by default: only the owner, and only S3 for the owner's buckets.
            topic(
                allow(
                    "sns:Publish",
                    TOPIC,
                    Principal={"AWS": "*"},
                    Condition={"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
                ),
                allow(
                    "sns:Publish", TOPIC, Principal="*", Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:b"}}
                ),
            ),
            endpoint(),
        ],
    ),
    (
        "cross_account_resource",
        [bucket("files", allow("s3:GetObject", f"{FILES}/*", Principal={"AWS": f"arn:aws:iam::{STRANGE}:role/x"}))],
        Severity.MEDIUM,
        [
            bucket(
                "files",
                allow("s3:GetObject", f"{FILES}/*", Principal={"AWS": STRANGE}),
                deny(
                    "s3:*",
                    f"{FILES}/*",
                    Principal="*",
                    Condition={"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}},
                ),
            )
        ],
    ),
    (
        "cross_account_resource",
        [bucket("files", allow("s3:GetObject", f"{FILES}/*", Principal={"AWS": OTHER})), organization(OTHER, ACCOUNT)],
        Severity.INFORMATIONAL,
        [bucket("files", allow("s3:GetObject", f"{FILES}/*", Principal={"AWS": ACCOUNT}))],
    ),
    (
        "privilege_escalation",
        [user("ann", allow("iam:PutUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/ann"))],
        Severity.HIGH,
        [user("ann", allow("iam:PutUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/bob"))],
    ),
    (
        "wildcard_trust",
        [role("r", allow("s3:*"), trusts={"AWS": "*"})],
        Severity.CRITICAL,
        [
            role(
                "r",
                allow("s3:*"),
                trusts=trust({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
            ),
            organization(OTHER, ACCOUNT),
        ],
    ),
    (
        "missing_external_id",
        [role("r", trusts={"AWS": STRANGE})],
        Severity.MEDIUM,
        [role("r", trusts=trust({"AWS": STRANGE}, Condition={"StringEquals": {"sts:ExternalId": "x"}}))],
    ),
    (
        "missing_external_id",
        [role("r", trusts={"AWS": STRANGE})],
        Severity.MEDIUM,
        [role("r", trusts={"AWS": ACCOUNT})],
    ),
    (
        "provider_trust_unscoped",
        [role("r", trusts=web("", ""))],
        Severity.HIGH,
        [role("r", trusts=web("sub", "repo:company/*"))],
    ),
    (
        "instance_role_over_imdsv1",
        [instance("i-1", "web"), profile("web", "web"), role("web", allow("*"), trusts=EC2)],
        Severity.CRITICAL,
        [instance("i-1", "web", tokens="required"), profile("web", "web"), role("web", allow("*"), trusts=EC2)],
    ),
    (
        "instance_role_over_imdsv1",
        [instance("i-1", "web"), profile("web", "web"), role("web", allow("s3:GetObject"), trusts=EC2)],
        Severity.MEDIUM,
        [instance("i-1"), role("web", allow("s3:GetObject"), trusts=EC2)],
    ),
    (
        "broad_rights",
        [role("deploy", allow("*"), trusts=EC2)],
        Severity.MEDIUM,
        [role("deploy", allow("*"), deny("iam:*"), trusts=EC2)],
    ),
    ("long_term_key", [keyed("ann", LONG_AGO)], Severity.MEDIUM, [user("ann", CredentialReport={})]),
    (
        "long_term_key",
        [
            Asset(
                f"arn:aws:iam::{ACCOUNT}:root",
                "AWS::::Account",
                ACCOUNT,
                "global",
                {"CredentialReport": {"access_key_1_active": "true", "access_key_1_last_rotated": LATELY}},
            )
        ],
        Severity.CRITICAL,
        [user("ann", CredentialReport={"access_key_1_active": "false"})],
    ),
    (
        "unused_access",
        [role("old", allow("s3:GetObject"), CreateDate=LONG_AGO, RoleLastUsed={})],
        Severity.MEDIUM,
        [role("old", allow("s3:GetObject"), CreateDate=LONG_AGO, RoleLastUsed={"LastUsedDate": LATELY})],
    ),
    (
        "unused_access",
        [user("old", allow("ec2:DescribeVpcs"), CreateDate=LONG_AGO, CredentialReport={"password_last_used": "N/A"})],
        Severity.LOW,
        [user("new", allow("ec2:DescribeVpcs"), CreateDate=LATELY, CredentialReport={"password_last_used": "N/A"})],
    ),
    (
        "unused_actions",
        [using({"LastAuthenticated": LATELY}, {})],
        Severity.LOW,
        [using({"LastAuthenticated": LATELY}, {"LastAuthenticated": LATELY})],
    ),
]


@pytest.mark.parametrize(
    ("check", "wrong", "severity", "right"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)]
)
def test_checks(check: str, wrong: list[Any], severity: Severity, right: list[Any]) -> None:
    (finding,) = found(check, *wrong)
    assert finding.severity is severity
    assert found(check, *right) == []


def test_every_check_is_tested_and_declared() -> None:
    assert {plugin.id for plugin in checks()} == {check for check, *_ in CASES}
    for plugin in checks():
        declared = plugin.check
        assert declared.title
        assert declared.why.endswith(".")
        assert declared.fix.endswith(".")
        assert declared.needs


@pytest.mark.parametrize(
    ("check", "assets"),
    [
        ("privilege_escalation", [user("ann", **attached("arn:aws:iam::aws:policy/X"))]),
        ("instance_role_over_imdsv1", [instance("i-1", "web")]),
        ("long_term_key", [user("ann")]),
        ("unused_access", [role("r", allow("s3:*"), CreateDate=LONG_AGO)]),
        ("unused_actions", [role("r", allow("s3:*"), CreateDate=LONG_AGO)]),
    ],
)
def test_what_cannot_be_decided_is_said(check: str, assets: list[Any]) -> None:
    assessed = assess(Inventory(assets), [check])
    assert assessed.findings == ()
    assert [(each.check, bool(each.reason)) for each in assessed.undecided] == [(check, True)]


def test_findings_have_an_identity_of_their_own_and_come_worst_first() -> None:
    assets = inventory(role("a", trusts={"AWS": [STRANGE, "999900002222"]}), user("all", allow("*")))
    findings = assess(assets).findings
    assert len({finding.uid for finding in findings}) == len(findings) >= 3
    assert [f.severity for f in findings] == sorted((f.severity for f in findings), reverse=True)
    again = assess(assets).findings
    assert [finding.uid for finding in again] == [finding.uid for finding in findings]

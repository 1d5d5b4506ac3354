"""Who a text means, and whom a Principal or NotPrincipal element means."""

from __future__ import annotations

import pytest

from sakimori.assess.access.principals import BadPrincipal, Grant, granted, names_account, principal_of, spared

A, B = "111122223333", "444455556666"
USER, ROLE = f"arn:aws:iam::{A}:user/ann", f"arn:aws:iam::{A}:role/team/app"
SESSION, ROOT = f"arn:aws:sts::{A}:assumed-role/app/s", f"arn:aws:iam::{A}:root"
SERVICE, OIDC = "ec2.amazonaws.com", f"arn:aws:iam::{A}:oidc-provider/token.example"


@pytest.mark.parametrize(
    ("text", "kind", "account"),
    [
        (USER, "user", A),
        (ROLE, "role", A),
        (SESSION, "session", A),
        (f"arn:aws:sts::{A}:federated-user/bob", "federated_user", A),
        (ROOT, "root", A),
        (A, "root", A),
        (SERVICE, "service", ""),
        ("cognito-identity.amazonaws.com", "federated", ""),
        (OIDC, "federated", A),
        ("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1", "user", "cloudfront"),
        ("anonymous", "anonymous", ""),
        ("*", "anonymous", ""),
        (f"arn:aws-cn:iam::{A}:user/ann", "user", A),
    ],
)
def test_whom_a_text_means(text: str, kind: str, account: str) -> None:
    who = principal_of(text)
    assert (who.kind, who.account) == (kind, account)


@pytest.mark.parametrize(
    "text", ["ann", "user/ann", "arn:aws:s3:::b", f"arn:aws:iam::{A}:group/team", "arn:aws:iam::12:user/ann", "a b.c"]
)
def test_what_is_nobody(text: str) -> None:
    with pytest.raises(BadPrincipal, match="is no principal"):
        principal_of(text)


@pytest.mark.parametrize(
    ("entry", "who", "expected"),
    [
        (("AWS", "*"), "anonymous", Grant.DIRECT),
        (("AWS", "*"), USER, Grant.DIRECT),
        (("AWS", USER), USER, Grant.DIRECT),
        (("AWS", USER), ROLE, Grant.NOBODY),
        (("AWS", ROLE), ROLE, Grant.ROLE),
        (("AWS", ROLE), SESSION, Grant.ROLE),
        (("AWS", f"arn:aws:iam::{A}:role/team/app2"), SESSION, Grant.NOBODY),
        (("AWS", f"arn:aws:iam::{B}:role/app"), SESSION, Grant.NOBODY),
        (("AWS", SESSION), SESSION, Grant.DIRECT),
        (("AWS", SESSION), ROLE, Grant.NOBODY),
        (("AWS", A), USER, Grant.ACCOUNT),
        (("AWS", ROOT), SESSION, Grant.ACCOUNT),
        (("AWS", B), USER, Grant.NOBODY),
        (("AWS", ROOT), ROOT, Grant.ACCOUNT),
        (("AWS", ROOT), "anonymous", Grant.NOBODY),
        (("Service", SERVICE), SERVICE, Grant.DIRECT),
        (("Service", SERVICE), "s3.amazonaws.com", Grant.NOBODY),
        (("AWS", "*"), SERVICE, Grant.DIRECT),
        (("Federated", OIDC), OIDC, Grant.DIRECT),
        (("Service", OIDC), OIDC, Grant.NOBODY),
        (("CanonicalUser", "a" * 64), USER, Grant.UNKNOWN),
        (("AWS", "a" * 64), USER, Grant.UNKNOWN),
        (("CanonicalUser", "a" * 64), "anonymous", Grant.NOBODY),
        (("AWS", "AIDAEXAMPLE"), USER, Grant.NOBODY),
    ],
)
def test_how_an_entry_means_who_asks(entry: tuple[str, str], who: str, expected: Grant) -> None:
    assert granted((entry,), principal_of(who)) is expected
    assert granted((("AWS", B), entry), principal_of(who)) is expected, "the strongest counts"


@pytest.mark.parametrize(
    ("listed", "who", "expected"),
    [
        ([USER], USER, True),
        ([ROOT], USER, False),
        ([ROOT], ROOT, True),
        ([A], ROOT, True),
        ([ROLE], ROLE, True),
        ([ROLE], SESSION, False),
        ([SESSION], SESSION, False),
        ([SESSION, ROLE], SESSION, True),
        (["*"], SESSION, True),
        ([SERVICE], SERVICE, True),
    ],
)
def test_whom_a_denial_by_not_principal_spares(listed: list[str], who: str, expected: bool) -> None:
    assert spared(tuple(("AWS", each) for each in listed), principal_of(who), denies=True) is expected


def test_an_allowance_by_not_principal_leaves_out_the_whole_account() -> None:
    assert spared((("AWS", A),), principal_of(USER), denies=False)
    assert not spared((("AWS", B),), principal_of(USER), denies=False)


def test_service_linked_roles_and_their_sessions() -> None:
    role = f"arn:aws:iam::{A}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
    session = f"arn:aws:sts::{A}:assumed-role/AWSServiceRoleForX/s"
    assert [principal_of(each).is_service_linked for each in (role, session, ROLE, SESSION)] == [
        True,
        True,
        False,
        False,
    ]


def test_which_account_an_entry_names() -> None:
    assert [names_account(each) for each in (A, ROOT, USER, "*", f"arn:aws:sts::{A}:root")] == [A, A, "", "", ""]

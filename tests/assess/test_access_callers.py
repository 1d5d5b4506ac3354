"""Whom a resource's policy names that is none of our users and roles."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, OTHER, STRANGE, allow, deny, document, inventory, organization, role, user
from sakimori.assess.access.callers import ANYBODY, NOBODY_IN_PARTICULAR, named_callers, outsider, session_of
from sakimori.assess.access.estate import estate
from sakimori.assess.access.policy import Kind, parse

OIDC = f"arn:aws:iam::{ACCOUNT}:oidc-provider/x"
APP = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s"


def named(*statements: dict[str, Any]) -> dict[str, Any]:
    found = estate(inventory(user("ann"), role("app", allow("s3:*")), organization(ACCOUNT, OTHER)))
    policy = parse(document(*statements), Kind.RESOURCE, "p")
    return {identity.arn: identity for identity in named_callers(found, policy)}


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", [NOBODY_IN_PARTICULAR.arn, ANYBODY.arn]),
        ({"AWS": "*"}, [NOBODY_IN_PARTICULAR.arn, ANYBODY.arn]),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}, []),
        ({"AWS": ACCOUNT}, []),
        ({"AWS": OTHER}, []),
        ({"AWS": STRANGE}, [f"arn:aws:iam::{STRANGE}:root"]),
        ({"AWS": [STRANGE, f"arn:aws:iam::{STRANGE}:root"]}, [f"arn:aws:iam::{STRANGE}:root"]),
        ({"AWS": f"arn:aws:iam::{STRANGE}:role/x"}, [f"arn:aws:iam::{STRANGE}:role/x"]),
        ({"AWS": APP}, [APP]),
        ({"AWS": f"arn:aws:iam::{OTHER}:role/x"}, [f"arn:aws:iam::{OTHER}:role/x"]),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/gone"}, []),
        ({"AWS": "AIDAEXAMPLE"}, []),
        ({"AWS": f"arn:aws:iam::{STRANGE}:user/*"}, []),
        ({"Service": "ec2.amazonaws.com"}, ["ec2.amazonaws.com"]),
        ({"Federated": OIDC}, [OIDC]),
    ],
)
def test_who_is_named(principal: Any, expected: list[str]) -> None:
    assert [*named(allow("s3:*", Principal=principal))] == expected


def test_a_denial_names_nobody_and_an_exception_names_everybody() -> None:
    assert named(deny("s3:*", Principal={"AWS": STRANGE})) == {}
    but_one = {"Effect": "Allow", "NotPrincipal": {"AWS": STRANGE}, "Action": "s3:*", "Resource": "*"}
    assert [*named(but_one)] == [NOBODY_IN_PARTICULAR.arn, ANYBODY.arn]


def test_strangers_may_do_at_home_whatever_there_is_and_sessions_what_their_role_may() -> None:
    found = named(allow("s3:*", Principal={"AWS": [STRANGE, APP]}))
    stranger, session = found[f"arn:aws:iam::{STRANGE}:root"], found[APP]
    assert (stranger.outside, session.outside) == (True, False)
    assert [policy.name for policy in stranger.policies] == ["whatever its own account allows it"]
    assert [policy.name for policy in session.policies] == [f"inline policy own of arn:aws:iam::{ACCOUNT}:role/app"]
    assert outsider(f"arn:aws:iam::{STRANGE}:root") is outsider(f"arn:aws:iam::{STRANGE}:root")
    assert session_of(session, APP).asset is session.asset


def test_somebody_of_an_account_of_ours_that_nobody_has_looked_at_is_one_of_us() -> None:
    (reader,) = named(allow("s3:*", Principal={"AWS": f"arn:aws:iam::{OTHER}:role/x"})).values()
    assert (reader.outside, reader.asset) == (False, None)

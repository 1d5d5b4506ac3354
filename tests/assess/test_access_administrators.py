"""Who counts as an administrator where control policies, boundaries and conditions take something away."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, OTHER, allow, bounded, deny, inventory, managed, organization, role, user
from sakimori.assess.access.administrators import PROBES, administering_policies, administrators, shown_by
from sakimori.assess.access.escalation import escalations
from sakimori.assess.access.estate import estate
from sakimori.model.asset import Asset

MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def names(*assets: Asset | list[Asset]) -> list[str]:
    return [arn.rpartition("/")[2] for arn in administrators(estate(inventory(*assets)))]


def under(*statements: Any) -> list[Asset]:
    return organization(OTHER, ACCOUNT, scps={"ou-1": [*statements]})


@pytest.mark.parametrize(
    "denied",
    [
        deny("iam:CreateAccessKey"),
        deny(list(PROBES)),
        deny("*", Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}),
    ],
    ids=["one probe", "every probe", "a region"],
)
def test_what_a_control_policy_takes_from_everybody_makes_nobody_less_of_an_administrator(denied: Any) -> None:
    assert names(role("admin", allow("*")), user("ann", allow("iam:AttachUserPolicy")), under(denied)) == ["admin"]


def test_whom_a_control_policy_leaves_nothing_is_no_administrator() -> None:
    quarantine = deny("*", Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/admin"}})
    assert names(role("admin", allow("*")), role("other", allow("*")), under(quarantine)) == ["other"]


def test_its_own_boundary_and_conditions_count() -> None:
    limit = managed("limit", allow("*"), deny("iam:PutUserPolicy"))
    assert names(role("admin", allow("*"), **bounded(limit.uid)), limit) == []
    assert names(role("admin", allow("*", Condition=MFA))) == []


def test_the_request_that_shows_it_is_one_that_control_policies_leave() -> None:
    found = estate(inventory(role("admin", allow("*")), under(deny("iam:Attach*"))))
    shown = shown_by(found, found.identities[f"arn:aws:iam::{ACCOUNT}:role/admin"])
    assert shown is not None
    assert shown.witness.action == "iam:PutUserPolicy"
    assert shown.answer.allowed


def test_managed_policies_that_make_an_administrator() -> None:
    found = estate(
        inventory(
            managed("everything", allow("*")),
            managed("identities", allow("iam:*")),
            managed("files", allow("s3:*")),
            managed("elsewhere", allow("*"), account=OTHER),
        )
    )
    assert [arn.rpartition("/")[2] for arn in administering_policies(found, ACCOUNT)] == ["everything", "identities"]


def test_rights_over_some_names_make_no_administrator_and_exceptions_unmake_none() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:"
    some = user("ann", allow("iam:*", [f"{arn}user/dev-*", f"{arn}role/dev-*"]))
    assert names(some) == []
    assert [each.chain[0].method.id for each in escalations(estate(inventory(some)))] == ["role_created"]
    guarded = deny("*", f"{arn}role/OrganizationAccountAccessRole")
    assert names(role("admin", allow("*"), guarded)) == ["admin"]
    assert names(user("ann", allow("iam:*", f"{arn}user/*"), allow("iam:*", f"{arn}role/*"))) == ["ann"]

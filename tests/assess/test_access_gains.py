"""Whose rights a method changes where it takes on nobody's: one's own, a group's, those of what one makes."""

from __future__ import annotations

from typing import Any

from estates import ACCOUNT, allow, attached, bounded, deny, group, inventory, managed, role, user
from sakimori.assess.access.estate import Estate, Identity, estate
from sakimori.assess.access.gains import gains, new_arns
from sakimori.assess.access.methods import Method, Need
from sakimori.model.asset import Asset

ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
DENIAL = managed("denial", deny("s3:*"))


def method(gives: str, *needs: tuple[str, str], **more: Any) -> Method:
    return Method("m", "self-escalation", "", tuple(Need(*each) for each in needs), gives, **more)


def after(gives: str, *assets: Asset, **more: Any) -> list[tuple[str, list[str], str]]:
    """Who has which policies then, and what the requests are about."""
    found = estate(inventory(*assets))
    return [
        (gained.arn.rpartition("/")[2], [_short(each.name) for each in gained.policies], target.name if target else "")
        for gained, target in gains(found, found.identities[ANN], method(gives, **more))
    ]


def _short(name: str) -> str:
    return name.rpartition("/")[2] if name.startswith("arn:") else name.replace(f"arn:aws:iam::{ACCOUNT}:", "")


OWN = "inline policy own of user/ann"
ALL = "whatever its own account allows it"


def test_everything_for_oneself() -> None:
    assert after("self", user("ann", allow("s3:*"))) == [("ann", [OWN, ALL], "")]


def test_nothing_where_there_is_no_boundary_to_lose() -> None:
    limit = managed("limit", allow("s3:*"))
    assert after("unbounded", user("ann")) == []
    found = estate(inventory(user("ann", **bounded(limit.uid)), limit))
    ((gained, _),) = gains(found, found.identities[ANN], method("unbounded"))
    assert gained.boundaries == ()


def test_older_versions_but_the_default_one() -> None:
    worn = managed("worn", allow("s3:*"))
    assert after("self", user("ann", **attached(worn.uid)), worn, versions=True) == [("ann", ["worn v1"], "")]


def test_only_what_denies_is_removed_and_only_of_the_kind() -> None:
    both = user("ann", deny("ec2:*"), **attached(DENIAL.uid))
    assert after("undenied", both, DENIAL, removes="inline") == [("ann", ["denial"], "")]
    assert after("undenied", both, DENIAL, removes="attached") == [("ann", [OWN], "")]
    assert after("undenied", user("ann", allow("s3:*")), removes="inline") == []


def test_a_groups_denials_are_removed_group_by_group_and_leaving_takes_all() -> None:
    ann = user("ann", allow("s3:*"), GroupList=["team", "night"])
    assets = [ann, group("team", deny("ec2:*")), group("night", allow("sqs:*"), **attached(DENIAL.uid)), DENIAL]
    night = "inline policy own of group/night"
    team = "inline policy own of group/team"
    assert after("undenied", *assets, removes="group-inline") == [("ann", [OWN, night, "denial"], "team")]
    assert after("undenied", *assets, removes="group-attached") == [("ann", [OWN, team, night], "night")]
    left = after("undenied", *assets, removes="group")
    assert left == [("ann", [OWN, night, "denial"], "team"), ("ann", [OWN, team], "night")]


def test_a_policy_that_is_attached_twice_is_detached_once() -> None:
    ann = user("ann", GroupList=["team"], **attached(DENIAL.uid))
    twice = [ann, group("team", **attached(DENIAL.uid)), DENIAL]
    assert after("undenied", *twice, removes="attached") == [("ann", ["denial"], "")]


def test_groups_of_the_account_and_others_that_are_filled_up() -> None:
    assets = [user("ann"), group("admins", allow("*")), group("elsewhere", allow("*"), account="444455556666")]
    admins = "inline policy own of group/admins"
    assert after("group", *assets) == [("ann", [admins], "admins")]
    assert after("group-self", *assets) == [("ann", [admins, ALL], "admins")]
    assert after("target-self", user("ann"), user("bob"), role("r"), target="user") == [("bob", [ALL], "bob")]


def made(*statements: Any) -> list[str]:
    found: Estate = estate(inventory(user("ann", *statements)))
    ann: Identity = found.identities[ANN]
    making = method("new", ("iam:CreateRole", "new"), ("iam:PutRolePolicy", "new"), makes="role")
    return [arn.rpartition("/")[2] for arn in new_arns(found, ann, making)]


def test_names_for_every_way_to_match_the_policies_in_play() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/"
    names = made(allow("iam:CreateRole", arn + "dev-*"), allow("iam:PutRolePolicy", arn + "*-ops"))
    kinds = {(name.startswith("dev-"), name.endswith("-ops")) for name in names}
    assert kinds == {(False, False), (True, False), (False, True), (True, True)}
    assert len(made(allow("iam:*"))) == 1

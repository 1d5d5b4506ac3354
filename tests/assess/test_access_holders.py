"""What runs under a role, by every way in which a description names it."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, OTHER, instance, inventory, profile, role
from sakimori.assess.access.estate import INSTANCE, Estate, estate
from sakimori.assess.access.holders import deployed_to, has_profile, holders
from sakimori.assess.access.methods import Method
from sakimori.assess.access.values import values_at
from sakimori.model.asset import Asset

APP = f"arn:aws:iam::{ACCOUNT}:role/app"
PROFILE_ARN = f"arn:aws:iam::{ACCOUNT}:instance-profile/web"


def names(found: Estate, kind: str, path: str) -> list[str]:
    return [each.uid.rpartition("/")[2] for each in holders(found, (kind, path), found.identities[APP])]


def thing(kind: str, name: str, **config: Any) -> Asset:
    return Asset(f"arn:aws:any:eu-west-1:{ACCOUNT}:thing/{name}", kind, ACCOUNT, "eu-west-1", config)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", ["x"]),
        ("b.c", ["y"]),
        ("d[].e", ["z", "w"]),
        ("d[]", []),
        ("b", []),
        ("none.c", []),
        ("empty", []),
        ("list[]", ["p", "q"]),
    ],
)
def test_the_texts_at_a_path(path: str, expected: list[str]) -> None:
    config = {"a": "x", "b": {"c": "y"}, "d": [{"e": "z"}, {"f": 1}, {"e": "w"}], "empty": "", "list": ["p", "q"]}
    assert [*values_at(config, path)] == expected


def test_by_the_roles_arn_or_a_profile_by_arn_or_name() -> None:
    assets = [
        role("app"),
        profile("web", "app"),
        thing("AWS::X::Y", "1", Role=APP),
        thing("AWS::X::Y", "2", Role=APP + "2"),
        thing("AWS::X::Y", "3", Role=PROFILE_ARN),
        thing("AWS::X::Y", "4", Role="web"),
        thing("AWS::X::Z", "5", Role=APP),
    ]
    assert names(estate(inventory(*assets)), "AWS::X::Y", "Role") == ["1", "3", "4"]


def test_by_what_it_is_made_from_or_else_by_itself() -> None:
    made = thing("AWS::X::Made", "m", From=f"arn:aws:any:eu-west-1:{ACCOUNT}:thing/d")
    own = thing("AWS::X::Made", "o", Role=APP)
    lost = thing("AWS::X::Made", "l", From="arn:aws:any:eu-west-1:1:thing/gone")
    definition = thing("AWS::X::Definition", "d", Role=APP)
    found = estate(inventory(role("app"), made, own, lost, definition))
    assert names(found, "AWS::X::Made", "Role, From -> Role") == ["m", "o"]


def test_what_it_says_itself_counts_and_not_what_it_is_made_from() -> None:
    definition = thing("AWS::X::Definition", "d", Role=APP)
    other = thing("AWS::X::Made", "o", Role=f"{APP}2", From=definition.uid)
    made = thing("AWS::X::Made", "m", From=definition.uid)
    found = estate(inventory(role("app"), role("app2"), definition, other, made))
    assert names(found, "AWS::X::Made", "Role, From -> Role") == ["m"]


def test_a_name_is_one_of_its_own_account() -> None:
    elsewhere = Asset(f"arn:aws:any:eu-west-1:{OTHER}:thing/e", "AWS::X::Y", OTHER, "eu-west-1", {"Role": "web"})
    here, plain = thing("AWS::X::Y", "h", Role="web"), thing("AWS::X::Y", "p", Role="app")
    theirs = profile("web", "app")
    theirs = Asset(
        theirs.uid.replace(ACCOUNT, OTHER), theirs.type, OTHER, "global", {"Roles": [{"Arn": f"{APP}2"}]}, {}, "web"
    )
    found = estate(inventory(role("app"), profile("web", "app"), theirs, elsewhere, here, plain))
    assert names(found, "AWS::X::Y", "Role") == ["h", "p"]


@pytest.mark.parametrize(
    ("group", "reached"),
    [
        ({"ec2TagFilters": [{"Key": "app", "Value": "web"}]}, True),
        ({"ec2TagFilters": [{"Key": "app", "Value": "db"}]}, False),
        ({"ec2TagFilters": [{"Key": "app", "Value": "db"}, {"Key": "stage", "Type": "KEY_ONLY"}]}, True),
        ({"ec2TagFilters": [{"Value": "web", "Type": "VALUE_ONLY"}]}, True),
        (
            {"ec2TagSet": {"ec2TagSetList": [[{"Key": "app", "Value": "web"}], [{"Key": "stage", "Value": "live"}]]}},
            True,
        ),
        (
            {"ec2TagSet": {"ec2TagSetList": [[{"Key": "app", "Value": "web"}], [{"Key": "stage", "Value": "no"}]]}},
            False,
        ),
        ({"autoScalingGroups": [{"name": "fleet"}]}, True),
        ({"autoScalingGroups": [{"name": "other"}]}, False),
        ({}, False),
    ],
)
def test_the_instances_of_a_deployment_group(group: dict[str, Any], reached: bool) -> None:
    tags = {"app": "web", "stage": "live", "aws:autoscaling:groupName": "fleet"}
    machine = Asset(
        f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1",
        INSTANCE,
        ACCOUNT,
        "eu-west-1",
        {"IamInstanceProfile": {"Arn": PROFILE_ARN}},
        tags,
    )
    elsewhere = Asset(f"arn:aws:ec2:eu-west-1:{OTHER}:instance/i-2", INSTANCE, OTHER, "eu-west-1", {}, tags)
    target = thing("AWS::CodeDeploy::DeploymentGroup", "g", **group)
    found = estate(inventory(role("app"), profile("web", "app"), machine, elsewhere, target))
    assert [each.uid for each in deployed_to(found, target)] == ([machine.uid] if reached else [])
    assert names(found, target.type, "@deployed-to -> IamInstanceProfile.Arn") == (["g"] if reached else [])


@pytest.mark.parametrize(
    ("association", "default", "latest"),
    [
        ({"Targets": [{"Key": "InstanceIds", "Values": ["i-1", "i-9"]}]}, True, False),
        ({"Targets": [{"Key": "InstanceIds", "Values": ["*"]}], "DocumentVersion": "$DEFAULT"}, True, False),
        ({"Targets": [{"Key": "InstanceIds", "Values": ["*"]}], "DocumentVersion": "$LATEST"}, True, True),
        ({"Targets": [{"Key": "InstanceIds", "Values": ["*"]}], "DocumentVersion": "3"}, False, False),
        ({"InstanceId": "i-1"}, True, False),
        ({"InstanceId": "i-9"}, False, False),
        ({"Targets": [{"Key": "tag:app", "Values": ["db", "web"]}]}, True, False),
        ({"Targets": [{"Key": "tag:app", "Values": ["db"]}]}, False, False),
        ({"Targets": [{"Key": "tag-key", "Values": ["stage", "app"]}]}, True, False),
        ({"Targets": [{"Key": "tag:app", "Values": ["web"]}, {"Key": "tag-key", "Values": ["stage"]}]}, False, False),
        ({"Targets": [{"Key": "resource-groups:Name", "Values": ["all"]}]}, False, False),
        ({"Targets": []}, False, False),
        ({"Name": "AWS-GatherSoftwareInventory", "InstanceId": "i-1"}, False, False),
        ({"Name": f"arn:aws:ssm:eu-west-1:{OTHER}:document/theirs", "InstanceId": "i-1"}, False, False),
    ],
)
def test_the_instances_that_an_association_runs_a_document_on(
    association: dict[str, Any], default: bool, latest: bool
) -> None:
    uid, config = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1", {"IamInstanceProfile": {"Arn": PROFILE_ARN}}
    machine = Asset(uid, INSTANCE, ACCOUNT, "eu-west-1", config, {"app": "web"})
    elsewhere = Asset(uid.replace(ACCOUNT, OTHER), INSTANCE, OTHER, "eu-west-1", config, {"app": "web"})
    target = thing("AWS::SSM::Association", "a", **{"Name": "own", **association})
    found = estate(inventory(role("app"), profile("web", "app"), machine, elsewhere, target))
    for path, expected in (("@associated-with", default), ("@associated-with-latest", latest)):
        assert names(found, target.type, f"{path} -> IamInstanceProfile.Arn") == (["a"] if expected else [])


def test_whether_a_profile_is_there_where_one_is_needed() -> None:
    needing = Method("m", "new-passrole", "", (), "role", profile=True)
    other = Method("m", "new-passrole", "", (), "role")
    found = estate(inventory(role("app"), role("bare"), profile("web", "app"), instance("i-1", "web")))
    app, bare = found.identities[APP], found.identities[f"arn:aws:iam::{ACCOUNT}:role/bare"]
    assert [has_profile(found, needing, each) for each in (app, bare)] == [True, False]
    assert has_profile(found, other, bare)

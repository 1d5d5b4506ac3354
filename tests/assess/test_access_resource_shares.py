"""What RAM shares: as policies of what is shared, exactly for those whom the share names."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, OTHER, STRANGE, allow, inventory, organization, user
from sakimori.assess.access.assessment import assess
from sakimori.assess.access.engine import Response
from sakimori.assess.access.estate import estate
from sakimori.assess.access.questions import can, who_can
from sakimori.model.asset import Asset, NotEvaluated
from sakimori.model.severity import Severity

HERE = f"eu-west-1:{ACCOUNT}"
SHARE, SUBNET = f"arn:aws:ram:{HERE}:resource-share/1", f"arn:aws:ec2:{HERE}:subnet/subnet-1"
TABLE = f"arn:aws:glue:{HERE}:table/sales/orders"
LICENCE = f"arn:aws:license-manager:{HERE}:license-configuration:lic-1"
ORGANISATION = f"arn:aws:organizations::{ACCOUNT}:organization/o-1"
UNIT = f"arn:aws:organizations::{ACCOUNT}:ou/o-1/ou-1"
LAUNCH = "ec2:RunInstances"


def share(principals: list[str], resources: list[str], *, status: str = "ASSOCIATED") -> Asset:
    def listed(names: list[str]) -> list[dict[str, Any]]:
        return [{"associatedEntity": name, "status": status} for name in names]

    config = {"Principals": listed(principals), "Resources": listed(resources)}
    return Asset(SHARE, "AWS::RAM::ResourceShare", ACCOUNT, "eu-west-1", config, {}, "ours")


def permission(kind: str, *actions: str, name: str = "p", **more: Any) -> Asset:
    template = {"Effect": "Allow", "Action": [*actions], **more}
    config = {"resourceShareArn": SHARE, "resourceType": kind, "Permission": template}
    return Asset(f"{SHARE}/{name}", "AWS::RAM::Permission", ACCOUNT, "eu-west-1", config, {}, name)


SUBNETS = permission("ec2:Subnet", LAUNCH, "ec2:DescribeSubnets", name="AWSRAMDefaultPermissionSubnet")
HELD = Asset(SUBNET, "AWS::EC2::Subnet", ACCOUNT, "eu-west-1", {})


def reported(*assets: Any) -> list[tuple[str, str, str]]:
    found = assess(inventory(*assets), ["cross_account_resource"]).findings
    return [(each.asset, each.actor, action) for each in found for action in each.evidence["actions"]]


def test_what_is_shared_is_reported_with_whom_and_for_what() -> None:
    root = f"arn:aws:iam::{STRANGE}:root"
    assets = (share([STRANGE], [SUBNET]), SUBNETS, HELD)
    assert {*reported(*assets)} == {(SUBNET, root, LAUNCH), (SUBNET, root, "ec2:DescribeSubnets")}
    assert assess(inventory(*assets), ["public_resource"]).findings == ()
    role = f"arn:aws:iam::{STRANGE}:role/r"
    assert (SUBNET, role, LAUNCH) in reported(share([role], [SUBNET]), SUBNETS, HELD)


def test_what_is_not_associated_is_not_shared() -> None:
    assert reported(share([STRANGE], [SUBNET], status="DISASSOCIATED"), SUBNETS, HELD) == []
    assert reported(share([], [SUBNET]), SUBNETS, HELD) == []
    assert reported(share(["ec2.amazonaws.com"], [SUBNET]), SUBNETS, HELD) == []


@pytest.mark.parametrize("principal", [ORGANISATION, UNIT, OTHER])
def test_an_organisations_accounts_may_use_it_and_strangers_may_not(principal: str) -> None:
    bob, ann = user("bob", allow(LAUNCH), account=OTHER), user("ann", account=ACCOUNT)
    assets = (share([principal], [SUBNET]), SUBNETS, HELD, bob, ann, organization(ACCOUNT, OTHER))
    found = estate(inventory(*assets))
    assert can(found, bob.uid, LAUNCH, SUBNET).response is Response.ALLOWED
    assert can(found, bob.uid, "ec2:DeleteSubnet", SUBNET).response is Response.IMPLICITLY_DENIED
    assert can(found, ann.uid, LAUNCH, SUBNET).response is Response.IMPLICITLY_DENIED
    assert can(found, f"arn:aws:iam::{STRANGE}:user/x", LAUNCH, SUBNET).response is Response.IMPLICITLY_DENIED
    assert {row.principal for row in who_can(found, LAUNCH, SUBNET).rows if row.kind == "user"} == {bob.uid}


def test_whom_a_share_within_the_organisation_reaches_is_told_quietly() -> None:
    findings = assess(
        inventory(share([OTHER], [SUBNET]), SUBNETS, HELD, organization(ACCOUNT, OTHER)), ["cross_account_resource"]
    ).findings
    assert {each.severity for each in findings} == {Severity.INFORMATIONAL}


def test_each_resource_gets_what_the_permission_of_its_kind_gives() -> None:
    gateway = Asset(f"arn:aws:ec2:{HERE}:transit-gateway/tgw-1", "AWS::EC2::TransitGateway", ACCOUNT, "eu-west-1", {})
    attaches = permission("ec2:TransitGateway", "ec2:CreateTransitGatewayVpcAttachment", name="t")
    both = (share([STRANGE], [SUBNET, gateway.uid]), SUBNETS, attaches, HELD, gateway)
    actions = {(asset.rpartition("/")[2], action) for asset, _, action in reported(*both)}
    assert actions == {
        ("subnet-1", LAUNCH),
        ("subnet-1", "ec2:DescribeSubnets"),
        ("tgw-1", "ec2:CreateTransitGatewayVpcAttachment"),
    }


def test_what_is_inside_of_a_resource_is_shared_alone() -> None:
    catalog = Asset(f"arn:aws:glue:{HERE}:catalog", "AWS::Glue::DataCatalog", ACCOUNT, "eu-west-1", {})
    reads = permission("glue:Table", "glue:GetTable")
    assert reported(share([STRANGE], [TABLE]), reads, catalog) == [
        (catalog.uid, f"arn:aws:iam::{STRANGE}:root", "glue:GetTable")
    ]
    found = estate(inventory(share([STRANGE], [TABLE]), reads, catalog))
    stranger = f"arn:aws:iam::{STRANGE}:user/x"
    assert can(found, stranger, "glue:GetTable", TABLE).response is Response.UNKNOWN  # Lake Formation has a say
    other = can(found, stranger, "glue:GetTable", f"arn:aws:glue:{HERE}:table/other/t")
    assert "no policy of its own allows" in other.why


def test_what_is_not_in_the_inventory_is_told_of_by_its_share() -> None:
    uses = permission("license-manager:LicenseConfiguration", "license-manager:CheckoutLicense")
    assets = (share([STRANGE], [LICENCE]), uses)
    assert [(asset, action) for asset, _, action in reported(*assets)] == [(SHARE, "license-manager:CheckoutLicense")]
    stranger = f"arn:aws:iam::{STRANGE}:user/x"
    found = estate(inventory(*assets))
    assert can(found, stranger, "license-manager:CheckoutLicense", LICENCE).response is Response.ALLOWED
    assert can(found, stranger, "license-manager:CheckoutLicense", LICENCE + "2").response is Response.IMPLICITLY_DENIED


def test_conditions_of_a_permission_hold_as_well() -> None:
    only = permission("ec2:Subnet", LAUNCH, Condition={"Bool": {"aws:SecureTransport": "true"}})
    found = estate(inventory(share([STRANGE], [SUBNET]), only, HELD))
    stranger = f"arn:aws:iam::{STRANGE}:user/x"
    assert can(found, stranger, LAUNCH, SUBNET).response is Response.IMPLICITLY_DENIED
    assert can(found, stranger, LAUNCH, SUBNET, {"aws:SecureTransport": "true"}).response is Response.ALLOWED


def test_a_share_whose_principals_were_refused_is_undecided() -> None:
    assets = inventory(share([], []), SUBNETS, HELD)
    assets.not_evaluated.append(
        NotEvaluated("ram:GetResourceShareAssociations", ACCOUNT, "eu-west-1", SHARE, "AccessDenied", "no")
    )
    (undecided,) = assess(assets, ["cross_account_resource"]).undecided
    assert undecided.asset == SHARE

"""Organizations: the tree of units and accounts, and the policies (SCPs, RCPs) that bound what may be done in it.

Only the management account and delegated administrators may ask.
"""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Reach, Resource, Service, Tie

DEPTH = 5
"""Levels of organisational units below the root (AWS Organizations, "Quotas")."""

NOT_USED = ("AWSOrganizationsNotInUseException",)
"""The account is in no organisation: there is nothing to see."""

POLICY_TYPES = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "DECLARATIVE_POLICY_EC2")

ORGANIZATION = Resource(
    "AWS::Organizations::Organization",
    items="Organization",
    arn="{Arn}",
    name="{Id}",
)

POLICY = Resource(
    "AWS::Organizations::Policy",
    items="Policies[]",
    arn="{Arn}",
    name="{Name}",
    details=(
        Detail(operation="DescribePolicy", parameters={"PolicyId": "{Id}"}, path="Policy.Content", under="Content"),
        Detail(operation="ListTargetsForPolicy", parameters={"PolicyId": "{Id}"}, path="Targets[]", under="Targets"),
    ),
    documents=("Content",),
    relations=(Tie("bounds", "Targets[].Arn"),),
)

ACCOUNT = Resource(
    "AWS::Organizations::Account",
    items="Accounts[]",
    arn="{Arn}",
    name="{Name}",
    inherit={"ParentArn": "{Arn}"},
    relations=(Tie("in", "ParentArn"),),
)


def _unit(level: int) -> Resource:
    """An organisational unit, with the accounts and the units in it."""
    return Resource(
        "AWS::Organizations::OrganizationalUnit",
        items="OrganizationalUnits[]",
        arn="{Arn}",
        name="{Name}",
        inherit={"ParentArn": "{Arn}"},
        lists=_inside(level + 1),
        relations=(Tie("in", "ParentArn"),),
    )


def _inside(level: int) -> tuple[Listing, ...]:
    accounts = Listing(operation="ListAccountsForParent", parameters={"ParentId": "{Id}"}, gives=(ACCOUNT,))
    if level > DEPTH:
        return (accounts,)
    return (
        accounts,
        Listing(operation="ListOrganizationalUnitsForParent", parameters={"ParentId": "{Id}"}, gives=(_unit(level),)),
    )


ROOT = Resource("AWS::Organizations::Root", items="Roots[]", arn="{Arn}", name="{Name}", lists=_inside(1))

SERVICE = Service(
    client="organizations",
    reach=Reach.ORGANIZATION,
    lists=(
        Listing(operation="DescribeOrganization", absent=NOT_USED, gives=(ORGANIZATION,)),
        Listing(operation="ListRoots", absent=NOT_USED, gives=(ROOT,)),
        *(
            Listing(operation="ListPolicies", parameters={"Filter": kind}, absent=NOT_USED, gives=(POLICY,))
            for kind in POLICY_TYPES
        ),
    ),
)

"""Service Catalog: portfolios, and the roles under which their products are launched."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Item, Listing, Resource, Service, Tie, arn, global_arn


def _is_about_launch(constraint: Item) -> bool:
    return constraint.get("Type") == "LAUNCH"


CONSTRAINT = Resource(
    "AWS::ServiceCatalog::LaunchRoleConstraint",
    items="ConstraintDetails[]",
    # AWS gives constraints no ARN of their own.
    arn=arn("catalog", "constraint/{ConstraintId}"),
    name="{ConstraintId}",
    where=_is_about_launch,
    details=(Detail(operation="DescribeConstraint", parameters={"Id": "{ConstraintId}"}),),
    documents=("ConstraintParameters",),
    relations=(
        Tie("in", "PortfolioId", arn("catalog", "portfolio/{}")),
        Tie("targets", "ProductId", arn("catalog", "product/{}")),
        Tie("runs-as", "ConstraintParameters.RoleArn"),
        Tie("runs-as", "ConstraintParameters.LocalRoleName", global_arn("iam", "role/{}")),
    ),
)

PORTFOLIO = Resource(
    "AWS::ServiceCatalog::Portfolio",
    items="PortfolioDetails[]",
    arn="{ARN}",
    name="{DisplayName}",
    lists=(Listing(operation="ListConstraintsForPortfolio", parameters={"PortfolioId": "{Id}"}, gives=(CONSTRAINT,)),),
)

SERVICE = Service(client="servicecatalog", lists=(Listing(operation="ListPortfolios", gives=(PORTFOLIO,)),))

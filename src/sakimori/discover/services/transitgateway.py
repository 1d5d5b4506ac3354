"""Transit gateways: their route tables with routes, associations and propagations, and what is attached to them."""

from __future__ import annotations

from collections.abc import Iterator

from sakimori.discover.declare import Detail, Listing, Place, Resource, Service, Tie, arn
from sakimori.model.asset import Asset, Relation

RESOURCES = {
    "vpc": ("ec2", "vpc/{id}"),
    "vpn": ("ec2", "vpn-connection/{id}"),
    "peering": ("ec2", "transit-gateway/{id}"),
    "connect": ("ec2", "transit-gateway-attachment/{id}"),
    "direct-connect-gateway": ("directconnect", "dx-gateway/{id}"),
}
"""What is attached, by `ResourceType` -> service and resource in its ARN."""


def attached(attachment: Asset, place: Place) -> Iterator[Relation]:
    """`attached-to`: the VPC, VPN, gateway or peer that an attachment joins to its transit gateway."""
    config = attachment.config
    service, resource = RESOURCES.get(str(config.get("ResourceType")), ("", ""))
    if service and config.get("ResourceId"):
        owner = config.get("ResourceOwnerId") or place.account
        region = "" if service == "directconnect" else place.region
        target = f"arn:{place.partition}:{service}:{region}:{owner}:{resource.format(id=config['ResourceId'])}"
        yield Relation(attachment.uid, "attached-to", target)


def _of_table(operation: str, path: str, under: str, **parameters: object) -> Detail:
    return Detail(
        operation=operation,
        parameters={"TransitGatewayRouteTableId": "{TransitGatewayRouteTableId}", **parameters},
        path=path,
        under=under,
        truncated="AdditionalRoutesAvailable" if under == "Routes" else "",
    )


def _of_attachment(kind: str) -> Detail:
    """What only the call for attachments of this kind tells: subnets and options, or the two sides of a peering."""
    return Detail(
        operation=f"DescribeTransitGateway{kind}Attachments",
        shared=True,
        path=f"TransitGateway{kind}Attachments[]",
        key="TransitGatewayAttachmentId",
        of="{TransitGatewayAttachmentId}",
        under=f"{kind}Attachment",
        when=lambda attachment: attachment.get("ResourceType") == kind.lower(),
    )


GATEWAY = Resource("AWS::EC2::TransitGateway", items="TransitGateways[]", arn="{TransitGatewayArn}")

TABLE = Resource(
    "AWS::EC2::TransitGatewayRouteTable",
    items="TransitGatewayRouteTables[]",
    arn=arn("ec2", "transit-gateway-route-table/{TransitGatewayRouteTableId}"),
    details=(
        _of_table("GetTransitGatewayRouteTableAssociations", "Associations[]", "Associations"),
        _of_table("GetTransitGatewayRouteTablePropagations", "TransitGatewayRouteTablePropagations[]", "Propagations"),
        _of_table(
            "SearchTransitGatewayRoutes",
            "Routes[]",
            "Routes",
            Filters=[{"Name": "state", "Values": ["active", "blackhole"]}],
        ),
    ),
    relations=(
        Tie("in", "TransitGatewayId", arn("ec2", "transit-gateway/{}")),
        Tie(
            "attached-to",
            "Associations[].TransitGatewayAttachmentId",
            arn("ec2", "transit-gateway-attachment/{}"),
        ),
        Tie(
            "routes-to",
            "Routes[].TransitGatewayAttachments[].TransitGatewayAttachmentId",
            arn("ec2", "transit-gateway-attachment/{}"),
        ),
    ),
)

ATTACHMENT = Resource(
    "AWS::EC2::TransitGatewayAttachment",
    items="TransitGatewayAttachments[]",
    arn=arn("ec2", "transit-gateway-attachment/{TransitGatewayAttachmentId}"),
    details=(_of_attachment("Vpc"), _of_attachment("Peering")),
    relations=(
        Tie(
            "in",
            "TransitGatewayId",
            "arn:{@partition}:ec2:{@region}:{^TransitGatewayOwnerId?@account}:transit-gateway/{}",
        ),
        attached,
        Tie("in", "VpcAttachment.SubnetIds[]", arn("ec2", "subnet/{}")),
    ),
)

SERVICE = Service(
    client="ec2",
    lists=(
        Listing(operation="DescribeTransitGateways", gives=(GATEWAY,)),
        Listing(operation="DescribeTransitGatewayRouteTables", gives=(TABLE,)),
        Listing(operation="DescribeTransitGatewayAttachments", gives=(ATTACHMENT,)),
    ),
)

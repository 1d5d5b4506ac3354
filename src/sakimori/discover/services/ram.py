"""RAM: what is shared from here with other accounts, with whom, and by which permissions."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie


def _associated(kind: str, under: str) -> Detail:
    """The principals or the resources of all shares, in one list."""
    return Detail(
        operation="GetResourceShareAssociations",
        parameters={"associationType": kind},
        shared=True,
        path="resourceShareAssociations[]",
        key="resourceShareArn",
        of="{resourceShareArn}",
        under=under,
        many=True,
    )


PERMISSION = Resource(
    "AWS::RAM::Permission",
    items="permissions[]",
    arn="{resourceShareArn}/{name}",
    name="{name}",
    inherit={"resourceShareArn": "{resourceShareArn}"},
    details=(
        Detail(
            operation="GetPermission",
            parameters={"permissionArn": "{arn}", "permissionVersion": "{#version}"},
            path="permission.permission",
            under="Permission",
        ),
    ),
    documents=("Permission",),
    relations=(Tie("attached-to", "resourceShareArn"),),
)

SHARE = Resource(
    "AWS::RAM::ResourceShare",
    items="resourceShares[]",
    arn="{resourceShareArn}",
    name="{name}",
    tags="tags",
    details=(_associated("PRINCIPAL", "Principals"), _associated("RESOURCE", "Resources")),
    lists=(
        Listing(
            operation="ListResourceSharePermissions",
            parameters={"resourceShareArn": "{resourceShareArn}"},
            gives=(PERMISSION,),
        ),
    ),
    relations=(Tie("uses", "Resources[].associatedEntity"),),
)

SERVICE = Service(
    client="ram",
    lists=(
        Listing(
            operation="GetResourceShares",
            parameters={"resourceOwner": "SELF", "resourceShareStatus": "ACTIVE"},
            page_size=500,
            gives=(SHARE,),
        ),
    ),
)

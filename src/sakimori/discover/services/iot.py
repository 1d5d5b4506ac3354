"""IoT: role aliases, by which devices take the keys of a role."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie, arn

ALIAS = Resource(
    "AWS::IoT::RoleAlias",
    items="roleAliases[]",
    scalar="roleAlias",
    arn=arn("iot", "rolealias/{roleAlias}"),
    name="{roleAlias}",
    details=(
        Detail(operation="DescribeRoleAlias", parameters={"roleAlias": "{roleAlias}"}, path="roleAliasDescription"),
    ),
    relations=(Tie("runs-as", "roleArn"),),
)

SERVICE = Service(client="iot", lists=(Listing(operation="ListRoleAliases", page_size=250, gives=(ALIAS,)),))

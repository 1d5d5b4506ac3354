"""What RAM shares from our accounts: each share as statements of the policies of the resources that are in it.

A share says with whom, and its permissions which actions (AWS RAM User Guide, "How AWS RAM works with IAM").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.assess.access.arns import parse_arn
from sakimori.assess.access.inside import container_of
from sakimori.assess.access.sharing import Meant, account_principal, organization_principal
from sakimori.model.asset import Asset, Inventory

SHARE, PERMISSION = "AWS::RAM::ResourceShare", "AWS::RAM::Permission"

Granting = tuple[dict[str, Any], str]
"""A policy, and the name by which answers cite it."""


def granted_by_shares(inventory: Inventory) -> dict[str, list[Granting]]:
    """What shares grant, by the resource of ours whose policy it belongs to; of what is not in the inventory, by the
    share itself."""
    permissions: dict[str, list[Asset]] = {}
    for permission in inventory.of_type(PERMISSION):
        permissions.setdefault(str(permission.config.get("resourceShareArn")), []).append(permission)
    found: dict[str, list[Granting]] = {}
    for share in inventory.of_type(SHARE):
        meant = [*_principals(share)]
        for arn in _associated(share, "Resources"):
            statements = [*_statements(arn, meant, permissions.get(share.uid, ()))]
            if statements:
                owner = next((each for each in (arn, container_of(arn)) if inventory.get(each)), share.uid)
                resources = [arn, f"{arn}/*", *([share.uid] if owner == share.uid else [])]
                document = {
                    "Version": "2012-10-17",
                    "Statement": [{**each, "Resource": resources} for each in statements],
                }
                found.setdefault(owner, []).append((document, f"share {share.uid}"))
    return found


def shares_by_resource(inventory: Inventory) -> dict[str, str]:
    """The share that a resource is in, for resources that are not in the inventory themselves."""
    return {
        arn: share.uid
        for share in inventory.of_type(SHARE)
        for arn in _associated(share, "Resources")
        if inventory.get(arn) is None and inventory.get(container_of(arn)) is None
    }


def _associated(share: Asset, key: str) -> list[str]:
    """The principals or resources of a share that it is in force for."""
    listed = share.config.get(key) or ()
    return [str(each["associatedEntity"]) for each in listed if each.get("status") == "ASSOCIATED"]


def _principals(share: Asset) -> Iterator[Meant]:
    for named in _associated(share, "Principals"):
        if ":organizations:" in named:
            yield organization_principal(share, named)
        elif named.startswith("arn:"):
            yield Meant({"AWS": named})
        elif named.isdigit():
            yield account_principal(share, named)
        else:
            yield Meant({"Service": named})


def _statements(arn: str, principals: list[Meant], permissions: Iterator[Asset] | Any) -> Iterator[dict[str, Any]]:
    for permission in _about(arn, [*permissions]):
        document = permission.config.get("Permission")
        templates = document.get("Statement", document) if isinstance(document, Mapping) else ()
        for template in templates if isinstance(templates, list) else [templates]:
            if not template or not template.get("Action"):
                continue
            for meant in principals:
                condition = _both(template.get("Condition") or {}, meant.condition)
                statement = {"Sid": permission.name, "Effect": template.get("Effect", "Allow")}
                statement |= {"Principal": meant.principal, "Action": template["Action"]}
                yield statement | ({"Condition": condition} if condition else {})


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two Condition elements as one, which asks for what both ask for."""
    return {operator: {**(one.get(operator) or {}), **(other.get(operator) or {})} for operator in {**one, **other}}


def _about(arn: str, permissions: list[Asset]) -> list[Asset]:
    """The permissions of a share that are about the resource's type (`ec2:TransitGateway`); where none seems to be, all
    that are about its service."""
    parts = parse_arn(arn)
    if parts is None:
        return []
    kind = _plain(parts.resource.replace(":", "/").partition("/")[0])
    typed = [(each, str(each.config.get("resourceType") or "").partition(":")) for each in permissions]
    same = [each for each, (service, _, name) in typed if service == parts.service and _plain(name) == kind]
    return same or [each for each, (service, _, _) in typed if service == parts.service] or permissions


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")

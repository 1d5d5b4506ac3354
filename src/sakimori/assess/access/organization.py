"""The organisation's tree, and the control policies on the way from its root to an account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sakimori.assess.access.engine import Level
from sakimori.assess.access.policy import Kind
from sakimori.model.asset import Asset, Inventory

if TYPE_CHECKING:
    from sakimori.assess.access.estate import Estate

ACCOUNT = "AWS::Organizations::Account"
UNIT = "AWS::Organizations::OrganizationalUnit"
ROOT = "AWS::Organizations::Root"
POLICY = "AWS::Organizations::Policy"
ORGANIZATION = "AWS::Organizations::Organization"

_TYPES = {Kind.SCP: "SERVICE_CONTROL_POLICY", Kind.RCP: "RESOURCE_CONTROL_POLICY"}
MAX_DEPTH = 16


@dataclass
class Organization:
    """`parents` maps the id of an account or unit to that of what it is in; `attached` a target's id to its
    policies."""

    id: str = ""
    management: str = ""
    accounts: frozenset[str] = frozenset()
    parents: Mapping[str, str] = field(default_factory=dict)
    attached: Mapping[str, tuple[Asset, ...]] = field(default_factory=dict)
    _levels: dict[tuple[str, Kind], tuple[Level, ...]] = field(default_factory=dict)

    def levels(self, account: str, kind: Kind, estate: Estate) -> tuple[Level, ...]:
        """The policies of a kind at each level from the root down; none where the organisation has not enabled it.

        No control policy limits the management account ("SCP effects on permissions", AWS Organizations).
        """
        known = self._levels.get((account, kind))
        if known is None:
            known = self._levels[account, kind] = tuple(self._found(account, kind, estate))
        return known

    def _found(self, account: str, kind: Kind, estate: Estate) -> Iterator[Level]:
        if account == self.management or account not in self.accounts or not self._enabled(kind):
            return
        for node in self.path(account):
            policies = [each for each in self.attached.get(node, ()) if _kind(each) == _TYPES[kind]]
            compiled = []
            for each in policies:
                document = each.config.get("Content") or each.config.get("Document")
                policy = estate.compiled(document, kind, each.name or each.id, f"account {account}")
                compiled += [policy] if policy else []
            if not policies and kind is Kind.SCP:
                # AWS leaves no node without one: what is attached here is not in the inventory.
                estate.gap(f"account {account}", f"the service control policies at {node} are not in the inventory")
                continue
            yield Level(node, tuple(compiled))

    def _enabled(self, kind: Kind) -> bool:
        return any(_kind(each) == _TYPES[kind] for policies in self.attached.values() for each in policies)

    def path(self, account: str) -> list[str]:
        """The ids from the root to the account, both with it."""
        found = [account]
        while found[-1] in self.parents and len(found) < MAX_DEPTH:
            found.append(self.parents[found[-1]])
        return found[::-1]

    def paths(self, account: str) -> tuple[str, ...]:
        """aws:PrincipalOrgPaths and aws:ResourceOrgPaths: `o-1/r-1/ou-1/`."""
        return ("/".join([self.id, *self.path(account)[:-1]]) + "/",) if self.id and account in self.accounts else ()


def _kind(policy: Asset) -> str:
    found = policy.config.get("Type") or (policy.config.get("PolicySummary") or {}).get("Type")
    return str(found or "")


def organization(inventory: Inventory) -> Organization:
    """The organisation of an inventory; an empty one where it has none."""
    parents: dict[str, str] = {}
    accounts = list(inventory.of_type(ACCOUNT))
    nodes = {asset.uid: _id(asset) for asset in inventory.of_type(ACCOUNT, UNIT, ROOT)}
    for relation in inventory.relations:
        if relation.source in nodes and relation.kind in ("in", "member-of", "child-of", "part-of"):
            target = nodes.get(relation.target)
            if target:
                parents[nodes[relation.source]] = target
    for asset in inventory.of_type(ACCOUNT, UNIT):
        parent = _parent(asset)
        if parent:
            parents[_id(asset)] = parent
    return Organization(
        id=_organization_id(inventory, accounts),
        management=_management(inventory, accounts),
        accounts=frozenset(map(_id, accounts)),
        parents=parents,
        attached=_attached(inventory),
    )


def _id(asset: Asset) -> str:
    return str(asset.config.get("Id") or asset.id)


def _parent(asset: Asset) -> str:
    found: Any = asset.config.get("ParentId")
    listed = asset.config.get("Parents") or ()
    for each in listed:
        found = found or (each.get("Id") if isinstance(each, Mapping) else each)
    return str(found or "")


def _attached(inventory: Inventory) -> dict[str, tuple[Asset, ...]]:
    found: dict[str, list[Asset]] = {}
    policies = {asset.uid: asset for asset in inventory.of_type(POLICY)}
    for asset in policies.values():
        for target in asset.config.get("Targets") or ():
            found.setdefault(str(target.get("TargetId") if isinstance(target, Mapping) else target), []).append(asset)
    return {target: tuple(each) for target, each in found.items()}


def _organization_id(inventory: Inventory, accounts: list[Asset]) -> str:
    for asset in inventory.of_type(ORGANIZATION):
        return _id(asset)
    for asset in accounts:  # arn:aws:organizations::MANAGEMENT:account/o-1/ACCOUNT
        parts = asset.uid.rpartition(":")[2].split("/")
        if len(parts) == 3 and parts[1].startswith("o-"):
            return parts[1]
    return ""


def _management(inventory: Inventory, accounts: list[Asset]) -> str:
    for asset in inventory.of_type(ORGANIZATION):
        found = asset.config.get("MasterAccountId") or asset.config.get("ManagementAccountId")
        if found:
            return str(found)
    for asset in accounts:
        parts = asset.uid.split(":")
        if len(parts) > 4 and parts[2] == "organizations":
            return parts[4]
    return ""

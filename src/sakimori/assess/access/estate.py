"""An inventory as the engine needs it: identities with their policies, resources with theirs, and the organisation's.

What could not be read stays visible: `gaps` says of an identity, a resource or an account what is missing, and every
answer that could turn on it is Unknown. Policy documents are compiled once, however many identities they are attached
to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sakimori.assess.access.arns import account_of
from sakimori.assess.access.engine import Level, Policies
from sakimori.assess.access.inside import container_of
from sakimori.assess.access.organization import Organization, organization
from sakimori.assess.access.policy import Kind, Policy, PolicyError, Statement, parse
from sakimori.assess.access.principals import Principal, principal_of
from sakimori.assess.access.resource_policies import resource_policy
from sakimori.assess.access.resource_shares import granted_by_shares, shares_by_resource
from sakimori.assess.access.unasked import IDENTITIES, ORGANIZATION, never_asked
from sakimori.model.asset import Asset, Inventory, NotEvaluated

if TYPE_CHECKING:
    from sakimori.assess.access.effective import What
    from sakimori.assess.access.escalation import Escalation
    from sakimori.assess.access.index import Index
    from sakimori.assess.access.questions import Row
    from sakimori.assess.access.shared_resources import Share
    from sakimori.assess.access.symbolic import Conclusion

USER, GROUP, ROLE = "AWS::IAM::User", "AWS::IAM::Group", "AWS::IAM::Role"
MANAGED, PROFILE, INSTANCE = "AWS::IAM::ManagedPolicy", "AWS::IAM::InstanceProfile", "AWS::EC2::Instance"


@dataclass(frozen=True, slots=True)
class Identity:
    """A user or a role with its policies. `outside` is one that the inventory has not: only a policy names it."""

    principal: Principal
    policies: tuple[Policy, ...] = ()
    boundaries: tuple[Policy, ...] = ()
    asset: Asset | None = None
    trust: Policy | None = None
    outside: bool = False

    @property
    def arn(self) -> str:
        return self.principal.arn

    @property
    def account(self) -> str:
        return self.principal.account


@dataclass
class Estate:
    """All that `who`, `what` and `can` look at. Make one with `estate(inventory)`."""

    inventory: Inventory
    organization: Organization
    identities: dict[str, Identity] = field(default_factory=dict)
    gaps: dict[str, list[str]] = field(default_factory=dict)
    _documents: dict[tuple[str, str], Policy] = field(default_factory=dict)
    _resource_policies: dict[str, Policy | None] = field(default_factory=dict)
    unblocked: dict[tuple[str, str, bool], Policy | None] = field(default_factory=dict)
    rewritten: dict[tuple[int, str, str], tuple[Policy, tuple[Statement, ...]]] = field(default_factory=dict)
    _assumers: dict[str, list[Row]] = field(default_factory=dict)
    _what: dict[str, What] = field(default_factory=dict)
    _administering: dict[str, list[str]] = field(default_factory=dict)
    _holding: dict[tuple[str, str], dict[str, list[Asset]]] = field(default_factory=dict)
    trusting: dict[tuple[str, ...], Conclusion] = field(default_factory=dict)
    """Whether services may take on roles, by both; asked once."""

    def gap(self, uid: str, reason: str) -> None:
        self.gaps.setdefault(uid, []).append(reason)

    @cached_property
    def by_account(self) -> dict[str, list[Identity]]:
        """The identities of each account."""
        found: dict[str, list[Identity]] = {}
        for identity in self.identities.values():
            found.setdefault(identity.account, []).append(identity)
        return found

    @cached_property
    def index(self) -> Index:
        from sakimori.assess.access.index import Index

        return Index(self)

    def assumers(self, role: str) -> list[Row]:
        """Everybody who can assume a role; found once."""
        if role not in self._assumers:
            from sakimori.assess.access.paths import assumers

            self._assumers[role] = [*assumers(self, role)]
        return self._assumers[role]

    @cached_property
    def granted_by_shares(self) -> dict[str, list[tuple[dict[str, Any], str]]]:
        """What RAM shares grant, by the resource whose policy it belongs to."""
        return granted_by_shares(self.inventory)

    @cached_property
    def other_names(self) -> dict[str, str]:
        """What is meant by ARNs that are no asset's: RAM's share of the resource, or a project without its number."""
        projects = self.inventory.of_type("AWS::Rekognition::Project")
        return {**shares_by_resource(self.inventory), **{each.uid.rpartition("/")[0]: each.uid for each in projects}}

    @cached_property
    def points_by_bucket(self) -> dict[str, list[Asset]]:
        """The access points that lead to each bucket."""
        from sakimori.assess.access.beside import ACCESS_POINTS, buckets_of

        found: dict[str, list[Asset]] = {}
        for point in self.inventory.of_type(*ACCESS_POINTS):
            for bucket in buckets_of(point):
                found.setdefault(bucket, []).append(point)
        return found

    @cached_property
    def with_policies(self) -> list[Asset]:
        """The resources that have a policy of their own."""
        return [asset for asset in self.inventory if self.resource_policy(asset) is not None]

    @cached_property
    def shares(self) -> list[Share]:
        """What resources let callers from outside their accounts do."""
        from sakimori.assess.access.shared_resources import shares

        return [*shares(self)]

    @cached_property
    def escalations(self) -> list[Escalation]:
        from sakimori.assess.access.escalation import escalations

        return escalations(self)

    @cached_property
    def administrators(self) -> dict[str, Identity]:
        from sakimori.assess.access.administrators import administrators

        return administrators(self)

    def administering_policies(self, account: str) -> list[str]:
        """The managed policies that make whoever has one an administrator; found once."""
        if account not in self._administering:
            from sakimori.assess.access.administrators import administering_policies

            self._administering[account] = administering_policies(self, account)
        return self._administering[account]

    def what(self, principal: str) -> What:
        """What one of our principals can do; found once, for many instances share a role."""
        if principal not in self._what:
            from sakimori.assess.access.effective import what_can

            self._what[principal] = what_can(self, principal)
        return self._what[principal]

    @cached_property
    def groups(self) -> list[Asset]:
        return [*self.inventory.of_type(GROUP)]

    def groups_of(self, identity: Identity) -> list[Asset]:
        """The groups that a user is in."""
        names = set(identity.asset.config.get("GroupList") or ()) if identity.asset else set()
        return [each for each in self.groups if each.account == identity.account and (each.name or each.id) in names]

    def group_policies(self, group: Asset) -> list[Policy]:
        return self.policies_of(group, "group")

    def policies_of(self, source: Asset, which: str) -> list[Policy]:
        """The policies of a user, role or group: its `inline` ones, those `attached`, or both."""
        key = {USER: "UserPolicyList", ROLE: "RolePolicyList", GROUP: "GroupPolicyList"}[source.type]
        inline = _inline(self, source, key, source.uid) if which != "attached" else ()
        attached = _attached(self, source, source.uid) if which != "inline" else ()
        return [*inline, *attached]

    def holding(self, kind: str, path: str) -> dict[str, list[Asset]]:
        """The assets of a type by the roles that they run under; found once."""
        if (kind, path) not in self._holding:
            from sakimori.assess.access.holders import by_role

            self._holding[kind, path] = by_role(self, kind, path)
        return self._holding[kind, path]

    def account_block(self, account: str) -> Asset | None:
        """The account's own public access block."""
        for asset in self.inventory.of_type("AWS::S3::AccountPublicAccessBlock"):
            if asset.account == account:
                return asset
        return None

    @cached_property
    def roles(self) -> list[Identity]:
        return [identity for identity in self.identities.values() if identity.principal.kind == "role"]

    @cached_property
    def accounts(self) -> frozenset[str]:
        """The accounts that are ours: of the organisation, or looked at."""
        looked_at = {asset.account for asset in self.inventory if asset.account}
        return frozenset(looked_at | set(self.organization.accounts))

    def compiled(self, document: Any, kind: Kind, name: str, owner: str) -> Policy | None:
        """The policy, compiled once under its name; what is malformed becomes a gap of its owner."""
        known = self._documents.get((name, kind.value))
        if known is not None:
            return known
        try:
            known = parse(document, kind, name)
        except PolicyError as error:
            self.gap(owner, str(error))
            return None
        self._documents[name, kind.value] = known
        return known

    def scps(self, account: str) -> tuple[Level, ...]:
        """The service control policies over an account's principals; none over the management account's."""
        return self.organization.levels(account, Kind.SCP, self)

    def rcps(self, account: str) -> tuple[Level, ...]:
        return self.organization.levels(account, Kind.RCP, self)

    def resource_policy(self, asset: Asset) -> Policy | None:
        """The policy of the resource itself: of a bucket, a key, a role (its trust policy) and whatever else has
        one."""
        if asset.uid not in self._resource_policies:
            self._resource_policies[asset.uid] = self._resource_policy(asset)
        return self._resource_policies[asset.uid]

    def _resource_policy(self, asset: Asset) -> Policy | None:
        if asset.type == ROLE:
            identity = self.identities.get(asset.uid)
            return identity.trust if identity else None
        return resource_policy(self, asset)

    def policies(self, identity: Identity, resource: Policy | None, resource_account: str) -> Policies:
        """All policies over what an identity asks of a resource."""
        return Policies(
            identity=identity.policies,
            resource=resource,
            scps=() if identity.outside else self.scps(identity.account),
            rcps=self.rcps(resource_account or identity.account),
            boundaries=identity.boundaries,
        )

    def unread(self, *uids: str) -> list[str]:
        """What is missing of these, each in a sentence."""
        return [reason for uid in dict.fromkeys(uids) for reason in self.gaps.get(uid, ())]


def estate(inventory: Inventory) -> Estate:
    """The inventory's identities, resources and organisation, with what is missing noted."""
    found = Estate(inventory, organization(inventory))
    _note_not_evaluated(found, inventory.not_evaluated)
    _note_unasked(found)
    groups = {(asset.account, asset.name or asset.id): asset for asset in inventory.of_type(GROUP)}
    for user in inventory.of_type(USER):
        mine = [groups.get((user.account, str(name))) for name in user.config.get("GroupList") or ()]
        for name, group in zip(user.config.get("GroupList") or (), mine, strict=True):
            if group is None:
                found.gap(user.uid, f"its group {name} is not in the inventory")
        _add(found, user, [("UserPolicyList", user), *(("GroupPolicyList", group) for group in mine if group)])
    for role in inventory.of_type(ROLE):
        _add(found, role, [("RolePolicyList", role)])
    return found


def _add(found: Estate, asset: Asset, sources: Iterable[tuple[str, Asset]]) -> None:
    policies: list[Policy] = []
    for key, source in sources:
        policies += _inline(found, source, key, asset.uid)
        policies += _attached(found, source, asset.uid)
    bound = (asset.config.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    boundary = _managed(found, str(bound), Kind.BOUNDARY, asset.uid) if bound else None
    trust = None
    if asset.type == ROLE:
        document = asset.config.get("AssumeRolePolicyDocument")
        if document:
            trust = found.compiled(document, Kind.RESOURCE, f"trust policy of {asset.uid}", asset.uid)
        else:
            found.gap(asset.uid, f"the trust policy of {asset.uid} is not in the inventory")
    limits = (boundary,) if boundary else ()
    found.identities[asset.uid] = Identity(principal_of(asset.uid), tuple(policies), limits, asset, trust)


def _inline(found: Estate, source: Asset, key: str, owner: str) -> Iterator[Policy]:
    for each in source.config.get(key) or ():
        name = f"inline policy {each.get('PolicyName')} of {source.uid}"
        policy = found.compiled(each.get("PolicyDocument"), Kind.IDENTITY, name, owner)
        if policy:
            yield policy


def _attached(found: Estate, source: Asset, owner: str) -> Iterator[Policy]:
    for each in source.config.get("AttachedManagedPolicies") or ():
        policy = _managed(found, str(each.get("PolicyArn")), Kind.IDENTITY, owner)
        if policy:
            yield policy


def _managed(found: Estate, arn: str, kind: Kind, owner: str) -> Policy | None:
    asset = found.inventory.get(arn)
    versions = asset.config.get("PolicyVersionList") or () if asset else ()
    for version in versions:
        if version.get("IsDefaultVersion") and version.get("Document"):
            return found.compiled(version["Document"], kind, arn, owner)
    found.gap(owner, f"the document of {arn} is not in the inventory")
    return None


_GRANTING = frozenset(
    "s3:GetBucketAcl s3:GetBucketPublicAccessBlock kms:ListGrants ec2:DescribeSnapshotAttribute"
    " ec2:DescribeImageAttribute ec2:DescribeVpcEndpointServicePermissions rds:DescribeDBSnapshotAttributes"
    " rds:DescribeDBClusterSnapshotAttributes ssm:DescribeDocumentPermission ses:GetEmailIdentity"
    " signer:ListProfilePermissions s3:GetAccessPoint vpc-lattice:GetService vpc-lattice:GetServiceNetwork"
    " vpc-lattice:ListServiceNetworkServiceAssociations bedrock-agentcore:GetGateway ram:GetResourceShareAssociations"
    " ram:ListResourceSharePermissions ram:GetPermission".split()
)
"""Calls beside those about policies whose answers say who may use a resource."""


def _note_not_evaluated(found: Estate, missing: Iterable[NotEvaluated]) -> None:
    """A resource whose policy could not be read; an account whose identities could not be listed."""
    for each in missing:
        reason = f"{each.action} was answered with {each.code or each.message}"
        if each.resource and ("Policy" in each.action or each.action in _GRANTING):
            found.gap(each.resource, f"what it allows could not be read: {reason}")
        elif each.action in ("iam:GetAccountAuthorizationDetails", "sts:AssumeRole"):
            found.gap(
                f"account {each.account}", f"the identities of account {each.account} could not be read: {reason}"
            )
        elif each.action.startswith("organizations:"):
            found.gap("organization", f"the organisation's policies could not be read: {reason}")


def _note_unasked(found: Estate) -> None:
    """Accounts whose identities nobody asked for, and an organisation that nobody asked about."""
    held = found.inventory
    for account in sorted({each.account for each in held.asked or ()} or {each.account for each in held} - {""}):
        if never_asked(held, account, IDENTITIES):
            found.gap(
                f"account {account}",
                f"the identities of account {account} were never asked for: run `sakimori discover --services iam`",
            )
    if never_asked(held, "", ORGANIZATION):
        found.gap(
            "organization",
            "the organisation's policies were never asked for: run `sakimori discover --services organizations`",
        )


def resource_account(found: Estate, arn: str) -> str:
    """The account that owns a resource: from the inventory, else from its ARN, else ""."""
    asset = asset_of(found, arn)
    return asset.account if asset else account_of(arn)


def asset_of(found: Estate, arn: str) -> Asset | None:
    """The asset that an ARN means: itself, what it is inside of (of an object its bucket), or RAM's share of it."""
    held, container = found.inventory, container_of(arn)
    other = found.other_names.get(arn) or found.other_names.get(container) or ""
    return held.get(arn) or held.get(container) or held.get(other)


def instance_role(found: Estate, instance: Asset) -> Identity | None:
    """The role that an EC2 instance hands out, by its instance profile."""
    profile = instance.config.get("IamInstanceProfile") or {}
    asset = found.inventory.get(str(profile.get("Arn") or ""))
    roles = asset.config.get("Roles") or () if asset else ()
    for role in roles:
        return found.identities.get(str(role.get("Arn")))
    return None

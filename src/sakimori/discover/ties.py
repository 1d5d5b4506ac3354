"""Relations that many services have: to the network that a thing is in, to its key, to whom it is shared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sakimori.discover.declare import Place, Relate, Tie, arn
from sakimori.discover.paths import find_all
from sakimori.model.asset import Asset, Relation


def in_vpc(path: str) -> Tie:
    """The path leads to ids of VPCs."""
    return Tie("in", path, arn("ec2", "vpc/{}"))


def in_subnets(path: str) -> Tie:
    """The path leads to ids of subnets."""
    return Tie("in", path, arn("ec2", "subnet/{}"))


def uses_groups(path: str) -> Tie:
    """The path leads to ids of security groups."""
    return Tie("uses", path, arn("ec2", "security-group/{}"))


@dataclass(frozen=True, slots=True)
class EncryptedBy(Tie):
    """`encrypted-by`: the path leads to KMS keys, which services name by ARN, id or alias (KMS API, "KeyId")."""

    kind: str = "encrypted-by"
    path: str = ""

    def relations(self, asset: Asset, place: Place) -> Iterator[Relation]:
        for named in find_all(asset.config, self.path):
            if isinstance(named, str) and named:
                yield Relation(asset.uid, self.kind, _key_arn(named, asset, place))


def encrypted_by(path: str) -> EncryptedBy:
    """The path leads to KMS keys."""
    return EncryptedBy(path=path)


def _key_arn(named: str, asset: Asset, place: Place) -> str:
    if named.startswith("arn:"):
        return named
    resource = named if named.startswith(("alias/", "key/")) else f"key/{named}"
    return f"arn:{place.partition}:kms:{asset.region}:{asset.account}:{resource}"


def shared_with(path: str) -> Relate:
    """The path leads to account numbers, or the word for everybody."""

    def shared(asset: Asset, place: Place) -> Iterator[Relation]:
        """`shared-with`: the accounts that may use it, `*` for everybody."""
        for named in find_all(asset.config, path):
            if str(named).lower() == "all":
                yield Relation(asset.uid, "shared-with", "*")
            elif str(named).isdigit():
                yield Relation(asset.uid, "shared-with", f"arn:{place.partition}:iam::{named}:root")

    return shared


def arns(kind: str, path: str) -> Tie:
    """The path leads to ARNs, and to other things, which are no assets (an address, a name)."""
    return OnlyArns(kind, path)


@dataclass(frozen=True, slots=True)
class OnlyArns(Tie):
    """A relation to what the path leads to, where that is an ARN."""

    def relations(self, asset: Asset, place: Place) -> Iterator[Relation]:
        for named in find_all(asset.config, self.path):
            if isinstance(named, str) and named.startswith("arn:"):
                yield Relation(asset.uid, self.kind, named)

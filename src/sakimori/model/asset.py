"""What an account holds: assets, how they hang together, and what could not be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

GLOBAL = "global"
"""The region of what has none (IAM, CloudFront, Route 53), as AWS Config writes it."""


@dataclass(frozen=True, slots=True)
class Asset:
    """Anything that an attacker wants or uses.

    `uid` is its ARN, `type` its CloudFormation name (`AWS::EC2::Instance`), `config` the answer of the describe call in
    AWS's own spelling, with what further calls told of it merged in under those calls' own keys.
    """

    uid: str
    type: str
    account: str
    region: str
    config: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    criticality: int | None = None

    @property
    def id(self) -> str:
        """The resource's own id: what stands behind the last `/` or `:` of the ARN."""
        return self.uid.rpartition(":")[2].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Relation:
    """`source` has a `kind` of tie to `target` (both asset uids), such as `attached-to`, `member-of`, `assumes`."""

    source: str
    kind: str
    target: str
    properties: Mapping[str, Any] = field(default_factory=dict)


def owners(targets: Iterable[str], uids: Iterable[str]) -> dict[str, str]:
    """Of relations' targets that are no asset, the same EC2 resource as its owner has it, where that is known.

    What names a resource by its id takes it for its own account's; it may be another's that shares it (AWS RAM: subnets
    with their VPC and groups, transit gateways, prefix lists). Ids of EC2 are no two resources' in a region.
    """
    wanted = {target: found for target in targets if (found := _unowned(target))}
    keys = set(wanted.values())
    owned = {found: uid for uid in uids if (found := _unowned(uid)) in keys}
    return {target: owned[found] for target, found in wanted.items() if found in owned}


def _unowned(uid: str) -> tuple[str, str, str] | None:
    """An EC2 resource's partition, region and id."""
    parts = uid.split(":", 5)
    return (parts[1], parts[3], parts[5]) if len(parts) == 6 and parts[2] == "ec2" else None


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A question that got no answer: the IAM `action` that was refused or failed, where, and AWS's own words.

    `resource` is what was asked about, "" for a whole list.
    """

    action: str
    account: str
    region: str
    resource: str
    code: str
    message: str


NOT_DESCRIBED = "NotDescribed"
"""The code of what is known to be there, and not described: what its config lacks says nothing."""


class Asked(NamedTuple):
    """That a service was asked what it has there; what it refused is a NotEvaluated. `service` is the service file's
    id."""

    account: str
    region: str
    service: str


class Inventory:
    """Assets and relations with what was not looked at, and look-ups. Adding an asset again replaces it.

    `asked` is what was asked at all: of a kind that nobody asked for, none being there says nothing. None where that is
    not told, and what is there is taken for all there is.
    """

    def __init__(
        self,
        assets: Iterable[Asset] = (),
        relations: Iterable[Relation] = (),
        not_evaluated: Iterable[NotEvaluated] = (),
    ) -> None:
        self.asked: frozenset[Asked] | None = None
        self._by_uid: dict[str, Asset] = {}
        self._by_type: dict[str, dict[str, Asset]] = {}
        self.relations: list[Relation] = list(relations)
        self.not_evaluated: list[NotEvaluated] = list(not_evaluated)
        for asset in assets:
            self.add(asset)

    def __len__(self) -> int:
        return len(self._by_uid)

    def __iter__(self) -> Iterator[Asset]:
        return iter(self._by_uid.values())

    def point_to_owners(self) -> None:
        """Makes relations to what another account shares end at the asset of its owner; see `owners`."""
        dangling = {each.target for each in self.relations if each.target not in self._by_uid}
        owned = owners(dangling, self._by_uid) if dangling else {}
        self.relations = [
            replace(each, target=owned[each.target]) if each.target in owned else each for each in self.relations
        ]

    def add(self, asset: Asset) -> None:
        self._by_uid[asset.uid] = asset
        self._by_type.setdefault(asset.type, {})[asset.uid] = asset

    def get(self, uid: str) -> Asset | None:
        return self._by_uid.get(uid)

    def of_type(self, *types: str) -> Iterator[Asset]:
        """All assets of these CloudFormation types, in the order in which they were added."""
        for each in types:
            yield from self._by_type.get(each, {}).values()

"""The words in which a service file declares itself. `services/__init__.py` shows a whole file.

From a declaration follow the calls that are made, the files of a snapshot, the IAM policy, the page in the docs and the
least number of calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sakimori.aws.errors import AwsError
from sakimori.discover.paths import Scope, fill, find_all
from sakimori.model.asset import GLOBAL, Asset, Relation

Item = dict[str, Any]


class Reach(StrEnum):
    """Where a service is asked: in each region, once an account, or once, in the account that we are in ourselves."""

    REGIONAL = "regional"
    GLOBAL = "global"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service is asked. `region` is "global" for a service without regions; `home` is where its host is."""

    account: str
    region: str
    partition: str = "aws"

    @property
    def home(self) -> str:
        return _HOMES.get(self.partition, "us-east-1") if self.region == GLOBAL else self.region

    def values(self) -> dict[str, str]:
        """What templates call `{@account}`, `{@region}` and `{@partition}`."""
        return {"account": self.account, "region": self.region, "partition": self.partition}


_HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""The region in which each partition's global services answer (AWS General Reference, "Service endpoints")."""


def arn(service: str, resource: str) -> str:
    """The template of an ARN in the place's account and region: `arn("ec2", "vpc/{VpcId}")`."""
    return f"arn:{{@partition}}:{service}:{{@region}}:{{@account}}:{resource}"


def global_arn(service: str, resource: str) -> str:
    """The template of an ARN without a region, in the place's account: `global_arn("iam", "user/{UserName}")`."""
    return f"arn:{{@partition}}:{service}::{{@account}}:{resource}"


def owned(resource: str) -> str:
    """The template of an EC2 resource's ARN, which may be another account's that shares it: `owned("vpc/{VpcId}")`."""
    return f"arn:{{@partition}}:ec2:{{@region}}:{{OwnerId?@account}}:{resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An API call. `parameters` are templates; None among them is left out.

    `iam` is the action it needs, if that is not `prefix:Operation`; `absent` are the error codes that mean that there
    is nothing, and not that the call failed (`Code: words` where only these words in the message tell it); `client` is
    boto3's name of another service that answers it; `secrets` are paths to what is taken out of the answer before
    anything else sees it (of a map, its values).
    """

    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    iam: str = ""
    absent: tuple[str, ...] = ()
    client: str = ""
    secrets: tuple[str, ...] = ()

    def nothing(self, error: AwsError) -> bool:
        """Whether the error says that there is nothing."""
        told = (each.partition(": ") for each in self.absent)
        return any(error.code == code and words in error.message for code, _, words in told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail(Call):
    """A further call about an item, whose answer (the part at `path`) is merged into it as `under` ("": at its root).

    What is absent, or need not be asked, is merged as None; what could not be asked is not merged at all, and is a
    NotEvaluated.
    With `batch`, one call answers for so many items: `each` is the parameter that takes the list of them (its template
    is filled for each), and the answer's members at `path` belong to the item for which `key` (a path in the member)
    and `of` (a template over the item) are equal; items whose other parameters differ never share a call. With
    `shared`, one call without templates answers for all items of the place, matched likewise; `value` is the part of
    the member that is merged, and `many` merges the list of all that match. `region` (a template) asks another region.
    `when` says which items need the call. With `first_page` no further page is read: the latest is enough. `prepare` is
    an operation that is called until it answers State COMPLETE; with `job` it is called once for each item, with the
    detail's parameters, and names a job, which the operation is asked for until it is done.
    `parse` turns the whole answer into the members, or into what is merged. Where `truncated` leads to something true,
    the answer is not whole, and that is a NotEvaluated.
    """

    under: str = ""
    path: str = ""
    batch: int = 0
    each: str = ""
    shared: bool = False
    many: bool = False
    value: str = ""
    key: str = ""
    of: str = ""
    region: str = ""
    when: Callable[[Item], bool] | None = None
    first_page: bool = False
    prepare: str = ""
    job: bool = False
    parse: Callable[[Any], Any] | None = None
    truncated: str = ""


@dataclass(frozen=True, slots=True)
class Tie:
    """A relation: from an asset to what `path` in its config gives: ids or objects, of which `target` makes ARNs.

    `{}` in `target` stands for the id, paths are looked up in the object, and `{^Path}` in the asset's config.
    `properties` maps names to paths likewise.
    """

    kind: str
    path: str
    target: str = "{}"
    properties: Mapping[str, str] = field(default_factory=dict)

    def relations(self, asset: Asset, place: Place) -> Iterator[Relation]:
        for value in find_all(asset.config, self.path):
            scope = Scope(value, place.values(), asset.config)
            target = fill(self.target, scope) if value else None
            if isinstance(target, str):
                found = {name: fill("{" + path + "}", scope) for name, path in self.properties.items()}
                yield Relation(asset.uid, self.kind, target, {k: v for k, v in found.items() if v is not None})


Relate = Callable[[Asset, Place], Iterator[Relation]]
"""A function for relations that no Tie can say; its docstring is its line in the docs."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of asset: where its items are in the answer, and what they mean.

    `type` is the CloudFormation name; `items` the path to the items; `arn`, `name` and `region` are templates over the
    item with its details. `scalar` names an item that is a mere text (`ListTables` gives names). `inherit` maps
    keys to templates over the item above, whose values an item gets under these keys (its details see them).
    `documents` are the paths
    (without lists) of JSON text, which becomes objects. `shape` changes an item that needs more than that.

    `moving` are the paths in config to what moves though nobody changes anything: clocks, counters, health, what was
    last used. It is kept as AWS answers it, and is no part of the asset's history. AWS answers lists in any order, so
    that counts for nothing; `ordered` are the paths to those whose order means something.
    """

    type: str
    items: str
    arn: str
    name: str = ""
    region: str = ""
    tags: str = "Tags"
    scalar: str = ""
    where: Callable[[Item], bool] | None = None
    details: tuple[Detail, ...] = ()
    lists: tuple[Listing, ...] = ()
    relations: tuple[Tie | Relate, ...] = ()
    documents: tuple[str, ...] = ()
    inherit: Mapping[str, str] = field(default_factory=dict)
    shape: Callable[[Item], Item] | None = None
    moving: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()

    def found(self, answer: Any) -> list[Item]:
        """The items of an answer, each a dictionary of its own."""
        items = find_all(answer, self.items)
        items = [{self.scalar: item} if self.scalar else dict(item) for item in items]
        return [item for item in items if self.where(item)] if self.where else items


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Call):
    """A call that lists things: all its pages are read. `gives` are the kinds of assets in the answers.

    Below a resource it is made for each item of it, and its parameters are filled from that item. `page_size` is the
    largest page that the service allows, where its default is smaller. With `home_only` it is called in the partition's
    home region alone (WAF's ACLs of CloudFront). `otherwise` is what the answer is taken to be where `absent` says that
    there is nothing, if that is a fact to be told (a service that is not enabled).
    """

    gives: tuple[Resource, ...]
    page_size: int = 0
    home_only: bool = False
    otherwise: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service file's declaration. `client` is boto3's name for it, `prefix` the one in IAM, if that differs. `homes`
    are the regions, by partition, in which a service without regions answers, where that is not the partition's home;
    `sparse` says that the service has no host in some of the regions in which botocore knows it.
    """

    client: str
    lists: tuple[Listing, ...]
    prefix: str = ""
    reach: Reach = Reach.REGIONAL
    homes: Mapping[str, str] = field(default_factory=dict)
    sparse: bool = False

    def action(self, call: Call, operation: str = "") -> str:
        """The IAM action that a call needs."""
        return call.iam or f"{self.prefix or self.client}:{operation or call.operation}"

    def calls(self) -> Iterator[Call]:
        """Every declared call, in order."""
        for listing in self.lists:
            yield from _calls(listing)

    def resources(self) -> Iterator[tuple[Listing, Resource]]:
        """Every kind of asset with the listing that gives it."""
        for listing in self.lists:
            yield from _resources(listing)

    def actions(self) -> list[str]:
        """Every IAM action that the service's calls need."""
        actions = {self.action(call) for call in self.calls()}
        prepared = (call for call in self.calls() if isinstance(call, Detail) and call.prepare)
        return sorted(actions | {f"{self.prefix or self.client}:{call.prepare}" for call in prepared})


def _calls(listing: Listing) -> Iterator[Call]:
    yield listing
    for resource in listing.gives:
        yield from resource.details
        for below in resource.lists:
            yield from _calls(below)


def _resources(listing: Listing) -> Iterator[tuple[Listing, Resource]]:
    for resource in listing.gives:
        yield listing, resource
        for below in resource.lists:
            yield from _resources(below)


def document(text: Any) -> Any:
    """JSON text as the object that it means; anything else, and JSON that is damaged, stays as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text

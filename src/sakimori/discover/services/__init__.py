"""One file an AWS service: which calls it makes, and which assets and relations their answers give.

The file's name is the service's id: its `--services` argument, its folder in a snapshot, its page in the docs. A file
is a declaration (`declare.py` explains every word), in this order: what is asked (get), what the answers mean
(transform), and `SERVICE` as the last thing. SNS, whole:

    \"""SNS: topics with their policies, and who is subscribed to them.\"""

    from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie

    TOPIC = Resource(
        "AWS::SNS::Topic",                         # CloudFormation's name
        items="Topics[]",                          # where the items are in the listing's answer
        arn="{TopicArn}",                          # the asset's uid, from the item; else arn("sns", "{Name}")
        details=(                                  # further calls for each item: their answers become keys of config
            Detail(
                operation="GetTopicAttributes",
                parameters={"TopicArn": "{TopicArn}"},
                path="Attributes",                 # the part of the answer that is meant
                under="Attributes",                # the key in config; "" merges it at the root (describe after list)
                absent=("NotFoundException",),     # codes that mean "there is none": the key is then None
            ),
            Detail(
                operation="ListTagsForResource", parameters={"ResourceArn": "{TopicArn}"}, path="Tags", under="Tags"
            ),
        ),
        documents=("Attributes.Policy",),          # JSON text that becomes objects
        relations=(Tie("encrypted-by", "Attributes.KmsMasterKeyId", "{}"),),
    )

    SUBSCRIPTION = Resource(
        "AWS::SNS::Subscription",
        items="Subscriptions[]",
        arn="{SubscriptionArn}",
        relations=(Tie("subscribed-to", "TopicArn"),),
    )

    SERVICE = Service(
        client="sns",
        lists=(
            Listing(operation="ListTopics", gives=(TOPIC,)),
            Listing(operation="ListSubscriptions", gives=(SUBSCRIPTION,)),
        ),
    )

What else there is: `scalar` for listings of mere names; `batch`, `each`, `key`, `of` for describe calls that take many
ids; `shared` for one answer that tells of all items; `lists` below a resource for what is listed per item (its
templates see that item; the items found see it as `{^Path}`, and their details what they `inherit`); a function instead
of a Tie for relations that need code, its docstring being its line in the docs; `moving` for the paths to clocks,
counters and states that move though nobody changes anything, which are no part of an asset's history, and `ordered` for
lists whose order is a setting; `iam=` where the action is not `prefix:Operation`; `home_only`, `reach=Reach.GLOBAL`
and `homes` for what has no region; `sparse` for a service without a host in regions that botocore names; `first_page`
where the latest is enough; `secrets` for what must not be kept; `otherwise` for a service that is not enabled, which is
a fact: an asset of a type such as `AWS::Macie::Status`, that is there in every region, tells of it. A key of `config`
is missing only if it could not be asked, and then there is a NotEvaluated. `config` keeps AWS's spelling and AWS's
answer: nothing is renamed, nothing interpreted.

Words for relations, so that all files use the same: `in` (a VPC, a subnet, a cluster, a group), `attached-to`,
`member-of`, `uses` (a security group, a layer, an image), `runs-as` (a role), `encrypted-by`, `logs-to`, `targets`,
`trusts`, `peers`, `subscribed-to`, `protected-by`, `protects`, `built-from`, `shared-with`. A relation starts at the
asset whose answers tell of it; started elsewhere, it would count as gone whenever these are not asked for. What many
files say (`in_vpc`, `encrypted_by`) is in `ties.py`.

Third parties add theirs through the entry-point group `sakimori.services`: the entry's name is the service's id, its
value the module.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from sakimori.discover.declare import Service

GROUP = "sakimori.services"


@dataclass(frozen=True, slots=True)
class Broken:
    """A plug-in that cannot be used: its name, and why."""

    name: str
    reason: str


def services() -> dict[str, Service]:
    """Every service by its name, in the order of names: ours, and those of plug-ins."""
    return dict(sorted({**plugins(), **own_services()}.items()))


@cache
def own_services() -> dict[str, Service]:
    """The services of this folder."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}").SERVICE for name in names}


def plugins() -> dict[str, Service]:
    """The services that other packages add."""
    return {name: found for name, found in _others().items() if isinstance(found, Service)}


def broken() -> list[Broken]:
    """What other packages would add, and cannot be used."""
    return [found for found in _others().values() if isinstance(found, Broken)]


@cache
def _others() -> dict[str, Service | Broken]:
    return {each.name: _loaded(each) for each in sorted(entry_points(group=GROUP), key=lambda each: each.name)}


def _loaded(entry: EntryPoint) -> Service | Broken:
    package = entry.dist.name if entry.dist else "a package"
    what = f"the service {entry.name} of {package} ({entry.value})"
    if entry.name in own_services():
        return Broken(entry.name, f"{what} has the name of one of Sakimori's own: give it another")
    try:
        found = getattr(entry.load(), "SERVICE", None)
    except Exception as error:
        return Broken(entry.name, f"{what} cannot be imported: {type(error).__name__}: {error}: mend or remove it")
    if not isinstance(found, Service):
        return Broken(entry.name, f"{what} has no SERVICE that is a declaration of a service: mend or remove it")
    return found

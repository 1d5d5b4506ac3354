"""What has to allow a request beside the identity's and the resource's own policies: the bucket behind an access point
("Configuring IAM policies for using access points", Amazon S3), the service networks of a VPC Lattice service ("Auth
policies"), the data access policies of a collection ("Data access control", OpenSearch Serverless)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sakimori.assess.access.elsewhere import Place, rewritten
from sakimori.assess.access.globs import matcher, text_glob
from sakimori.assess.access.inside import ACCESS_POINT, BUCKET, OF_REGIONS, container_of
from sakimori.assess.access.policy import Kind, Policy, Statement, parse
from sakimori.assess.access.public import is_public
from sakimori.assess.access.resource_policies import public_access_block
from sakimori.model.asset import Asset

if TYPE_CHECKING:
    from sakimori.assess.access.estate import Estate, Identity

DIRECTORY_POINT = "AWS::S3Express::AccessPoint"
BUCKETS = (BUCKET, "AWS::S3Express::DirectoryBucket")
ACCESS_POINTS = (ACCESS_POINT, OF_REGIONS, DIRECTORY_POINT)
LATTICE_SERVICE, NETWORK = "AWS::VpcLattice::Service", "AWS::VpcLattice::ServiceNetwork"
COLLECTION, DATA_POLICY = "AWS::OpenSearchServerless::Collection", "AWS::OpenSearchServerless::AccessPolicy"

_ANYTHING = parse(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
    Kind.IDENTITY,
    "its account's root user may do anything",
)


def also_needed(found: Estate, identity: Identity, asset: Asset | None, action: str) -> tuple[Policy, ...]:
    """The policies each of which must allow what the identity asks of the resource, beside its own and the resource's;
    statements without a Principal are about this identity."""
    kind, lowered = asset.type if asset else "", action.lower()
    if asset is None or not re.fullmatch(_ASKED.get(kind, " "), lowered):
        return ()
    if kind == LATTICE_SERVICE:
        return _of_networks(found, asset)
    return (_of_data(found, asset),) if kind == COLLECTION else (_of_buckets(found, identity, asset),)


_ASKED = {
    **dict.fromkeys(ACCESS_POINTS, r"s3(express)?:(?!\w*accesspoint)\w+"),
    LATTICE_SERVICE: r"vpc-lattice-svcs:\w+",
    COLLECTION: r"aoss:apiaccessall",
}
"""The actions (in lower case) that something else has to allow; others are about the resource's own settings."""


def unknown_beside(found: Estate, asset: Asset) -> Iterator[str]:
    """What is not known of all that has to allow as well, each in a sentence."""
    if asset.type in ACCESS_POINTS:
        for uid in buckets_of(asset):
            bucket = found.inventory.get(uid)
            if bucket is None:
                yield f"{uid}, which {asset.uid} leads to, is not in the inventory"
            else:
                yield from found.unread(uid, f"account {bucket.account}")
    if asset.type == LATTICE_SERVICE:
        for uid in _networks(asset):
            if found.inventory.get(uid) is None:
                yield f"{uid}, by which {asset.uid} is reached, is not in the inventory"
            else:
                yield from found.unread(uid)


# ---- access points


def unblocked(found: Estate, identity: Identity, asset: Asset, through: Asset | None = None) -> Policy | None:
    """The policy of a resource; of a bucket, also when it is asked `through` an access point, and of an access point
    what Block Public Access leaves of policy and ACL for this caller."""
    policy = found.resource_policy(asset)
    if policy is None or asset.type not in (BUCKET, *ACCESS_POINTS):
        return policy
    inside = identity.account == asset.account or identity.principal.kind == "service"
    key = asset.uid, through.uid if through else "", inside
    if key not in found.unblocked:
        buckets = map(found.inventory.get, buckets_of(asset)) if asset.type in ACCESS_POINTS else ()
        block = public_access_block(asset, through, *buckets, found.account_block(asset.account))
        found.unblocked[key] = _left(policy, block, inside=inside)
    return found.unblocked[key]


def _left(policy: Policy, block: Mapping[str, bool], *, inside: bool) -> Policy:
    statements = policy.statements
    if block.get("IgnorePublicAcls"):
        statements = tuple(
            each for each in statements if not each.sid.startswith("ACL ") or not is_open(each.principals)
        )
    kept = replace(policy, statements=statements)
    if block.get("RestrictPublicBuckets") and not inside and is_public(kept):
        return replace(policy, statements=tuple(each for each in statements if not each.allows))
    return kept


def is_open(principals: tuple[tuple[str, str], ...] | None) -> bool:
    return principals is not None and any(value == "*" for _, value in principals)


def buckets_of(access_point: Asset) -> list[str]:
    """The ARNs of the buckets that an access point leads to: of one of several regions, more than one."""
    partition, region = access_point.uid.split(":", 2)[1], access_point.region
    config = access_point.config
    if access_point.type == DIRECTORY_POINT:
        owner = config.get("BucketAccountId") or access_point.account
        return [f"arn:{partition}:s3express:{region}:{owner}:bucket/{config.get('Bucket')}"]
    names = [config.get("Bucket"), *(each.get("Bucket") for each in config.get("Regions") or ())]
    return [f"arn:{partition}:s3:::{name}" for name in names if name]


def _of_buckets(found: Estate, identity: Identity, access_point: Asset) -> Policy:
    """What the buckets allow through the access point. Where there are several and one of them denies, another may be
    asked, so that no denial of theirs counts."""
    buckets = buckets_of(access_point)
    statements: list[Statement] = []
    for uid in buckets:
        bucket = found.inventory.get(uid)
        if bucket is None:
            continue
        own = unblocked(found, identity, bucket, access_point)
        if identity.account == bucket.account:
            statements += _through(found, access_point, uid, _identity_policies(identity))
        statements += _through(found, access_point, uid, (own,) if own else ())
    kept = tuple(each for each in statements if each.allows or len(buckets) == 1)
    return Policy(f"what {' or '.join(buckets)} allows through {access_point.uid}", Kind.ENDPOINT, kept)


def _identity_policies(identity: Identity) -> tuple[Policy, ...]:
    """In its own account a bucket leaves it to the identity's policies."""
    return (*identity.policies, _ANYTHING) if identity.principal.kind == "root" else identity.policies


def _through(found: Estate, access_point: Asset, bucket: str, policies: Iterable[Policy]) -> Iterator[Statement]:
    for policy in policies:
        key = id(policy), bucket, access_point.uid
        if key not in found.rewritten:
            place = Place(bucket, access_point.uid, f"{bucket}/", f"{access_point.uid}/object/")
            told = tuple(each for statement in policy.statements for each in rewritten(statement, place))
            found.rewritten[key] = policy, told
        yield from found.rewritten[key][1]


def context_of(access_point: Asset) -> dict[str, tuple[str, ...]]:
    """The keys that every request through an access point has."""
    if access_point.type not in ACCESS_POINTS:
        return {}
    prefix = "s3express" if access_point.type == DIRECTORY_POINT else "s3"
    vpc = (access_point.config.get("VpcConfiguration") or {}).get("VpcId")
    keys: dict[str, tuple[str, ...]] = {
        f"{prefix}:dataaccesspointarn": (access_point.uid,),
        f"{prefix}:dataaccesspointaccount": (access_point.account,),
        f"{prefix}:accesspointnetworkorigin": (str(access_point.config.get("NetworkOrigin") or "Internet"),),
    }
    if vpc:
        keys["aws:sourcevpc"] = (str(vpc),)
    return keys


def ways_in(found: Estate, subject: str) -> Iterator[str]:
    """The access points through which a bucket, or what is in it, can be asked for as well: the ARNs of the same."""
    bucket = found.inventory.get(subject) or found.inventory.get(container_of(subject))
    if bucket is None or bucket.type not in BUCKETS:
        return
    inside = subject.removeprefix(bucket.uid)
    for point in found.points_by_bucket.get(bucket.uid, ()):
        yield f"{point.uid}/object{inside}" if inside else point.uid


# ---- VPC Lattice


def _networks(service: Asset) -> list[str]:
    return [str(each.get("serviceNetworkArn")) for each in service.config.get("ServiceNetworks") or ()]


def _of_networks(found: Estate, service: Asset) -> tuple[Policy, ...]:
    """What the service networks allow that a service is reached through; one without authentication allows anything."""
    arns = _networks(service)
    networks = [each for each in map(found.inventory.get, arns) if each is not None]
    if len(networks) < len(arns) or any(each.config.get("authType") != "AWS_IAM" for each in networks):
        return ()
    policies = [policy for each in networks if (policy := found.resource_policy(each))]
    name = f"the service networks of {service.uid}"
    return (Policy(name, Kind.ENDPOINT, tuple(each for policy in policies for each in policy.statements)),)


# ---- OpenSearch Serverless


def _of_data(found: Estate, collection: Asset) -> Policy:
    """Who is let at a collection's data, by all data access policies of its account and region."""
    name = f"the data access policies of {collection.uid}"
    statements: list[dict[str, Any]] = []
    for asset in found.inventory.of_type(DATA_POLICY):
        if (asset.account, asset.region) != (collection.account, collection.region):
            continue
        for each in asset.config.get("policy") or ():
            principals = [one for one in each.get("Principal") or () if str(one).startswith("arn:")]
            if principals and any(_is_about(rule, collection.name) for rule in each.get("Rules") or ()):
                statement = {"Sid": asset.name, "Effect": "Allow", "Principal": {"AWS": principals}}
                statements.append(statement | {"Action": "aoss:APIAccessAll", "Resource": "*"})
    if not statements:
        return Policy(name, Kind.ENDPOINT, ())
    return parse({"Version": "2012-10-17", "Statement": statements}, Kind.ENDPOINT, name)


def _is_about(rule: dict[str, Any], collection: str) -> bool:
    """Is a rule about a collection, or an index in it (`collection/logs*`, `index/logs/*`)?"""
    for pattern in rule.get("Resource") or ():
        kind, _, rest = str(pattern).partition("/")
        if kind in ("collection", "index") and matcher(text_glob(rest.partition("/")[0]))(collection):
            return True
    return False

"""What an attack sequence of GuardDuty names (Extended Threat Detection), as its other findings name theirs.

Such a finding says nothing in `resource`: up to 400 resources, of any kind, account and region, stand in its
`sequence`, and the credentials of those who acted with its actors. Source: "Attack sequence finding types" (GuardDuty
user guide), and Sequence, ResourceV2 and Actor in the API reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sakimori.collect import told
from sakimori.collect.told import arn, obj, objects, text, texts
from sakimori.model.attack import TACTICS
from sakimori.model.event import Resource
from sakimori.model.partition import partition_of

INSTANCE, KEY = "AWS::EC2::Instance", "AWS::IAM::AccessKey"

TYPES = {
    "EC2_INSTANCE": INSTANCE,
    "EC2_NETWORK_INTERFACE": "AWS::EC2::NetworkInterface",
    "EC2_VPC": "AWS::EC2::VPC",
    "EC2_IMAGE": "AWS::EC2::Image",
    "EC2_LAUNCH_TEMPLATE": "AWS::EC2::LaunchTemplate",
    "AUTOSCALING_AUTO_SCALING_GROUP": "AWS::AutoScaling::AutoScalingGroup",
    "IAM_INSTANCE_PROFILE": "AWS::IAM::InstanceProfile",
    "CLOUDFORMATION_STACK": "AWS::CloudFormation::Stack",
    "S3_BUCKET": "AWS::S3::Bucket",
    "S3_OBJECT": "AWS::S3::Object",
    "ACCESS_KEY": KEY,
    "EKS_CLUSTER": "AWS::EKS::Cluster",
    "ECS_CLUSTER": "AWS::ECS::Cluster",
    "ECS_TASK": "AWS::ECS::Task",
    "CONTAINER": "Container",
}
"""How a sequence spells types of resources -> ours; others stay as they are."""

GROUPS = (
    "autoscalingAutoScalingGroup",
    "iamInstanceProfile",
    "ec2LaunchTemplate",
    "ec2Vpc",
    "ec2Image",
    "cloudformationStack",
)
"""What compromised instances have in common: there `ec2InstanceUids` are the compromised ones. A cluster's are merely
its nodes."""

ABOUT = {"EC2": INSTANCE, "ECS": "AWS::ECS::Cluster", "EKS": "AWS::EKS::Cluster", "IAM": KEY, "S3": "AWS::S3::Bucket"}
"""The family in `AttackSequence:S3/CompromisedData` -> what the finding is about: it is named first."""


def sequence_of(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The sequence of a finding in EventBridge's spelling; {} where it is none."""
    return obj(found, "service", "detection", "sequence")


def resources_of(sequence: Mapping[str, Any], kind: str, account: str, region: str) -> list[Resource]:
    """Every resource and credential that a sequence names, each once; what the finding is about first."""
    found: dict[tuple[str, str], Resource] = {}
    for each in (*_resources(sequence, account, region), *_credentials(sequence, account, region)):
        known = found.get((each.type, each.uid))
        if known is None or not (known.details or known.tags):
            found[each.type, each.uid] = each
    about = ABOUT.get(kind.partition(":")[2].partition("/")[0], "")
    return sorted(found.values(), key=lambda each: each.type != about)


def _resources(sequence: Mapping[str, Any], own_account: str, own_region: str) -> Iterator[Resource]:
    for each in objects(sequence, "resources"):
        account, region = text(each, "accountId") or own_account, text(each, "region") or own_region
        partition, spelt, uid = text(each, "cloudPartition"), text(each, "resourceType"), text(each, "uid")
        kind, data, tags = TYPES.get(spelt, spelt), obj(each, "data"), told.tags(each, "tags")
        instances = [uid] if kind == INSTANCE else []
        for group in GROUPS:
            instances += texts(data, group, "ec2InstanceUids")
        for instance in filter(None, instances):
            whole = _whole("ec2", "instance/", instance, account, region, partition)
            yield Resource(INSTANCE, whole, account, region, {}, tags if instance == uid else {})
        if kind == INSTANCE or not uid:
            continue
        if kind == KEY:
            yield _key(uid.rpartition("/")[2], account, region, obj(data, "accessKey"))
        elif kind == "AWS::S3::Bucket":
            arn_of_bucket = uid if uid.startswith("arn:") else f"arn:{partition or partition_of(region)}:s3:::{uid}"
            yield Resource(kind, arn_of_bucket, account, region, {}, tags)
        elif kind == "AWS::EKS::Cluster":
            cluster = text(data, "eksCluster", "arn") or uid
            whole = _whole("eks", "cluster/", cluster, account, region, partition)
            yield Resource(kind, whole, account, region, {}, tags)
        else:
            image = text(data, "container", "image")
            yield Resource(kind, uid, account, region, {"image": image} if image else {}, tags)


def _credentials(sequence: Mapping[str, Any], own_account: str, own_region: str) -> Iterator[Resource]:
    """The credentials that the actors used: a role's session is ended at the role that issued it."""
    for actor in objects(sequence, "actors"):
        user, issuer = obj(actor, "user"), text(actor, "session", "issuer")
        account = text(user, "account", "uid") or own_account
        if ":role/" in issuer:
            yield Resource("AWS::IAM::Role", issuer, account, own_region)
        elif text(user, "credentialUid"):
            details = {"userName": text(user, "name"), "userType": text(user, "type"), "principalId": text(user, "uid")}
            yield _key(text(user, "credentialUid"), account, own_region, details)


def _key(uid: str, account: str, region: str, spelt: Mapping[str, Any]) -> Resource:
    details = {
        "access_key_id": uid,
        "user_name": text(spelt, "userName"),
        "user_type": text(spelt, "userType"),
        "principal_id": text(spelt, "principalId"),
    }
    return Resource(KEY, uid, account, region, {name: value for name, value in details.items() if value})


def _whole(service: str, prefix: str, uid: str, account: str, region: str, partition: str) -> str:
    """The ARN of what may be named by its id alone."""
    return uid if uid.startswith("arn:") else arn(service, region, account, prefix + uid, partition)


def address_of(sequence: Mapping[str, Any]) -> str:
    """The first address at the other end."""
    return next(filter(None, (text(each, "ip") for each in objects(sequence, "endpoints"))), "")


def tactics_of(sequence: Mapping[str, Any]) -> tuple[str, ...]:
    """The tactics of ATT&CK that its indicators name: `Defense Evasion` is `defense-evasion`."""
    named = (
        value.lower().replace(" ", "-")
        for each in objects(sequence, "sequenceIndicators")
        if text(each, "key") == "ATTACK_TACTIC"
        for value in texts(each, "values")
    )
    return tuple(dict.fromkeys(value for value in named if value in TACTICS))

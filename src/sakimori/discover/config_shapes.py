"""AWS Config's spelling of a describe answer, put back into AWS's own, by botocore's model of that answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import unquote

import botocore.session

from sakimori.discover.config_names import PARSED, named, renamed
from sakimori.discover.declare import Call, Detail, Item, Listing, Resource, Service
from sakimori.discover.source import without
from sakimori.discover.transform import TAG_KEYS, to_tags

ALIASES = {"ipv4Ranges": "IpRanges"}
"""Members that Config calls otherwise; its `ipRanges` are mere texts."""


def config_of(item: Mapping[str, Any], service: Service, listing: Listing, resource: Resource) -> Item:
    """What the describe calls would have answered, as far as the configuration item has it."""
    supplementary = {name: _object(value) for name, value in _object(item.get("supplementaryConfiguration")).items()}
    configuration = renamed(resource.type, item, _object(item.get("configuration")), supplementary)
    config: Item = {resource.scalar: item.get("resourceName") or item.get("resourceId")} if resource.scalar else {}
    for call, path in _described(listing, resource):
        shape = _shape(call.client or service.client, call.operation, path)
        if shape is not None and shape.type_name == "structure":
            config |= _told(_within(configuration, path), shape, call, path)
    config |= {key: told for key in resource.inherit if key not in config and (told := named(key, configuration))}
    for detail in resource.details:
        if detail.under and not detail.parse:
            shape = _shape(service.client, detail.operation, detail.path)
            given = named(detail.under, {**configuration, **supplementary})
            if given is not None and shape is not None:
                config[detail.under] = _told(given, shape, detail, detail.path)
    special = _SPECIAL.get(resource.type)
    config |= special(item, configuration, supplementary) if special else {}
    for detail in resource.details:
        if detail.under == resource.tags and detail.under not in config and "tags" in item:
            config[detail.under] = _tags(
                to_tags(item["tags"]), _shape(service.client, detail.operation, detail.path), detail
            )
    return config


def _tags(tags: Mapping[str, str], shape: Any, detail: Detail) -> Any:
    """The item's own tags as the call for them would have told them."""
    if not tags and detail.absent:
        return None
    if shape is None or shape.type_name == "map":
        return dict(tags)
    members = getattr(shape, "members", {})
    key, value = next((pair for pair in TAG_KEYS if pair[0] in members), TAG_KEYS[0])
    return [{key: name, value: text} for name, text in tags.items()]


def _described(listing: Listing, resource: Resource) -> Iterator[tuple[Call, str]]:
    """The calls that describe the kind itself, each with the path in its answer that Config has the content of."""
    yield listing, resource.items
    for detail in resource.details:
        if not detail.under and not detail.parse:
            yield detail, detail.path
        elif not detail.under:
            yield from ((detail, path) for path in PARSED.get(resource.type, ()))


def _within(configuration: Any, path: str) -> Any:
    """Some configurations are the whole answer: what the path leads to is a member of theirs."""
    head = path.partition(".")[0]
    inner = named(head, configuration) if head.isalpha() and isinstance(configuration, Mapping) else None
    return inner if isinstance(inner, Mapping) else configuration


def _told(value: Any, shape: Any, call: Call, path: str) -> Any:
    """What `path` leads to in the call's answer: respelt, and without what is kept secret."""
    if path.endswith("[]") and isinstance(value, list):
        return [_told(each, shape, call, path) for each in value]
    respelt = _respelt(value, shape)
    inside = f"{path}." if path else ""
    secrets = [secret.removeprefix(inside) for secret in call.secrets if secret.startswith(inside)]
    return without(respelt, secrets) if isinstance(respelt, dict) else respelt


def _object(value: Any) -> Any:
    """Config writes objects as objects in snapshots, as JSON text elsewhere, and an ACL as text in text."""
    while isinstance(value, str) and value[:1] in ("{", "[", '"'):
        try:
            value = json.loads(value)
        except ValueError:
            break
    return {} if value is None else value


@cache
def _session() -> Any:
    return botocore.session.get_session()


@cache
def _shape(client: str, operation: str, path: str) -> Any:
    """The shape of a member of the answer, None where the model has none."""
    shape = _session().get_service_model(client).operation_model(operation).output_shape
    for step in path.split(".") if path else ():
        name, each = step.removesuffix("[]"), step.endswith("[]")
        if name:
            if shape.type_name != "structure" or name not in shape.members:
                return None
            shape = shape.members[name]
        shape = shape.member if each else shape
    return shape


def _respelt(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return dict(_members(value, shape))
    if shape.type_name == "structure" and isinstance(value, str) and "Code" in shape.members:
        return {"Code": value}  # the state of a peering connection
    if shape.type_name == "list" and isinstance(value, list):
        return [_respelt(each, shape.member) for each in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: _respelt(each, shape.value) for key, each in value.items()}
    if isinstance(value, Mapping) and set(value) == {"value"}:
        return value["value"]  # Config wraps some texts so: {"state": {"value": "available"}}
    if shape.type_name == "timestamp":
        return _time(value)
    if shape.type_name == "boolean" and value in ("true", "false"):
        return value == "true"
    if shape.type_name in ("integer", "long") and isinstance(value, str) and value.isdecimal():
        return int(value)
    if shape.type_name == "string" and isinstance(value, str) and value.startswith("%7B"):
        return _object(unquote(value))  # IAM's policies
    return value


_COMPOUND: dict[str, type] = {"structure": Mapping, "map": Mapping, "list": list}
"""What a member must be to be one: Config has mere texts for some, which say less."""


def _members(value: Mapping[str, Any], shape: Any) -> Iterator[tuple[str, Any]]:
    """Config lowers the first letters of names; what the model does not know is Config's own, and left out."""
    by_name = {name.lower(): name for name in shape.members}
    named = {ALIASES.get(key, by_name.get(key.lower(), "")): key for key in sorted(value, key=ALIASES.__contains__)}
    given = {name: value[key] for name, key in named.items() if value[key] is not None}
    for name, each in given.items():
        if name in shape.members:
            member = shape.members[name]
            told = _respelt(each, member)
            if isinstance(told, _COMPOUND.get(member.type_name, object)):
                yield name, told


def _time(value: Any) -> Any:
    """ISO 8601 as our answers have it; Config gives that with a Z, or milliseconds or seconds since 1970."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).isoformat()
        except ValueError:
            return value
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC).isoformat()
    return value


# ---- S3, whose settings Config keeps in the shapes of the Java SDK


def _bucket(item: Mapping[str, Any], configuration: Any, supplementary: Mapping[str, Any]) -> Item:
    """A bucket: "Off" is what GetBucketVersioning leaves out, and a policy is text in an object of its own."""
    made: Item = {"BucketRegion": item.get("awsRegion")}
    if "BucketPolicy" in supplementary:
        made["Policy"] = _object((supplementary["BucketPolicy"] or {}).get("policyText") or None) or None
    if "BucketVersioningConfiguration" in supplementary:
        status = supplementary["BucketVersioningConfiguration"].get("status")
        made["Versioning"] = {"Status": status} if status in ("Enabled", "Suspended") else {}
    if "BucketLoggingConfiguration" in supplementary:
        logging = supplementary["BucketLoggingConfiguration"]
        target = logging.get("destinationBucketName")
        made["LoggingEnabled"] = (
            {"TargetBucket": target, "TargetPrefix": logging.get("logFilePrefix") or ""} if target else None
        )
    if "AccessControlList" in supplementary:
        made["Acl"] = _acl(supplementary["AccessControlList"])
    if "BucketTaggingConfiguration" in supplementary:
        sets = supplementary["BucketTaggingConfiguration"].get("tagSets") or []
        tags = {key: value for each in sets for key, value in (each.get("tags") or {}).items()}
        made["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()] or None
    return made


_PERMISSIONS = {"FullControl": "FULL_CONTROL", "ReadAcp": "READ_ACP", "WriteAcp": "WRITE_ACP"}
_GROUPS = {
    "AllUsers": "http://acs.amazonaws.com/groups/global/AllUsers",
    "AuthenticatedUsers": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    "LogDelivery": "http://acs.amazonaws.com/groups/s3/LogDelivery",
}


def _acl(acl: Mapping[str, Any]) -> Item:
    owner = acl.get("owner") or {}
    return {
        "Owner": {key: owner[name] for key, name in (("DisplayName", "displayName"), ("ID", "id")) if owner.get(name)},
        "Grants": [
            {
                "Grantee": _grantee(grant.get("grantee")),
                "Permission": _PERMISSIONS.get(grant["permission"], str(grant["permission"]).upper()),
            }
            for grant in acl.get("grantList") or ()
        ],
    }


def _grantee(grantee: Any) -> Item:
    if isinstance(grantee, str):
        return {"Type": "Group", "URI": _GROUPS.get(grantee, grantee)}
    told = {"DisplayName": grantee.get("displayName"), "ID": grantee.get("id"), "Type": "CanonicalUser"}
    return {key: value for key, value in told.items() if value}


# ---- Messages, of which Config has the attributes as they are


def _topic(item: Mapping[str, Any], configuration: Any, supplementary: Mapping[str, Any]) -> Item:
    """A topic or a queue. Where no policy is told, nobody knows whether there is none: then no attribute is taken."""
    if named("Policy", configuration) is None:
        return {}
    return {"Attributes": {name: _attribute(value) for name, value in configuration.items() if value is not None}}


def _attribute(value: Any) -> Any:
    """Attributes are texts."""
    return value if isinstance(value, (str, Mapping, list)) else json.dumps(value)


def _detector(item: Mapping[str, Any], configuration: Any, supplementary: Mapping[str, Any]) -> Item:
    return {"Status": "ENABLED" if configuration["Enable"] else "DISABLED"} if "Enable" in configuration else {}


def _cluster(item: Mapping[str, Any], configuration: Any, supplementary: Mapping[str, Any]) -> Item:
    """CloudFormation names the enabled logs of an EKS cluster alone."""
    enabled = ((configuration.get("Logging") or {}).get("ClusterLogging") or {}).get("EnabledTypes")
    if enabled is None:
        return {}
    return {"logging": {"clusterLogging": [{"types": [each["Type"] for each in enabled], "enabled": True}]}}


def _attachment(item: Mapping[str, Any], configuration: Any, supplementary: Mapping[str, Any]) -> Item:
    return {"ResourceType": "vpc"}  # CloudFormation's type of that name knows no others


_SPECIAL: dict[str, Callable[[Mapping[str, Any], Any, Mapping[str, Any]], Item]] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _topic,
    "AWS::GuardDuty::Detector": _detector,
    "AWS::EKS::Cluster": _cluster,
    "AWS::EC2::TransitGatewayAttachment": _attachment,
}
